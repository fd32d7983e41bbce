import { describe, expect, test } from 'vitest';
import type { Progress } from '../../src/support/progress.ts';
import { asBytes, type ByteString, bytesOf } from '../../src/support/bytes.ts';
import { RedisError } from '../../src/redis/errors.ts';
import { infoNumber, readInfo } from '../../src/redis/info.ts';
import type { RedisServer } from '../../src/redis/server.ts';
import type { SandboxRecord } from '../../src/sandbox/family.ts';
import { generateRecords, restoreSeed, seedServer } from '../../src/sandbox/seed.ts';
import { type SystemName, systemNames } from '../../src/sandbox/systems.ts';
import { runTraffic, warmUpTraffic } from '../../src/sandbox/traffic.ts';
import type { TrafficTotals } from '../../src/sandbox/traffic-account.ts';
import { send } from '../server/redis.ts';
import { emptyServer, startServer } from '../server/own.ts';

/** A server of its own, so that nothing else changes its counters. */
async function privateServer(args: readonly string[] = []): Promise<RedisServer> {
  const { server } = await startServer({ args: [...args] });
  return server;
}

const recordsOf = (system: SystemName, keys: number) =>
  generateRecords(system, { keys, seed: 1, now: Date.now() });
const longLived = (records: Iterable<SandboxRecord>) =>
  [...records].filter(({ ttlMillis }) => ttlMillis === null || ttlMillis > 60_000);

function recordedProgress(): Progress & { readonly updates: number[] } {
  const updates: number[] = [];
  return { updates, start: () => undefined, update: (done) => updates.push(done), stop: () => undefined };
}

describe('filling a server', () => {
  test.each(systemNames)('writes every record of %s, byte for byte, with its TTL', async (system) => {
    const server = await emptyServer();
    const records = longLived(recordsOf(system, 1500));

    expect(await seedServer(server.nodes[0], records)).toBe(records.length);

    expect(await send(server, 'DBSIZE')).toBe(records.length);
    for (const { key, value, ttlMillis } of records.filter((_, index) => index % 50 === 0)) {
      expect(await send(server, 'GET', key)).toBe(value);
      const left = Number(await send(server, 'PTTL', key));
      if (ttlMillis === null) expect(left).toBe(-1);
      else {
        expect(left).toBeLessThanOrEqual(ttlMillis);
        expect(left).toBeGreaterThan(ttlMillis - 20_000);
      }
    }
  });

  test('tells its progress in steps up to the whole', async () => {
    const server = await emptyServer();
    const progress = recordedProgress();
    const records = longLived(recordsOf('boardroom', 4000));
    await seedServer(server.nodes[0], records, progress);
    expect(progress.updates.length).toBeGreaterThan(3);
    expect(progress.updates).toEqual([...progress.updates].sort((a, b) => a - b));
    expect(progress.updates.at(-1)).toBe(records.length);
  });

  test('stops soon after an abort, and tells how many are written', async () => {
    const server = await emptyServer();
    const aborting = new AbortController();
    function* endless(): Generator<SandboxRecord> {
      for (let index = 0; ; index++) {
        if (index === 3000) aborting.abort();
        yield { key: asBytes(`key:${index}`), value: asBytes('x'), ttlMillis: null };
      }
    }
    const written = await seedServer(server.nodes[0], endless(), undefined, aborting.signal);
    expect(written).toBeGreaterThanOrEqual(3000);
    expect(written).toBeLessThan(5000);
    expect(await send(server, 'DBSIZE')).toBe(written);
  });

  test('ends at the first refusal, and never quotes a value', async () => {
    const server = await privateServer(['--maxmemory', '1mb', '--maxmemory-policy', 'noeviction']);
    const records = [{ key: bytesOf('token'), value: bytesOf('hunter2 '.repeat(300_000)), ttlMillis: null }];
    const more = Array.from({ length: 10 }, (_, index) => ({
      key: asBytes(`k${index}`),
      value: bytesOf('hunter2'),
      ttlMillis: null,
    }));
    const failure = seedServer(server.nodes[0], [...records, ...more]);
    await expect(failure).rejects.toBeInstanceOf(RedisError);
    await expect(failure).rejects.toMatchObject({
      code: 'OOM',
      message: expect.not.stringContaining('hunter2') as string,
    });
  });

  test('fails when the server goes away in the middle', async () => {
    const { redis, server } = await startServer({}, { retryMillis: 0 });
    function* untilKilled(): Generator<SandboxRecord> {
      for (let index = 0; ; index++) {
        if (index === 2000) process.kill(redis.pid, 'SIGKILL');
        yield { key: asBytes(`key:${index}`), value: asBytes('x'.repeat(100)), ttlMillis: null };
      }
    }
    await expect(seedServer(server.nodes[0], untilKilled())).rejects.toMatchObject({ failure: 'lost' });
  });
});

describe('a warm-up', () => {
  test('gives the server the very history that it tells of', async () => {
    const server = await privateServer();
    await seedServer(server.nodes[0], recordsOf('education', 3000));
    const totals = await warmUpTraffic(server.nodes[0], 'education', 1, 5000, { now: Date.now });

    expect(totals.operations).toBe(5000);
    const info = await readInfo(server.nodes[0]);
    expect(infoNumber(info, 'keyspace_hits')).toBe(totals.hits);
    expect(infoNumber(info, 'keyspace_misses')).toBe(totals.misses);
    expect(infoNumber(info, 'expired_keys')).toBeGreaterThan(20);
    const hitRate = totals.hits / (totals.hits + totals.misses);
    expect(hitRate).toBeGreaterThan(0.7);
    expect(hitRate).toBeLessThan(0.95);
  });

  test('fills what was missed, with a TTL, and leaves counters with theirs', async () => {
    const server = await emptyServer();
    await warmUpTraffic(server.nodes[0], 'honzik', 1, 3000, { now: Date.now });

    expect(Number(await send(server, 'PTTL', 'user:1:profile'))).toBeGreaterThan(3_590_000);
    const page = await send(server, 'SCAN', '0', 'COUNT', 100_000, 'MATCH', 'quota:*');
    const quotas =
      Array.isArray(page) && Array.isArray(page[1]) ? page[1].map((key) => key as ByteString) : [];
    expect(quotas.length).toBeGreaterThan(10);
    for (const quota of quotas) {
      expect(Number(await send(server, 'GET', quota))).toBeGreaterThan(0);
      expect(Number(await send(server, 'PTTL', quota))).toBeGreaterThan(93_000_000);
    }
  });

  test('ends early on an abort', async () => {
    const server = await emptyServer();
    const signal = AbortSignal.abort();
    expect(await warmUpTraffic(server.nodes[0], 'content', 1, 5000, { now: Date.now, signal })).toMatchObject(
      { operations: 0 },
    );
  });
});

describe('traffic', () => {
  test('keeps its pace by the clock it is given, and ends on abort', async () => {
    const server = await emptyServer();
    const stop = new AbortController();
    // A clock of the test's own: half a second passes with each look.
    let clock = Date.now();
    const seen: number[] = [];
    const totals = await runTraffic(server.nodes[0], 'content', 1, {
      operationsPerSecond: 200,
      signal: stop.signal,
      now: () => (clock += 500),
      onTick: ({ operations }) => {
        seen.push(operations);
        if (seen.length === 5) stop.abort();
      },
    });
    expect(totals.operations).toBe(seen.at(-1));
    // Never more than a second's worth in one tick, whatever the clock says.
    const steps = seen.map((operations, index) => operations - (seen[index - 1] ?? 0));
    expect(Math.max(...steps)).toBeLessThanOrEqual(200);
    expect(Math.min(...steps)).toBeGreaterThanOrEqual(100);
  });

  test('brings data that the warm-up has not brought', async () => {
    const server = await emptyServer();
    const before = await warmUpTraffic(server.nodes[0], 'content', 1, 4000, { now: Date.now });
    const stop = new AbortController();
    let clock = Date.now();
    const after: TrafficTotals = await runTraffic(server.nodes[0], 'content', 1, {
      operationsPerSecond: 500,
      signal: stop.signal,
      now: () => (clock += 1000),
      onTick: ({ operations }) => {
        if (operations >= 4000) stop.abort();
      },
    });
    const missRate = ({ hits, misses }: TrafficTotals) => misses / (hits + misses);
    // The same operations once more would find what the first ones filled in.
    expect(missRate(after)).toBeGreaterThan(0.2);
    expect(missRate(after)).toBeLessThan(missRate(before) + 0.05);
  });

  test('is no traffic of this program: the server knows it by another name', async () => {
    const server = await emptyServer();
    const stop = new AbortController();
    const names: string[] = [];
    const looks: Promise<unknown>[] = [];
    await runTraffic(server.nodes[0], 'honzik', 1, {
      operationsPerSecond: 100,
      signal: stop.signal,
      now: Date.now,
      onTick: () => {
        looks.push(
          send(server, 'CLIENT', 'LIST')
            .then((list) => names.push(list as ByteString))
            .finally(() => stop.abort()),
        );
      },
    });
    await Promise.all(looks);
    expect(names[0]).toContain('name=sandbox-application');
  });

  test('fails when the server goes away', async () => {
    const { redis, server } = await startServer();
    let ticks = 0;
    const traffic = runTraffic(server.nodes[0], 'honzik', 1, {
      operationsPerSecond: 100,
      signal: AbortSignal.timeout(10_000),
      now: Date.now,
      onTick: () => {
        if (++ticks === 3) process.kill(redis.pid, 'SIGKILL');
      },
    });
    await expect(traffic).rejects.toMatchObject({ failure: 'lost' });
  });
});

describe('a history that leaves no keys', () => {
  test.each([0, 5, 800])(
    'gives a server of %i keys those very keys, with the hits of a past',
    async (keys) => {
      const server = await emptyServer();
      const records = longLived(recordsOf('honzik', keys));
      await seedServer(server.nodes[0], records);
      const touched = new Set<ByteString>();
      await warmUpTraffic(server.nodes[0], 'honzik', 1, 2000, { now: Date.now, touched });
      expect(await send(server, 'DBSIZE')).toBeGreaterThan(records.length);

      await restoreSeed(server.nodes[0], records, touched);

      expect(await send(server, 'DBSIZE')).toBe(records.length);
      for (const { key } of records) expect(await send(server, 'EXISTS', key)).toBe(1);
    },
  );
});
