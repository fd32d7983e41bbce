import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { differencesOf, type NodeCounters } from '../../src/health/lookups/differences.ts';
import { type CounterFigures, counterFigures } from '../../src/watch/interval.ts';
import { latencyOf } from '../../src/watch/latency.ts';
import { counters } from './watch-figures.ts';

const busy = {
  keyspace_hits: 1000,
  keyspace_misses: 500,
  total_commands_processed: 5000,
  evicted_keys: 10,
  expired_keys: 20,
  used_cpu_sys: 1,
  used_cpu_user: 3,
  total_net_input_bytes: 100_000,
  total_net_output_bytes: 200_000,
  used_memory: 4000,
  maxmemory: 8000,
  connected_clients: 7,
  db0: 'keys=5,expires=1,avg_ttl=0',
};

const figuresBetween = (
  before: readonly NodeCounters[],
  after: readonly [NodeCounters, ...NodeCounters[]],
  seconds: number,
): CounterFigures => counterFigures(differencesOf(before, after, seconds), after, seconds);

describe('an interval', () => {
  test('is the difference of the counters, without what was asked by ourselves', () => {
    const after = {
      ...busy,
      keyspace_hits: 1090,
      keyspace_misses: 510,
      total_commands_processed: 5250,
      evicted_keys: 14,
      used_cpu_user: 3.5,
      total_net_input_bytes: 120_000,
    };
    const figures = figuresBetween([counters(busy)], [counters(after, { ownCommands: 50 })], 2);
    expect(figures).toMatchObject({
      windowSeconds: 2,
      reset: null,
      hits: 90,
      misses: 10,
      hitRate: 0.9,
      operationsPerSecond: 100,
      evictedKeys: 4,
      expiredKeys: 0,
      cpuRatio: 0.25,
      bytesInPerSecond: 10_000,
      bytesOutPerSecond: 0,
      usedBytes: 4000,
      maxBytes: 8000,
      connectedClients: 7,
      keys: 5,
      ownCommands: 50,
    });
  });

  test('has the hit rate of the reads of data, where other runs look up types and TTLs', () => {
    const calls = (count: number) => ({ cmdstat_type: `calls=${count},usec=1` });
    const rate = (hits: number, misses: number, type: number) => {
      const before = { ...busy, ...calls(100) };
      const after = {
        ...before,
        keyspace_hits: 1000 + hits,
        keyspace_misses: 500 + misses,
        ...calls(100 + type),
      };
      const figures = figuresBetween([counters(before)], [counters(after)], 1);
      return [
        figures.hits,
        figures.misses,
        figures.metadataLookups,
        figures.hitRate,
        figures.hitRateInterval,
      ];
    };
    expect(rate(20_000, 0, 20_000)).toEqual([20_000, 0, 20_000, null, null]);
    expect(rate(20_900, 100, 20_000)).toEqual([20_900, 100, 20_000, 0.95, [0.9, 1]]);
    expect(rate(20_500, 500, 20_000)).toEqual([20_500, 500, 20_000, null, [0.5, 1]]);
    expect(rate(900, 100, 0)).toEqual([900, 100, 0, 0.9, null]);
  });

  test('has no hit rate where nothing was read', () => {
    expect(figuresBetween([counters(busy)], [counters(busy)], 1)).toMatchObject({
      hits: 0,
      misses: 0,
      hitRate: null,
    });
  });

  test('counts from zero after CONFIG RESETSTAT, and keeps the CPU, which that leaves alone', () => {
    const after = {
      ...busy,
      keyspace_hits: 3,
      keyspace_misses: 1,
      total_commands_processed: 9,
      used_cpu_user: 4,
    };
    const figures = figuresBetween([counters(busy)], [counters(after)], 1);
    expect(figures).toMatchObject({ reset: 'statistics', hits: 3, misses: 1, hitRate: 0.75, cpuRatio: 1 });
  });

  test('counts from the start of a server that was started anew', () => {
    const after = {
      ...busy,
      run_id: 'r2',
      uptime_in_seconds: 4,
      keyspace_hits: 8,
      keyspace_misses: 2,
      used_cpu_user: 0.5,
    };
    const figures = figuresBetween([counters(busy)], [counters(after)], 60);
    expect(figures).toMatchObject({ reset: 'restart', hits: 8, misses: 2, hitRate: 0.8 });
    // Of no more than its uptime, and not of the minute that it was away.
    expect(figures.cpuRatio).toBeCloseTo(1.5 / 5);
  });

  test('has nothing to say of a server that has taken over with counters of its own', () => {
    const after = { ...busy, run_id: 'r2', uptime_in_seconds: 90_000, keyspace_hits: 9e9 };
    expect(figuresBetween([counters(busy)], [counters(after)], 1)).toMatchObject({
      reset: 'other',
      hits: null,
      operationsPerSecond: null,
      usedBytes: 4000,
    });
  });

  test('adds the nodes up, each compared with its own reading whatever their order', () => {
    const nodes = (first: number, second: number) =>
      [
        counters({ ...busy, run_id: 'x', keyspace_hits: first }, { address: 'x:1' }),
        counters({ ...busy, run_id: 'y', keyspace_hits: second }, { address: 'y:1' }),
      ] as const;
    const [x, y] = nodes(1010, 2020);
    expect(figuresBetween(nodes(1000, 2000), [y, x], 1)).toMatchObject({
      hits: 30,
      usedBytes: 8000,
      keys: 10,
    });
  });

  test('is not known where the server does not tell', () => {
    const silent = counters({ used_memory: 1 });
    expect(figuresBetween([silent], [silent], 1)).toMatchObject({
      hits: null,
      hitRate: null,
      operationsPerSecond: null,
      cpuRatio: null,
    });
  });
});

test('no difference is ever negative, whatever the counters do', () => {
  const info = fc.record({
    run_id: fc.constantFrom('r1', 'r2'),
    uptime_in_seconds: fc.nat(10_000),
    keyspace_hits: fc.nat(),
    keyspace_misses: fc.nat(),
    total_commands_processed: fc.nat(),
    used_cpu_sys: fc.nat(1000),
    used_cpu_user: fc.nat(1000),
  });
  fc.assert(
    fc.property(info, info, fc.nat(1000), (before, after, ownCommands) => {
      const later = [counters(after, { ownCommands })];
      const {
        reset: _reset,
        dataReads: _reads,
        ...differences
      } = differencesOf([counters(before)], later, 1);
      for (const value of Object.values(differences))
        if (value !== null) expect(value).toBeGreaterThanOrEqual(0);
    }),
  );
});

describe('latency', () => {
  test('is given by round trips that were measured', () => {
    const micros = Array.from({ length: 100 }, (_, index) => 100 - index);
    expect(latencyOf(micros)).toEqual({ p50Micros: 50, p99Micros: 99, samples: 100 });
    expect(latencyOf([7])).toEqual({ p50Micros: 7, p99Micros: 7, samples: 1 });
  });

  test('is not known without an answer', () => {
    expect(latencyOf([])).toBeNull();
  });
});
