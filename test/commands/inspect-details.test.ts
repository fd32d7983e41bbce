import { describe, expect, test } from 'vitest';
import { asBytes } from '../../src/support/bytes.ts';
import type { Argument, RedisServer } from '../../src/redis/server.ts';
import { cli, type CliOptions } from '../run-cli.ts';
import { send, sendAll, testUrl } from '../server/redis.ts';
import { inspect, inspectTable } from './inspect-runs.ts';
import { countersOf, linesOf, urlAs } from './reading.ts';
import { emptyServer, startServer } from '../server/own.ts';

/** Keys with an idle time or an LFU counter that no test could wait for. */
async function restore(
  server: RedisServer,
  option: 'IDLETIME' | 'FREQ',
  values: readonly number[],
): Promise<void> {
  await send(server, 'SET', 'original', 'x');
  const dump = (await send(server, 'DUMP', 'original')) as Argument;
  await send(server, 'DEL', 'original');
  await server.nodes[0].batch(
    values.map(
      (value, index) => ['RESTORE', asBytes(`user:${index}`), 0, dump, asBytes(option), value] as const,
    ),
  );
}

describe('the histogram of accesses', () => {
  test('is of idle times, under any policy but LFU', async () => {
    const server = await emptyServer();
    // They grow while the test runs: each is further from the end of its span than a test may take.
    await restore(server, 'IDLETIME', [0, 0, 0, 100, 200, 1000, 80_000, 90_000, 600_000, 700_000, 900_000]);
    const { result } = await inspect();
    expect(result.total.idleHistogram?.map(({ keys }) => keys)).toEqual([3, 2, 1, 1, 2, 2]);
    expect(result.total.idleHistogram?.map(({ upToSeconds }) => upToSeconds)).toEqual([
      60,
      300,
      3600,
      86_400,
      604_800,
      null,
    ]);
    const bytes = result.total.idleHistogram?.reduce((sum, { memoryBytes }) => sum + (memoryBytes ?? 0), 0);
    expect(bytes).toBe(result.memoryBytes);
    expect(result.total.frequencyHistogram).toBeNull();
    expect(await inspectTable()).toMatch(
      /Time since the last access\n {2}IDLE +KEYS +SHARE +MEMORY\n {2}up to 1m +3 .*\n {2}1m … 5m +2 .*\n {2}5m … 1h +1 /,
    );
  });

  test('is of the access counter under an LFU policy', async () => {
    const { redis, server } = await startServer({
      args: ['--maxmemory-policy', 'volatile-lfu', '--lfu-decay-time', '0'],
    });
    await restore(server, 'FREQ', [0, 0, 1, 3, 5, 6, 10, 30, 51, 255]);
    const { result } = await inspect([], { url: redis.url });
    expect(result.total.idleHistogram).toBeNull();
    expect(result.total.frequencyHistogram?.map(({ upToCounter, keys }) => [upToCounter, keys])).toEqual([
      [0, 2],
      [1, 1],
      [5, 2],
      [10, 2],
      [50, 1],
      [255, 2],
    ]);
    expect(await inspectTable([], { url: redis.url })).toMatch(
      /Access counter of the LFU policy \(0 to 255\)\n {2}COUNTER +KEYS +SHARE +MEMORY\n {2}0 +2 .*\n {2}1 +1 .*\n {2}2 … 5 +2 .*\n {2}6 … 10 +2 /,
    );
  });
});

describe('the bars', () => {
  const seed = async () =>
    sendAll(await emptyServer(), [
      ['SET', 'user:1', 'x'.repeat(3000)],
      ['SET', 'page:1', 'x'.repeat(1000)],
    ]);
  const table = async (options: CliOptions) =>
    (await cli(['inspect', '--no-color'], { url: testUrl(), ...options })).stdout;

  test('are blocks on a terminal that knows Unicode', async () => {
    await seed();
    expect(await table({ terminal: true })).toMatch(/ {2}user:<id> .* \d\d\.\d % █+[▏▎▍▌▋▊▉]? /);
  });

  test.each([['LC_ALL'], ['LANG']])('are ASCII with %s=C', async (variable) => {
    await seed();
    const shown = await table({ terminal: true, env: { [variable]: 'C' } });
    expect(shown).toMatch(/ {2}user:<id> .* \d\d\.\d % #+ /);
    expect(shown).toMatch(/^[\x00-\x7f]*$/);
  });

  test('are not drawn in a pipe', async () => {
    await seed();
    for (const args of [[], ['-o', 'csv'], ['-o', 'json']])
      expect((await cli(['inspect', ...args], { url: testUrl() })).stdout).not.toMatch(/[█▏▎▍▌▋▊▉#]/);
  });
});

describe('without --exact', () => {
  const filled = async () => {
    const { redis, server } = await startServer();
    const [small, large] = [30_000, 20_000];
    await send(server, 'DEBUG', 'POPULATE', small, 'user', 10);
    await send(server, 'DEBUG', 'POPULATE', large, 'page', 100);
    await sendAll(server, [
      ...Array.from({ length: 100 }, (_, index) => ['HSET', `session:${index}`, 'field', 'value']),
      ...Array.from({ length: 100 }, (_, index) => ['EXPIRE', `session:${index}`, 3600]),
      ...Array.from({ length: 9000 }, (_, index) => ['EXPIRE', `page:${index}`, 3600 + index]),
    ]);
    return { url: redis.url, server, truth: { user: small, page: large, session: 100, withoutTtl: 41_000 } };
  };
  const holds = (interval: readonly [number, number] | null | undefined, value: number) =>
    interval ? interval[0] <= value && value <= interval[1] : false;

  test('keys and bytes are of every key, and what costs lookups of a part', { timeout: 60_000 }, async () => {
    const { url, server, truth } = await filled();
    const exact = await inspect(['--exact'], { url });
    const before = await countersOf(server);
    const { exitCode, result } = await inspect([], { url });
    const hits = (await countersOf(server)).hits - before.hits;
    expect(exitCode).toBe(0);
    expect(result).toMatchObject({
      exact: true,
      keys: exact.result.keys,
      keysInterval: null,
      memoryBytes: exact.result.memoryBytes,
      memoryBytesInterval: null,
      ownLookups: { hits: hits },
      // INFO counts it for the whole database.
      withoutTtl: truth.withoutTtl,
      withoutTtlInterval: null,
      withoutTtlSource: 'info',
    });
    expect(exact.result).toMatchObject({
      withoutTtl: truth.withoutTtl,
      withoutTtlSource: 'keys',
      reading: { lookedUpKeys: null, precision: null },
    });
    // Type, TTL, encoding and idle time of about 2,500 keys of each large namespace, where 50,100 are.
    expect(exact.result.ownLookups.hits).toBe(4 * 50_100);
    expect(hits).toBe(4 * (result.reading.lookedUpKeys ?? 0));
    expect(hits).toBeLessThan(4 * 6000);
    expect(result.reading.precision?.target).toBe(0.02);
    // How many keys are chosen is left to chance.
    expect(result.reading.precision?.reached).toBeLessThan(0.021);
  });

  test('estimates are by namespace, with intervals, and small namespaces are exact', async () => {
    const { url, truth } = await filled();
    const { result } = await inspect(['--seed', '1'], { url });
    const rowOf = (start: string) => result.namespaces.find(({ namespace }) => namespace.startsWith(start));
    const [user, page, session] = [rowOf('user'), rowOf('page'), rowOf('session')];
    expect(session).toMatchObject({
      keys: 100,
      types: { hash: 100 },
      typesIntervals: { hash: null },
      withoutTtl: 0,
      withoutTtlInterval: null,
    });
    expect(holds(user?.withoutTtlInterval, truth.user)).toBe(true);
    expect(user?.withoutTtl).toBe(truth.user);
    // Not one key without TTL is left out, and none that is there is missed by more than this.
    expect((page?.withoutTtlInterval?.[1] ?? 0) - (page?.withoutTtlInterval?.[0] ?? 0)).toBeLessThan(
      0.045 * truth.page,
    );
    const table = await inspectTable(['--seed', '1'], { url });
    expect(table).toMatch(/NO TTL +TTL LEFT +TYPES +± NO TTL\n/);
    expect(table).toMatch(/types, TTLs, encodings and idle times of [\d,]+ keys, chosen at random/);
    expect(table).toContain(' NO TTL');
  });

  test('--precision says how many keys are looked up', async () => {
    const { redis, server } = await startServer();
    await send(server, 'DEBUG', 'POPULATE', 20_000, 'user', 10);
    const looked = async (precision: string) =>
      (await inspect(['--precision', precision], { url: redis.url })).result.reading.lookedUpKeys;
    const [rough, close] = [await looked('5%'), await looked('1%')];
    expect(rough).toBeLessThan(800);
    expect(close).toBeGreaterThan(5000);
  });

  test('a namespace of which no TTL may be read has none, and not zero', async () => {
    const { redis, server } = await startServer({ config: ['user ann on >secret ~user:* +@all'] });
    await sendAll(server, [
      ['SET', 'user:1', 'x'],
      ['SET', 'secret:1', 'x'],
    ]);
    const { result } = await inspect([], { url: urlAs(redis.url, 'ann') });
    expect(result.namespaces.find(({ namespace }) => namespace === 'secret:<id>')).toMatchObject({
      keys: 1,
      withoutTtl: null,
      types: null,
      encodings: null,
      idleHistogram: null,
    });
  });
});

describe('the pace of inspect', () => {
  const fill = async (count: number) =>
    sendAll(
      await emptyServer(),
      Array.from({ length: count }, (_, index) => ['SET', `user:${index}`, 'x']),
    );

  test('--max-rate takes its time', async () => {
    await fill(3000);
    const { result } = await inspect(['--max-rate', '2000']);
    expect(result).toMatchObject({ exact: true, keys: 3000 });
    // The last page is read as soon as its turn has come.
    expect(result.serverCost.durationSeconds).toBeGreaterThanOrEqual((3000 - 250) / 2000);
  });

  test('--max-rate holds for a sample too', async () => {
    const { redis, server } = await startServer();
    await send(server, 'DEBUG', 'POPULATE', 30_000, 'user');
    const { result } = await inspect(['--precision', '20%', '--max-rate', '10000', '--seed', '1'], {
      url: redis.url,
    });
    expect(result.exact).toBe(false);
    const { scannedKeys } = result.reading;
    expect(result.serverCost.durationSeconds).toBeGreaterThanOrEqual(((scannedKeys ?? 0) - 2000) / 10_000);
  });

  test('--latency-budget lets a walk over an idle server come to its end', async () => {
    await fill(5000);
    const { exitCode, result } = await inspect(['--exact', '--latency-budget', '5ms']);
    expect(exitCode).toBe(0);
    expect(result).toMatchObject({ exact: true, keys: 5000 });
  });

  test('--count is how many keys a SCAN is asked for', async () => {
    await fill(2000);
    const commands = async (count: string) =>
      (await inspect(['--exact', '--count', count])).result.serverCost.commands - 5 * 2000;
    const [many, few] = [await commands('50'), await commands('1000')];
    // INFO, and the pages.
    expect(few).toBeLessThanOrEqual(5);
    expect(many).toBeGreaterThan(20);
    expect(many).toBeLessThanOrEqual(50);
  });
});

describe('which keys inspect reads', () => {
  test('--match is a glob of the server, together with a pattern', async () => {
    const server = await emptyServer();
    await sendAll(
      server,
      ['user:1:profile', 'user:2:profile', 'user:12:settings', 'user:x:profile'].map((key) => [
        'SET',
        key,
        'x',
      ]),
    );
    expect((await inspect(['--match', 'user:[12]:*'])).result.keys).toBe(2);
    expect((await inspect(['--match', 'user:1*'])).result.keys).toBe(2);
    expect((await inspect(['user:<id>:profile', '--match', '*:1*'])).result.keys).toBe(1);
  });

  test('--delimiters say where segments end', async () => {
    const server = await emptyServer();
    await sendAll(
      server,
      ['api/v1/users:7', 'api/v1/users:8', 'api/v1/pages/7'].map((key) => ['SET', key, 'x']),
    );
    const rowsOf = async (args: string[]) =>
      (await inspect(args)).result.namespaces.map(({ namespace, keys }) => [namespace, keys]);
    expect(await rowsOf(['--delimiters', ':/'])).toEqual([
      ['api/v1/users:<id>', 2],
      ['api/v1/pages/<id>', 1],
    ]);
    const first = await rowsOf(['--delimiters', '/', '--depth', '1']);
    expect(first).toEqual([['api/*', 3]]);
    const bad = await cli(['inspect', '--delimiters', 'é'], { url: testUrl() });
    expect(bad.exitCode).toBe(2);
    expect(bad.stderr).toContain('is not a list of ASCII characters');
  });
});

describe('a user who lacks', () => {
  const started = async (rules: string, args: readonly string[] = []) => {
    const { redis, server } = await startServer({ args, config: [`user ann on >secret ~* +@all ${rules}`] });
    await sendAll(server, [
      ['SET', 'user:1', 'x', 'EX', 1000],
      ['SET', 'user:2', 'x'],
      ['HSET', 'session:1', 'field', 'value'],
    ]);
    return { options: { url: urlAs(redis.url, 'ann') }, server };
  };
  const moved = async (server: RedisServer, run: () => ReturnType<typeof inspect>) => {
    const before = await countersOf(server);
    const outcome = await run();
    const after = await countersOf(server);
    return { ...outcome, hits: after.hits - before.hits, misses: after.misses - before.misses };
  };

  test('OBJECT loses encodings and idle times, and nothing else', async () => {
    const { options, server } = await started('-object');
    const { exitCode, result, hits } = await moved(server, () => inspect([], options));
    expect(exitCode).toBe(0);
    expect(result).toMatchObject({ exact: true, keys: 3, withoutTtl: 2, ownLookups: { hits: hits } });
    expect(result.total).toMatchObject({
      encodings: null,
      encodingsIntervals: null,
      idleHistogram: null,
      frequencyHistogram: null,
      types: { string: 2, hash: 1 },
    });
    expect(result.total.memoryBytes).toBeGreaterThan(0);
    expect(result.serverCost.refusedColumns.map(({ column }) => column)).toEqual(['encoding', 'idle']);
    for (const { reason } of result.serverCost.refusedColumns) expect(reason).toMatch(/^NOPERM .*object/);
    const table = await inspectTable([], options);
    expect(table).toContain('no encoding column: the server answered `NOPERM');
    expect(table).not.toContain('Time since the last access');
  });

  test('INFO loses the CPU, and the way to go on after a broken connection', async () => {
    const { options, server } = await started('-info');
    const { exitCode, result, hits } = await moved(server, () => inspect([], options));
    expect(exitCode).toBe(0);
    expect(result).toMatchObject({
      exact: true,
      keys: 3,
      ownLookups: { hits },
      serverCost: { serverCpuSeconds: null, refusedColumns: [] },
      total: { encodings: { listpack: 1, embstr: 2 } },
    });
    expect(result.total.idleHistogram?.[0]?.keys).toBe(3);
    expect(await inspectTable([], options)).not.toContain('of its CPU');
  });

  test('DBSIZE reads every key, also where a sample was asked for', async () => {
    const { options, server } = await started('-dbsize');
    const { exitCode, result, hits } = await moved(server, () => inspect(['--precision', '50%'], options));
    expect(exitCode).toBe(0);
    expect(result).toMatchObject({
      exact: true,
      keys: 3,
      reading: { method: 'exact', keyspaceKeys: null, scannedKeys: null },
      ownLookups: { hits: hits },
    });
  });

  test('all of them and MEMORY still has keys, types and TTLs', async () => {
    const { options, server } = await started('-object -info -dbsize -memory');
    const { exitCode, result, hits } = await moved(server, () => inspect([], options));
    expect(exitCode).toBe(0);
    expect(result).toMatchObject({
      exact: true,
      keys: 3,
      memoryBytes: null,
      overheadBytes: null,
      withoutTtl: 2,
      largest: [],
      ownLookups: { hits },
      serverCost: { serverCpuSeconds: null },
      total: {
        types: { string: 2, hash: 1 },
        encodings: null,
        memoryShare: null,
        withoutTtlMemoryBytes: null,
      },
    });
    expect(hits).toBe(6);
    expect(result.serverCost.refusedColumns.map(({ column }) => column)).toEqual([
      'memory',
      'encoding',
      'idle',
    ]);
    expect(result.total.ttlHistogram?.map(({ keys, memoryBytes }) => [keys, memoryBytes])).toEqual([
      [0, null],
      [0, null],
      [1, null],
      [0, null],
      [0, null],
      [0, null],
    ]);
    const lines = linesOf((await cli(['inspect'], options)).stdout).map((line) => line.split('\t'));
    expect(lines.find(([, name]) => name === 'user:<id>')?.slice(0, 5)).toEqual([
      'namespaces',
      'user:<id>',
      '2',
      '',
      String(2 / 3),
    ]);
  });

  test('INFO on a server with an LFU policy loses idle times alone', async () => {
    const { options } = await started('-info', ['--maxmemory-policy', 'allkeys-lfu']);
    const { exitCode, result } = await inspect([], options);
    expect(exitCode).toBe(0);
    expect(result).toMatchObject({
      exact: true,
      keys: 3,
      total: { idleHistogram: null, types: { string: 2, hash: 1 } },
    });
    expect(result.serverCost.refusedColumns).toMatchObject([
      { column: 'idle', reason: expect.stringContaining('LFU') as string },
    ]);
  });
});
