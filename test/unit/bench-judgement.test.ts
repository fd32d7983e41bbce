import { describe, expect, test } from 'vitest';
import { parsePayload } from '../../src/bench/payload.ts';
import { keyShortageIn } from '../../src/bench/footprint.ts';
import { judge } from '../../src/bench/gates.ts';
import { LatencyRecorder, type LatencySummary } from '../../src/bench/latency.ts';
import { type BenchOptions, checkOptions } from '../../src/bench/options.ts';
import type { PhaseOutcome } from '../../src/bench/outcome.ts';
import type { Info } from '../../src/redis/info.ts';
import { warningsOf, type WorkloadResult, workloadResult } from '../../src/bench/result.ts';

const options: BenchOptions = {
  workloads: ['get'],
  connections: 4,
  threads: 1,
  pipeline: 1,
  payload: parsePayload('256B'),
  keys: 10_000,
  group: null,
  like: null,
  getRatio: 0.8,
  hitRatio: 1,
  distribution: { kind: 'uniform' },
  limit: { kind: 'duration', seconds: 3 },
  warmupSeconds: 0.5,
  ratePerSecond: null,
  rounds: 1,
  keepsDistribution: false,
};

const latency: LatencySummary = {
  samples: 30_000,
  minMicros: 20,
  meanMicros: 100,
  stddevMicros: 10,
  p50Micros: 100,
  p90Micros: 150,
  p95Micros: 200,
  p99Micros: 500,
  p999Micros: 900,
  p9999Micros: 1000,
  maxMicros: 1000,
};

const outcome: PhaseOutcome = {
  operations: 30_000,
  errors: 0,
  expectedMisses: 0,
  lookups: 30_000,
  misses: 0,
  seconds: 3,
  latency,
  distribution: new LatencyRecorder().distribution,
  slices: Array.from({ length: 30 }, () => 1000),
  utilization: 0.4,
  series: [],
  distributions: [],
  starvation: 0,
  queuedRatio: 0,
  meanOwnDelayMicros: 0,
  complete: true,
  failure: null,
};

const resultOf = (changes: Partial<PhaseOutcome> = {}, other: Partial<BenchOptions> = {}): WorkloadResult =>
  workloadResult('get', [{ ...outcome, ...changes }], null, { ...options, ...other });

describe('the result of a workload', () => {
  test('counts values that were carried, not commands that found nothing', () => {
    expect(resultOf()).toMatchObject({ throughputPerSecond: 10_000, bytesPerSecond: 2_560_000 });
    expect(resultOf({ misses: 15_000 }).bytesPerSecond).toBe(1_280_000);
    expect(workloadResult('ping', [outcome], null, options).bytesPerSecond).toBeNull();
  });

  test('has no figures that would divide by nothing', () => {
    const empty = resultOf({ operations: 0, seconds: 0, slices: [], latency: null });

    expect(empty).toMatchObject({ throughputPerSecond: 0, bytesPerSecond: 0, throughputVariation: null });
  });

  test('tells how steady the throughput was, unless chance alone would move it', () => {
    const alternating = Array.from({ length: 20 }, (_, index) => (index % 2 === 0 ? 500 : 1500));

    expect(resultOf().throughputVariation).toBe(0);
    expect(resultOf({ slices: alternating }).throughputVariation).toBeCloseTo(0.513, 3);
    expect(resultOf({ slices: [1000, 1000] }).throughputVariation).toBeNull();
    expect(resultOf({ slices: alternating.map((slice) => slice / 100) }).throughputVariation).toBeNull();
    expect(resultOf({ slices: alternating }, { ratePerSecond: 10_000 }).throughputVariation).toBeNull();
  });
});

describe('warnings', () => {
  const calm = { meanOwnDelayMicros: 0, queuedRatio: 0 };
  const kinds = (result: WorkloadResult, rate: number | null = null, ownDelay = 0, queuedRatio = 0) =>
    warningsOf(result, rate, { meanOwnDelayMicros: ownDelay, queuedRatio }).map(({ kind }) => kind);

  test('are none for a calm measurement', () => {
    expect(kinds(resultOf())).toEqual([]);
  });

  test('tell when this process was the limit', () => {
    expect(warningsOf(resultOf({ utilization: 0.97 }), null, calm)).toEqual([
      { kind: 'client-bound', workload: 'get', clientUtilization: 0.97 },
    ]);
  });

  test('tell when the throughput was unsteady', () => {
    const slices = Array.from({ length: 20 }, (_, index) => (index < 10 ? 500 : 1500));

    expect(kinds(resultOf({ slices }))).toEqual(['unsteady']);
  });

  test('tell when the rate was missed, but not of a measurement that was cut short', () => {
    expect(kinds(resultOf({}, { ratePerSecond: 20_000 }), 20_000)).toEqual(['rate-missed']);
    expect(kinds(resultOf({ complete: false }), 20_000)).toEqual([]);
    expect(kinds(resultOf(), 10_100)).toEqual([]);
  });

  test('tell when this machine was late', () => {
    expect(kinds(resultOf(), 10_000, 30)).toEqual(['late-starts']);
    expect(kinds(resultOf(), 10_000, 10)).toEqual([]);
  });

  test('tell when most commands waited for a connection, though the rate was reached', () => {
    expect(kinds(resultOf(), 10_000, 0, 0.6)).toEqual(['queued']);
    expect(kinds(resultOf(), 20_000, 0, 0.6)).toEqual(['rate-missed']);
    expect(kinds(resultOf(), 10_000, 0, 0.3)).toEqual([]);
  });

  test('tell when this process had to wait for a processor', () => {
    expect(kinds(resultOf({ starvation: 0.2 }))).toEqual(['starved']);
    expect(kinds(resultOf({ starvation: 0.05 }))).toEqual([]);
    expect(kinds(resultOf({ starvation: null }))).toEqual([]);
  });

  test('tell when the highest percentile rests on nothing', () => {
    expect(kinds(resultOf({ latency: { ...latency, samples: 999 } }))).toEqual(['few-samples']);
  });

  test('are none for misses that were wanted', () => {
    expect(kinds(resultOf({ misses: 3, expectedMisses: 3 }))).toEqual([]);
    expect(kinds(resultOf({ misses: 3, expectedMisses: 2 }))).toEqual(['misses']);
  });

  test('tell when keys had gone', () => {
    expect(warningsOf(resultOf({ misses: 3 }), null, calm)).toEqual([
      { kind: 'misses', workload: 'get', misses: 3 },
    ]);
  });
});

describe('limits', () => {
  test('that nobody set judge nothing', () => {
    expect(
      judge([resultOf()], { maxP99Micros: null, minThroughputPerSecond: null, maxMissRatio: null }),
    ).toEqual([]);
  });

  test('are kept at the limit itself, and missed beyond it', () => {
    const passed = (maxP99Micros: number, minThroughputPerSecond: number) =>
      judge([resultOf()], { maxP99Micros, minThroughputPerSecond, maxMissRatio: null }).map(
        (verdict) => verdict.met,
      );

    expect(passed(500, 10_000)).toEqual([true, true]);
    expect(passed(499, 10_001)).toEqual([false, false]);
  });

  test('on misses are held against the reads alone', () => {
    const limits = { maxP99Micros: null, minThroughputPerSecond: null, maxMissRatio: 0.01 };
    const judged = (misses: number, lookups = 30_000) => judge([resultOf({ misses, lookups })], limits);

    expect(judged(300)).toMatchObject([{ measure: 'missRatio', actual: 0.01, met: true }]);
    expect(judged(301)).toMatchObject([{ measure: 'missRatio', met: false }]);
    expect(judged(0, 0)).toEqual([]);
  });

  test('are missed where nothing was measured, and not judged where it was cut short', () => {
    const limits = { maxP99Micros: 500, minThroughputPerSecond: null, maxMissRatio: null };

    expect(judge([resultOf({ latency: null, operations: 0 })], limits)).toEqual([
      { workload: 'get', measure: 'p99Micros', limit: 500, actual: null, met: false },
    ]);
    expect(judge([resultOf({ complete: false })], limits)).toEqual([]);
  });
});

describe('options', () => {
  test('within reason are taken', () => {
    expect(() => checkOptions(options)).not.toThrow();
  });

  test.each([
    [{ connections: 1001 }, /--connections 1001/],
    [{ keys: 1_000_001 }, /--keys 1000001/],
    [{ limit: { kind: 'duration', seconds: 0 } as const }, /--duration/],
    [{ pipeline: 1000, payload: parsePayload('1MiB') }, /would send/],
  ])('that would hurt are refused: %o', (changes, message) => {
    expect(() => checkOptions({ ...options, ...changes })).toThrow(message);
  });

  test('that would take more than a tenth of the memory are refused', () => {
    const limited = { maxmemory: '67108864', used_memory: '0' };
    const unlimited = { maxmemory: '0', total_system_memory: '67108864' };
    const of = (keysBytes: number, info: Info | null) => () =>
      keyShortageIn(info, 'here', { keysBytes, otherBytes: 0 }, options);

    expect(of(4_000_000, limited)()).toBeNull();
    expect(of(12_000_000, limited)).toThrow(/more than a tenth/);
    expect(of(12_000_000, unlimited)).toThrow(/more than a tenth/);
    expect(of(12_000_000, null)()).toBeNull();
  });
});
