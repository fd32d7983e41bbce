/** What size buckets hold, also as JSON gives it back. */
export type SizeBucketsFields = Pick<SizeBuckets, 'counts' | 'largest'>;

/** Counts sizes or lengths by the power of two that they do not exceed: a few numbers, whatever is counted. */
export class SizeBuckets {
  /** By the exponent. */
  readonly counts: number[] = [];
  largest = 0;

  add(size: number): void {
    const exponent = size <= 1 ? 0 : Math.ceil(Math.log2(size));
    while (this.counts.length <= exponent) this.counts.push(0);
    this.counts[exponent] = (this.counts[exponent] ?? 0) + 1;
    if (size > this.largest) this.largest = size;
  }

  merge({ counts, largest }: SizeBucketsFields): void {
    counts.forEach((count, exponent) => {
      while (this.counts.length <= exponent) this.counts.push(0);
      this.counts[exponent] = (this.counts[exponent] ?? 0) + count;
    });
    this.largest = Math.max(this.largest, largest);
  }

  /**
   * The upper bound of the bucket that the quantile is in, and no more than the largest: less than twice the quantile. Null where
   * nothing was counted.
   */
  quantile(share: number): number | null {
    let left = share * this.counts.reduce((sum, count) => sum + count, 0);
    const exponent = this.counts.findIndex((count) => (left -= count) <= 0 && count > 0);
    return exponent < 0 ? null : Math.min(this.largest, 2 ** exponent);
  }
}
