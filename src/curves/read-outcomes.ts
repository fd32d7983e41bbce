import { addTo } from './columns.ts';
import type { Sample } from './random-groups.ts';
import { replay } from './replay.ts';
import { LruStack } from './stack-distance.ts';

/** What it takes to run a sample for some sizes of memory. */
export interface ReplayTerms {
  /** Of keys, ascending. */
  readonly sizes: readonly number[];
  readonly rows: number;
  /** Bytes of the keys that each key of the sample stands for. */
  readonly bytes: Float64Array;
  /** True where nothing was cached before the window: a cold read misses at any size. */
  readonly beginsEmpty: boolean;
}

/** The reads of a sample by the sizes of memory at which they hit, in columns of `sizes.length + 1` for each row. */
export interface ReadOutcomes {
  /** Reads that hit from this size on, and at the one below it do not; last: at none of the sizes. */
  readonly hits: Float64Array;
  /** Cold reads that hit on the server, by how many of the sizes the window had filled before: these are too small for them. */
  readonly coldHits: Float64Array;
  /** The same of cold reads that missed there. */
  readonly coldMisses: Float64Array;
  /** Reads that no memory makes a hit, by row. */
  readonly misses: Float64Array;
  /** Reads of all kinds by how many of the sizes the window had filled before. */
  readonly filled: Float64Array;
}

/** The key was not used in the window before. */
export const cold = 2 ** 16 - 1;

/**
 * One pass over the trace gives the outcome of each read for all sizes of an LRU cache.
 * @returns with it, by access, the index of the smallest size in which a read hits, their number where it hits in none; or `cold`
 */
export function lruOutcomes(
  { trace, weights }: Sample,
  { sizes, rows, bytes, beginsEmpty }: ReplayTerms,
): { readonly outcomes: ReadOutcomes; readonly hitsFrom: Uint16Array } {
  const { row: rowOf } = trace.keys;
  const { length } = trace.accesses.key;
  const width = sizes.length + 1;
  const [hits, coldHits, coldMisses] = [0, 1, 2].map(() => new Float64Array(rows * width)) as Triple;
  const [misses, filledBy] = [new Float64Array(rows), new Float64Array(width)];
  const hitsFrom = new Uint16Array(length).fill(cold);
  const stack = new LruStack(rowOf.length, length);
  let filled = 0;
  const count = (column: Float64Array, key: number, index: number) => addTo(column, index, weights[key] ?? 0);
  const pass = (key: number) => {
    while (filled < sizes.length && (sizes[filled] ?? 0) <= stack.totalBytes) filled++;
    count(filledBy, key, filled);
  };
  const touch = (key: number) => stack.touch(key, bytes[key] ?? 0);
  const miss = (key: number) => {
    pass(key);
    count(misses, key, rowOf[key] ?? 0);
  };
  const coldTo = (column: Float64Array) => (key: number) => {
    pass(key);
    if (beginsEmpty) count(misses, key, rowOf[key] ?? 0);
    else count(column, key, (rowOf[key] ?? 0) * width + filled);
  };
  const coldHit = coldTo(coldHits);
  replay(trace, {
    read(key, at) {
      pass(key);
      const index = firstHolding(sizes, stack.depthOf(key));
      hitsFrom[at] = index;
      count(hits, key, (rowOf[key] ?? 0) * width + index);
      touch(key);
    },
    coldHit(key) {
      coldHit(key);
      touch(key);
    },
    ...{ coldMiss: coldTo(coldMisses), miss, write: touch },
    leave: (key) => stack.remove(key),
  });
  return { outcomes: { hits, coldHits, coldMisses, misses, filled: filledBy }, hitsFrom };
}

type Triple = [Float64Array, Float64Array, Float64Array];

/** Sums of bytes that stand for others are off by this at most. */
const rounding = 1e-9;

/** Index of the smallest size that is not below the depth; their number where there is none. */
export function firstHolding(sizes: readonly number[], depth: number): number {
  let [low, high] = [0, sizes.length];
  while (low < high) {
    const middle = (low + high) >> 1;
    if ((sizes[middle] ?? 0) >= depth * (1 - rounding)) high = middle;
    else low = middle + 1;
  }
  return low;
}
