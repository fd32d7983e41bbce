import fc from 'fast-check';
import { expect, test } from 'vitest';
import { LogHistogram } from '../../../src/support/log-histogram.ts';
import { rounds } from '../../server/effort.ts';

/** Of every order of magnitude alike. */
const values = fc.oneof(
  fc.double({ min: 0, max: 53, noNaN: true }).map((exponent) => Math.min(2 ** exponent, 2 ** 53)),
  fc.integer({ min: 1, max: 20 }),
  fc.constantFrom(1, 2 ** 53, Number.MAX_SAFE_INTEGER),
);
const lists = fc.array(values, { minLength: 1, maxLength: 200 });
const shares = [0.001, 0.05, 0.25, 0.5, 0.75, 0.9, 0.95, 0.99, 0.999];

function histogramOf(list: readonly number[]): LogHistogram {
  const histogram = new LogHistogram();
  for (const value of list) histogram.record(value);
  return histogram;
}

const quantilesOf = (histogram: LogHistogram) => shares.map((share) => histogram.quantile(share));

test('its quantiles are right to 5 %, over all orders of magnitude', () => {
  fc.assert(
    fc.property(lists, (list) => {
      const histogram = histogramOf(list);
      const sorted = list.toSorted((left, right) => left - right);
      expect(histogram.count).toBe(list.length);
      for (const share of shares) {
        const exact = sorted[Math.ceil(share * list.length) - 1] ?? Number.NaN;
        const relativeError = Math.abs((histogram.quantile(share) ?? Number.NaN) / exact - 1);
        expect(relativeError).toBeLessThanOrEqual(0.05);
      }
    }),
    { numRuns: rounds(500) },
  );
});

test('the smallest and the largest value are exact, and so is a value that came alone', () => {
  fc.assert(
    fc.property(lists, values, (list, single) => {
      const histogram = histogramOf(list);
      const bound = (value: number) => Math.min(value, Number.MAX_SAFE_INTEGER);
      expect(histogram.quantile(0)).toBe(bound(Math.min(...list)));
      expect(histogram.quantile(1)).toBe(bound(Math.max(...list)));
      expect(quantilesOf(histogramOf([single, single]))).toEqual(shares.map(() => bound(single)));
    }),
  );
});

test('two that are merged are as one', () => {
  fc.assert(
    fc.property(lists, lists, (left, right) => {
      const merged = histogramOf(left);
      merged.merge(histogramOf(right));
      const whole = histogramOf([...left, ...right]);
      expect(merged.count).toBe(whole.count);
      expect([merged.quantile(0), ...quantilesOf(merged), merged.quantile(1)]).toEqual([
        whole.quantile(0),
        ...quantilesOf(whole),
        whole.quantile(1),
      ]);
    }),
  );
});

test('a value with a count is as the value so many times', () => {
  fc.assert(
    fc.property(fc.array(fc.tuple(values, fc.integer({ min: 1, max: 5 })), { maxLength: 30 }), (pairs) => {
      const counted = new LogHistogram();
      for (const [value, count] of pairs) counted.record(value, count);
      const repeated = histogramOf(pairs.flatMap(([value, count]) => Array<number>(count).fill(value)));
      expect([counted.count, ...quantilesOf(counted)]).toEqual([repeated.count, ...quantilesOf(repeated)]);
    }),
  );
});

test('counts may be estimates', () => {
  const histogram = new LogHistogram();
  histogram.record(10, 2.5);
  histogram.record(1000, 0.5);
  expect(histogram.count).toBe(3);
  expect(histogram.quantile(0.8)).toBeCloseTo(10, 0);
  expect(histogram.quantile(0.9)).toBe(1000);
});

test('knows no quantile of nothing, and takes what is out of its range for the nearest value', () => {
  expect(new LogHistogram().quantile(0.5)).toBeNull();
  const histogram = histogramOf([0, 0.3, Number.POSITIVE_INFINITY]);
  expect(quantilesOf(histogram).slice(0, 4)).toEqual([1, 1, 1, 1]);
  expect(histogram.quantile(1)).toBe(Number.MAX_SAFE_INTEGER);
});
