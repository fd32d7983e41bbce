import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { cli, type CliOptions, jsonOf } from '../run-cli.ts';
import { makeIdle, send, sendAll, testUrl } from '../server/redis.ts';
import {
  differences,
  everyType,
  journalOf,
  readJournal,
  removedIn,
  snapshot,
} from './invalidate-journals.ts';
import { countsOf, store, storedKeys, withMap } from './invalidate-setup.ts';
import { linesOf, urlAs } from './reading.ts';
import { ownDatabase, startServer, temporaryFolder } from '../server/own.ts';

const server = await ownDatabase();

const users = (count: number) => Array.from({ length: count }, (_, index) => `user:${index}`);
const apply = (args: readonly string[], options: CliOptions = {}) =>
  cli(['apply', ...args, '--output', 'json'], {
    url: testUrl(),
    ...options,
    env: { XDG_STATE_HOME: temporaryFolder(), ...options.env },
  });

/** Plans the removal of all users, and gives the file. */
async function planUsers(args: readonly string[] = []): Promise<string> {
  const file = join(temporaryFolder(), 'plan.json');
  const result = await cli(['invalidate', '--pattern', 'user:*', '--plan-out', file, '-o', 'json', ...args], {
    url: testUrl(),
  });
  expect(result.exitCode, result.stderr).toBe(0);
  expect(jsonOf(result)).toMatchObject({ outcome: 'planned', planFile: file, removed: 0 });
  return file;
}

describe('apply', () => {
  test('removes exactly the keys of the plan, also where others fit by now', async () => {
    const hostile = ['user:\xff\x00', 'user:\r\n', 'user:"quoted"\\', 'user:\xe2\x80\xa8', 'user:', 'user:é'];
    await store(server, [...users(50), ...hostile]);
    const plan = await planUsers();
    expect(await storedKeys(server)).toHaveLength(56);
    await store(server, ['user:new', 'order:1']);

    const result = await apply([plan, '--yes']);

    expect(result.exitCode).toBe(0);
    expect(countsOf(result)).toMatchObject({ matched: 56, removed: 56 });
    expect(jsonOf(result)).toMatchObject({
      plan: { keys: 56, missing: 0, action: "invalidate --pattern 'user:*'" },
    });
    expect(await storedKeys(server)).toEqual(['order:1', 'user:new']);
    expect(removedIn(await readJournal(journalOf(result)))).toEqual([...users(50), ...hostile].sort());
  });

  test('with --backup can be undone', async () => {
    await sendAll(server, everyType('user:1'));
    const before = await snapshot(server);
    const result = await apply([await planUsers(), '--backup', '--yes']);

    const undone = await cli(['undo', journalOf(result), '--yes'], { url: testUrl() });

    expect(undone.exitCode).toBe(0);
    expect(differences(before, await snapshot(server))).toEqual([]);
  });

  test('refuses where more keys are gone than it tolerates, and goes on below that', async () => {
    await store(server, users(100));
    const plan = await planUsers();
    await sendAll(
      server,
      users(6).map((key) => ['UNLINK', key]),
    );

    const refused = await apply([plan, '--yes']);
    expect(refused.exitCode).toBe(1);
    expect(jsonOf(refused)).toMatchObject({ outcome: 'drifted', removed: 0, plan: { missing: 6 } });
    expect(refused.stderr).toContain("6 of the plan's 100 keys (6.0 %) are gone");
    expect(await send(server, 'DBSIZE')).toBe(94);

    const done = await apply([plan, '--yes', '--tolerance', '6%']);
    expect(done.exitCode).toBe(0);
    expect(countsOf(done)).toMatchObject({ matched: 94, removed: 94 });
  });

  test('refuses where the map has learned since that some of it is state', async () => {
    await store(server, users(10));
    const plan = await planUsers();
    const env = withMap({ namespaces: { session: { pattern: 'user:7', kind: 'state' } } });

    const result = await apply([plan, '--yes'], { env });

    expect(result.exitCode).toBe(1);
    expect(jsonOf(result)).toMatchObject({ outcome: 'drifted', removed: 0, excluded: 1 });
    expect(result.stderr).toContain('1 key of the plan is state');
    expect(await send(server, 'DBSIZE')).toBe(10);
  });

  test('refuses another server and another database', async () => {
    const { redis } = await startServer();
    await store(server, users(3));
    const plan = await planUsers();

    for (const url of [redis.url, new URL('/15', redis.url).href]) {
      const result = await apply([plan, '--yes'], { url });
      expect(result.exitCode).toBe(2);
      expect(result.stderr).toContain('was made for');
    }
  });

  test('looks whether the plan holds in a dry run, and removes nothing', async () => {
    await store(server, users(10));
    const plan = await planUsers();

    const result = await apply([plan, '--dry-run']);

    expect(result.exitCode).toBe(0);
    expect(jsonOf(result)).toMatchObject({ outcome: 'planned', matched: 10, removed: 0, dryRun: true });
    expect(await send(server, 'DBSIZE')).toBe(10);
  });

  test('wants consent as invalidate does', async () => {
    await store(server, users(3));
    const plan = await planUsers();
    const env = withMap({ profiles: { prod: { url: testUrl(), protected: true } } });

    const unasked = await apply([plan]);
    const unnamed = await apply([plan, '--yes', '--profile', 'prod'], { env });
    const misnamed = await apply([plan, '--confirm', 'production', '--profile', 'prod'], { env });
    expect([unasked, unnamed, misnamed].map(({ exitCode }) => exitCode)).toEqual([5, 5, 5]);
    expect(await send(server, 'DBSIZE')).toBe(3);

    const named = await apply([plan, '--confirm', 'prod', '--profile', 'prod'], { env });
    expect(named.exitCode).toBe(0);
    expect(await send(server, 'DBSIZE')).toBe(0);
  });

  test('shortens TTLs where the plan was made for that', async () => {
    await store(server, users(5));
    const plan = await planUsers(['--mode', 'soft', '--over', '100s']);

    const result = await apply([plan, '--yes']);

    expect(jsonOf(result)).toMatchObject({ mode: 'soft', removed: 0, shortened: 5 });
    for (const key of users(5)) {
      const left = Number(await send(server, 'PTTL', key));
      expect(left).toBeGreaterThan(-2);
      expect(left).toBeLessThanOrEqual(100_000);
      expect(left).not.toBe(-1);
    }
  });
});

describe('a plan file', () => {
  test('is refused where it was edited or cut', async () => {
    await store(server, users(20));
    const plan = await planUsers();
    const whole = readFileSync(plan, 'utf8');
    const lines = whole.split('\n');
    const versions = [
      whole.replace('"user:7"', '"order:7"'),
      whole.replace('invalidate --pattern', 'invalidate  pattern'),
      whole.replace(/"matched":20/, '"matched":19'),
      lines.slice(0, -3).join('\n'),
      whole.slice(0, -5),
      whole + '{"key":"order:1"}\n',
      whole.slice(0, 40),
      '',
      'user:1\n',
      '{}\n',
      'null\n',
    ];
    for (const text of versions) {
      writeFileSync(plan, text);
      const result = await apply([plan, '--yes']);
      expect(result.exitCode, text.slice(0, 60)).toBe(2);
    }
    expect(await send(server, 'DBSIZE')).toBe(20);
    writeFileSync(plan, whole);
    expect((await apply([plan, '--yes'])).exitCode).toBe(0);
  });

  test('is not written where more keys match than --limit allows', async () => {
    await store(server, users(20));
    const file = join(temporaryFolder(), 'plan.json');

    const result = await cli(
      ['invalidate', '--pattern', 'user:*', '--plan-out', file, '--limit', '10', '-o', 'json'],
      { url: testUrl() },
    );

    expect(result.exitCode).toBe(1);
    expect(jsonOf(result)).toMatchObject({ outcome: 'overLimit', planFile: null });
    expect((await apply([file, '--yes'])).stderr).toContain('no such file');
  });

  test('that cannot be written or read is told before anything is changed', async () => {
    await store(server, users(2));
    const result = await cli(['invalidate', 'user', '1', '--plan-out', '/dev/full', '--yes'], {
      url: testUrl(),
    });

    expect(result.exitCode).toBe(2);
    expect(result.stderr).toContain('no space is left');
    expect((await apply([temporaryFolder(), '--yes'])).stderr).toContain('it is a folder');
    expect(await send(server, 'DBSIZE')).toBe(2);
  });
});

describe('a key that was written since the plan', () => {
  const freshly = (key: string): (string | number)[] => ['SET', key, 'fresh'];

  test('stays and is counted, whatever was read since, unless --include-rewritten says otherwise', async () => {
    await store(server, users(50));
    const plan = await planUsers();
    await sendAll(server, [freshly('user:5'), freshly('user:7'), ['GET', 'user:9']]);

    const looked = await apply([plan, '--dry-run']);
    expect(countsOf(looked)).toMatchObject({ matched: 50, removed: 0, rewritten: 2, notAttempted: 48 });
    const result = await apply([plan, '--yes']);

    expect(result.exitCode).toBe(0);
    expect(countsOf(result)).toMatchObject({ matched: 50, removed: 48, rewritten: 2, gone: 0 });
    expect(await storedKeys(server)).toEqual(['user:5', 'user:7']);
    expect(removedIn(await readJournal(journalOf(result)))).not.toContain('user:5');
    const meant = await apply([plan, '--yes', '--include-rewritten', '--tolerance', '100%']);
    expect(countsOf(meant)).toMatchObject({ removed: 2, rewritten: 0 });
    expect(await storedKeys(server)).toEqual([]);
  });

  test('keeps its TTL in soft mode', async () => {
    await store(server, users(3));
    const plan = await planUsers(['--mode', 'soft']);
    await sendAll(server, [freshly('user:1')]);
    expect(countsOf(await apply([plan, '--yes']))).toMatchObject({ shortened: 2, rewritten: 1 });
    expect(await send(server, 'TTL', 'user:1')).toBe(-1);
  });

  test('stays also in a plan too large for digests, by its idle time; so does what was read', async () => {
    await store(server, users(3));
    await send(server, 'SETRANGE', 'user:big', 100_000_001, 'x');
    await makeIdle(server, await storedKeys(server), 100);
    const plan = await planUsers();
    expect(readFileSync(plan, 'utf8')).not.toContain('digest');
    await sendAll(server, [freshly('user:1'), ['GET', 'user:2']]);

    const result = await apply([plan, '--yes']);

    expect(countsOf(result)).toMatchObject({ matched: 4, removed: 2, rewritten: 2 });
    expect(await storedKeys(server)).toEqual(['user:1', 'user:2']);
  });

  test('goes where the server does not say so (an LFU policy), and a warning says that', async () => {
    const { redis, server: other } = await startServer({ config: ['maxmemory-policy allkeys-lfu'] });
    await store(other, ['user:1', 'user:2']);
    await send(other, 'SETRANGE', 'user:big', 100_000_001, 'x');
    const file = join(temporaryFolder(), 'plan.json');
    await cli(['invalidate', '--pattern', 'user:*', '--plan-out', file], { url: redis.url });
    await sendAll(other, [freshly('user:1')]);
    const result = await apply([file, '--yes'], { url: redis.url });
    expect(countsOf(result)).toMatchObject({ removed: 3, rewritten: 0 });
    expect(result.stderr).toContain(
      'of 3 keys the server does not say whether they were written since the plan (an LFU policy, integers that it shares between keys, or no permission)',
    );
  });

  test('is seen by its digest under an LFU policy too, and for a user without OBJECT', async () => {
    const { redis, server: other } = await startServer({
      config: [
        'maxmemory-policy allkeys-lfu',
        'user ann on >secret ~* resetchannels -@all +ping +select +scan +unlink +info +dbsize +memory|usage +dump +pttl +time',
      ],
    });
    await store(other, ['user:1', 'user:2']);
    const file = join(temporaryFolder(), 'plan.json');
    const url = urlAs(redis.url, 'ann');
    await cli(['invalidate', '--pattern', 'user:*', '--plan-out', file], { url });
    await sendAll(other, [freshly('user:1')]);
    const result = await apply([file, '--yes'], { url });
    expect(countsOf(result)).toMatchObject({ removed: 1, rewritten: 1 });
    expect(linesOf(result.stderr)).toHaveLength(1);
    expect(result.stderr).toContain('1 key was written since the plan was made');
  });
});
