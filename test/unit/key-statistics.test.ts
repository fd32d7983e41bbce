import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import {
  type KeyReading,
  KeyStatistics,
  type KeyStatisticsFields,
  noTtl,
  labelsOf,
  spanBoundsSeconds,
} from '../../src/keyspace/key-statistics.ts';
import type { Breakdown } from '../../src/keyspace/tally.ts';
import type { TtlVerdict } from '../../src/keyspace/ttl.ts';

type Entry = readonly [reading: KeyReading, verdict?: TtlVerdict | null];

const sumOf = (entries: readonly Entry[]): KeyStatistics => {
  const statistics = new KeyStatistics();
  for (const [reading, verdict] of entries) statistics.add(reading, verdict);
  return statistics;
};
const sumOfReadings = (readings: readonly KeyReading[]) => sumOf(readings.map((reading) => [reading]));

/** Keys by label, in the order of the labels. */
const keysOf = ({ parts }: Breakdown) =>
  [...parts].map(([label, { keys }]) => [label, keys] as const).sort(([a], [b]) => (a < b ? -1 : 1));

/** All but the mean TTL: floating-point sums depend on their order. */
const countsOf = ({ ttlSummary, ...rest }: KeyStatistics) => [
  ttlSummary?.minSeconds,
  ttlSummary?.maxSeconds,
  { ...rest, ttlSumSeconds: undefined },
];
const spanKeys = (statistics: KeyStatistics) =>
  labelsOf(spanBoundsSeconds).map((label) => statistics.by.ttl.part(label).keys);

const nothingRead: KeyReading = { memoryBytes: null, type: null, ttlMillis: null };
const verdicts: fc.Arbitrary<TtlVerdict | null> = fc.constantFrom('kept', 'missing', 'too-long', null);
const entries: fc.Arbitrary<Entry> = fc.tuple(
  fc.record({
    memoryBytes: fc.option(fc.nat(1_000_000)),
    overheadBytes: fc.nat(100),
    type: fc.option(fc.constantFrom('string', 'hash', 'zset')),
    ttlMillis: fc.option(fc.oneof(fc.constant(-1), fc.nat(700_000_000))),
    encoding: fc.option(fc.constantFrom('embstr', 'raw', 'listpack')),
    idleSeconds: fc.option(fc.nat(1_000_000)),
    frequency: fc.option(fc.nat(255)),
  }),
  verdicts,
);

describe('sums over keys', () => {
  test('of none know no TTL', () => {
    expect(sumOf([])).toMatchObject({ keys: 0, memoryBytes: 0, withoutTtl: 0, ttlSummary: null });
  });

  test('count a key of which nothing could be read', () => {
    expect(sumOfReadings([nothingRead])).toMatchObject({
      keys: 1,
      memoryBytes: 0,
      withoutTtl: 0,
      ttlKnown: 0,
      ttlSummary: null,
    });
  });

  test('tell keys without TTL from those that have one', () => {
    const statistics = sumOfReadings([
      { ...nothingRead, ttlMillis: -1 },
      { ...nothingRead, ttlMillis: 0 },
      { ...nothingRead, ttlMillis: 90_000 },
    ]);

    expect(statistics).toMatchObject({ withoutTtl: 1, ttlKnown: 3 });
    expect(statistics.ttlSummary).toEqual({ minSeconds: 0, meanSeconds: 45, maxSeconds: 90 });
  });

  test('put a TTL into the first class whose bound it does not exceed', () => {
    const bounds = spanBoundsSeconds.filter(Number.isFinite);
    const at = sumOfReadings(bounds.map((seconds) => ({ ...nothingRead, ttlMillis: seconds * 1000 })));
    const above = sumOfReadings(bounds.map((seconds) => ({ ...nothingRead, ttlMillis: seconds * 1000 + 1 })));

    expect(spanKeys(at)).toEqual([1, 1, 1, 1, 1, 0]);
    expect(spanKeys(above)).toEqual([0, 1, 1, 1, 1, 1]);
  });

  test('are the same whether keys are added one by one or in two parts that are merged', () => {
    fc.assert(
      fc.property(fc.array(entries), fc.array(entries), (first, second) => {
        const merged = sumOf(first);
        merged.merge(sumOf(second));
        const whole = sumOf([...first, ...second]);

        expect(countsOf(merged)).toEqual(countsOf(whole));
        expect(merged.ttlSummary?.meanSeconds ?? 0).toBeCloseTo(whole.ttlSummary?.meanSeconds ?? 0, 3);
      }),
    );
  });

  test('have as many keys in the histogram as keys with a TTL', () => {
    fc.assert(
      fc.property(fc.array(entries), (list) => {
        const statistics = sumOf(list);
        const { ttlKnown, withoutTtl, ttlSummary } = statistics;
        expect(spanKeys(statistics).reduce((sum, count) => sum + count, 0)).toBe(ttlKnown - withoutTtl);
        if (ttlSummary === null) return;
        expect(ttlSummary.minSeconds).toBeLessThanOrEqual(ttlSummary.meanSeconds + 1e-6);
        expect(ttlSummary.meanSeconds).toBeLessThanOrEqual(ttlSummary.maxSeconds + 1e-6);
      }),
    );
  });

  test('break keys and bytes down by type, encoding, idle time, frequency and verdict', () => {
    const text = { memoryBytes: 100, type: 'string', ttlMillis: 5000 };
    const statistics = sumOf([
      [{ ...text, encoding: 'embstr', idleSeconds: 60, frequency: 5 }, 'kept'],
      [{ ...text, encoding: 'raw', idleSeconds: 61, frequency: 6 }, 'too-long'],
      [{ ...text, memoryBytes: null, type: 'hash', ttlMillis: -1 }, 'missing'],
    ]);

    expect(keysOf(statistics.by.type)).toEqual([
      ['hash', 1],
      ['string', 2],
    ]);
    expect(statistics.by.type.part('string')).toMatchObject({
      memoryBytes: 200,
      bytesSquared: 20_000,
      largestBytes: 100,
    });
    expect(keysOf(statistics.by.ttl)).toEqual([
      ['60', 2],
      [noTtl, 1],
    ]);
    expect(keysOf(statistics.by.encoding)).toEqual([
      ['embstr', 1],
      ['raw', 1],
    ]);
    expect(keysOf(statistics.by.idle)).toEqual([
      ['300', 1],
      ['60', 1],
    ]);
    expect(keysOf(statistics.by.frequency)).toEqual([
      ['10', 1],
      ['5', 1],
    ]);
    expect(keysOf(statistics.by.verdict)).toEqual([
      ['kept', 1],
      ['missing', 1],
      ['too-long', 1],
    ]);
  });

  test('take no more overhead for a key than the memory that was read of it', () => {
    expect(sumOfReadings([{ ...nothingRead, memoryBytes: 50, overheadBytes: 60 }]).overheadBytes).toBe(50);
    expect(sumOfReadings([{ ...nothingRead, memoryBytes: 500, overheadBytes: 60 }]).overheadBytes).toBe(60);
    expect(sumOfReadings([{ ...nothingRead, overheadBytes: 60 }]).overheadBytes).toBe(0);
  });

  test('are the same after they were saved as JSON and loaded', () => {
    fc.assert(
      fc.property(fc.array(entries), (list) => {
        const statistics = sumOf(list);
        const loaded = new KeyStatistics();
        loaded.merge(JSON.parse(JSON.stringify(statistics)) as KeyStatisticsFields);
        expect(loaded).toEqual(statistics);
        expect(loaded.ttlSummary).toEqual(statistics.ttlSummary);
      }),
      { examples: [[[[{ ...nothingRead, ttlMillis: 0 }]]]] },
    );
  });
});
