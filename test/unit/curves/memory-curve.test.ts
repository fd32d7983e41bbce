import { describe, expect, it } from 'vitest';
import { AccessSample, accessKinds } from '../../../src/curves/access-sample.ts';
import { memoryCurves, type MemoryTerms } from '../../../src/curves/memory-curve.ts';
import { MiniCache } from '../../../src/curves/mini-cache.ts';
import { type Policy, usualEviction } from '../../../src/curves/policy.ts';
import { usualSample } from '../../../src/curves/sample-limits.ts';
import { sumOf } from '../../../src/support/collections.ts';
import { finished } from '../../../src/support/in-parts.ts';
import { SeededRandom } from '../../../src/support/random.ts';
import {
  makeReads,
  type ReadTrace,
  sampleOf,
  shapes,
  sizesUpTo,
  totalsOf,
} from '../../traffic/reuse-traces.ts';

const emptyTerms = {
  today: null,
  hasEvicted: true,
  beginsEmpty: true,
  eviction: usualEviction,
  simulatedAt: [],
} as const;

function curveOf(
  trace: ReadTrace,
  rate: number,
  terms: Partial<MemoryTerms> & Pick<MemoryTerms, 'sizes'>,
  seed = 1,
  millisPerRead = 1,
) {
  const each = sampleOf(trace, { rate }, seed, millisPerRead).trace();
  return finished(memoryCurves(each, totalsOf(trace), { ...emptyTerms, ...terms }));
}

/** Hit rates of a whole cache that evicts by a policy, size by size. */
function simulated(
  { reads, bytes }: ReadTrace,
  sizes: readonly number[],
  policy: Policy,
  millisPerRead: number,
) {
  return sizes.map((capacityBytes) => {
    const cache = new MiniCache({ ...usualEviction, policy }, bytes);
    cache.clear(capacityBytes, new SeededRandom(7, 'whole cache'));
    let hits = 0;
    reads.forEach((key, at) => {
      if (cache.use(key, at * millisPerRead)) hits++;
      else cache.store(key, at * millisPerRead, 0);
    });
    return hits / reads.length;
  });
}

const meanError = (rates: readonly (number | null)[], truth: readonly (number | null)[]) =>
  truth.reduce<number>((sum, rate, index) => sum + Math.abs((rates[index] ?? 0) - (rate ?? 0)), 0) /
  truth.length;

describe('the hit rate as a function of memory', () => {
  it('is exact where all keys are in the sample', () => {
    const trace: ReadTrace = { reads: Uint32Array.from([0, 1, 2, 0, 1, 2, 2, 2]), bytes: [10, 20, 30] };
    const each = sampleOf(trace, {}).trace();
    // 60 bytes hold all three; 59 only the reads of 2 that follow each other.
    const { whole } = finished(
      memoryCurves(each, { ...totalsOf(trace), reads: [8] }, { ...emptyTerms, sizes: [29, 30, 59, 60] }),
    );
    expect(whole.points.map(({ hitRate }) => hitRate)).toEqual([null, null, null, null]);
    const often: ReadTrace = {
      ...trace,
      reads: Uint32Array.from({ length: 80 }, (_, at) => [0, 1, 2, 2][at % 4] ?? 0),
    };
    const points = curveOf(often, 1, { sizes: [29, 30, 59, 60] }).whole.points;
    expect(points.map(({ hitRate }) => hitRate)).toEqual(
      [0, 20 / 80, 20 / 80, 77 / 80].map((rate): unknown => expect.closeTo(rate, 9)),
    );
    expect(
      points.every(
        ({ hitRate, hitRateInterval: interval }) => interval?.[0] === hitRate && interval[1] === hitRate,
      ),
    ).toBe(true);
  });

  it.each(shapes)('is near the truth with a tenth of few keys, and within its interval: %s', (shape) => {
    const trace = makeReads(shape, 60_000, 10_000, 3);
    const sizes = sizesUpTo(totalsOf(trace).distinctBytes, 20);
    const truth = curveOf(trace, 1, { sizes }).whole.points.map(({ hitRate }) => hitRate);
    const seeds = [1, 2, 3, 4];
    const curves = seeds.map((seed) => curveOf(trace, 0.1, { sizes }, seed).whole.points);
    const errors = curves.map((points) =>
      meanError(
        points.map(({ hitRate }) => hitRate),
        truth,
      ),
    );
    expect(errors.reduce((sum, error) => sum + error, 0) / seeds.length).toBeLessThan(0.02);
    const held = curves.flatMap((points) =>
      truth.filter((rate, index) => {
        const [low = 0, high = 1] = points[index]?.hitRateInterval ?? [];
        return (rate ?? 0) >= low - 1e-9 && (rate ?? 0) <= high + 1e-9;
      }),
    );
    expect(held.length).toBeGreaterThanOrEqual(0.85 * seeds.length * sizes.length);
  });

  it('tells of no memory larger than the window has filled, and bounds what it can be there', () => {
    const trace = makeReads('zipf 0.9', 40_000, 10_000, 5);
    const all = totalsOf(trace);
    const sizes = sizesUpTo(4 * all.distinctBytes, 8);
    const each = sampleOf(trace, {}).trace();
    const cold = all.population?.byRow[0] ?? 0;
    // The server, four times as large as what the window shows, had all that was read first.
    const totals = { ...all, misses: [0] };
    const curves = finished(
      memoryCurves(each, totals, {
        ...emptyTerms,
        beginsEmpty: false,
        sizes,
        today: 7,
      }),
    );
    expect(curves.seenBytes).toBeLessThan(all.distinctBytes);
    const [first, , third] = curves.whole.points;
    expect(first?.hitRate).toBeGreaterThan(0.7);
    expect(third?.hitRate).toBeNull();
    expect(third?.hitRateInterval?.[1]).toBe(1);
    expect(third?.hitRateInterval?.[0]).toBeCloseTo(1 - cold / 40_000, 2);
    expect(curves.whole.points[7]).toEqual({ hitRate: 1, hitRateInterval: [1, 1] });
  });

  it('may be off by as much memory as the server has that belongs to no key', () => {
    const trace = makeReads('zipf 0.9', 40_000, 4000, 5);
    const all = totalsOf(trace);
    const terms = { ...emptyTerms, sizes: sizesUpTo(all.distinctBytes, 10), today: 4 };
    const each = sampleOf(trace, {}).trace();
    const curveWith = (fixedBytes: number, misses: number[] | null) =>
      finished(memoryCurves(each, { ...all, misses }, { ...terms, fixedBytes })).whole;
    const hitRate = curveWith(0, null).modelledToday ?? 0;
    const widthWith = (fixedBytes: number) => {
      const [low = 0, high = 0] =
        curveWith(fixedBytes, [40_000 * (1 - hitRate)]).points[1]?.hitRateInterval ?? [];
      return high - low;
    };
    // Of as much memory again as keys have, twice as much may be off.
    expect(widthWith(0.2 * all.distinctBytes)).toBeCloseTo(2 * widthWith(0), 2);
  });

  it('stays where it is with more memory on a server that evicts nothing', () => {
    const sample = new AccessSample({ rate: 1, maxKeys: 1000, maxAccesses: 10_000 });
    for (let at = 0; at < 400; at++) {
      const key = { high: at % 20, low: at % 20, row: 0 };
      if (at % 20 < 5) sample.missed(key, at);
      sample.pass(accessKinds.read, key, at);
    }
    for (let index = 0; index < 20; index++) sample.setBytes(index, 10);
    const each = sample.trace();
    const totals = { reads: [400], misses: [100], population: null, distinctBytes: null };
    const terms = {
      ...emptyTerms,
      beginsEmpty: false,
      hasEvicted: false,
      sizes: [100, 200, 400],
      today: 1,
    };
    const { points } = finished(memoryCurves(each, totals, terms)).whole;
    expect(points[1]?.hitRate).toBe(0.75);
    expect(points[2]?.hitRate).toBeCloseTo(0.75, 9);
    expect(points[0]?.hitRate).toBeLessThan(0.75);
  });

  it.each(['allkeys-lru', 'allkeys-lfu', 'allkeys-random'] as const)(
    'is that of a whole cache which evicts by %s, from a small one of a tenth of the keys',
    (policy) => {
      const trace = makeReads('mixed', 60_000, 6000, 2);
      const sizes = sizesUpTo(totalsOf(trace).distinctBytes, 5).slice(0, 4);
      const truth = simulated(trace, sizes, policy, 1);
      const eviction = { ...usualEviction, policy };
      const terms = { sizes, eviction, simulatedAt: [0, 1, 2, 3] };
      const rates = curveOf(trace, 0.1, terms).whole.points.map(({ hitRate }) => hitRate);
      expect(meanError(rates, truth)).toBeLessThan(0.04);
    },
  );

  it.each([
    ['zipf 0.9', 'allkeys-lfu'],
    ['mixed', 'allkeys-lfu'],
    ['mixed', 'allkeys-random'],
  ] as const)('is that of a cache which was long in use before the window: %s, %s', (shape, policy) => {
    const { reads, bytes } = makeReads(shape, 160_000, 8000, 4);
    const window = { reads: reads.subarray(80_000), bytes };
    const sizes = [0.1, 0.2, 0.3, 0.4].map((share) => share * sumOf(bytes));
    const hitsOf = (all: ReadTrace) =>
      simulated(all, sizes, policy, 0.2).map((rate) => rate * all.reads.length);
    const before = hitsOf({ reads: reads.subarray(0, 80_000), bytes });
    const truth = hitsOf({ reads, bytes }).map((hits, index) => (hits - (before[index] ?? 0)) / 80_000);
    const eviction = { ...usualEviction, policy };
    const terms = { sizes, eviction, simulatedAt: [0, 1, 2, 3], beginsEmpty: false };
    const rates = curveOf(window, 1, terms, 1, 0.2).whole.points.map(({ hitRate }) => hitRate);
    expect(meanError(rates, truth)).toBeLessThan(0.007);
  });

  it('keeps what is used often with LFU, and what was used last with LRU', () => {
    const trace = makeReads('scanning', 60_000, 6000, 2);
    const sizes = sizesUpTo(totalsOf(trace).distinctBytes, 10).slice(0, 2);
    const rate = (policy: Policy) =>
      curveOf(trace, 1, { sizes, simulatedAt: [0, 1], eviction: { ...usualEviction, policy } }).whole
        .points[0]?.hitRate ?? 0;
    expect(rate('allkeys-lfu')).toBeGreaterThan(rate('allkeys-lru') + 0.05);
  });
});

describe.runIf(process.env['CACHECTL_TEST_LONG'] !== undefined)('a sample of one key in a hundred', () => {
  it.each(shapes)('has a mean absolute error below 0.01: %s', (shape) => {
    const trace = makeReads(shape, 1_000_000, 100_000, 1);
    const sizes = sizesUpTo(totalsOf(trace).distinctBytes, 50);
    const truth = curveOf(trace, 1, { sizes }).whole.points.map(({ hitRate }) => hitRate);
    const seeds = [1, 2, 3, 4, 5, 6, 7, 8];
    const errors = seeds.map((seed) =>
      meanError(
        curveOf(trace, 0.01, { sizes }, seed).whole.points.map(({ hitRate }) => hitRate),
        truth,
      ),
    );
    const mean = errors.reduce((sum, error) => sum + error, 0) / seeds.length;
    expect(mean).toBeLessThan(0.01);
  });
});

describe('a sample of accesses', () => {
  it('keeps to its bounds, and is what it would have been at its last rate from the start', () => {
    const trace = makeReads('zipf 0.9', 50_000, 5000, 1);
    const bound = sampleOf(trace, { maxKeys: 400, maxAccesses: 20_000 });
    const { rate } = bound;
    expect(rate).toBeLessThan(0.2);
    expect(bound.trace().keys.row.length).toBeLessThanOrEqual(401);
    const again = sampleOf(trace, { rate }).trace();
    const accesses = ({ keys, accesses: { key, atMillis } }: typeof again) =>
      Array.from(key, (index, at) => [keys.position[index], atMillis[at]]);
    expect(accesses(bound.trace())).toEqual(accesses(again));
  });

  it('takes no more than 13 MB in its columns with the bounds that `whatif` has', () => {
    const sample = sampleOf(makeReads('zipf 0.9', 400_000, 60_000, 1), usualSample);
    const { keys, accesses } = sample.trace();
    expect(accesses.key.byteOffset + keys.row.byteOffset).toBe(0);
    // Of each access 13 bytes; of each key 54, its place in the table 16, and its name until its size is known.
    const columns = 13 * (accesses.key.buffer.byteLength / 4) + 70 * (keys.row.buffer.byteLength / 4);
    const names = 64 * usualSample.maxKeys;
    const filter = 2 ** 22;
    expect(columns + names + filter).toBeLessThan(13e6);
  });

  it('counts the different keys that go by, in the sample or not', () => {
    const trace = makeReads('zipf 0.6', 50_000, 5000, 1);
    const counted = sampleOf(trace, { rate: 0.01 }).distinctKeys ?? 0;
    expect(Math.abs(counted / new Set(trace.reads).size - 1)).toBeLessThan(0.005);
  });
});
