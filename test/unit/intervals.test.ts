import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { proportionInterval, t95, z95 } from '../../src/support/intervals.ts';

const width = ([low, high]: readonly [number, number]) => high - low;

describe('the interval of a proportion', () => {
  test.each([
    // Published with Clopper and Pearson's intervals: as R's binom.test and SciPy's binomtest(…).proportion_ci() give them.
    [0, 10, 0, 0.308497],
    [1, 10, 0.002529, 0.445016],
    [5, 10, 0.187086, 0.812914],
    [10, 10, 0.691503, 1],
    [1, 100, 0.000253, 0.054459],
    [10, 100, 0.049005, 0.176223],
    [81, 263, 0.252737, 0.367622],
  ])('of %i of %i is that of Clopper and Pearson', (successes, trials, low, high) => {
    const interval = proportionInterval(successes, trials);
    expect(interval[0]).toBeCloseTo(low, 5);
    expect(interval[1]).toBeCloseTo(high, 5);
  });

  test('of none of n is one minus the n-th root of 0.025, in closed form', () => {
    for (const trials of [1, 2, 7, 100, 12_345, 1_000_000]) {
      const [low, high] = proportionInterval(0, trials);
      expect(low).toBe(0);
      expect(high / -Math.expm1(Math.log(0.025) / trials)).toBeCloseTo(1, 5);
    }
  });

  test('of few of very many is the exact interval of a Poisson count', () => {
    // Garwood (1936): 5 events have [1.6235, 11.6683].
    const [low, high] = proportionInterval(5, 1e6);
    expect(low * 1e6).toBeCloseTo(1.6235, 3);
    expect(high * 1e6).toBeCloseTo(11.6683, 2);
  });

  test.each([1e6, 1e8, 1e10, 1e12])(
    'of a third of %d comes close to that of the normal distribution',
    (trials) => {
      const [low, high] = proportionInterval(trials / 3, trials);
      const half = z95 * Math.sqrt(2 / 9 / trials);
      expect((1 / 3 - low) / half).toBeCloseTo(1, 2);
      expect((high - 1 / 3) / half).toBeCloseTo(1, 2);
    },
  );

  test('holds the proportion, within 0 and 1', () => {
    fc.assert(
      fc.property(
        fc.double({ min: 1e-3, max: 1e7, noNaN: true }),
        fc.double({ min: 0, max: 1, noNaN: true }),
        (trials, share) => {
          const [low, high] = proportionInterval(share * trials, trials);
          expect(low).toBeGreaterThanOrEqual(0);
          expect(high).toBeLessThanOrEqual(1);
          expect(low).toBeLessThanOrEqual(share + 1e-9);
          expect(high).toBeGreaterThanOrEqual(share - 1e-9);
        },
      ),
      // The last step of Halley's method may lead out of the bounds.
      { examples: [[192_902.404_850_365_65, 1.026_346_704_380_966_6e-13]] },
    );
  });

  test('rises with the successes, mirrors the failures, and narrows with the trials', () => {
    fc.assert(
      fc.property(
        fc.integer({ min: 1, max: 100_000 }),
        fc.double({ min: 0, max: 1, noNaN: true }),
        (trials, share) => {
          const successes = Math.floor(share * (trials - 1));
          const [low, high] = proportionInterval(successes, trials);
          const more = proportionInterval(successes + 1, trials);
          expect(more[0]).toBeGreaterThan(low);
          expect(more[1]).toBeGreaterThan(high);
          const mirrored = proportionInterval(trials - successes, trials);
          expect(mirrored[0]).toBeCloseTo(1 - high, 9);
          expect(mirrored[1]).toBeCloseTo(1 - low, 9);
          expect(width(proportionInterval(4 * successes, 4 * trials))).toBeLessThan(width([low, high]));
        },
      ),
    );
  });

  test('covers at least 95 % of binomial draws, whatever the proportion', () => {
    const trials = 40;
    for (const share of [0.01, 0.05, 0.2, 0.5, 0.83]) {
      let [covered, probability] = [0, (1 - share) ** trials];
      for (let successes = 0; successes <= trials; successes++) {
        const [low, high] = proportionInterval(successes, trials);
        if (low <= share && share <= high) covered += probability;
        probability *= ((trials - successes) / (successes + 1)) * (share / (1 - share));
      }
      expect(covered).toBeGreaterThanOrEqual(0.95);
      expect(covered).toBeLessThan(1);
    }
  });

  test('of nothing is everything', () => {
    expect(proportionInterval(0, 0)).toEqual([0, 1]);
  });
});

test.each([
  // The usual tables.
  [3, 3.1824],
  [5, 2.5706],
  [10, 2.2281],
  [31, 2.0395],
  [100, 1.984],
  [1000, 1.9623],
])('the quantile of t with %i degrees of freedom is %d, as closely as it says', (degrees, quantile) => {
  expect(Math.abs(t95(degrees) / quantile - 1)).toBeLessThan(degrees >= 10 ? 1e-4 : 8e-3);
});

test('the quantile of t falls towards that of the normal distribution', () => {
  const quantiles = [3, 4, 8, 20, 100, 1e4, 1e6].map(t95);
  expect([...quantiles].sort((a, b) => b - a)).toEqual(quantiles);
  expect(t95(1e9)).toBeCloseTo(z95, 6);
});
