/** Highest relative error of a quantile. */
const accuracy = 0.04;
const base = (1 + accuracy) / (1 - accuracy);
const logOfBase = Math.log(base);
const highest = Number.MAX_SAFE_INTEGER;
const buckets = bucketOf(highest) + 1;

/**
 * Durations or sizes over many orders of magnitude, in 3.7 KB whatever is recorded; a histogram of node:perf_hooks takes
 * 56 KB for the same range. Each bucket is 8.3 % wider than the one below it, so that its middle is right to 4 %.
 * DDSketch: Masson, Rim, Lee, A Fast and Fully-Mergeable Quantile Sketch with Relative-Error Guarantees (2019).
 */
export class LogHistogram {
  /** Of what was recorded; not whole where the counts are estimates. */
  count = 0;
  private readonly counts = new Float64Array(buckets);
  private min = highest;
  private max = 1;

  /**
   * @param value from 1 to 2^53; a value outside this range counts as the nearest in it
   * @param count how often it occurred, above 0
   */
  record(value: number, count = 1): void {
    const bounded = value > highest ? highest : value >= 1 ? value : 1;
    const bucket = bucketOf(bounded);
    this.counts[bucket] = (this.counts[bucket] ?? 0) + count;
    this.count += count;
    if (bounded < this.min) this.min = bounded;
    if (bounded > this.max) this.max = bounded;
  }

  /**
   * The smallest value that so large a share of the values does not exceed, right to 4 %; null where nothing was recorded.
   *
   * @param share from 0 to 1, where 0 gives the smallest value and 1 the largest, both exact
   */
  quantile(share: number): number | null {
    if (this.count === 0) return null;
    if (share <= 0) return this.min;
    if (share >= 1) return this.max;
    let left = share * this.count;
    const bucket = this.counts.findIndex((count) => (left -= count) <= 0 && count > 0);
    return bucket < 0 ? this.max : this.middleOf(bucket);
  }

  /** The buckets of this one and another, from the lowest: the middle of each, and how often a value in it was recorded in the two. */
  *bucketsWith(other: LogHistogram): Iterable<readonly [value: number, count: number, others: number]> {
    for (let bucket = 0; bucket < buckets; bucket++) {
      const [count = 0, others = 0] = [this.counts[bucket], other.counts[bucket]];
      if (count + others > 0) yield [middleOf(bucket), count, others];
    }
  }

  merge(other: LogHistogram): void {
    other.counts.forEach((count, bucket) => {
      if (count > 0) this.counts[bucket] = (this.counts[bucket] ?? 0) + count;
    });
    this.count += other.count;
    if (other.min < this.min) this.min = other.min;
    if (other.max > this.max) this.max = other.max;
  }

  private middleOf(bucket: number): number {
    return Math.min(this.max, Math.max(this.min, middleOf(bucket)));
  }
}

const middleOf = (bucket: number) => (2 * base ** bucket) / (base + 1);

/** Bucket `n` is for values above `base ** (n - 1)`, up to `base ** n`. */
function bucketOf(value: number): number {
  return Math.ceil(Math.log(value) / logOfBase);
}
