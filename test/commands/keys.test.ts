import { describe, expect, test } from 'vitest';
import { asBytes } from '../../src/support/bytes.ts';
import { countsScanType, readInfo } from '../../src/redis/info.ts';
import { cli } from '../run-cli.ts';
import { freePort } from '../server/redis-process.ts';
import { send, sendAll, testUrl } from '../server/redis.ts';
import { bytesOfJson, hostileKeys } from './hostile-keys.ts';
import { countersOf, folderWith, json, linesOf, urlAs } from './reading.ts';
import { emptyServer, startServer } from '../server/own.ts';

const keys = async (args: readonly string[], options: Parameters<typeof cli>[1] = {}) => {
  const outcome = await cli(['keys', ...args], { url: testUrl(), ...options });
  return {
    ...outcome,
    keys: linesOf(outcome.stdout)
      .filter((line) => line !== '')
      .sort(),
  };
};

async function seed(): Promise<void> {
  await sendAll(await emptyServer(), [
    ['SET', 'user:1:profile', 'x'.repeat(5000), 'EX', 100],
    ['SET', 'user:2:profile', 'x', 'EX', 5000],
    ['SET', 'user:2:x:profile', 'x'],
    ['SET', 'quota:1', '7'],
    ['HSET', 'session:1', 'field', 'value'],
  ]);
}

describe('keys', () => {
  test('lists every key, a line for each', async () => {
    await seed();
    const { exitCode, keys: found, stderr } = await keys([]);
    expect(exitCode).toBe(0);
    expect(found).toEqual(['quota:1', 'session:1', 'user:1:profile', 'user:2:profile', 'user:2:x:profile']);
    expect(stderr).toBe('');
  });

  test('of a pattern match it segment by segment', async () => {
    await seed();
    expect((await keys(['user:<id>:profile'])).keys).toEqual(['user:1:profile', 'user:2:profile']);
    expect((await keys(['user:*'])).keys).toHaveLength(3);
    expect((await keys(['nothing:*'])).keys).toEqual([]);
  });

  test('of a map are those of its namespaces, and those of none', async () => {
    await seed();
    const cwd = folderWith({ namespaces: { profile: { pattern: 'user:<id>:profile' } } });
    expect((await keys(['--namespace', 'profile'], { cwd })).keys).toEqual([
      'user:1:profile',
      'user:2:profile',
    ]);
    expect((await keys(['--namespace', '(unmapped)'], { cwd })).keys).toEqual([
      'quota:1',
      'session:1',
      'user:2:x:profile',
    ]);
    const unknown = await keys(['--namespace', 'profiles'], { cwd });
    expect(unknown).toMatchObject({ exitCode: 2, stdout: '' });
    expect(unknown.stderr).toContain('the map has no namespace `profiles`');
  });

  test.each([
    ['--ttl none', ['--ttl', 'none'], ['quota:1', 'session:1', 'user:2:x:profile']],
    ['--ttl <5m', ['--ttl', '<5m'], ['user:1:profile']],
    ['--ttl >1h', ['--ttl', '>1h'], ['user:2:profile']],
    ['--type hash', ['--type', 'hash'], ['session:1']],
    ['--type in capitals', ['--type', 'HASH'], ['session:1']],
    ['--larger-than 4KB', ['--larger-than', '4KB'], ['user:1:profile']],
    ['several at once', ['user:*', '--ttl', '<2h', '--type', 'string'], ['user:1:profile', 'user:2:profile']],
  ])('with %s are those alone', async (_what, args, expected) => {
    await seed();
    expect((await keys(args)).keys).toEqual(expected);
  });

  test.each([
    [['--ttl', '5m'], '`5m` is not a range; write none, "<5m", ">1h" or 1h..2h'],
    [['--ttl', '<soon'], '`soon` is not a duration'],
    [['--larger-than', 'big'], '`big` is not a size'],
    [['--limit', '0'], '`0` is not a whole number of 1 or more'],
    [['--type', 'json'], '`json` is no type of Redis'],
    [['user:<'], 'starts a placeholder'],
  ])('%j is refused, and nothing is asked of the server', async (args, message) => {
    const outcome = await keys(args, { url: `redis://127.0.0.1:${await freePort()}` });
    expect(outcome).toMatchObject({ exitCode: 2, stdout: '' });
    expect(outcome.stderr).toContain(message);
  });
});

describe('--limit', () => {
  test('stops after so many keys, and says that there may be more', async () => {
    await seed();
    const limited = await json(['keys', '--limit', '2'], { url: testUrl() });
    expect(limited.result).toMatchObject({ matched: 2, complete: false });
    expect(limited.result['items']).toHaveLength(2);
    const all = await json(['keys', '--limit', '6'], { url: testUrl() });
    expect(all.result).toMatchObject({ matched: 5, complete: true });
    for (const output of ['table', 'tsv', 'json']) {
      expect((await cli(['keys', '--limit', '2', '-o', output], { url: testUrl() })).stderr).toMatch(
        /^note: 2 keys listed, and there may be more$/m,
      );
    }
  });

  test('with --long costs the type and the TTL of the keys it lists, and no more', async () => {
    const { redis, server } = await startServer();
    await send(server, 'DEBUG', 'POPULATE', 20_000, 'user');
    const { result } = await json(['keys', '--long', '--limit', '3'], { url: redis.url });
    expect(result).toMatchObject({ matched: 3, ownLookups: { hits: 6 } });
    expect(await countersOf(server)).toEqual({ hits: 6, misses: 0 });
  });
});

test('keys takes --match, --count and --max-rate', async () => {
  await sendAll(
    await emptyServer(),
    Array.from({ length: 600 }, (_, index) => ['SET', `user:${index}`, 'x']),
  );
  expect((await keys(['--match', 'user:1[0-9]'])).keys).toHaveLength(10);
  expect((await keys(['user:<id>', '--match', '*9', '--count', '20'])).keys).toHaveLength(60);
  const startedAt = performance.now();
  expect((await keys(['--max-rate', '1000'])).keys).toHaveLength(600);
  // All but the last page, of a tenth of a second's worth.
  expect(performance.now() - startedAt).toBeGreaterThanOrEqual(400);
});

describe('the cost of keys', () => {
  test('is nothing for names alone', async () => {
    const { redis, server } = await startServer();
    await sendAll(
      server,
      Array.from({ length: 500 }, (_, index) => ['SET', `user:${index}`, 'x']),
    );
    const { result } = await json(['keys'], { url: redis.url });
    expect(result).toMatchObject({ matched: 500, ownLookups: { hits: 0, misses: 0 } });
    expect(await countersOf(server)).toEqual({ hits: 0, misses: 0 });
  });

  test('is what the server has counted, with --long, and said at the end', async () => {
    const { redis, server } = await startServer();
    await sendAll(
      server,
      Array.from({ length: 500 }, (_, index) => ['SET', `user:${index}`, 'x']),
    );
    const { result } = await json(['keys', '--long'], { url: redis.url });
    expect(await countersOf(server)).toEqual({ hits: 1000, misses: 0 });
    expect(result['ownLookups']).toEqual({ hits: 1000, misses: 0, lost: 0 });
    const table = await keys(['--long', '-o', 'table'], { url: redis.url });
    expect(table.stderr).toContain('500 keys; cost to the server: this run added 1,000 to keyspace_hits');
  });
});

describe('what is looked up', () => {
  const manyKeys = async () => {
    const { redis, server } = await startServer();
    await send(server, 'DEBUG', 'POPULATE', 30_000, 'small');
    const large = 'x'.repeat(200_000);
    await sendAll(server, [
      ['SET', 'large:1', large, 'EX', 1000],
      ['SET', 'large:2', large],
      ['RPUSH', 'large:list', large],
      ['RPUSH', 'short:list', 'x'],
    ]);
    return { redis, server };
  };

  // TYPE is a lookup. For a type that is asked for it is made of what is left, unless SCAN … TYPE is without lookups.
  test.each<[string[], number, number, string, number?]>([
    [['--larger-than', '100KB', '--long'], 3, 6, 'the type and TTL of what is large'],
    [['--larger-than', '100KB', '--ttl', 'none'], 2, 3, 'the TTL of what is large'],
    [
      ['--larger-than', '100KB', '--ttl', 'none', '--long'],
      2,
      5,
      'the TTL of what is large, the type of what is listed',
    ],
    [['--larger-than', '100KB', '--type', 'list'], 1, 3, 'the type of what is large', 3],
    [
      ['--larger-than', '100KB', '--type', 'list', '--long'],
      1,
      4,
      'the type of what is large, the TTL of what is listed',
      3,
    ],
    [['large:*', '--long'], 3, 6, 'the type and TTL of what matches'],
    [['large:*', '--type', 'list', '--ttl', 'none'], 1, 4, 'the type of what matches, the TTL of lists', 3],
    [['--larger-than', '1GB', '--long'], 0, 0, 'nothing where nothing is large'],
  ])(
    'with %j is %s keys for %s lookups: %s',
    { timeout: 30_000 },
    async (args, matched, most, _what, ofTypes = 0) => {
      const { redis, server } = await manyKeys();
      const lookups = most - (countsScanType(await readInfo(server.nodes[0])) ? 0 : ofTypes);
      const { exitCode, result } = await json(['keys', ...args], { url: redis.url });
      expect(exitCode).toBe(0);
      expect(result).toMatchObject({ matched, complete: true, ownLookups: { hits: lookups, misses: 0 } });
      expect(await countersOf(server)).toEqual({ hits: lookups, misses: 0 });
    },
  );

  test('with --ttl and --limit ends with the page that has enough', async () => {
    const { redis, server } = await manyKeys();
    const { result } = await json(['keys', '--ttl', 'none', '--limit', '3', '--long'], { url: redis.url });
    const { hits } = result['ownLookups'] as { hits: number };
    expect(result).toMatchObject({ matched: 3, complete: false });
    // The TTLs of a page of about 100 keys, and three types.
    expect(hits).toBeLessThanOrEqual(150);
    expect(await countersOf(server)).toEqual({ hits, misses: 0 });
  });
});

describe('the outputs of keys', () => {
  test('--long has type, TTL in seconds and memory', async () => {
    await seed();
    const { stdout } = await keys(['--long', 'user:<id>:profile']);
    const rows = linesOf(stdout).map((line) => line.split('\t'));
    const [first] = rows.filter(([key]) => key === 'user:1:profile');
    expect(first?.slice(0, 2)).toEqual(['user:1:profile', 'string']);
    expect(Number(first?.[2])).toBeGreaterThan(90);
    expect(Number(first?.[2])).toBeLessThanOrEqual(100);
    expect(Number(first?.[3])).toBeGreaterThan(5000);
    const { stdout: quota } = await keys(['--long', 'quota:*']);
    expect(quota).toMatch(/^quota:1\tstring\t\t\d+\n$/);
    const { stdout: typed } = await keys(['--long', '--type', 'hash']);
    expect(typed).toMatch(/^session:1\thash\t\t\d+\n$/);
  });

  test('--long has a heading on a terminal, with the figures in line', async () => {
    await seed();
    const { stdout } = await keys(['--long', 'quota:*', '--no-color'], { terminal: true });
    expect(stdout).toMatch(/^ {6}TYPE {9}TTL {6}MEMORY {2}KEY\n {4}string {11}- +\d+ B {2}quota:1\n$/);
  });

  test('are one valid object in JSON, lines in ndjson, a heading and rows in csv', async () => {
    await seed();
    const { result } = await json(['keys', 'user:<id>:profile', '--long'], { url: testUrl() });
    expect(result).toMatchObject({
      schemaVersion: 2,
      command: 'keys',
      ok: true,
      error: null,
      matched: 2,
      complete: true,
    });
    expect((result['items'] as { key: string }[]).map(({ key }) => key).sort()).toEqual([
      'user:1:profile',
      'user:2:profile',
    ]);

    const ndjson = await keys(['user:<id>:profile', '-o', 'ndjson']);
    const records = linesOf(ndjson.stdout).map((line) => JSON.parse(line) as Record<string, unknown>);
    expect(records.map(({ record }) => record)).toEqual(['items', 'items', 'summary']);
    expect(records.at(-1)).toMatchObject({ matched: 2, ok: true });

    const csv = await keys(['quota:*', '--long', '-o', 'csv']);
    expect(csv.stdout).toMatch(/^key,type,ttlSeconds,memoryBytes\r\nquota:1,string,,\d+\r\n$/);
  });

  test('of no keys are valid too', async () => {
    await emptyServer();
    expect((await json(['keys'], { url: testUrl() })).result).toMatchObject({
      items: [],
      matched: 0,
      complete: true,
    });
    expect((await keys(['-o', 'csv'])).stdout).toBe('key\r\n');
    expect((await keys([])).stdout).toBe('');
  });

  test('have the same fields in JSON on success and on failure', async () => {
    await seed();
    const good = await json(['keys'], { url: testUrl() });
    const bad = await json(['keys'], { url: `redis://127.0.0.1:${await freePort()}` });
    expect(bad.exitCode).toBe(3);
    expect(Object.keys(bad.result).sort()).toEqual(Object.keys(good.result).sort());
    expect(bad.result).toMatchObject({ ok: false, items: [], matched: null });
  });

  test('keep hostile names to their lines, and give them back byte by byte in JSON', async () => {
    const server = await emptyServer();
    await server.nodes[0].batch(hostileKeys.map((key) => ['SET', key, asBytes('x')]));

    const { result } = await json(['keys'], { url: testUrl() });
    expect(new Set((result['items'] as { key: string }[]).map(bytesOfJson))).toEqual(new Set(hostileKeys));
    for (const format of ['tsv', 'table', 'ndjson']) {
      const { stdout } = await keys(['--long', '-o', format]);
      const lines = linesOf(stdout);
      expect(lines).toHaveLength(hostileKeys.length + (format === 'tsv' ? 0 : 1));
      expect(lines.join('').replaceAll('\t', '')).not.toMatch(/[\p{Cc}\p{Cf}]/u);
      if (format === 'tsv') for (const line of lines) expect(line.split('\t')).toHaveLength(4);
    }
  });
});

describe('keys for a user who may not do everything', () => {
  const user = async (rules: string) => {
    const { redis, server } = await startServer({ config: [`user ann on >secret ${rules}`] });
    await sendAll(server, [
      ['SET', 'user:1', 'x', 'EX', 1000],
      ['SET', 'secret:1', 'x'],
    ]);
    return { url: urlAs(redis.url, 'ann') };
  };

  test.each([
    [['--ttl', 'none'], '-pttl', '--ttl needs `PTTL`'],
    [['--larger-than', '1'], '-memory', '--size needs `MEMORY USAGE`'],
  ])('%j is refused with %s, for an empty list would be a wrong one', async (args, rule, message) => {
    const { exitCode, result, stderr } = await json(['keys', ...args], await user(`~* +@all ${rule}`));
    expect(exitCode).toBe(4);
    expect(result).toMatchObject({
      ok: false,
      items: [],
      matched: 0,
      complete: false,
      error: { code: 'NOPERM' },
    });
    expect(stderr).toMatch(/^error: .*the server answered `NOPERM/);
    expect(stderr).toContain(message);
  });

  test('--long shows what may be read, and says what may not', async () => {
    const outcome = await keys(['--long', 'user:*'], await user('~* +@all -pttl'));
    expect(outcome.exitCode).toBe(0);
    expect(outcome.stdout).toMatch(/^user:1\tstring\t\t\d+\n$/);
    expect(outcome.stderr).toMatch(/^warning: no ttl: the server answered `NOPERM/);
  });

  test('foreign keys are listed, and counted where they could not be read', async () => {
    const options = await user('~user:* +@all');
    expect((await keys([], options)).keys).toEqual(['secret:1', 'user:1']);
    const { result, stderr } = await json(['keys', '--ttl', 'none'], options);
    expect(result).toMatchObject({ items: [], matched: 0, unreadableKeys: 1, complete: false });
    expect(stderr).toContain('1 key may be listed but not read by this user');
  });
});

test('keys that are interrupted are one valid object still', async () => {
  await seed();
  const controller = new AbortController();
  controller.abort('SIGTERM');
  const { exitCode, result } = await json(['keys'], { url: testUrl(), signal: controller.signal });
  expect(exitCode).toBe(143);
  expect(result).toMatchObject({ ok: false, complete: false, matched: 0, items: [] });
});
