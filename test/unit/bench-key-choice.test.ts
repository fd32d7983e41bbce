import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { distributionText, keyChoices, parseDistribution } from '../../src/bench/key-choice.ts';
import { SeededRandom } from '../../src/support/random.ts';

const countsOf = (distribution: string, keys: number, draws: number) => {
  const choose = keyChoices(parseDistribution(distribution), [{ keys, weight: 1 }])(
    new SeededRandom(1, 'keys'),
    0,
  );
  const counts = new Array<number>(keys).fill(0);
  for (let draw = 0; draw < draws; draw++) {
    const key = choose();
    counts[key] = (counts[key] ?? 0) + 1;
  }
  return counts;
};

describe('the choice of keys', () => {
  test('is always one of them, whatever the distribution', () => {
    fc.assert(
      fc.property(
        fc.constantFrom('uniform', 'zipf', 'zipf:2.5', 'zipf:0.1', 'sequential'),
        fc.integer({ min: 1, max: 500 }),
        (distribution, keys) => {
          expect(countsOf(distribution, keys, 300)).toHaveLength(keys);
        },
      ),
      { numRuns: 50 },
    );
  });

  test('by Zipf falls with the rank as the exponent says', () => {
    const counts = countsOf('zipf:1', 1000, 200_000);
    const harmonic = Array.from({ length: 1000 }, (_, rank) => 1 / (rank + 1)).reduce(
      (sum, each) => sum + each,
    );

    for (const rank of [1, 2, 5, 10, 50]) {
      const expected = 200_000 / rank / harmonic;
      expect(Math.abs((counts[rank - 1] ?? 0) - expected)).toBeLessThan(5 * Math.sqrt(expected));
    }
  });

  test('in sequence comes by all keys before one twice, from a place of its own for each connection', () => {
    expect(new Set(countsOf('sequential', 100, 300))).toEqual(new Set([3]));
    expect(
      keyChoices({ kind: 'sequential' }, [{ keys: 100, weight: 1 }])(new SeededRandom(1, ''), 0.25)(),
    ).toBe(25);
  });

  test('among parts is that of a part by its weight, and in it as everywhere', () => {
    const parts = [
      { keys: 10, weight: 3 },
      { keys: 1000, weight: 1 },
    ];
    const choose = keyChoices({ kind: 'uniform' }, parts)(new SeededRandom(1, 'parts'), 0);
    const keys = Array.from({ length: 40_000 }, choose);
    const first = keys.filter((key) => key < 10);

    // Five standard deviations of a binomial distribution.
    expect(Math.abs(first.length - 30_000)).toBeLessThan(433);
    expect(new Set(first).size).toBe(10);
    expect(Math.max(...keys)).toBeLessThan(1010);
    expect(new Set(keys).size).toBeGreaterThan(900);
  });

  test.each(['uniform', 'sequential', 'zipf:0.99', 'zipf:1.5'])('is written as it is read: %s', (text) => {
    expect(distributionText(parseDistribution(text))).toBe(text);
  });

  test.each(['', 'zipf:0', 'zipf:x', 'uniform:2', 'normal'])(
    'is refused where it means nothing: %j',
    (text) => {
      expect(() => parseDistribution(text)).toThrow('is no distribution');
    },
  );
});
