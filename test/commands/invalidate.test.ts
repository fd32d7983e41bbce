import { describe, expect, test } from 'vitest';
import type { ConfigFile } from '../../src/config/schema.ts';
import { cli, type CliOptions, type CliResult, jsonOf } from '../run-cli.ts';
import { send, testUrl } from '../server/redis.ts';
import { countsOf, store, storedKeys, withMap } from './invalidate-setup.ts';
import { ownDatabase } from '../server/own.ts';

const config: ConfigFile = {
  namespaces: {
    profile: { pattern: 'user:<id>:profile', ttl: '1h' },
    daily: { pattern: 'stats:<id>:daily:<date>' },
    session: { pattern: 'user:<id>:session', kind: 'state' },
    api: { pattern: 'api:<hash>', ttl: '10m', hashed: true },
  },
  entities: {
    user: { patterns: ['user:<id>:*', 'stats:<id>:daily:<date>'], hashedIn: ['api'] },
    company: { patterns: [], hashedIn: ['api'] },
  },
};
const everybody = ['1', '12', '123'].flatMap((id) => [
  `user:${id}:profile`,
  `user:${id}:session`,
  `stats:${id}:daily:2025-01-31`,
]);

const server = await ownDatabase();

const run = (args: readonly string[], options: CliOptions = {}): Promise<CliResult> =>
  cli(['invalidate', ...args], { url: testUrl(), ...options });
const json = (args: readonly string[], options: CliOptions = {}) =>
  run([...args, '--output', 'json'], options);
/** The text with the lines of a long note as one. */
const unwrapped = (text: string) => text.replace(/\n {2,}(?=[^ ])/g, ' ');
/** The text without what differs from run to run. */
const steady = (text: string) =>
  text
    .replace(/127\.0\.0\.1:\d+\/\d+/g, 'SERVER')
    // INFO is longer on newer servers.
    .replace(/[\d.]+ [kM]?B sent/, '# B sent')
    .replace(/[\d.]+ (ms|s|MB|kB|B)\b/g, '# $1');

describe('invalidate', () => {
  test('removes what belongs to one id of an entity, and keeps its state', async () => {
    await store(server, everybody);

    const result = await json(['user', '12', '--yes'], { env: withMap(config) });

    expect(result.exitCode).toBe(0);
    expect(countsOf(result)).toEqual({
      matched: 2,
      ...{ removed: 2, shortened: 0, generationsRaised: 0 },
      ...{ gone: 0, rewritten: 0, failed: 0, notAttempted: 0 },
      excluded: 1,
    });
    expect(jsonOf(result)).toMatchObject({
      ok: true,
      outcome: 'removed',
      dryRun: false,
      keyspaceKeys: 9,
      patterns: ['user:12:*', 'stats:12:daily:<date>'],
      excludedNamespaces: [{ namespace: 'session', keys: 1, reason: 'state' }],
      unreachable: [{ namespace: 'api', reason: expect.stringContaining('at most 10m') as string }],
      problems: [],
    });
    expect(await storedKeys(server)).toEqual(
      everybody.filter((key) => !['user:12:profile', 'stats:12:daily:2025-01-31'].includes(key)).sort(),
    );
  });

  test('takes many ids in one pass', async () => {
    await store(server, everybody);
    const ids = Array.from({ length: 3000 }, (_, index) => String(index + 100));

    const result = await json(['user', ...ids, '--yes'], { env: withMap(config) });

    expect(countsOf(result)).toMatchObject({ removed: 2, excluded: 1 });
    // One page of SCAN, and the sizes of two keys.
    expect(jsonOf(result)).toMatchObject({ serverCost: { commands: 3 } });
    expect(await storedKeys(server)).toContain('user:12:profile');
  });

  test('shows the plan and the outcome as a table', async () => {
    await store(server, everybody);

    let millis = 0;
    const entities = { user: { patterns: ['user:<id>:*', 'stats:<id>:daily:<date>'] } };
    const { stdout, stderr } = await run(['user', '12', '--yes'], {
      env: { ...withMap({ ...config, entities }), NO_COLOR: '1' },
      terminal: true,
      // A clock that always moves on, so that nothing takes no time at all.
      now: () => (millis += 5),
    });

    expect(steady(stdout)).toMatchInlineSnapshot(`
      "Plan for redis://SERVER
        patterns       \`user:12:*\`, \`stats:12:daily:<date>\`
        keys           2  22.2 % of 9 keys; 1 other stays
        memory         # B
        risk           low  each key is a miss at its next read
        recently used  2 of 2 keys in the last minute, 2 in the last hour

        NAMESPACE  KEYS  MEMORY  PLAN
        daily         1    # B  remove
        profile       1    # B  remove
        session       1       -  keep: state

        THE KEYS
        stats:12:daily:2025-01-31
        user:12:profile

      ▲ this cannot be undone: there is no folder for a journal (neither XDG_STATE_HOME nor HOME is set);
        --journal FILE names one
      \`session\` stays: state is never removed in bulk; if the keys can be computed again, take "kind":
      "state" out of \`namespaces.session\` in the map (\`cachectl config show\` names its file)
      ✓ removed 2 keys, # B, in # ms
      cost to the server: 3 commands, # B sent, in # ms; this run added 4 to keyspace_hits
      "
    `);
    expect(stderr).toBe('');
  });

  test('gives the same rows to a pipe, whatever happened', async () => {
    await store(server, everybody);

    const removed = await run(['user', '12', '--yes'], { env: withMap(config) });
    const nothing = await run(['user', '12', '--yes'], { env: withMap(config) });

    expect(removed.stdout).toMatch(/^invalidation\toutcome\tremoved$/m);
    expect(removed.stdout).toMatch(/^namespaces\tprofile\t1\t\d+\tremove$/m);
    expect(removed.stdout).toMatch(/^namespaces\tsession\t1\t\tkeep: state$/m);
    const names = ({ stdout }: CliResult) =>
      [...stdout.matchAll(/^invalidation\t(\w+)/gm)].map(([, name]) => name);
    expect(names(nothing)).toEqual(names(removed));
    expect((await run(['user', '1', '--yes', '--output', 'csv'], { env: withMap(config) })).stdout).toMatch(
      /^namespace,keys,memoryBytes,plan\r\n/,
    );
  });

  test('gives a line of JSON for each namespace, and a summary', async () => {
    await store(server, everybody);

    const { stdout } = await run(['user', '12', '--yes', '-o', 'ndjson'], { env: withMap(config) });

    const lines = stdout
      .trimEnd()
      .split('\n')
      .map((line) => JSON.parse(line) as Record<string, unknown>);
    expect(lines.map(({ record }) => record)).toEqual(['namespaces', 'namespaces', 'summary']);
    expect(lines[2]).toMatchObject({ removed: 2, outcome: 'removed', ok: true });
  });

  test('of a pattern removes what fits it', async () => {
    await store(server, everybody);

    const result = await json(['--pattern', 'stats:<id>:daily:*', '--yes']);

    expect(countsOf(result)).toMatchObject({ matched: 3, removed: 3 });
    expect(await storedKeys(server)).toEqual(everybody.filter((key) => key.startsWith('user')).sort());
  });

  test('of a namespace removes its keys and no others', async () => {
    await store(server, everybody);

    expect(countsOf(await json(['--namespace', 'profile', '--yes'], { env: withMap(config) })).removed).toBe(
      3,
    );
    expect(await storedKeys(server)).toEqual(everybody.filter((key) => !key.endsWith('profile')).sort());
    expect(countsOf(await json(['--namespace', 'stats:<id>:daily:<date>', '--yes'])).removed).toBe(3);
  });

  test('is narrowed by --only and --exclude', async () => {
    await store(server, [...everybody, 'user:1:settings']);
    const env = withMap(config);
    const matched = async (...args: string[]) =>
      countsOf(await json(['user', '1', '--dry-run', ...args], { env }));

    expect(await matched()).toMatchObject({ matched: 3, excluded: 1 });
    expect(await matched('--only', 'profile')).toMatchObject({ matched: 1, excluded: 3 });
    expect(await matched('--only', 'profile,daily')).toMatchObject({ matched: 2, excluded: 2 });
    expect(await matched('--exclude', 'profile', '--exclude', '(unmapped)')).toMatchObject({
      matched: 1,
      excluded: 3,
    });
  });

  test('without a map takes any word, and says that no state is known', async () => {
    await store(server, ['order:7', 'shop:order:7:lines', 'order:77', 'reorder:7']);

    const { stdout, exitCode } = await run(['order', '7', '--yes'], { terminal: true });

    expect(exitCode).toBe(0);
    expect(stdout).toContain(
      'no map says which keys are state (sessions, quotas, queues): none is held back',
    );
    expect(await storedKeys(server)).toEqual(['order:77', 'reorder:7']);
  });

  test('that would only be a part of the state removes nothing, and says why', async () => {
    await store(server, ['user:1:session']);

    const { stdout, exitCode } = await run(['user', '1', '--yes'], { env: withMap(config), terminal: true });

    expect(exitCode).toBe(0);
    expect(stdout).toContain('nothing to remove: 1 key fits, and every one of them stays');
    expect(await storedKeys(server)).toEqual(['user:1:session']);
  });
});

describe('invalidate, before anything is removed', () => {
  test('stops at a dry run', async () => {
    await store(server, everybody);

    const result = await json(['user', '12', '--dry-run'], { env: withMap(config) });

    expect(result.exitCode).toBe(0);
    expect(countsOf(result)).toMatchObject({ matched: 2, removed: 0, notAttempted: 2 });
    expect(jsonOf(result)).toMatchObject({ outcome: 'planned', dryRun: true, durationSeconds: null });
    expect(await storedKeys(server)).toHaveLength(9);
  });

  test('refuses without a terminal and without --yes, and gives the plan', async () => {
    await store(server, everybody);

    const asJson = await json(['user', '12'], { env: withMap(config) });
    const asTable = await run(['user', '12'], { env: withMap(config), terminal: true });

    expect(asJson.exitCode).toBe(5);
    expect(countsOf(asJson)).toMatchObject({ matched: 2, removed: 0, notAttempted: 2 });
    expect(jsonOf(asJson)).toMatchObject({ ok: false, outcome: 'declined', error: { kind: 'declined' } });
    expect(asTable.stdout).toContain('user:12:profile');
    expect(asTable.stderr).toMatch(/nothing was removed\nhint: add --yes to remove 2 keys .*--dry-run/);
    expect(await storedKeys(server)).toHaveLength(9);
  });

  test('refuses where more keys match than --limit allows', async () => {
    await store(server, everybody);
    const args = ['--pattern', 'user:*', '--yes', '--limit'];

    const refused = await json([...args, '5']);
    expect(refused.exitCode).toBe(1);
    expect(countsOf(refused)).toMatchObject({ matched: 6, removed: 0 });
    expect(jsonOf(refused)).toMatchObject({ outcome: 'overLimit', limit: 5 });
    expect((await run([...args, '5'], { terminal: true })).stdout).toContain(
      '6 keys match, more than --limit 5 allows: nothing was removed',
    );
    expect(await storedKeys(server)).toHaveLength(9);

    expect((await json([...args, '6'])).exitCode).toBe(0);
    expect(await storedKeys(server)).toHaveLength(3);
  });

  test('asks a protected profile for its name', async () => {
    await store(server, everybody);
    const env = withMap({
      ...config,
      profiles: { prod: { url: testUrl(), protected: true }, test: { url: testUrl() } },
    });
    const args = ['--profile', 'prod', 'invalidate', 'user', '12', '--output', 'json'];

    const unnamed = await cli([...args, '--yes'], { env });
    expect(unnamed.exitCode).toBe(5);
    expect(unnamed.stderr).toContain('hint: add --confirm prod to remove 2 keys');
    const misnamed = await cli([...args, '--yes', '--confirm', 'staging'], { env });
    expect(misnamed.exitCode).toBe(5);
    expect(countsOf(misnamed)).toMatchObject({ matched: 2, removed: 0 });
    expect(await storedKeys(server)).toHaveLength(9);

    const named = await cli([...args, '--confirm', 'prod'], { env });
    expect(named.exitCode).toBe(0);
    expect(countsOf(named)).toMatchObject({ removed: 2 });
    const unprotected = await cli(['-p', 'test', 'invalidate', 'user', '1', '--confirm', 'test'], { env });
    expect(unprotected.exitCode).toBe(5);
    expect(unprotected.stderr).toContain('add --yes');
  });

  test('is refused by a read-only profile, but for a dry run', async () => {
    await store(server, everybody);
    const env = withMap({ ...config, profiles: { prod: { url: testUrl(), readOnly: true } } });
    const args = ['--profile', 'prod', 'invalidate', 'user', '12'];

    const refused = await cli([...args, '--yes'], { env });
    expect(refused.exitCode).toBe(2);
    expect(refused.stderr).toContain('read-only');
    expect((await cli([...args, '--dry-run'], { env })).exitCode).toBe(0);
    expect(await storedKeys(server)).toHaveLength(9);
  });

  test.each([
    [[], 'nothing was named to invalidate'],
    [['user'], 'needs at least one id'],
    [['user', ''], 'an id of `user` is empty'],
    [['usr', '1'], 'no entity `usr`\nhint: did you mean `user`? entities are: user, company'],
    [['user', '1', '--pattern', 'x'], '`user` and --pattern are different ways'],
    [['README.md', '--pattern', 'bin'], 'put the pattern in quotes'],
    [['--namespace', 'daily', '--pattern', 'x'], '--pattern and --namespace are different ways'],
    [['--namespace', 'nosuch'], 'namespaces are: profile, daily, api'],
    [['--namespace', 'session'], 'is state, which no bulk removal touches'],
    [['user', '1', '--only', 'session'], 'is state'],
    [['user', '1', '--exclude', 'nosuch'], 'no namespace `nosuch`'],
    [['--pattern', '*'], 'add --all'],
    [['--pattern', '<x>:<y>'], 'add --all'],
    [['--pattern', 'user:?'], 'is no wildcard here'],
    [['--pattern', ''], 'must not be empty'],
    [['user', '1', '--all'], '--all names no keys'],
    [['--all'], '--all names no keys'],
    [['user', '1', '--limit', 'many'], 'is not a whole number'],
    [['user', '1', '--limit', '-1'], 'is not a whole number'],
  ])('refuses the usage %j', async (args, message) => {
    await store(server, everybody);

    const { exitCode, stderr } = await run([...args, '--yes'], { env: withMap(config) });

    expect(stderr).toContain(message);
    expect(exitCode).toBe(2);
    expect(await storedKeys(server)).toHaveLength(9);
  });

  test('takes everything only with --all, and state not even then', async () => {
    await store(server, [...everybody, 'unknown']);

    const result = await run(['--pattern', '*', '--all', '--yes'], { env: withMap(config), terminal: true });

    expect(result.exitCode).toBe(0);
    expect(result.stdout).toContain('1 key belongs to no namespace of the map');
    expect(await storedKeys(server)).toEqual(
      ['user:123:session', 'user:12:session', 'user:1:session'].sort(),
    );
  });

  test('needs no server to refuse a wrong line', async () => {
    const { exitCode, stdout } = await json(['user', ''], { url: 'redis://127.0.0.1:1' });

    expect(exitCode).toBe(2);
    expect(JSON.parse(stdout)).toMatchObject({ ok: false, matched: null, namespaces: [], sample: [] });
  });
});

describe('invalidate, where nothing is found', () => {
  test('says what it looked for, and succeeds', async () => {
    await store(server, everybody);
    const env = withMap(config);

    const result = await run(['user', '9', '--yes'], { env, terminal: true });

    expect(result.exitCode).toBe(0);
    expect(result.stdout).toContain(
      'nothing matched: of 9 keys none fits `user:9:*`, `stats:9:daily:<date>`',
    );
    expect(jsonOf(await json(['user', '9', '--yes'], { env }))).toMatchObject({
      ok: true,
      outcome: 'nothingMatched',
    });
  });

  test('asks back, without a map, where keys with the id have a word like the one given', async () => {
    await store(server, everybody);
    const { exitCode, stderr } = await run(['usr', '12', '--yes']);
    expect({ exitCode, stderr }).toMatchObject({
      exitCode: 0,
      stderr: expect.stringContaining('no key has `usr:<id>` with this id: did you mean `user`?') as string,
    });
    expect((await run(['nothing', '12', '--yes'])).stderr).not.toContain('did you mean');
  });

  test('because no id can find it, fails and names the way out', async () => {
    await store(server, ['api:0123456789abcdef']);
    const env = withMap(config);

    const result = await run(['company', 'acme', '--yes'], { env, terminal: true });

    expect(result.exitCode).toBe(1);
    expect(unwrapped(result.stdout)).toContain(
      '`api` holds data of `company` under hashed keys, which no id can find: it stays until the TTL ends (at most 10m)',
    );
    expect(unwrapped(result.stdout)).toContain('`cachectl invalidate --namespace api` removes all of them');
    expect(await send(server, 'DBSIZE')).toBe(1);
    expect((await json(['company', 'acme', '--dry-run'], { env })).exitCode).toBe(1);
  });

  test('because no digest holds such text, fails and says so', async () => {
    await store(server, ['api:0123456789abcdef', 'x:boardroom']);
    const env = withMap(config);

    const result = await json(['--pattern', 'api:*boardroom*', '--yes'], { env });

    expect(result.exitCode).toBe(1);
    expect(jsonOf(result)).toMatchObject({
      outcome: 'unreachable',
      unreachable: [{ namespace: 'api', reason: expect.stringContaining('no digest can hold') as string }],
    });
    expect((await json(['--pattern', 'api:01*', '--yes'], { env })).exitCode).toBe(0);
    expect((await json(['--pattern', '*boardroom', '--yes'], { env })).exitCode).toBe(0);
  });
});
