import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { partOf, pooledSpreadOf, SampleEstimator } from '../../src/keyspace/estimate.ts';
import { sampleGroups, Tally } from '../../src/keyspace/tally.ts';
import {
  coverageOf,
  drawSample,
  hashedKeyspace,
  type Keyspace,
  sizeLaws,
  slottedKeyspace,
} from './sample-simulation.ts';
import { rounds } from '../server/effort.ts';

/** Shares of the keys, from half of them to one in ten thousand. */
const shares = [0.5, 0.25, 0.15, 0.08, 0.0149, 0.004, 0.001, 0.0001];
/** Of 100,000 keys: about a fifth, as 200 pages. */
const pages = 200;
const samples = 100;

/** What 95 % is at the least, over 100 samples: 95 % less a standard deviation and a half. */
const nominal = 0.917;

describe.each(Object.entries(sizeLaws))('intervals of a sample of %s sizes', (_name, law) => {
  const keyspace = hashedKeyspace(shares, law, 100_000);
  const coverages = coverageOf(keyspace, samples, pages);

  test('hold the keys of every namespace that was seen, however rare', () => {
    for (const { keys, seen } of coverages) {
      expect(keys).toBeGreaterThanOrEqual(nominal);
      expect(seen).toBeGreaterThan(samples * 0.8);
    }
  });

  test('hold shares of keys and of bytes', () => {
    for (const { share, byteShare } of coverages) {
      expect(share).toBeGreaterThanOrEqual(nominal);
      expect(byteShare).toBeGreaterThanOrEqual(nominal);
    }
  });

  test('hold the bytes of namespaces of which a hundred keys were seen', () => {
    const large = coverages.filter(({ keysSeen }) => keysSeen >= 100);
    expect(large.length).toBeGreaterThanOrEqual(5);
    for (const { bytes } of large) expect(bytes).toBeGreaterThanOrEqual(nominal);
  });

  test('are no wider than they need to be: of a tenth of the keys they cover less than always', () => {
    const large = coverages.slice(0, 4);
    expect(large.every(({ keys }) => keys < 1)).toBe(true);
    expect(large.every(({ keysWidth }) => keysWidth < 0.05)).toBe(true);
    const mean = large.reduce((sum, { keys }) => sum + keys, 0) / large.length;
    expect(mean).toBeLessThan(0.985);
  });

  test('stand around estimates without bias', () => {
    for (const { keysRatio, bytesRatio, keysSeen } of coverages.slice(0, 5)) {
      const noise = 4 / Math.sqrt(samples * keysSeen);
      expect(Math.abs(keysRatio - 1)).toBeLessThan(noise);
      // Sizes with a variation coefficient of up to two and a half.
      expect(Math.abs(bytesRatio - 1)).toBeLessThan(2.5 * noise);
    }
  });
});

describe('intervals of the bytes of a namespace with few keys', () => {
  const variants = rounds(24);
  const few = [0.6, 0.3, 0.0921, 0.005, 0.0015, 0.0008, 0.0004, 0.0002];

  test.each([
    // What a simulation gave, over keyspaces that differ: the fewest keys that were seen, and how often the bytes held.
    ['longTailed', 5, 0.95],
    ['logNormal', 5, 0.95],
    ['logNormal', 1, 0.85],
    ['constant', 1, 0.95],
  ] as const)(
    'of %s sizes with %i keys or more hold at least as often as was found',
    (law, fewest, least) => {
      let [seen, held] = [0, 0];
      for (let variant = 0; variant < variants; variant++) {
        const keyspace = hashedKeyspace(few, sizeLaws[law], 50_000 + variant);
        for (let seed = 1; seed <= 16; seed++) {
          const { estimator, tallies } = drawSample(keyspace, 100, 100 * variant + seed);
          keyspace.namespaces.forEach(({ bytes }, namespace) => {
            const tally = tallies[namespace];
            if (tally === undefined || tally.keys < fewest || tally.keys >= 100) return;
            const [low, high] = estimator.memoryBytes(tally).interval ?? [0, 0];
            seen++;
            if (low <= bytes && bytes <= high) held++;
          });
        }
      }
      expect(seen).toBeGreaterThan(33 * variants);
      expect(held / seen).toBeGreaterThanOrEqual(least);
    },
  );
});

describe('intervals where a large part of the keys is read', () => {
  const large = [0.5, 0.25, 0.15, 0.1];

  test.each([
    ['half', 0.5],
    ['three quarters', 0.75],
    ['nine tenths', 0.9],
  ])('hold with pages for %s of them, for pages overlap', (_what, fraction) => {
    const variants = Array.from({ length: rounds(16) }, (_, variant) =>
      hashedKeyspace(large, sizeLaws.logNormal, 26_000 + variant),
    );
    const coverages = variants.flatMap((keyspace) => {
      const all = keyspace.source().pages ?? 0;
      return coverageOf(keyspace, 25, Math.round(fraction * all));
    });
    const mean = (of: 'keys' | 'bytes' | 'share') =>
      coverages.reduce((sum, coverage) => sum + coverage[of], 0) / coverages.length;
    for (const name of ['keys', 'bytes', 'share'] as const)
      expect(mean(name)).toBeGreaterThanOrEqual(nominal);
  });
});

describe('intervals where keys are stored by slot', () => {
  const slotted = [0.5, 0.3, 0.15, 0.04, 0.01];
  // Keys with one tag lie together: 10 to a tag, 50, 200, and a namespace in three slots.
  const tags = [0, 3000, 300, 20, 3];
  const spread = (keyspace: Keyspace, grouped: boolean) => coverageOf(keyspace, samples, pages, grouped);
  const keyspace = slottedKeyspace(slotted, tags, sizeLaws.longTailed, 100_000);
  const coverages = spread(keyspace, true);

  test('hold keys, bytes and shares', () => {
    for (const { keys, bytes } of coverages) {
      expect(keys).toBeGreaterThanOrEqual(nominal);
      expect(bytes).toBeGreaterThanOrEqual(nominal);
    }
    for (const { byteShare, share, keysSeen } of coverages.slice(0, 4)) {
      expect(keysSeen).toBeGreaterThan(400);
      expect(share).toBeGreaterThanOrEqual(nominal);
      expect(byteShare).toBeGreaterThanOrEqual(nominal);
    }
  });

  test('would fail if the pages that keys come in were ignored', () => {
    const [, users, tenants, few, three] = spread(keyspace, false);
    expect(users?.keys).toBeLessThan(0.75);
    expect(tenants?.keys).toBeLessThan(0.5);
    expect(few?.keys).toBeLessThan(0.5);
    expect(three?.keys).toBeLessThan(0.5);
  });

  test('stand around estimates without bias', () => {
    for (const { keysRatio } of coverages.slice(0, 4)) expect(Math.abs(keysRatio - 1)).toBeLessThan(0.06);
  });
});

describe('an estimate', () => {
  const frame = {
    population: 1_000_000,
    scannedKeys: 3200,
    fraction: 0.0032,
    groupWeights: Array.from({ length: sampleGroups }, () => 1),
  };
  const estimator = new SampleEstimator(frame, []);
  const tallies = fc
    .array(fc.tuple(fc.nat(1_000_000), fc.nat(sampleGroups - 1), fc.boolean()), { maxLength: 200 })
    .map((keys) => {
      const [whole, part] = [new Tally(), new Tally()];
      for (const [bytes, group, inPart] of keys) {
        whole.add(bytes, { group, weight: 0.01 });
        if (inPart) part.add(bytes, { group, weight: 0.01 });
      }
      return { whole, part };
    });

  test('lies within its interval, and that within what is possible', () => {
    fc.assert(
      fc.property(tallies, ({ whole, part }) => {
        for (const [figure, most] of [
          [estimator.keys(whole), frame.population],
          [estimator.memoryBytes(whole), Number.POSITIVE_INFINITY],
          [estimator.share(part, whole), 1],
          [estimator.byteShare(part, whole), 1],
        ] as const) {
          const [low, high] = figure.interval ?? [Number.NaN, Number.NaN];
          expect(low).toBeGreaterThanOrEqual(0);
          expect(low).toBeLessThanOrEqual(figure.value * (1 + 1e-9));
          expect(high).toBeGreaterThanOrEqual(figure.value * (1 - 1e-9));
          expect(high).toBeLessThanOrEqual(most * (1 + 1e-9));
        }
      }),
    );
  });

  test('of what was not seen has an upper bound that one in twenty such samples would exceed', () => {
    const unseen = estimator.mostUnseenKeys / frame.population;
    expect((1 - unseen) ** frame.scannedKeys).toBeCloseTo(0.05, 3);
    const nothing = { ...frame, scannedKeys: 0, fraction: 0, groupWeights: frame.groupWeights.map(() => 0) };
    expect(new SampleEstimator(nothing, []).mostUnseenKeys).toBe(frame.population);
  });

  test('of a part of an exact count by an exact share is exact', () => {
    expect(partOf({ value: 200, interval: null }, { value: 0.25, interval: null })).toEqual({
      value: 50,
      interval: null,
    });
    const { value, interval } = partOf(
      { value: 200, interval: [180, 230] },
      { value: 0.5, interval: [0.4, 0.7] },
    );
    expect(value).toBe(100);
    // Zou and Donner: 100 - √(20² + 10²), 100 + √(40² + 15²).
    expect(interval?.[0]).toBeCloseTo(100 - Math.hypot(20, 10), 9);
    expect(interval?.[1]).toBeCloseTo(100 + Math.hypot(40, 15), 9);
  });

  test('of the spread of sizes is that within namespaces, by those with keys enough', () => {
    const namespace = (sizes: readonly number[]) => {
      const tally = new Tally();
      for (const size of sizes) tally.add(size, null);
      return tally;
    };
    const equal = namespace(Array.from({ length: 300 }, () => 1000));
    // Half of the keys 0 and half 200 have a variance as large as their squared mean.
    const wide = namespace(Array.from({ length: 100 }, (_, index) => (index % 2) * 200));
    const few = namespace([1, 1_000_000]);
    expect(pooledSpreadOf([equal])).toBeCloseTo(0, 9);
    expect(pooledSpreadOf([equal, few])).toBeCloseTo(0, 9);
    expect(pooledSpreadOf([equal, wide, few])).toBeCloseTo(0.25, 9);
    expect(pooledSpreadOf([few])).toBe(1);
  });
});
