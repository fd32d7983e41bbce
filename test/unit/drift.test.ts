import { describe, expect, test } from 'vitest';
import { driftedBytes, driftedKeys, driftedShare, driftOf } from '../../src/keyspace/drift.ts';
import { DrawnPages } from '../../src/keyspace/drawn-pages.ts';
import { SampleEstimator } from '../../src/keyspace/estimate.ts';
import { sumOf, Tally } from '../../src/keyspace/tally.ts';
import { SeededRandom } from '../../src/support/random.ts';
import { segmentPages } from '../../src/redis/page-source.ts';
import { rounds } from '../server/effort.ts';

/** Of the keys of a namespace, from 0 to 1, which are there when `progress` (0 to 1) of the sample is drawn. */
type Presence = (namespace: number, at: number, progress: number) => boolean;

const still: Presence = () => true;
const last = 2;

/** Keys of three namespaces in the order of a hash; of the last one or of all of them some come or go. */
const courses: readonly (readonly [name: string, present: Presence])[] = [
  ['no change', still],
  ['a namespace that is removed', (namespace, at, progress) => namespace !== last || at > progress],
  ['a namespace that doubles', (namespace, at, progress) => namespace !== last || at < 0.5 + progress / 2],
  ['a namespace that begins', (namespace, at, progress) => namespace !== last || at < progress],
  [
    'a namespace that begins at once, late',
    (namespace, _at, progress) => namespace !== last || progress > 0.8,
  ],
  [
    'a namespace that ends at once, early',
    (namespace, _at, progress) => namespace !== last || progress < 0.2,
  ],
  ['a third of all keys expiring', (_namespace, at, progress) => at > progress / 3],
  ['all namespaces growing by half', (_namespace, at, progress) => at < (2 + progress) / 3],
];

const keys = 60_000;
const pages = 160;
const samples = rounds(400);
/** 95 % less two standard deviations. */
const nominal = 0.95 - 2 * Math.sqrt((0.95 * 0.05) / samples);
const shares = [0.5, 0.3, 0.2];

interface Held {
  keys: number;
  bytes: number;
  share: number;
}

const draw = new SeededRandom(7, 'keys');
const order = Array.from({ length: keys }, () => {
  const at = draw.fraction();
  const namespace = at < 0.5 ? 0 : at < 0.8 ? 1 : last;
  return { namespace, at: draw.fraction(), bytes: 50 + draw.below(100 + 300 * namespace) };
});

/** How often the intervals of each namespace, and of all keys, hold what is there once the sample is drawn. */
function coverageOf(present: Presence): { namespaces: Held[]; total: Held } {
  const there = (progress: number) => order.filter(({ namespace, at }) => present(namespace, at, progress));
  const atEnd = shares.map((_, namespace) => there(1).filter((key) => key.namespace === namespace));
  const sizes = Array.from({ length: pages }, (_, page) => {
    let size = 0;
    for (const { namespace, at } of order) if (present(namespace, at, page / (pages - 1))) size++;
    return size;
  });
  const start = sizes[0] ?? 0;
  const bytesOf = (list: typeof order) => list.reduce((sum, { bytes }) => sum + bytes, 0);
  const bytesAtEnd = atEnd.map(bytesOf);
  const [allKeys, allBytes] = [atEnd.flat().length, bytesOf(atEnd.flat())];
  const namespaces = shares.map((): Held => ({ keys: 0, bytes: 0, share: 0 }));
  const total: Held = { keys: 0, bytes: 0, share: 0 };
  for (let seed = 1; seed <= samples; seed++) {
    const from = { source: segmentPages(start) };
    const sample = new DrawnPages(start, [from]);
    const tallies = shares.map(() => new Tally());
    from.source.draw(pages, new SeededRandom(seed, 'sample')).forEach(({ cursor, count }, page) => {
      const found: (typeof order)[number][] = [];
      let position = Math.floor(
        (Number(cursor) % (from.source.pages ?? 1)) * (keys / (from.source.pages ?? 1)),
      );
      for (; found.length < count; position++) {
        const key = order[position % keys];
        if (key !== undefined && present(key.namespace, key.at, page / (pages - 1))) found.push(key);
      }
      const growth = (sizes[page] ?? 0) / start;
      const place = sample.add({ scannedKeys: found.length, growth, from }, true);
      for (const { namespace, bytes } of found) tallies[namespace]?.add(bytes, place);
    });
    const whole = sumOf(tallies);
    const estimator = new SampleEstimator(sample.frame(true), tallies);
    const holds = (interval: readonly [number, number] | null, truth: number) =>
      interval !== null && interval[0] <= truth * (1 + 1e-9) && truth <= interval[1] * (1 + 1e-9) ? 1 : 0;
    tallies.forEach((tally, namespace) => {
      const [truth, held] = [atEnd[namespace]?.length ?? 0, namespaces[namespace]];
      if (held === undefined) return;
      held.keys += holds(estimator.keys(tally).interval, truth) / samples;
      held.bytes += holds(estimator.memoryBytes(tally).interval, bytesAtEnd[namespace] ?? 0) / samples;
      held.share += holds(estimator.share(tally, whole).interval, truth / allKeys) / samples;
    });
    total.keys += holds(estimator.keys(whole).interval, allKeys) / samples;
    total.bytes += holds(estimator.memoryBytes(whole).interval, allBytes) / samples;
  }
  return { namespaces, total };
}

describe.each(courses)('intervals of a sample with %s while it is drawn', (_name, present) => {
  const { namespaces, total } = coverageOf(present);

  test('hold the keys, bytes and shares that each namespace has at the end', () => {
    for (const held of namespaces) {
      expect(held.keys).toBeGreaterThanOrEqual(nominal);
      expect(held.bytes).toBeGreaterThanOrEqual(nominal);
      expect(held.share).toBeGreaterThanOrEqual(nominal);
    }
  });

  test('hold the keys and bytes of the database at the end', () => {
    expect(total.keys).toBeCloseTo(1, 9);
    expect(total.bytes).toBeGreaterThanOrEqual(nominal);
  });
});

describe('the drift of a keyspace', () => {
  test('is what came or went since the mean of the sample, and since its start where pages are laid out by slot', () => {
    const course = { start: 100, mean: 150, end: 200 };
    expect(driftOf(course, false)).toEqual({ fewer: 0, more: 50, mostGrowth: 1 });
    expect(driftOf(course, true)).toEqual({ fewer: 0, more: 100, mostGrowth: Number.POSITIVE_INFINITY });
    expect(driftOf({ start: 100, mean: 80, end: 60 }, false)).toMatchObject({ fewer: 20, more: 0 });
  });

  test('lowers or raises an interval, and never below what is possible', () => {
    expect(driftedKeys([30, 40], { fewer: 50, more: 0, mostGrowth: 0 })).toEqual([0, 40]);
    expect(driftedKeys([30, 40], { fewer: 0, more: 50, mostGrowth: 1 })).toEqual([30, 80]);
    expect(driftedKeys([30, 70], { fewer: 0, more: 50, mostGrowth: 1 })).toEqual([30, 120]);
    expect(driftedBytes([3000, 4000], 100, { fewer: 5, more: 0, mostGrowth: 0 })).toEqual([2500, 4000]);
    expect(driftedShare([0.4, 0.6], 100, 1, { fewer: 20, more: 0, mostGrowth: 0 })).toEqual([
      expect.closeTo(0.15, 9),
      expect.closeTo(0.85, 9),
    ]);
    expect(driftedShare([0.4, 0.6], 10, 1, { fewer: 20, more: 0, mostGrowth: 0 })).toEqual([0, 1]);
  });

  test('leaves intervals as they are where nothing came or went', () => {
    expect(driftedKeys([1, 2], driftOf({ start: 9, mean: 9, end: 9 }, false))).toEqual([1, 2]);
    expect(driftedShare([0.1, 0.2], 9, 1, driftOf({ start: 9, mean: 9, end: 9 }, true))).toEqual([0.1, 0.2]);
  });
});
