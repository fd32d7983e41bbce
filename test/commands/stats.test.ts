import { setTimeout as sleep } from 'node:timers/promises';
import { describe, expect, test } from 'vitest';
import { cli } from '../run-cli.ts';
import { freePort } from '../server/redis-process.ts';
import { replyText } from '../../src/redis/reply.ts';
import { callsOf, makeIdle, send, sendAll } from '../server/redis.ts';
import { until } from '../server/until.ts';
import { countersOf, folderWith, json, linesOf } from './reading.ts';
import { stats, statsTable, traffic } from './stats-runs.ts';
import { open, startServer } from '../server/own.ts';

/** The result of a window that ends with the work, however long that takes. */
async function statsDuring({ redis, server }: Started, work: () => Promise<unknown>) {
  const controller = new AbortController();
  const args = ['--window', '10m', '--no-namespaces'];
  const before = await callsOf(server, 'info');
  const running = stats(redis.url, args, { signal: controller.signal });
  // Its greeting and the two with which its window begins, beside those that count them.
  let own = 0;
  await until('the window begins', async () => (await callsOf(server, 'info')) - before - ++own >= 3);
  await work();
  controller.abort('SIGINT');
  return running;
}

type Started = Awaited<ReturnType<typeof startServer>>;

describe('the figures of stats', () => {
  test('are those of the server, exactly', async () => {
    const { redis, server } = await startServer();
    await traffic(server, 70, 30);

    const { exitCode, result } = await stats(redis.url);

    expect(exitCode).toBe(0);
    expect(result.lifetime).toMatchObject({ hits: 70, misses: 30, hitRate: 0.7 });
    expect(result).toMatchObject({
      window: null,
      database: 0,
      keys: 70,
      exact: true,
      databases: [{ database: 0, keys: 70, keysWithTtl: 0 }],
      server: {
        product: redis.product,
        role: 'primary',
        primary: null,
        maxBytes: null,
        policy: 'noeviction',
      },
      grade: 'C',
    });
    expect(result.namespaces).toMatchObject([
      {
        namespace: 'user:<id>:profile',
        keys: 70,
        keyShare: 1,
        memoryShare: 1,
        types: null,
        withoutTtl: null,
      },
    ]);
    expect(result.memoryBytes).toBe(result.namespaces[0]?.memoryBytes);
  });

  test('of a window are those of its traffic alone', async () => {
    const started = await startServer();
    const { server } = started;
    await traffic(server, 10, 90);

    const startedAt = performance.now();
    const { exitCode, result } = await statsDuring(started, async () => {
      await traffic(server, 40, 10);
      await send(server, 'SET', 'brief', 'x', 'PX', 20);
      await sleep(60);
      await send(server, 'SET', 'brief', 'y');
    });
    const mostSeconds = (performance.now() - startedAt) / 1000;

    expect(exitCode).toBe(130);

    expect(result.window).toMatchObject({
      hits: 40,
      misses: 10,
      hitRate: 0.8,
      evictedKeys: 0,
      expiredKeys: 1,
    });
    expect(result.window?.windowSeconds).toBeGreaterThan(0.05);
    expect(result.window?.windowSeconds).toBeLessThan(mostSeconds);
    // 40 SET, 50 GET, the two of `brief`, and the INFO that saw the beginning, or came just before it.
    const operations = (result.window?.operationsPerSecond ?? 0) * (result.window?.windowSeconds ?? 0);
    expect([92, 93]).toContain(Math.round(operations));
    expect(result.lifetime).toMatchObject({ hits: 10, misses: 90 });
  });

  test('of a window without traffic are zero, and have no hit rate', async () => {
    const { redis } = await startServer();
    const { result } = await stats(redis.url, ['--window', '200ms']);
    expect(result.window).toMatchObject({ hits: 0, misses: 0, hitRate: null, operationsPerSecond: 0 });
    expect(result.grade).toBeNull();
  });

  test('have the operations of other clients alone, also where a run of cachectl ended a moment ago', async () => {
    const { redis, server } = await startServer();
    await sendAll(
      server,
      Array.from({ length: 20_000 }, (_, index) => ['SET', `user:${index}`, 'x']),
    );
    expect((await cli(['inspect', '--exact'], { url: redis.url })).exitCode).toBe(0);
    const reported = replyText(await send(server, 'INFO', 'STATS'));
    expect(Number(/instantaneous_ops_per_sec:(\d+)/.exec(reported)?.[1])).toBeGreaterThan(1000);
    const { result } = await stats(redis.url, ['--max-rate', '40000']);
    expect(result.server?.operationsPerSecond).toBeLessThan(40);
  });

  test('move no counter of the server, and leave idle times alone', async () => {
    const { redis, server } = await startServer();
    await traffic(server, 500, 20);
    await makeIdle(server, ['user:7:profile'], 100);
    const before = await countersOf(server);

    const { result } = await stats(redis.url, ['--window', '100ms']);

    expect(await countersOf(server)).toEqual(before);
    expect(result.ownLookups).toEqual({ hits: 0, misses: 0, lost: 0 });
    expect(result.serverCost).toMatchObject({
      unreadableKeys: 0,
      refusedColumns: [],
    });
    expect(await send(server, 'OBJECT', 'IDLETIME', 'user:7:profile')).toBeGreaterThanOrEqual(100);
  });
});

describe('stats of a server', () => {
  test('that is empty and unused says nothing bad of it', async () => {
    const { redis } = await startServer();
    const { result } = await stats(redis.url);
    expect(result).toMatchObject({ keys: 0, memoryBytes: 0, namespaces: [], grade: null, exact: true });
    expect(result.lifetime).toMatchObject({ hits: 0, misses: 0, hitRate: null });
    expect(result.reasons.map(({ tone }) => tone)).not.toContain('bad');

    const table = await statsTable(redis.url);
    expect(table).toContain('No grade: fewer than 100 reads to judge by');
    expect(table).toContain('hit rate not judged: no traffic since the counters began');
    expect(table).not.toMatch(/unhealthy|✗/);
  });

  test('with a memory limit shows the limit, the policy and what was evicted', async () => {
    const { redis, server } = await startServer({
      args: ['--maxmemory', '4mb', '--maxmemory-policy', 'allkeys-lru'],
    });
    await sendAll(
      server,
      Array.from({ length: 8000 }, (_, index) => ['SET', `page:${index}`, 'x'.repeat(500)]),
    );

    const { result } = await stats(redis.url);
    expect(result.server).toMatchObject({ maxBytes: 4 * 2 ** 20, policy: 'allkeys-lru' });
    expect(result.server?.evictedKeys).toBeGreaterThan(0);
    expect(result.server?.usedBytes).toBeGreaterThan(0);
    expect(result.reasons.map(({ rule }) => rule)).toEqual(expect.arrayContaining(['memory', 'evictions']));

    const table = await statsTable(redis.url);
    expect(table).toMatch(/^ {2}memory +[\d.]+ MB {2}[\d.]+ % of 4\.2 MB, peak [\d.]+ MB, allkeys-lru/m);
    expect(table).toMatch(/; [\d,]+ evicted, 0 expired\n/);
  });

  test('that is a replica names its primary', async () => {
    const { redis: primary } = await startServer();
    const { redis: replica, server } = await startServer();
    await send(server, 'REPLICAOF', '127.0.0.1', primary.port);

    const { result } = await stats(replica.url);
    expect(result.server).toMatchObject({ role: 'replica', primary: `127.0.0.1:${primary.port}` });
    expect(await statsTable(replica.url)).toContain(`replica of 127.0.0.1:${primary.port}, up`);
  });

  test('with several databases lists them, and walks the chosen one', async () => {
    const { redis, server } = await startServer();
    await send(server, 'SET', 'zero', '1');
    const third = await open(`${redis.url}/3`);
    await sendAll(third, [
      ['SET', 'three:1', 'x'],
      ['SET', 'three:2', 'x', 'EX', 100],
    ]);

    const { result } = await stats(redis.url, ['--db', '3']);
    expect(result).toMatchObject({
      database: 3,
      keys: 2,
      databases: [
        { database: 0, keys: 1, keysWithTtl: 0 },
        { database: 3, keys: 2, keysWithTtl: 1 },
      ],
      namespaces: [{ namespace: 'three:<id>', keys: 2 }],
    });
    expect(await statsTable(redis.url, ['--db', '3'])).toContain('Namespaces of database 3: 2 keys');
  });
});

describe('the namespaces of stats', () => {
  test('are those of the map, with their kinds, and its targets are not judged', async () => {
    const { redis, server } = await startServer();
    await traffic(server, 90, 10);
    await send(server, 'SET', 'session:1', 'x');
    const cwd = folderWith({
      namespaces: {
        profile: { pattern: 'user:<id>:profile', hitRateTarget: '85%' },
        session: { pattern: 'session:<id>', kind: 'state' },
      },
      thresholds: { minHitRate: '95%' },
    });

    const { result } = await stats(redis.url, [], { cwd });
    expect(result.namespaces).toMatchObject([
      { namespace: 'profile', kind: 'cache', keys: 90, path: ['profile'], pattern: null },
      { namespace: 'session', kind: 'state', keys: 1 },
    ]);
    expect(result.unjudgedTargets).toEqual([
      { namespace: 'profile', hitRateTarget: 0.85, reason: 'not-observed' },
    ]);
    expect(result.reasons[0]).toMatchObject({
      tone: 'bad',
      text: expect.stringContaining("the map's target of 95.0 %") as string,
    });

    const { stdout } = await cli(['stats', '--no-color'], { url: redis.url, cwd, terminal: true });
    expect(stdout).toContain('the target of profile (85.0 %) cannot be judged here');
    expect(stdout).toMatch(/profile {6}90 .*cache {2}85\.0 %/);
  });

  test('beyond the limit are summed up', async () => {
    const { redis, server } = await startServer();
    await sendAll(
      server,
      Array.from({ length: 30 }, (_, index) => ['SET', `${'abcdef'.charAt(index % 6)}x:${index}`, 'x']),
    );
    const { result } = await stats(redis.url, ['--limit', '2']);
    expect(result.namespaces.map(({ keys }) => keys)).toEqual([5, 5, 20]);
    expect(result.namespaces.at(-1)?.namespace).toBe('(other)');
  });

  test('are left out where nobody asked for them, and nothing is walked', async () => {
    const { redis, server } = await startServer();
    await traffic(server, 5, 0);
    const { result } = await stats(redis.url, ['--no-namespaces']);
    expect(result).toMatchObject({
      keys: 5,
      memoryBytes: null,
      namespaces: [],
      exact: null,
      serverCost: null,
    });
    expect(await send(server, 'INFO', 'commandstats')).not.toMatch(/cmdstat_scan|cmdstat_memory/);
  });
});

test('stats of a sample has its error beside each figure, and moves no counter', async () => {
  const { redis, server } = await startServer();
  await send(server, 'DEBUG', 'POPULATE', 24_000, 'user');
  await send(server, 'DEBUG', 'POPULATE', 12_000, 'page', 200);
  const before = await countersOf(server);

  const { exitCode, result } = await stats(redis.url, ['--precision', '10%', '--seed', '5']);

  expect(exitCode).toBe(0);
  expect(await countersOf(server)).toEqual(before);
  expect(result).toMatchObject({
    exact: false,
    reading: { method: 'sample', keyspaceKeys: 36_000, precision: { target: 0.1 } },
    ownLookups: { hits: 0, misses: 0 },
  });
  expect(result.reading?.precision?.reached).toBeLessThanOrEqual(0.1);
  expect(result.namespaces.map(({ namespace }) => namespace).sort()).toEqual(['page:<id>', 'user:<id>']);
  for (const { keys, keysInterval, memoryBytesInterval, memoryBytes } of result.namespaces) {
    expect(keysInterval?.[0]).toBeLessThan(keys ?? 0);
    expect(keysInterval?.[1]).toBeGreaterThan(keys ?? 0);
    expect(memoryBytesInterval?.[0]).toBeLessThan(memoryBytes ?? 0);
    expect(memoryBytesInterval?.[1]).toBeGreaterThan(memoryBytes ?? 0);
  }
  const { stdout } = await cli(['stats', '--precision', '10%', '--no-color'], {
    url: redis.url,
    terminal: true,
  });
  expect(stdout).toMatch(/NAMESPACE +KEYS +MEMORY +SHARE +KIND +± KEYS +± MEM\n/);
  expect(stdout).toMatch(/a sample of [\d,]+ keys out of 36,000 keys: ± is half of the 95 % interval/);
  const contradiction = await cli(['stats', '--exact', '--precision', '10%'], { url: redis.url });
  expect(contradiction).toMatchObject({ exitCode: 2, stdout: '' });
});

describe('the outputs of stats', () => {
  test('have the same fields in JSON on success and on failure', async () => {
    const { redis } = await startServer();
    const good = await json(['stats'], { url: redis.url });
    const bad = await json(['stats'], {
      url: `redis://127.0.0.1:${await freePort()}`,
    });
    expect(bad.exitCode).toBe(3);
    expect(Object.keys(bad.result)).toEqual(Object.keys(good.result));
    expect(bad.result).toMatchObject({
      ok: false,
      error: { kind: 'connect', code: 'ECONNREFUSED' },
      namespaces: [],
    });
  });

  test('are lines that begin with their block, in a pipe', async () => {
    const { redis, server } = await startServer();
    await traffic(server, 3, 1);
    const { stdout } = await cli(['stats', '--window', '50ms'], { url: redis.url });
    const lines = linesOf(stdout).map((line) => line.split('\t'));
    expect(new Set(lines.map(([block]) => block))).toEqual(
      new Set(['server', 'hitRate', 'window', 'memory', 'databases', 'namespaces']),
    );
    expect(lines).toContainEqual(['hitRate', 'lifetimeHitRate', '0.75']);
    expect(lines).toContainEqual(['server', 'role', 'primary']);
    expect(lines).toContainEqual(['databases', '0', '3', '0']);
    expect(lines.find(([block]) => block === 'namespaces')?.slice(0, 3)).toEqual([
      'namespaces',
      'user:<id>:profile',
      '3',
    ]);
  });

  test('are the namespaces, in csv and ndjson', async () => {
    const { redis, server } = await startServer();
    await traffic(server, 3, 1);
    const { stdout: csv } = await cli(['stats', '-o', 'csv'], { url: redis.url });
    expect(csv).toMatch(/^namespace,keys,memoryBytes,memoryShare,kind\r\nuser:<id>:profile,3,\d+,1,\r\n$/);
    const { stdout } = await cli(['stats', '-o', 'ndjson'], { url: redis.url });
    const records = linesOf(stdout).map((line) => JSON.parse(line) as Record<string, unknown>);
    expect(records.map(({ record }) => record)).toEqual(['namespaces', 'summary']);
    expect(records[1]).toMatchObject({ lifetime: { hits: 3 }, command: 'stats', schemaVersion: 2, ok: true });
  });

  test('keep quiet on stderr', async () => {
    const { redis } = await startServer();
    for (const args of [[], ['--output', 'json'], ['--quiet']])
      expect((await cli(['stats', ...args], { url: redis.url })).stderr).toBe('');
  });
});

test('a server that restarts within the window gives the figures since then', async () => {
  const started = await startServer();
  const { server } = started;
  await traffic(server, 50, 50);
  const { result } = await statsDuring(started, async () => {
    await send(server, 'CONFIG', 'RESETSTAT');
    await sendAll(server, [
      ['GET', 'user:1:profile'],
      ['GET', 'absent'],
      ['GET', 'absent'],
    ]);
  });
  expect(result.window).toMatchObject({ hits: 1, misses: 2 });
});

test('an answer that is no permission problem ends stats with its cause', async () => {
  const { redis } = await startServer();
  redis.kill('SIGSTOP');
  const outcome = await cli(['stats', '--timeout', '300ms'], { url: redis.url });
  redis.kill('SIGCONT');
  expect(outcome.exitCode).toBe(3);
  expect(outcome.stderr).toMatch(/^error: .*127\.0\.0\.1:\d+.*no answer/);
});
