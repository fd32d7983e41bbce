import { beforeAll, describe, expect, test } from 'vitest';
import { commandCalls, parseInfo } from '../../src/redis/info.ts';
import { type Reply, replyText } from '../../src/redis/reply.ts';
import type { RedisServer } from '../../src/redis/server.ts';
import { startCluster, type TestCluster } from '../server/cluster.ts';
import { atEnd, startServer } from '../server/own.ts';
import { send } from '../server/redis.ts';
import { bench, benchKeys, brief, keysAppear, resultOf } from './bench-runs.ts';

/** Calls of each command since the server began. */
async function callsOf(server: RedisServer): Promise<ReadonlyMap<string, number>> {
  const info = parseInfo(replyText(await send(server, 'INFO', 'commandstats')));
  return commandCalls(info, 'calls') ?? new Map<string, number>();
}

describe('bench mget and hget', () => {
  test('measure an MGET of a group and an HGET of a field, count one lookup for each key, and leave nothing', async () => {
    const { redis, server } = await startServer();
    const run = await bench(['mget', 'hget', ...brief, '--group', '7', '--hit-ratio', '60%', '-o', 'json'], {
      url: redis.url,
    });
    const { results, ownLookups, ...report } = resultOf(run);
    const [mget, hget] = results;
    const stats = parseInfo(replyText(await send(server, 'INFO', 'stats')));

    expect(run.exitCode, run.stderr).toBe(0);
    expect([mget, hget]).toMatchObject([
      { name: 'mget', operations: 400, complete: true, serverSide: { calls: 400 } },
      { name: 'hget', operations: 400, complete: true, serverSide: { calls: 400 } },
    ]);
    for (const each of results) {
      expect(each.misses).toBe(each.expectedMisses);
      // Five standard deviations of a binomial distribution.
      expect(Math.abs((each.missRatio ?? 0) - 0.4)).toBeLessThan(0.13);
    }
    // 50 keys are seven groups of seven, and one of one.
    expect(report).toMatchObject({ group: 7, keysRemoved: 50 + 8, keysLeft: 0 });
    expect(report.warnings.map(({ kind }) => kind)).not.toContain('misses');
    expect(ownLookups).toMatchObject({
      hits: Number(stats['keyspace_hits']),
      misses: Number(stats['keyspace_misses']),
    });
    expect(await send(server, 'DBSIZE')).toBe(0);
  });

  test('give every key a TTL, hashes too', async () => {
    const { redis, server } = await startServer();
    const running = bench(['mget', 'hget', '--duration', '10s', '--warmup', '0', '--keys', '40'], {
      url: redis.url,
      signal: AbortSignal.timeout(1500),
    });
    await keysAppear(server);
    const keys = await benchKeys(server);
    const ttls = await Promise.all(keys.map((key) => send(server, 'TTL', key)));
    await running;

    expect(Math.min(...ttls.map(Number))).toBeGreaterThan(500);
    expect(await send(server, 'DBSIZE')).toBe(0);
  });

  test('are not among the workloads of a run that names none', async () => {
    const { redis, server } = await startServer();
    const { results, group } = resultOf(await bench([...brief, '-o', 'json'], { url: redis.url }));
    const calls = await callsOf(server);

    expect(results.map(({ name }) => name)).toEqual(['ping', 'get', 'set', 'mixed']);
    expect(group).toBeNull();
    expect(['mget', 'hget', 'hset'].filter((name) => calls.has(name.toUpperCase()))).toEqual([]);
  });

  test('say what they read', async () => {
    const { redis } = await startServer();
    const { stdout } = await bench(['mget', 'hget', ...brief], {
      url: redis.url,
      terminal: true,
      env: { NO_COLOR: '1' },
    });

    expect(stdout.replaceAll(/\s+/g, ' ')).toContain('`mget` is 10 keys, a hash has 10 fields');
  });
});

describe('bench of a cluster', () => {
  let cluster: TestCluster;
  beforeAll(async () => {
    cluster = await startCluster(3);
    atEnd(() => cluster.stop());
  });

  test('reads the keys of an MGET in one slot, and uses every node', async () => {
    const run = await bench(
      ['mget', 'hget', 'mixed', '--cluster', ...brief.slice(0, -1), '300', '-o', 'json'],
      {
        url: cluster.nodes[0].url,
      },
    );
    const { results, keysRemoved, keysLeft } = resultOf(run);
    const calls = await Promise.all(cluster.admins.map(callsOf));
    const sizes: Reply[] = await Promise.all(cluster.admins.map((admin) => send(admin, 'DBSIZE')));

    expect(run.exitCode, run.stderr).toBe(0);
    expect(results.map(({ operations, misses }) => [operations, misses])).toEqual([
      [400, 0],
      [400, 0],
      [400, 0],
    ]);
    expect([keysRemoved, keysLeft]).toEqual([330, 0]);
    expect(sizes).toEqual([0, 0, 0]);
    for (const each of calls) expect(each.get('MGET')).toBeGreaterThan(0);
  });
});
