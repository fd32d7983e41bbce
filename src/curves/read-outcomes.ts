import type { AccessTrace } from './access-sample.ts';
import { type CacheVisitor, replay } from './replay.ts';
import { LruStack } from './stack-distance.ts';

/** The reads of a sample by the sizes of memory at which they hit, in columns of `sizes.length + 1` for each row. */
export class ReadOutcomes {
  readonly width: number;
  /** Reads that hit from this size on, and at the one below it do not; last: at none of the sizes. */
  readonly hitsFrom: Float64Array;
  /** Cold reads that hit on the server, by how many of the sizes the window had filled before: these are too small for them. */
  readonly coldHits: Float64Array;
  /** The same of cold reads that missed there. */
  readonly coldMisses: Float64Array;
  /** Reads that no memory makes a hit, by row. */
  readonly misses: Float64Array;
  /** By access, the smallest memory in which a read hits; infinite where none is known. */
  readonly depths: Float64Array;
  /** Reads of all kinds by how many of the sizes the window had filled before. */
  readonly filled: Float64Array;

  constructor(rows: number, sizes: number, accesses: number) {
    this.width = sizes + 1;
    this.hitsFrom = new Float64Array(rows * this.width);
    this.coldHits = new Float64Array(rows * this.width);
    this.coldMisses = new Float64Array(rows * this.width);
    this.misses = new Float64Array(rows);
    this.depths = new Float64Array(accesses).fill(Number.POSITIVE_INFINITY);
    this.filled = new Float64Array(this.width);
  }
}

/** What it takes to run a sample for some sizes of memory. */
export interface ReplayTerms {
  /** Of keys, ascending. */
  readonly sizes: readonly number[];
  readonly rows: number;
  /** How many keys each of the sample stands for. */
  readonly weights: Float64Array;
  /** Bytes of the keys that each stands for. */
  readonly bytes: Float64Array;
  /** True where nothing was cached before the window: a cold read misses at any size. */
  readonly beginsEmpty: boolean;
}

/** One pass over the trace gives the outcome of each read for all sizes of an LRU cache. */
export function lruOutcomes(trace: AccessTrace, terms: ReplayTerms): ReadOutcomes {
  const { sizes, rows, weights, bytes, beginsEmpty } = terms;
  const length = trace.accesses.key.length;
  const outcomes = new ReadOutcomes(rows, sizes.length, length);
  const stack = new LruStack(trace.keys.row.length, length);
  const { width } = outcomes;
  const rowOf = (key: number) => trace.keys.row[key] ?? 0;
  let filled = 0;
  const pass = (key: number) => {
    while (filled < sizes.length && (sizes[filled] ?? 0) <= stack.totalBytes) filled++;
    outcomes.filled[filled] = (outcomes.filled[filled] ?? 0) + (weights[key] ?? 0);
  };
  const count = (column: Float64Array, key: number, index: number) =>
    (column[index] = (column[index] ?? 0) + (weights[key] ?? 0));
  const touch = (key: number) => stack.touch(key, bytes[key] ?? 0);
  const cold = (column: Float64Array, key: number) => {
    pass(key);
    if (beginsEmpty) count(outcomes.misses, key, rowOf(key));
    else count(column, key, rowOf(key) * width + filled);
  };
  const visitor: CacheVisitor = {
    read(key, at) {
      pass(key);
      const depth = stack.depthOf(key);
      outcomes.depths[at] = depth;
      count(outcomes.hitsFrom, key, rowOf(key) * width + firstHolding(sizes, depth));
      touch(key);
    },
    coldHit(key) {
      cold(outcomes.coldHits, key);
      touch(key);
    },
    coldMiss(key) {
      cold(outcomes.coldMisses, key);
    },
    miss(key) {
      pass(key);
      count(outcomes.misses, key, rowOf(key));
    },
    write: touch,
    leave: (key) => stack.remove(key),
  };
  replay(trace, visitor);
  return outcomes;
}

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
