import { AccessSample, accessKinds } from '../../src/curves/access-sample.ts';
import type { SampleLimits } from '../../src/curves/sample-limits.ts';
import type { WindowTotals } from '../../src/curves/memory-curve.ts';
import { classOfUses } from '../../src/curves/key-census.ts';
import { SeededRandom } from '../../src/support/random.ts';

/** A made-up stream of reads of keys by number, with the size of each key. */
export interface ReadTrace {
  readonly reads: Uint32Array;
  /** By key. */
  readonly bytes: readonly number[];
}

export const shapes = ['zipf 0.6', 'zipf 0.9', 'zipf 1.2', 'looping', 'scanning', 'mixed'] as const;
export type Shape = `zipf ${number}` | 'looping' | 'scanning' | 'mixed';

/** Sizes are log-normal. @param seed of the order of reads, and of the sizes */
export function makeReads(shape: Shape, length: number, keys: number, seed: number): ReadTrace {
  const random = new SeededRandom(seed, shape);
  const next = readerOf(shape, keys, random);
  const reads = Uint32Array.from({ length }, next);
  return { reads, bytes: Array.from({ length: keys }, () => random.size(1000)) };
}

/** Numbers of keys, the next at each call. */
export function readerOf(shape: Shape, keys: number, random: SeededRandom): () => number {
  let turn = 0;
  switch (shape) {
    case 'looping':
      return () => turn++ % keys;
    // A scan of many keys goes through what is else a small set of keys that are used all the time.
    case 'scanning': {
      const usual = zipf(Math.ceil(keys / 5), 0.9, random);
      let left = 0;
      return () => {
        if (left === 0 && random.chance(1 / 2000)) left = Math.ceil(keys / 100);
        return left > 0 ? (left--, turn++ % keys) : usual();
      };
    }
    case 'mixed': {
      const half = Math.floor(keys / 2);
      const usual = zipf(half, 0.9, random);
      return () => (random.chance(0.3) ? half + (turn++ % (keys - half)) : usual());
    }
    default:
      return zipf(keys, Number(shape.slice(5)), random);
  }
}

/** Ranks by their frequency, from the sums of it. */
function zipf(keys: number, exponent: number, random: SeededRandom): () => number {
  const sums = new Float64Array(keys);
  let sum = 0;
  for (let rank = 0; rank < keys; rank++) sums[rank] = sum += (rank + 1) ** -exponent;
  return () => {
    const drawn = random.fraction() * sum;
    let [low, high] = [0, keys - 1];
    while (low < high) {
      const middle = (low + high) >> 1;
      if ((sums[middle] ?? 0) >= drawn) high = middle;
      else low = middle + 1;
    }
    return low;
  };
}

/** The reads as a sample sees them, a millisecond after each other unless said. @param seed which keys are in the sample */
export function sampleOf(
  { reads, bytes }: ReadTrace,
  limits: Partial<SampleLimits>,
  seed = 1,
  millisPerRead = 1,
): AccessSample {
  const sample = new AccessSample({ rate: 1, maxKeys: 2 ** 30, maxAccesses: 2 ** 30, ...limits });
  const hashes = bytes.map((_, key) => {
    const random = new SeededRandom(seed, 'hash', key);
    return { high: random.uint32() | 0, low: random.uint32() | 0, row: 0 };
  });
  reads.forEach((key, at) => {
    const index = sample.pass(
      accessKinds.read,
      hashes[key] ?? { high: 0, low: 0, row: 0 },
      at * millisPerRead,
    );
    if (index >= 0) sample.setBytes(index, bytes[key] ?? 0);
  });
  return sample;
}

/** What is known of all keys. */
export function totalsOf({ reads, bytes }: ReadTrace): WindowTotals & { readonly distinctBytes: number } {
  const uses = new Map<number, number>();
  for (const key of reads) uses.set(key, (uses.get(key) ?? 0) + 1);
  const byUses: number[] = [];
  let distinctBytes = 0;
  for (const [key, count] of uses) {
    distinctBytes += bytes[key] ?? 0;
    byUses[classOfUses(count)] = (byUses[classOfUses(count)] ?? 0) + 1;
  }
  const population = {
    byRow: [uses.size],
    byUses: Array.from(byUses, (count: number | undefined) => count ?? 0),
  };
  return { reads: [reads.length], misses: null, population, distinctBytes };
}

/** So many sizes from a small part of all bytes to all of them. */
export const sizesUpTo = (bytes: number, count: number): number[] =>
  Array.from({ length: count }, (_, index) => (bytes * (index + 1)) / count);
