import { SeededRandom } from '../../src/support/random.ts';
import { type PageSource, segmentPages, shareRead, slotPages } from '../../src/redis/page-source.ts';
import { asBytes, type ByteString } from '../../src/support/bytes.ts';
import { SampleEstimator } from '../../src/keyspace/estimate.ts';
import type { Interval } from '../../src/support/intervals.ts';
import { sampleGroups, Tally } from '../../src/keyspace/tally.ts';
import { oneTable, type ScanModel, tableForEachSlot } from './scan-model.ts';

export type SizeLaw = (draw: SeededRandom) => number;

export const sizeLaws = {
  constant: () => 96,
  longTailed: (draw) => 64 / (draw.fraction() + 0.008),
  logNormal: (draw) => 200 * Math.exp(normal(draw)),
} satisfies Record<string, SizeLaw>;

function normal(draw: SeededRandom): number {
  return Math.sqrt(-2 * Math.log(1 - draw.fraction())) * Math.cos(2 * Math.PI * draw.fraction());
}

/** A keyspace of which everything is known. Keys are numbers from 0. */
export interface Keyspace {
  readonly model: ScanModel;
  readonly source: () => PageSource;
  readonly names: readonly ByteString[];
  readonly namespaceOf: Uint8Array;
  /** 1 for the keys of a part of each namespace, such as those of one type. */
  readonly inPart: Uint8Array;
  readonly bytesOf: Float64Array;
  readonly namespaces: readonly Truth[];
}

interface Truth {
  readonly keys: number;
  readonly bytes: number;
  readonly partKeys: number;
  readonly partBytes: number;
}

/** A keyspace in one table, its namespaces with these shares of the keys. */
export function hashedKeyspace(
  shares: readonly number[],
  law: SizeLaw,
  keys: number,
  bits?: number,
): Keyspace {
  const draw = new SeededRandom(keys, 'keyspace');
  const hashes = Uint32Array.from({ length: keys }, () => draw.uint32());
  const model = oneTable(keys, (key) => hashes[key] ?? 0, bits);
  return { model, source: () => segmentPages(keys), ...contents(shares, law, keys, draw) };
}

/**
 * A keyspace that is stored by slot.
 * @param tags hash tags by namespace: its keys lie in the slots of so many tags; 0 where each has a slot of its own
 */
export function slottedKeyspace(
  shares: readonly number[],
  tags: readonly number[],
  law: SizeLaw,
  keys: number,
): Keyspace {
  const draw = new SeededRandom(keys, 'slotted');
  const known = contents(shares, law, keys, draw);
  const slotsOfTags = tags.map((count) => Array.from({ length: count }, () => draw.below(2 ** 14)));
  const slots = Uint16Array.from(known.namespaceOf, (namespace) => {
    const own = slotsOfTags[namespace] ?? [];
    return own.length === 0 ? draw.below(2 ** 14) : (own[draw.below(own.length)] ?? 0);
  });
  const hashes = Uint32Array.from({ length: keys }, () => draw.uint32());
  const model = tableForEachSlot(
    keys,
    (key) => slots[key] ?? 0,
    (key) => hashes[key] ?? 0,
  );
  return { model, source: () => slotPages(model.keysOfSlot, (key) => slots[Number(key)] ?? 0), ...known };
}

function contents(shares: readonly number[], law: SizeLaw, keys: number, draw: SeededRandom) {
  const namespaceOf = new Uint8Array(keys);
  let next = 0;
  shares.forEach((share, namespace) => {
    const end = namespace === shares.length - 1 ? keys : next + Math.round(share * keys);
    namespaceOf.fill(namespace, next, end);
    next = end;
  });
  const inPart = Uint8Array.from({ length: keys }, () => (draw.chance(0.2) ? 1 : 0));
  // The keys of the part are larger than the others.
  const bytesOf = Float64Array.from({ length: keys }, (_, key) =>
    Math.round(law(draw) * (inPart[key] ? 2 : 1)),
  );
  const namespaces = shares.map(() => ({ keys: 0, bytes: 0, partKeys: 0, partBytes: 0 }));
  for (let key = 0; key < keys; key++) {
    const truth = namespaces[namespaceOf[key] ?? 0];
    if (truth === undefined) continue;
    const bytes = bytesOf[key] ?? 0;
    truth.keys++;
    truth.bytes += bytes;
    truth.partKeys += inPart[key] ?? 0;
    truth.partBytes += (inPart[key] ?? 0) * bytes;
  }
  const names = Array.from({ length: keys }, (_, key) => asBytes(String(key)));
  return { names, namespaceOf, inPart, bytesOf, namespaces };
}

export interface DrawnSample {
  readonly estimator: SampleEstimator;
  readonly tallies: readonly Tally[];
  readonly parts: readonly Tally[];
  readonly pages: number;
  readonly scannedKeys: number;
}

/** Draws one sample as read-sample.ts does: the pages are dealt to the groups in turn, a key counts one over its page. */
export function drawSample(keyspace: Keyspace, pages: number, seed: number, grouped = true): DrawnSample {
  const { model, source, names, namespaceOf, inPart, bytesOf, namespaces } = keyspace;
  const draw = new SeededRandom(seed, 'sample');
  const from = source();
  const tallies = namespaces.map(() => new Tally());
  const parts = namespaces.map(() => new Tally());
  const groupWeights = Array.from({ length: sampleGroups }, () => 0);
  let [drawn, scannedKeys] = [0, 0];
  while (drawn < pages) {
    const places = from.draw(Math.min(10, pages - drawn), draw);
    if (places.length === 0) break;
    for (const { cursor, count, holds } of places) {
      const found = model.scan(Number(cursor), count).keys.filter((key) => holds(names[key] ?? asBytes('')));
      if (found.length === 0) continue;
      const group = drawn++ % sampleGroups;
      groupWeights[group] = (groupWeights[group] ?? 0) + 1;
      scannedKeys += found.length;
      for (const key of found) {
        // A key at random in any group hides that keys of one page go together.
        const place = { group: grouped ? group : draw.below(sampleGroups), weight: 1 / found.length };
        const namespace = namespaceOf[key] ?? 0;
        const bytes = bytesOf[key] ?? 0;
        tallies[namespace]?.add(bytes, place);
        if (inPart[key]) parts[namespace]?.add(bytes, place);
      }
    }
  }
  const frame = {
    population: model.keys,
    scannedKeys,
    fraction: shareRead(from, drawn),
    groupWeights,
  };
  const estimator = new SampleEstimator(frame, tallies);
  return { estimator, tallies, parts, pages: drawn, scannedKeys };
}

export interface Coverage {
  /** Samples in which the namespace was seen. */
  readonly seen: number;
  /** Of those, the share whose interval held the truth, from 0 to 1. */
  readonly keys: number;
  readonly bytes: number;
  readonly share: number;
  readonly byteShare: number;
  /** Keys seen in a sample, on average. */
  readonly keysSeen: number;
  /** Mean of the estimates over the truth. */
  readonly keysRatio: number;
  readonly bytesRatio: number;
  /** Half-widths over the truth, on average. */
  readonly keysWidth: number;
  readonly bytesWidth: number;
}

/** How often the intervals of each namespace hold, over many samples. */
export function coverageOf(keyspace: Keyspace, samples: number, pages: number, grouped = true): Coverage[] {
  const counts = keyspace.namespaces.map(() => ({
    seen: 0,
    keys: 0,
    bytes: 0,
    share: 0,
    byteShare: 0,
    keysSeen: 0,
    keysRatio: 0,
    bytesRatio: 0,
    keysWidth: 0,
    bytesWidth: 0,
  }));
  for (let seed = 1; seed <= samples; seed++) {
    const { estimator, tallies, parts } = drawSample(keyspace, pages, seed, grouped);
    keyspace.namespaces.forEach((truth, namespace) => {
      const [tally, part, count] = [tallies[namespace], parts[namespace], counts[namespace]];
      if (!tally || !part || !count) return;
      const keys = estimator.keys(tally);
      const bytes = estimator.memoryBytes(tally);
      count.keysSeen += tally.keys;
      count.keysRatio += keys.value / truth.keys;
      count.bytesRatio += bytes.value / truth.bytes;
      if (tally.keys === 0) return;
      count.seen++;
      count.keys += holds(keys.interval, truth.keys);
      count.bytes += holds(bytes.interval, truth.bytes);
      count.share += holds(estimator.share(part, tally).interval, truth.partKeys / truth.keys);
      count.byteShare += holds(estimator.byteShare(part, tally).interval, truth.partBytes / truth.bytes);
      count.keysWidth += widthOf(keys.interval) / 2 / truth.keys;
      count.bytesWidth += widthOf(bytes.interval) / 2 / truth.bytes;
    });
  }
  return counts.map(
    ({ seen, keys, bytes, share, byteShare, keysSeen, keysRatio, bytesRatio, keysWidth, bytesWidth }) => ({
      seen,
      keys: keys / seen,
      bytes: bytes / seen,
      share: share / seen,
      byteShare: byteShare / seen,
      keysSeen: keysSeen / samples,
      keysRatio: keysRatio / samples,
      bytesRatio: bytesRatio / samples,
      keysWidth: keysWidth / seen,
      bytesWidth: bytesWidth / seen,
    }),
  );
}

function holds(interval: Interval | null, truth: number): number {
  const [low, high] = interval ?? [Number.NaN, Number.NaN];
  // An estimate that is exact may differ in the last digit.
  return low <= truth * (1 + 1e-9) && truth <= high * (1 + 1e-9) ? 1 : 0;
}

function widthOf(interval: Interval | null): number {
  return interval === null ? 0 : interval[1] - interval[0];
}
