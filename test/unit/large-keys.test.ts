import { describe, expect, test } from 'vitest';
import { DrawnPages } from '../../src/keyspace/drawn-pages.ts';
import { SampleEstimator } from '../../src/keyspace/estimate.ts';
import {
  largeFromOf,
  type MemoryCheck,
  splitTally,
  unmetKeysOf,
  unmetStringBytes,
} from '../../src/keyspace/large-keys.ts';
import { sumOf, Tally } from '../../src/keyspace/tally.ts';
import { asBytes } from '../../src/support/bytes.ts';
import { SeededRandom } from '../../src/support/random.ts';
import { segmentPages } from '../../src/redis/page-source.ts';

const keys = 100_000;
const pages = 160;
const samples = 100;

/** Bytes of a key of namespace 0 (half of the keys), 1 (a third) or 2 (the rest). `at` is its number within all keys. */
type SizeLaw = (namespace: number, at: number, draw: SeededRandom) => number;

const small = (draw: SeededRandom) => 80 + draw.below(80);
const pareto = (draw: SeededRandom) => Math.round(100 * (1 - draw.fraction()) ** (-1 / 1.1));

const laws: readonly (readonly [name: string, law: SizeLaw])[] = [
  ['no tail', (_namespace, _at, draw) => small(draw)],
  ['one giant', (_namespace, at, draw) => (at === 7 ? 40_000_000 : small(draw))],
  ['twenty giants', (namespace, at, draw) => (namespace === 0 && at % 2500 === 0 ? 5_000_000 : small(draw))],
  [
    'giants in two namespaces',
    (namespace, at, draw) => (namespace < 2 && at % 4000 === 1 ? 1_000_000 : small(draw)),
  ],
  ['a Pareto tail of exponent 1.1', (_namespace, _at, draw) => pareto(draw)],
  [
    'a Pareto tail in one namespace',
    (namespace, _at, draw) => (namespace === 2 ? pareto(draw) : small(draw)),
  ],
  ['a bimodal namespace', (namespace, at, draw) => (namespace === 1 && at % 50 === 0 ? 20_000 : small(draw))],
  [
    'a bimodal namespace with a rare mode',
    (namespace, at, draw) => (namespace === 1 && at % 1500 === 0 ? 400_000 : small(draw)),
  ],
];

test('a key that decides a figure and is drawn again counts once', () => {
  const tally = new Tally();
  const place = { group: 0, weight: 0.01, largeFrom: 1000 };
  for (let each = 0; each < 100; each++) tally.add(100, place);
  const memory = { lowBytes: 1_000_000, highBytes: 1_100_000, largeFrom: 1000 };
  for (const key of ['giant', 'giant', 'other'].map(asBytes)) tally.add(500_000, { ...place, key });
  expect(splitTally(tally, 1000, memory)).toMatchObject({
    ...{ decisiveKeys: 2, decisiveBytes: 1_000_000 },
    rest: { keys: 100, memoryBytes: 10_000 },
  });
});

interface Held {
  bytes: number;
  share: number;
}

/** Keys of such sizes, and what samples of them came to: the same whatever they are checked against. */
function drawSamples(law: SizeLaw) {
  const draw = new SeededRandom(11, 'sizes');
  const namespaceOf = (at: number) => (at < keys / 2 ? 0 : at < (5 * keys) / 6 ? 1 : 2);
  const inOrder = Array.from({ length: keys }, (_, at) => {
    const namespace = namespaceOf(at);
    return { namespace, bytes: law(namespace, at, draw), place: draw.fraction() };
  });
  // The server orders keys by a hash.
  const order = inOrder.sort((one, other) => one.place - other.place);
  const truths = [0, 0, 0];
  for (const { namespace, bytes } of order) truths[namespace] = (truths[namespace] ?? 0) + bytes;
  const all = truths.reduce((sum, bytes) => sum + bytes, 0);
  const largeFrom = largeFromOf(all, keys, 12_800);
  const drawn = Array.from({ length: samples }, (_, seed) => {
    const from = { source: segmentPages(keys) };
    const sample = new DrawnPages(keys, [from], largeFrom);
    const tallies = truths.map(() => new Tally());
    const segments = from.source.pages ?? 1;
    for (const { cursor, count } of from.source.draw(pages, new SeededRandom(seed + 1, 'sample'))) {
      const place = sample.add({ scannedKeys: count, growth: 1, from }, true);
      const first = Math.floor((Number(cursor) % segments) * (keys / segments));
      for (let at = first; at < Math.min(keys, first + count); at++) {
        const { namespace, bytes } = order[at] ?? { namespace: 0, bytes: 0 };
        tallies[namespace]?.add(bytes, place);
      }
    }
    return { sample, tallies };
  });
  return { sizes: order.map(({ bytes }) => bytes), truths, all, largeFrom, drawn };
}

const samplesOf = new Map<SizeLaw, ReturnType<typeof drawSamples>>();

/** How often the intervals of each namespace, and of all keys, hold, where the server's accounts are right to `slack`. */
function coverageOf(law: SizeLaw, checked: boolean, slack = 0.01, withSizes = false) {
  const known = samplesOf.get(law) ?? drawSamples(law);
  samplesOf.set(law, known);
  const { sizes, truths, all, largeFrom, drawn } = known;
  const memory: MemoryCheck = {
    lowBytes: all * (1 - slack),
    highBytes: all * (1 + slack),
    largeFrom,
    stringSizes: withSizes ? lengthsOf(sizes) : null,
  };
  const namespaces = truths.map((): Held => ({ bytes: 0, share: 0 }));
  let [total, width] = [0, 0];
  for (const { sample, tallies } of drawn) {
    const frame = { ...sample.frame(false), memory: checked ? memory : undefined };
    const estimator = new SampleEstimator(frame, tallies);
    const holds = (interval: readonly [number, number] | null, truth: number) =>
      interval !== null && interval[0] <= truth * (1 + 1e-9) && truth <= interval[1] * (1 + 1e-9) ? 1 : 0;
    const whole = sumOf(tallies);
    tallies.forEach((tally, namespace) => {
      const [truth = 0, held] = [truths[namespace], namespaces[namespace]];
      if (held === undefined) return;
      held.bytes += holds(estimator.memoryBytes(tally).interval, truth) / samples;
      held.share += holds(estimator.byteShare(tally, whole).interval, truth / all) / samples;
    });
    const figure = estimator.memoryBytes(whole);
    total += holds(figure.interval, all) / samples;
    width += ((figure.interval?.[1] ?? 0) - (figure.interval?.[0] ?? 0)) / all / samples;
  }
  return { namespaces, total, width };
}

describe.each(laws)('intervals of bytes with %s, checked against what the server holds', (_name, law) => {
  const { namespaces, total } = coverageOf(law, true);

  test('hold for all keys and for each namespace', () => {
    // 95 % less a standard deviation and a half of 100 samples.
    expect(total).toBeGreaterThanOrEqual(0.92);
    for (const { bytes, share } of namespaces) {
      expect(bytes).toBeGreaterThanOrEqual(0.92);
      expect(share).toBeGreaterThanOrEqual(0.92);
    }
  });
});

/** Strings by their length, of keys that take so many bytes. */
function lengthsOf(sizes: readonly number[]): Map<number, number> {
  const counts = new Map<number, number>();
  for (const bytes of sizes) {
    const from = 2 ** Math.floor(Math.log2(bytes - 64));
    counts.set(from, (counts.get(from) ?? 0) + 1);
  }
  return counts;
}

describe('lengths of strings', () => {
  const memory = { lowBytes: 0, highBytes: 0, largeFrom: 1024, stringSizes: new Map([[32, 600_000]]) };
  const met = (count: number) =>
    Array.from({ length: count }, () => ({ memoryBytes: 2 ** 21, group: 0, weight: 1 }));

  test('tell of long ones that a sample did not meet', () => {
    const check = { ...memory, stringSizes: new Map([...memory.stringSizes, [2 ** 20, 2], [512, 9]]) };
    expect(unmetStringBytes([], 10, memory)).toBe(0);
    expect(unmetStringBytes([], 10, check)).toBe(2 * (1.25 * 2 ** 21 + 2 ** 20));
    expect(unmetStringBytes(met(1), 10, check)).toBe(0);
    // Of as many as were met the sample speaks by itself.
    const many = { ...check, stringSizes: new Map([[2 ** 20, 900]]) };
    expect(unmetStringBytes(met(5), 10, many)).toBe(0);
  });

  test('keep a giant within the intervals that the accounts of memory leave room to hide', () => {
    const law: SizeLaw = (_namespace, at, draw) => (at === 7 ? 600_000 : small(draw));
    expect(coverageOf(law, true, 0.08).total).toBeLessThan(0.5);
    expect(coverageOf(law, true, 0.08, true).total).toBeGreaterThanOrEqual(0.92);
  });
});

describe('the check', () => {
  const named = (name: string) => laws.find(([each]) => each === name)?.[1] ?? (() => 0);

  test('is what holds: by the sample alone a few giants are outside of most intervals', () => {
    expect(coverageOf(named('one giant'), false).total).toBeLessThan(0.3);
    expect(coverageOf(named('a Pareto tail of exponent 1.1'), false).total).toBeLessThan(0.8);
  });

  test('costs no width where there is no tail, nor where the tail is met', () => {
    for (const name of ['no tail', 'a bimodal namespace']) {
      const [checked, alone] = [coverageOf(named(name), true), coverageOf(named(name), false)];
      expect(checked.width).toBeLessThan(alone.width * 1.05);
    }
  });

  test('finds keys for certain only beyond the error of the sample', () => {
    const memory = { lowBytes: 900, highBytes: 1100, largeFrom: 1 };
    expect(unmetKeysOf([700, 800], 50, memory)).toEqual({ mostBytes: 350, certain: true });
    expect(unmetKeysOf([800, 950], 0, memory)).toEqual({ mostBytes: 300, certain: false });
    expect(unmetKeysOf([1150, 1200], 0, memory)).toEqual({ mostBytes: 0, certain: false });
  });
});
