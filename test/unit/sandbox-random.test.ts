import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { combination, combinations, namedUsers, nthId, telegramId } from '../../src/sandbox/formats.ts';
import { SeededRandom, noiseOf } from '../../src/support/random.ts';

const seeds = fc.integer({ min: 0, max: Number.MAX_SAFE_INTEGER });
const firstOf = (draw: SeededRandom, count = 8) => Array.from({ length: count }, () => draw.uint32());
const many = <T>(count: number, make: (draw: SeededRandom) => T) => {
  const draw = new SeededRandom(20_26, 'test');
  return Array.from({ length: count }, () => make(draw));
};
const median = (numbers: readonly number[]) =>
  [...numbers].sort((a, b) => a - b)[numbers.length >> 1] ?? Number.NaN;

describe('a stream of random numbers', () => {
  test('is the same for the same seed, name and index', () => {
    fc.assert(
      fc.property(seeds, fc.string(), fc.nat(), (seed, stream, index) => {
        expect(firstOf(new SeededRandom(seed, stream, index))).toEqual(
          firstOf(new SeededRandom(seed, stream, index)),
        );
      }),
    );
  });

  test('differs with each of the three, and with the upper half of a large seed', () => {
    const streams = [
      new SeededRandom(1, 'a', 0),
      new SeededRandom(2, 'a', 0),
      new SeededRandom(1, 'b', 0),
      new SeededRandom(1, 'a', 1),
      new SeededRandom(1 + 2 ** 32, 'a', 0),
    ].map((draw) => firstOf(draw).join());
    expect(new Set(streams).size).toBe(streams.length);
  });

  test('never starts alike for neighbouring indexes', () => {
    const starts = Array.from({ length: 50_000 }, (_, index) =>
      firstOf(new SeededRandom(7, 'a', index), 2).join(),
    );
    expect(new Set(starts).size).toBe(starts.length);
  });

  test('is even: every sixteenth of the range is met about equally often', () => {
    const sixteenths = many(160_000, (draw) => Math.floor(draw.fraction() * 16));
    const buckets = Array.from(
      { length: 16 },
      (_, bucket) => sixteenths.filter((met) => met === bucket).length,
    );
    // Chi-squared with 15 degrees of freedom is above 45 once in 13,000 streams.
    const chiSquared = buckets.reduce((sum, count) => sum + (count - 10_000) ** 2 / 10_000, 0);
    expect(chiSquared).toBeLessThan(45);
  });
});

describe('what is drawn', () => {
  test('lies within its limits', () => {
    fc.assert(
      fc.property(seeds, fc.integer({ min: -1000, max: 1000 }), fc.nat(1000), (seed, low, width) => {
        const number = new SeededRandom(seed, 'between').between(low, low + width);
        expect(number).toBeGreaterThanOrEqual(low);
        expect(number).toBeLessThanOrEqual(low + width);
      }),
    );
  });

  test('has the shapes of digests, tokens and hashes of Python', () => {
    fc.assert(
      fc.property(seeds, (seed) => {
        const draw = new SeededRandom(seed, 'shapes');
        expect(draw.hex(16)).toMatch(/^[0-9a-f]{16}$/);
        expect(draw.hex(32)).toMatch(/^[0-9a-f]{32}$/);
        expect(draw.token()).toMatch(/^[A-Za-z0-9_-]{43}$/);
        const hash = BigInt(draw.pythonHash());
        expect(hash).toBe(BigInt.asIntN(64, hash));
      }),
    );
  });

  test('hashes of Python are negative as often as not', () => {
    const negative = many(2000, (draw) => draw.pythonHash()).filter((hash) => hash.startsWith('-')).length;
    expect(negative).toBeGreaterThan(850);
    expect(negative).toBeLessThan(1150);
  });

  test('ranks are skewed: half below the spread, a few far beyond', () => {
    const ranks = many(20_000, (draw) => draw.rank(40));
    expect(median(ranks)).toBeGreaterThan(34);
    expect(median(ranks)).toBeLessThan(46);
    expect(ranks.filter((rank) => rank > 4000).length).toBeGreaterThan(50);
    expect(ranks.filter((rank) => rank === 0).length).toBeGreaterThan(
      ranks.filter((rank) => rank === 60).length,
    );
  });

  test('sizes lie around their median, with a long tail that ends', () => {
    const sizes = many(20_000, (draw) => draw.size(1000));
    expect(median(sizes)).toBeGreaterThan(930);
    expect(median(sizes)).toBeLessThan(1070);
    expect(Math.max(...sizes)).toBeGreaterThan(5000);
    expect(Math.max(...sizes)).toBeLessThanOrEqual(12_000);
  });

  test('noise has the length that was asked for', () => {
    expect(noiseOf(new SeededRandom(1, 'noise'), 4096)).toHaveLength(4096);
  });
});

describe('ids', () => {
  test('begin with the named ones and hold every other number once', () => {
    const ids = Array.from({ length: 500 }, (_, rank) => nthId(rank, namedUsers));
    expect(ids.slice(0, 3)).toEqual([...namedUsers]);
    expect([...ids].sort((a, b) => a - b)).toEqual(Array.from({ length: 500 }, (_, index) => index + 1));
  });

  test('of Telegram are never given twice', () => {
    const ids = Array.from({ length: 100_000 }, (_, rank) => telegramId(rank));
    expect(ids.slice(0, 4)).toEqual([1, 12, 123, 555]);
    expect(new Set(ids).size).toBe(ids.length);
  });

  test('combinations come once each, in whatever order', () => {
    const sizes = fc.array(fc.integer({ min: 1, max: 7 }), { minLength: 1, maxLength: 4 });
    fc.assert(
      fc.property(sizes, (lists) => {
        const all = Array.from({ length: combinations(lists) }, (_, index) =>
          combination(index, lists).join(),
        );
        expect(new Set(all).size).toBe(all.length);
      }),
    );
  });
});
