import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { commandCalls, parseInfo } from '../../src/redis/info.ts';
import { type Reply, replyText } from '../../src/redis/reply.ts';
import type { RedisServer } from '../../src/redis/server.ts';
import { cli } from '../run-cli.ts';
import { naming } from '../named-map.ts';
import { startBinary } from '../server/binary.ts';
import { startCluster, storeInCluster } from '../server/cluster.ts';
import { atEnd, startServer, temporaryFolder } from '../server/own.ts';
import { send, sendAll, untilCalled } from '../server/redis.ts';
import { bench, benchKeys, keysAppear, resultOf } from './bench-runs.ts';

const short = ['--operations', '600', '--warmup', '0'];

/** Forty sessions, carts, feeds, tags and ranks, each of a type of its own, and a stream. */
async function fill(server: RedisServer): Promise<void> {
  for (let index = 0; index < 40; index++) {
    await send(server, 'SET', `session:${index}`, 'x'.repeat(400), 'EX', 900);
    await send(server, 'HSET', `cart:${index}`, 'a', '1', 'b', '2');
    await send(server, 'RPUSH', `feed:${index}`, 'a', 'b');
    await send(server, 'SADD', `tags:${index}`, 'a', 'b');
    await send(server, 'ZADD', `rank:${index}`, 1, 'a');
    await send(server, 'XADD', `log:${index}`, '*', 'a', 'b');
  }
}

async function ownServer() {
  const { redis, server } = await startServer();
  await fill(server);
  await send(server, 'CONFIG', 'RESETSTAT');
  const infoOf = async (section: string) => parseInfo(replyText(await send(server, 'INFO', section)));
  const calls = async () => commandCalls(await infoOf('commandstats'), 'calls') ?? new Map<string, number>();
  return { redis, server, infoOf, calls, url: redis.url };
}

/** A record of a window, in a folder of its own. */
function recordOf(
  namespaces: readonly (readonly [name: string, reads: number, writes: number, hitRate: number])[],
) {
  const cwd = temporaryFolder();
  const record = {
    ...{ recordVersion: 1, at: '2026-01-01T00:00:00.000Z', server: 'redis://127.0.0.1:1/0', mode: 'exact' },
    ...{ windowSeconds: 1, valid: true, reads: 9, hits: 0, misses: 9, hitRate: 0 },
    namespaces: namespaces.map(([namespace, reads, writes, hitRate]) => ({
      ...{ namespace, database: 0, reads, writes, hitRate, readsPerSecond: reads },
      ...{ hits: reads * hitRate, misses: reads * (1 - hitRate) },
    })),
  };
  writeFileSync(join(cwd, 'hits.ndjson'), JSON.stringify(record));
  return { cwd };
}

describe('bench --like', () => {
  test('reads keys of each type by the command for it, writes nothing, and counts its lookups exactly', async () => {
    const { server, infoOf, calls, url } = await ownServer();
    const before = await send(server, 'DEBUG', 'DIGEST');
    const names = ['session', 'cart', 'feed', 'tags', 'rank'].flatMap((name) => ['--like', `${name}:<id>`]);
    const run = await bench([...names, ...short, '-o', 'json'], { url });
    const { results, namespaces, ownLookups, ...report } = resultOf(run);
    const [called, stats] = [await calls(), await infoOf('stats')];
    const reads = ['GET', 'HGETALL', 'LRANGE', 'SMEMBERS', 'ZRANGE'];
    const writes = [...called.keys()].filter((name) =>
      /SET|DEL|UNLINK|EXPIRE|MULTI|EXEC|ADD|PUSH/.test(name),
    );

    expect(run.exitCode, run.stderr).toBe(0);
    expect(results).toMatchObject([
      { name: 'like', operations: 600, lookups: 600, misses: 0, complete: true },
    ]);
    expect(reads.map((name) => (called.get(name) ?? 0) > 60)).toEqual(reads.map(() => true));
    expect(reads.reduce((sum, name) => sum + (called.get(name) ?? 0), 0)).toBe(600);
    expect(writes).toEqual(['CONFIG|RESETSTAT'].filter((name) => called.has(name)));
    expect(await send(server, 'DEBUG', 'DIGEST')).toBe(before);
    expect(report).toMatchObject({ keysRemoved: 0, keysLeft: 0 });
    expect(namespaces.map(({ keys, trafficRatio }) => [keys > 30, trafficRatio])).toEqual(
      namespaces.map(() => [true, 0.2]),
    );
    expect(ownLookups).toMatchObject({
      hits: Number(stats['keyspace_hits']),
      misses: Number(stats['keyspace_misses']),
    });
  });

  test.each([['--like'], ['--shape']])('does the same in several threads (%s)', async (kind) => {
    const { infoOf, url } = await ownServer();
    const args = ['--like', 'session:<id>', '--like', 'cart:<id>', ...(kind === '--shape' ? [kind] : [])];
    const threads = ['--threads', '2', '--connections', '4', '--operations', '4000', '--warmup', '0'];
    const run = await bench([...args, ...threads, '-o', 'json'], { url });
    const stats = await infoOf('stats');

    expect(run.exitCode, run.stderr).toBe(0);
    expect(resultOf(run)).toMatchObject({
      ...{ threads: 2, keysLeft: 0, results: [{ operations: 4000, errors: 0, misses: 0 }] },
      ownLookups: { hits: Number(stats['keyspace_hits']), misses: 0 },
    });
  });

  test('takes patterns and names of the map, and a read-only profile', async () => {
    const { url } = await ownServer();
    const cwd = temporaryFolder();
    const config = {
      profiles: { prod: { url, readOnly: true } },
      namespaces: { sessions: { pattern: 'session:<id>' } },
    };
    writeFileSync(join(cwd, 'cachectl.config.json'), JSON.stringify(config));
    const env = { ...naming(cwd), CACHECTL_PROFILE: 'prod' };
    const mapped = await cli(['bench', '--like', 'sessions', '--like', 'c*:<id>', ...short, '-o', 'json'], {
      cwd,
      env,
    });
    const copied = await cli(['bench', '--like', 'sessions', '--shape', ...short], { cwd, env });

    expect(resultOf(mapped).namespaces.map(({ namespace, keys }) => [namespace, keys > 30])).toEqual([
      ['sessions', true],
      ['c*:<id>', true],
    ]);
    expect(copied.exitCode).toBe(2);
    expect(copied.stderr).toContain('profile `prod` is read-only, and this benchmark writes');
  });

  test('counts keys that are gone by then as misses', async () => {
    const { server, url } = await ownServer();
    const running = bench(['--like', 'session:<id>', '--duration', '1500ms', '--warmup', '0', '-o', 'json'], {
      url,
    });
    const keys = Array.from({ length: 40 }, (_, index) => ['UNLINK', `session:${index}`] as const);
    await untilCalled(server, 'get', 50);
    await sendAll(server, keys);
    const { results, warnings } = resultOf(await running);

    expect(results[0]?.misses).toBeGreaterThan(0);
    expect(warnings).toContainEqual({ kind: 'misses', workload: 'like', misses: results[0]?.misses });
  });

  test('ends where a key is of another type by then, and counts the lookup that found it out', async () => {
    const { server, infoOf, url } = await ownServer();
    const args = ['--like', 'session:<id>', '--duration', '20s', '--warmup', '0', '--connections', '1'];
    const running = bench([...args, '-o', 'json'], { url });
    await untilCalled(server, 'get', 50);
    const retyped = Array.from({ length: 40 }, (_, index) => `session:${index}`).flatMap((key) => [
      ['UNLINK', key],
      ['LPUSH', key, 'a'],
    ]);
    await sendAll(server, [['MULTI'], ...retyped, ['EXEC']]);
    const run = await running;
    const stats = await infoOf('stats');

    expect(run.exitCode).toBe(4);
    expect(run.stderr).toContain('WRONGTYPE');
    expect(resultOf(run).ownLookups).toMatchObject({
      hits: Number(stats['keyspace_hits']),
      misses: Number(stats['keyspace_misses']),
    });
  });

  test('leaves out what is too large to be read again and again, and types that it does not read', async () => {
    const { server, url } = await ownServer();
    await send(server, 'SET', 'session:big', 'x'.repeat(2 ** 21));
    const some = resultOf(await bench(['--like', 'session:*', ...short, '-o', 'json'], { url }));
    const none = await bench(['--like', 'log:<id>', ...short], { url });

    expect(some.namespaces).toMatchObject([{ leftOutKeys: 1 }]);
    expect(none.exitCode).toBe(2);
    expect(none.stderr).toContain('no key of `log:<id>` can be used');
  });

  test.each([
    [['--like', 'nothing:<id>'], 'no key of `nothing:<id>` can be used, among'],
    [['get', '--like', 'session:<id>'], '`get` uses keys of the benchmark'],
    [['--shape'], '`--shape` has nothing to copy'],
    [['--like', 'x', '--mix', 'y'], "cannot be used with option '--like"],
    [['--mix', 'never.ndjson'], 'never.ndjson'],
  ])('refuses %j', async (args, message) => {
    const { url } = await ownServer();
    const run = await bench([...args, ...short], { url });

    expect(run.exitCode).toBe(2);
    expect(run.stderr).toContain(message);
  });

  test('reads at every node of a cluster', async () => {
    const cluster = await startCluster(3);
    atEnd(() => cluster.stop());
    const keys = Array.from({ length: 300 }, (_, index) => `session:${index}`);
    await storeInCluster(cluster, keys);
    const url = cluster.nodes[0].url;
    const run = await bench(['--cluster', '--like', 'session:<id>', ...short, '-o', 'json'], { url });
    const shape = await bench(['--cluster', '--like', 'session:<id>', '--shape', ...short, '-o', 'json'], {
      url,
    });
    const sizes: Reply[] = await Promise.all(cluster.admins.map((admin) => send(admin, 'DBSIZE')));

    expect(run.exitCode, run.stderr).toBe(0);
    expect(resultOf(run).results).toMatchObject([{ operations: 600, misses: 0 }]);
    expect(resultOf(shape)).toMatchObject({ keysLeft: 0, results: [{ operations: 600, misses: 0 }] });
    expect(sizes.map(Number).reduce((sum, size) => sum + size)).toBe(300);
  });
});

describe('bench --shape', () => {
  test('uses copies with the sizes and types of the keys, and touches no key of the application', async () => {
    const { server, url } = await ownServer();
    await send(server, 'CONFIG', 'SET', 'slowlog-log-slower-than', 0);
    await send(server, 'CONFIG', 'SET', 'slowlog-max-len', 100_000);
    const args = ['--like', 'session:<id>', '--like', 'cart:<id>', '--shape', '--hit-ratio', '80%'];
    // The log holds what a fast machine sends.
    args.push('--rate', '5000', '--duration', '1500ms', '--warmup', '0');
    const running = bench([...args, '-o', 'json'], { url });
    const [first = ''] = (await keysAppear(server)).sort();
    const [size, ttl] = [await send(server, 'STRLEN', first), await send(server, 'TTL', first)];
    const { results, namespaces, keysRemoved, keysLeft } = resultOf(await running);
    const commands = ((await send(server, 'SLOWLOG', 'GET', -1)) as Reply[][]).map((entry) =>
      (entry[3] as Reply[]).map(replyText),
    );
    const onKeys = commands.filter(([, key]) => /^(session|cart):/.test(key ?? ''));

    expect(results).toMatchObject([{ name: 'like', complete: true, errors: 0 }]);
    expect(results[0]?.misses).toBe(results[0]?.expectedMisses);
    expect(Math.abs((results[0]?.missRatio ?? 0) - 0.2)).toBeLessThan(0.1);
    // What the allocator rounds up is in the size.
    expect(Math.abs(Number(size) - 400)).toBeLessThan(100);
    expect(Number(ttl)).toBeGreaterThan(60);
    expect(new Set(onKeys.map(([name]) => name))).toEqual(new Set(['TYPE', 'PTTL']));
    const names = new Set(commands.map(([name]) => name));
    expect(['GET', 'SET', 'HGETALL', 'HSET'].filter((name) => !names.has(name))).toEqual([]);
    expect(keysRemoved).toBe(namespaces.reduce((sum, { keys }) => sum + keys, 0));
    expect(keysLeft).toBe(0);
    expect(await send(server, 'DBSIZE')).toBe(240);
  });

  test('that is killed leaves keys that expire, hashes too', async () => {
    const { server, url } = await ownServer();
    const args = ['--like', 'session:<id>', '--like', 'cart:<id>', '--shape', '--get-ratio', '10%'];
    const { child, outcome } = startBinary(['bench', ...args, '--duration', '60s', '--warmup', '0'], {
      env: { REDIS_URL: url },
    });
    await keysAppear(server);
    child.kill('SIGKILL');
    await outcome;
    const left = await benchKeys(server);
    const ttls = await Promise.all(left.map((key) => send(server, 'TTL', key)));

    expect(left.length).toBeGreaterThan(0);
    expect(Math.min(...ttls.map(Number))).toBeGreaterThan(0);
    expect(Math.max(...ttls.map(Number))).toBeLessThanOrEqual(660);
  });

  test('that is interrupted by Ctrl-C removes its copies', async () => {
    const { server, url } = await ownServer();
    const { child, outcome } = startBinary(
      ['bench', '--like', 'cart:<id>', '--shape', '--duration', '60s', '--warmup', '0'],
      { env: { REDIS_URL: url } },
    );
    await keysAppear(server);
    child.kill('SIGINT');

    expect((await outcome).exitCode).toBe(130);
    expect(await send(server, 'DBSIZE')).toBe(240);
  });
});

describe('bench --mix', () => {
  test('reads the namespaces of a record by their reads, and says what it leaves out', async () => {
    const { url, calls } = await ownServer();
    const { cwd } = recordOf([
      ['session:<id>', 600, 50, 0.5],
      ['cart:<id>', 200, 0, 1],
      ['gone:<id>', 200, 0, 0],
      ['(other)', 500, 0, 0.5],
    ]);
    const run = await bench(['--mix', 'hits.ndjson', '--operations', '2000', '--warmup', '0', '-o', 'json'], {
      url,
      cwd,
    });
    const { namespaces, warnings, like, results } = resultOf(run);
    const called = await calls();

    expect(like).toBe('the mix in hits.ndjson');
    expect(namespaces.map(({ trafficRatio }) => trafficRatio)).toEqual([0.75, 0.25, 0]);
    expect(warnings).toContainEqual({
      kind: 'namespaces-left-out',
      namespaces: ['gone:<id>'],
      trafficRatio: 0.2,
    });
    expect(results).toMatchObject([{ operations: 2000, misses: 0 }]);
    // Five standard deviations of a binomial distribution.
    expect(Math.abs((called.get('GET') ?? 0) - 1500)).toBeLessThan(97);
    expect((called.get('GET') ?? 0) + (called.get('HGETALL') ?? 0)).toBe(2000);
  });

  test('with --shape writes as often as the window did, and misses as often', async () => {
    const { url } = await ownServer();
    const { cwd } = recordOf([
      ['session:<id>', 600, 200, 0.5],
      ['cart:<id>', 200, 0, 1],
    ]);
    const args = ['--mix', 'hits.ndjson', '--shape', '--operations', '4000', '--warmup', '0'];
    const { namespaces, results, keysLeft } = resultOf(await bench([...args, '-o', 'json'], { url, cwd }));

    expect(namespaces).toMatchObject([
      { namespace: 'session:<id>', trafficRatio: 0.8, getRatio: 0.75, hitRatio: 0.5 },
      { namespace: 'cart:<id>', trafficRatio: 0.2, getRatio: 1, hitRatio: 1 },
    ]);
    // Of 4,000 commands 800 write, and of the 2,400 reads of sessions half miss; five standard deviations.
    expect(Math.abs((results[0]?.lookups ?? 0) - 3200)).toBeLessThan(127);
    expect(Math.abs((results[0]?.misses ?? 0) - 1200)).toBeLessThan(145);
    expect(results[0]?.misses).toBe(results[0]?.expectedMisses);
    expect(keysLeft).toBe(0);
  });

  test('refuses a record that knows no reads', async () => {
    const { url } = await ownServer();
    const { cwd } = recordOf([['(other)', 5, 0, 1]]);
    const run = await bench(['--mix', 'hits.ndjson', ...short], { url, cwd });

    expect(run.exitCode).toBe(2);
    expect(run.stderr).toContain('`hits.ndjson` does not say which namespaces were read (mode exact)');
  });
});
