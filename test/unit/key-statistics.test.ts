import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { type KeyReading, KeyStatistics, ttlBoundsSeconds } from '../../src/keyspace/key-statistics.ts';

const sumOf = (readings: readonly KeyReading[]): KeyStatistics => {
  const statistics = new KeyStatistics();
  for (const reading of readings) statistics.add(reading);
  return statistics;
};

/** All but the mean TTL: floating-point sums depend on their order. */
const countsOf = ({ ttlSummary, ...rest }: KeyStatistics) => [
  ttlSummary?.minSeconds,
  ttlSummary?.maxSeconds,
  { ...rest, ttlSumSeconds: undefined },
];

const nothingRead: KeyReading = { memoryBytes: null, type: null, ttlMillis: null };
const readings: fc.Arbitrary<KeyReading> = fc.record({
  memoryBytes: fc.option(fc.nat()),
  type: fc.option(fc.constantFrom('string', 'hash', 'zset')),
  ttlMillis: fc.option(fc.oneof(fc.constant(-1), fc.nat(700_000_000))),
});

describe('sums over keys', () => {
  test('of none know no TTL', () => {
    expect(sumOf([])).toMatchObject({ keys: 0, memoryBytes: 0, withoutTtl: 0, ttlSummary: null });
  });

  test('count a key of which nothing could be read', () => {
    expect(sumOf([nothingRead])).toMatchObject({
      keys: 1,
      memoryBytes: 0,
      withoutTtl: 0,
      ttlKnown: 0,
      ttlSummary: null,
    });
  });

  test('tell keys without TTL from those that have one', () => {
    const statistics = sumOf([
      { ...nothingRead, ttlMillis: -1 },
      { ...nothingRead, ttlMillis: 0 },
      { ...nothingRead, ttlMillis: 90_000 },
    ]);

    expect(statistics).toMatchObject({ withoutTtl: 1, ttlKnown: 3 });
    expect(statistics.ttlSummary).toEqual({ minSeconds: 0, meanSeconds: 45, maxSeconds: 90 });
  });

  test('put a TTL into the first class whose bound it does not exceed', () => {
    const bounds = ttlBoundsSeconds.filter(Number.isFinite);
    const at = sumOf(bounds.map((seconds) => ({ ...nothingRead, ttlMillis: seconds * 1000 })));
    const above = sumOf(bounds.map((seconds) => ({ ...nothingRead, ttlMillis: seconds * 1000 + 1 })));

    expect(at.ttlHistogram).toEqual([1, 1, 1, 1, 1, 0]);
    expect(above.ttlHistogram).toEqual([0, 1, 1, 1, 1, 1]);
  });

  test('are the same whether keys are added one by one or in two parts that are merged', () => {
    fc.assert(
      fc.property(fc.array(readings), fc.array(readings), (first, second) => {
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
      fc.property(fc.array(readings), (list) => {
        const { ttlHistogram, ttlKnown, withoutTtl, ttlSummary } = sumOf(list);
        expect(ttlHistogram.reduce((sum, count) => sum + count, 0)).toBe(ttlKnown - withoutTtl);
        if (ttlSummary === null) return;
        expect(ttlSummary.minSeconds).toBeLessThanOrEqual(ttlSummary.meanSeconds + 1e-6);
        expect(ttlSummary.meanSeconds).toBeLessThanOrEqual(ttlSummary.maxSeconds + 1e-6);
      }),
    );
  });
});
