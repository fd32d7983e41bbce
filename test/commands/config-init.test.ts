import { existsSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { mapAt } from '../named-map.ts';
import { buildMap } from '../../src/config/build-map.ts';
import { connect } from '../../src/redis/connect.ts';
import { replyText } from '../../src/redis/reply.ts';
import type { RedisServer } from '../../src/redis/server.ts';
import { generateRecords, seedServer } from '../../src/sandbox/seed.ts';
import { systemNames } from '../../src/sandbox/systems.ts';
import { cli, type CliOptions, jsonOf } from '../run-cli.ts';
import type { RedisProcess } from '../server/redis-process.ts';
import {
  emptyDatabase,
  send,
  sendAll,
  startPrivateServer,
  targetOf,
  testServer,
  testUrl,
} from '../server/redis.ts';
import { temporaryFolder } from '../server/own.ts';

/** A terminal without colors. */
const atTerminal = { terminal: true, env: { NO_COLOR: '1' } };
const nowhere = 'redis://127.0.0.1:1/0';

function folderWith(map?: object | string): string {
  const folder = temporaryFolder();
  if (map !== undefined) {
    const text = typeof map === 'string' ? map : JSON.stringify(map);
    writeFileSync(join(folder, 'cachectl.config.json'), text, { mode: 0o600 });
  }
  return folder;
}

describe('config init', () => {
  let server: RedisServer;
  const init = (args: readonly string[], options: CliOptions = {}) =>
    cli(['config', 'init', ...args], { url: testUrl(), ...options });

  beforeAll(async () => {
    server = await testServer();
  });
  afterAll(() => server.close());

  async function fill(...commands: (string | number)[][]): Promise<void> {
    await emptyDatabase(server);
    await sendAll(server, commands);
  }

  const users = (count: number) =>
    Array.from({ length: count }, (_, id) => [
      'SET',
      `user:${id}:profile`,
      '{"name":"x"}',
      'EX',
      3600 - 10 * (id % 30),
    ]);

  test('writes a map that reads back, names what it saw, and says what to do next', async () => {
    await fill(...users(30), ...Array.from({ length: 10 }, (_, id) => ['SET', `quota:${id}`, String(id)]), [
      'LPUSH',
      'recent',
      'a',
    ]);
    const cwd = folderWith();
    const result = await init([], { cwd, ...atTerminal });

    expect(result).toMatchObject({ exitCode: 0, stderr: '' });
    const file = join(cwd, 'cachectl.config.json');
    expect(mapAt(file).config).toEqual({
      defaultProfile: 'local',
      profiles: { local: { url: testUrl() } },
      namespaces: {
        'user-profile': {
          pattern: 'user:<id>:profile',
          kind: 'cache',
          ttl: '1h',
          ttlGuessed: true,
          encoding: 'json',
        },
        quota: {
          pattern: 'quota:<id>',
          kind: 'state',
          ttl: 'permanent',
          ttlGuessed: true,
          encoding: 'integer',
        },
        recent: { pattern: 'recent', kind: 'state', ttl: 'permanent', ttlGuessed: true },
      },
      entities: { user: { patterns: ['user:<id>:profile'] } },
    });
    const text = readFileSync(file, 'utf8');
    expect(text).toMatch(/^\/\/ A first map of redis:\/\/127\.0\.0\.1:\d+\/\d+, drawn from 41 keys\.\n/);
    expect(text).toContain('// 10 keys; state: name says "quota"; values are integers without a TTL\n');
    expect(text).toContain('// 1 key; state: holds lists without a TTL\n');
    expect(result.stdout).toContain('state by name, which no invalidation touches: quota\n');
    expect(result.stdout).toContain('state by type, which no invalidation touches: recent\n');
    expect(result.stdout).toContain('✓ the namespaces take in 100.0 % of the keys seen');
    expect(result.stdout).toContain(`✓ wrote ${file}`);
    // Seconds pass on a busy machine before the keys are read.
    expect(text).toMatch(/\/\/ 30 keys; at most (1h|59m 5\ds) left, (1h|59m 5\ds) when last used\n/);
    expect(result.stdout).toMatch(
      /TTL rules are guesses, which `prune` does not enforce: once a TTL is right, remove `"ttlGuessed"`\s+from its namespace in the map\n/,
    );
    expect(result.stdout).toMatch(
      /next: `cachectl config validate`, `cachectl inspect`, `cachectl invalidate user ID --dry-run`\n$/,
    );
    expect(readdirSync(cwd)).toEqual(['cachectl.config.json']);
    const validated = await cli(['config', 'validate'], { cwd, ...atTerminal });
    expect(validated).toMatchObject({ exitCode: 0, stderr: '' });
    expect(validated.stdout).toMatch(
      /3 TTL rules are guesses, which `prune` does not enforce: once a TTL is right/,
    );
    const shown = await cli(['config', 'show'], { cwd, ...atTerminal });
    expect(shown.stdout).toMatch(/user-profile +user:<id>:profile +cache +1h \(guess\)/);
  });

  test('trusts the map that it wrote, as `config show` says', async () => {
    await fill(['SET', 'a', '1']);
    const options = { cwd: folderWith(), env: { XDG_STATE_HOME: folderWith() } };
    await init([], options);
    expect(jsonOf(await cli(['config', 'show', '-o', 'json'], options))['settings']).toContainEqual(
      expect.objectContaining({ name: 'trust', value: 'trusted', origin: 'config init' }),
    );
  });

  test.each(systemNames)('drafts a map for %s that takes in at least 95 %% of its keys', async (system) => {
    await emptyDatabase(server);
    const records = [...generateRecords(system, { keys: 3000, seed: 3, now: Date.now() })];
    await seedServer(server.nodes[0], records);
    const cwd = folderWith();
    const result = await init(['-o', 'json'], { cwd });

    expect(result).toMatchObject({ exitCode: 0, stderr: '' });
    const map = buildMap(mapAt(join(cwd, 'cachectl.config.json')).config);
    const taken = records.filter(({ key }) => map.classify(key) !== null);
    expect(taken.length / records.length).toBeGreaterThanOrEqual(0.95);
    expect(await cli(['config', 'validate'], { cwd })).toMatchObject({ exitCode: 0, stderr: '' });
  });

  test.each([0, 13, 40, 58])(
    'draws the rule that keys were written with, also when it looks %d minutes later',
    async (minutes) => {
      await fill(['SET', 'source', 'value']);
      const value = (await send(server, 'DUMP', 'source')) as string;
      await fill(
        ...Array.from({ length: 60 }, (_, index) => {
          const age = minutes * 60 + index;
          return ['RESTORE', `page:${index}`, (3600 - age) * 1000, value, 'IDLETIME', age];
        }),
      );
      const cwd = folderWith();
      // So that keys written 13 minutes ago end when it is midnight in some time zone.
      const now = () => Date.parse('2026-03-05T16:43:30Z');
      expect(await init([], { cwd, now })).toMatchObject({ exitCode: 0, stderr: '' });
      expect(mapAt(join(cwd, 'cachectl.config.json')).config.namespaces).toEqual({
        page: { pattern: 'page:<id>', kind: 'cache', ttl: '1h', ttlGuessed: true, encoding: 'text' },
      });
    },
  );

  test('leaves keys alone that only a guess speaks against, until the guess is confirmed', async () => {
    await fill(...users(30));
    const cwd = folderWith();
    await init([], { cwd });
    await sendAll(server, [
      ['SET', 'user:100:profile', '{}', 'EX', 7200],
      ['SET', 'user:101:profile', '{}'],
    ]);
    const prune = () =>
      cli(['prune', '--too-long', '--set-ttl', '--yes', '-o', 'json'], { url: testUrl(), cwd });
    expect(jsonOf(await prune())).toMatchObject({
      outcome: 'nothingToDo',
      matched: 0,
      guessedRuleKeysLeft: 2,
    });

    const file = join(cwd, 'cachectl.config.json');
    writeFileSync(file, readFileSync(file, 'utf8').replace(/,\s*"ttlGuessed": true/g, ''));
    expect(jsonOf(await prune())).toMatchObject({
      outcome: 'pruned',
      ttlSet: 1,
      shortened: 1,
      guessedRuleKeysLeft: 0,
    });
  });

  test('says what a rule rests on where the server keeps no idle times, and counts the one lookup that shows it', async () => {
    const redis = await startPrivateServer({ args: ['--maxmemory-policy', 'allkeys-lfu'] });
    try {
      const own = await openServer(redis);
      await sendAll(own, users(50));
      const cwd = folderWith();
      const result = await init(['-o', 'json'], { url: redis.url, cwd });
      const lookups = /keyspace_hits:(\d+)/.exec(replyText(await send(own, 'INFO', 'stats')))?.[1];
      own.close();

      expect(result.stderr).toMatch(
        /^warning: TTLs are drawn from the time left alone: .*An LFU maxmemory policy/,
      );
      expect(jsonOf(result)['ownLookups']).toEqual({ hits: 54, misses: 0, lost: 0 });
      expect(Number(lookups)).toBe(54);
      expect(readFileSync(join(cwd, 'cachectl.config.json'), 'utf8')).toContain(
        'left; idle times not reported\n',
      );
    } finally {
      await redis.stop();
    }
  });

  test('counts its own lookups to the unit', async () => {
    const redis = await startPrivateServer();
    try {
      const own = await openServer(redis);
      await sendAll(own, users(50));
      const result = jsonOf(await init(['-o', 'json', '--file', '-'], { url: redis.url, cwd: folderWith() }));
      const info = replyText(await send(own, 'INFO', 'stats'));
      own.close();
      const lookups = /keyspace_hits:(\d+)/.exec(info)?.[1];

      // Of each a TTL, an idle time, and whether that is its own; and three values.
      expect(result['ownLookups']).toEqual({ hits: 153, misses: 0, lost: 0 });
      expect(Number(lookups)).toBe(153);
    } finally {
      await redis.stop();
    }
  });

  test('says what many namespaces have in common once', async () => {
    const names = Array.from(
      { length: 30 },
      (_, index) => `${String.fromCharCode(97 + (index % 26))}${'xy'[index % 2]}${index}n`,
    );
    await fill(
      ...names.flatMap((name) => Array.from({ length: 5 }, (_, id) => ['SET', `${name}:${id}`, 'x'])),
    );
    const cwd = folderWith();
    const { stdout } = await init(['--force'], { cwd, ...atTerminal });
    const { cautions } = jsonOf(await init(['--force', '-o', 'json'], { cwd })) as {
      cautions: { text: string; namespaces: string[] }[];
    };

    const lines = stdout.replace(/\s+/g, ' ');
    expect(lines.match(/no key has a TTL/g)).toHaveLength(1);
    expect(lines).toContain(' and 18 more: no key has a TTL: if it cannot be computed again');
    expect(cautions.map(({ text, namespaces }) => [text, namespaces.length])).toEqual([
      ['no key has a TTL: if it cannot be computed again, make it "state"', 30],
    ]);
  });

  test('looks at no more keys than asked for', async () => {
    await fill(...users(500));
    const result = await init(['--sample', '100', '--file', '-', '-o', 'json'], { cwd: folderWith() });

    expect(jsonOf(result)).toMatchObject({
      keys: 100,
      keyspaceKeys: 500,
      // Of each key of the sample its TTL, its idle time, and whether that is its own; and three values.
      ownLookups: { hits: 303 },
    });
    expect((await init(['--sample', '100', '--file', '-'], { cwd: folderWith() })).stdout).toContain(
      'drawn from 100 of 500 keys.',
    );
  });

  test('prints the map alone with --file -, and writes nothing', async () => {
    await fill(...users(5));
    const cwd = folderWith();
    for (const terminal of [true, false]) {
      const { exitCode, stdout } = await init(['--file', '-'], { cwd, terminal });
      expect(exitCode).toBe(0);
      writeFileSync(join(folderWith(), 'map.json'), stdout);
      expect(stdout).toMatch(/^\/\/ A first map [^]+\n\}\n$/);
    }
    expect(jsonOf(await init(['--file', '-', '-o', 'json'], { cwd }))).toMatchObject({
      file: null,
      map: { namespaces: { 'user-profile': { pattern: 'user:<id>:profile' } } },
    });
    expect(readdirSync(cwd)).toEqual([]);
  });

  test('does not overwrite a file, even before it looks at the server', async () => {
    await fill(...users(5));
    const cwd = folderWith({ namespaces: {} });
    const refused = await init([], { cwd, url: nowhere });
    expect(refused).toMatchObject({ exitCode: 5 });
    expect(refused.stderr).toMatch(
      /cachectl\.config\.json` exists already; .*\nhint: add --force to replace it/,
    );
    expect(mapAt(join(cwd, 'cachectl.config.json')).config).toEqual({ namespaces: {} });

    expect(await init(['--force'], { cwd })).toMatchObject({ exitCode: 0 });
    expect(Object.keys(mapAt(join(cwd, 'cachectl.config.json')).config.namespaces ?? {})).toEqual([
      'user-profile',
    ]);
  });

  test('writes where it is told, and names the schema where the package is installed', async () => {
    await fill(...users(5));
    const cwd = folderWith();
    mkdirSync(join(cwd, 'node_modules/cachectl/schema'), { recursive: true });
    writeFileSync(join(cwd, 'node_modules/cachectl/schema/cachectl.config.schema.json'), '{}');
    expect(await init(['--file', 'ops/map.json'], { cwd })).toMatchObject({ exitCode: 0 });
    expect(mapAt(join(cwd, 'ops/map.json')).config.$schema).toBe(
      '../node_modules/cachectl/schema/cachectl.config.schema.json',
    );
  });

  test('keeps the password out of the map, and names where it comes from', async () => {
    const redis = await startPrivateServer({ args: ['--requirepass', 'hunter2'] });
    try {
      const own = await openServer(redis, 'hunter2');
      await sendAll(own, users(5));
      own.close();
      const cwd = folderWith();
      writeFileSync(join(cwd, 'secret'), 'hunter2\n');
      const withPassword = redis.url.replace('//', '//default:hunter2@');
      for (const [args, options, expected] of [
        [[], { url: redis.url, env: { REDISCLI_AUTH: 'hunter2' } }, { passwordEnv: 'REDISCLI_AUTH' }],
        [[], { url: withPassword }, { username: 'default', passwordEnv: 'REDISCLI_AUTH' }],
        [['--password-file', 'secret'], { url: redis.url }, { passwordFile: '../secret' }],
      ] as const) {
        const result = await init([...args, '--file', 'ops/map.json', '--force'], { cwd, ...options });
        expect(result).toMatchObject({ exitCode: 0, stderr: '' });
        const { profiles } = mapAt(join(cwd, 'ops/map.json')).config;
        expect(profiles).toEqual({ local: { url: `${redis.url.replace(/\/\d*$/, '')}/0`, ...expected } });
        expect(result.stdout + readFileSync(join(cwd, 'ops/map.json'), 'utf8')).not.toContain('hunter2');
      }
    } finally {
      await redis.stop();
    }
  });

  test('says so where there are no keys', async () => {
    await emptyDatabase(server);
    const cwd = folderWith();
    const result = await init([], { cwd });
    expect(result).toMatchObject({ exitCode: 2, stdout: '' });
    expect(result.stderr).toMatch(
      /holds no keys to draw a map from\nhint: name another database with --db NUMBER/,
    );
    expect(existsSync(join(cwd, 'cachectl.config.json'))).toBe(false);
  });

  test('writes nothing when it is interrupted', async () => {
    await fill(...users(5));
    const cwd = folderWith();
    const result = await init([], { cwd, signal: AbortSignal.abort('SIGINT'), ...atTerminal });
    expect(result.exitCode).toBe(130);
    expect(result.stdout).toContain('interrupted: nothing was written');
    expect(readdirSync(cwd)).toEqual([]);
  });

  test('goes without TTL rules and encodings where the user may not ask for them', async () => {
    const redis = await startPrivateServer();
    try {
      const own = await openServer(redis);
      await sendAll(own, users(5));
      await send(
        own,
        'ACL',
        'SETUSER',
        'scanner',
        'on',
        '>pass',
        '~*',
        '-@all',
        '+ping',
        '+hello',
        '+auth',
        '+select',
        '+scan',
        '+client|setname',
      );
      own.close();
      const cwd = folderWith();
      const result = await init([], { cwd, url: redis.url.replace('//', '//scanner:pass@') });

      expect(result).toMatchObject({ exitCode: 0 });
      expect(result.stderr).toMatch(/^warning: no TTL rules: the server answered `NOPERM/);
      expect(mapAt(join(cwd, 'cachectl.config.json')).config.namespaces).toEqual({
        'user-profile': { pattern: 'user:<id>:profile', kind: 'cache' },
      });
    } finally {
      await redis.stop();
    }
  });
});

function openServer(redis: RedisProcess, password?: string): Promise<RedisServer> {
  return connect(targetOf(redis.url, password === undefined ? {} : { password }));
}
