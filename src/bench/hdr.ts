/**
 * The buckets of an HDR histogram of nanoseconds with three significant figures: each power of two above the first 2,048 values
 * is one bucket with half as many parts.
 * @see https://github.com/HdrHistogram/HdrHistogram, `AbstractHistogram`
 */
export const hdrFigures = 3;
export const subBuckets = 2048;
/** One hour; a connection waits for no answer so long. */
export const highestNanos = 3_600_000_000_000;

/** How often each latency was seen, by the lowest nanoseconds of its part of a bucket, in ascending order. */
export interface Distribution {
  readonly nanos: Float64Array;
  readonly counts: Float64Array;
}

export const bucketOf = (nanos: number): number =>
  Math.max(0, Math.floor(Math.log2(nanos)) - Math.log2(subBuckets) + 1);

const unitOf = (nanos: number) => 2 ** bucketOf(nanos);

/** The place of a value among the parts of all buckets. */
export function indexOf(nanos: number): number {
  // Nearly all are shorter than two seconds, and shifts take a tenth of the time of logarithms.
  if (nanos < 2 ** 31) {
    const bucket = Math.max(0, 32 - Math.clz32(nanos) - Math.log2(subBuckets));
    return (bucket * subBuckets) / 2 + (nanos >>> bucket);
  }
  return (bucketOf(nanos) * subBuckets) / 2 + Math.floor(nanos / unitOf(nanos));
}

/** The lowest value at a place. */
export function lowestAt(index: number): number {
  const bucket = Math.max(0, Math.floor((2 * index) / subBuckets) - 1);
  return (index - (bucket * subBuckets) / 2) * 2 ** bucket;
}

export const highestEquivalent = (nanos: number): number => nanos + unitOf(nanos) - 1;

const middleOf = (nanos: number) => nanos + Math.floor(unitOf(nanos) / 2);

export const totalOf = ({ counts }: Distribution): number => counts.reduce((sum, count) => sum + count, 0);

/** Mean and standard deviation, in nanoseconds. */
export function momentsOf({ nanos, counts }: Distribution): {
  readonly mean: number;
  readonly stddev: number;
} {
  const average = (of: (value: number) => number) =>
    nanos.reduce((sum, value, at) => sum + of(middleOf(value)) * (counts[at] ?? 0), 0) /
    totalOf({ nanos, counts });
  const mean = average((value) => value);
  return { mean, stddev: Math.sqrt(average((value) => (value - mean) ** 2)) };
}

/** The nanoseconds that so many percent do not exceed. @param distribution Of one latency at least. */
export function percentileNanosOf(distribution: Distribution, percent: number): number {
  let left = Math.max(1, Math.ceil((percent / 100) * totalOf(distribution)));
  const at = distribution.counts.findIndex((count) => (left -= count) <= 0);
  return highestEquivalent(distribution.nanos[at] ?? 0);
}

/** A percentile, from 0 to 100, with the nanoseconds that so large a share does not exceed, and how many those are. */
export interface PercentileStep {
  readonly percentile: number;
  readonly nanos: number;
  readonly seen: number;
}

/** Percentiles that come closer and closer to 100, with so many steps to half of what is left; the last is 100. */
export function percentileSteps(distribution: Distribution, stepsPerHalf: number): PercentileStep[] {
  const steps: PercentileStep[] = [];
  const total = totalOf(distribution);
  let [percentile, seen] = [0, 0];
  distribution.nanos.forEach((value, at) => {
    seen += distribution.counts[at] ?? 0;
    const nanos = highestEquivalent(value);
    while ((100 * seen) / total >= percentile) {
      steps.push({ percentile, nanos, seen });
      const halvings = Math.floor(Math.log2(100 / (100 - percentile))) + 1;
      percentile += 100 / (stepsPerHalf * 2 ** halvings);
      // The steps to 100 % have no end.
      if (seen === total) break;
    }
    if (seen === total) steps.push({ percentile: 100, nanos, seen });
  });
  return steps;
}

/** Several distributions as one. */
export function merged(distributions: readonly Distribution[]): Distribution {
  const [first] = distributions;
  if (first !== undefined && distributions.length === 1) return first;
  const sums = new Map<number, number>();
  for (const { nanos, counts } of distributions)
    nanos.forEach((value, at) => sums.set(value, (sums.get(value) ?? 0) + (counts[at] ?? 0)));
  const nanos = Float64Array.from(sums.keys()).sort();
  return { nanos, counts: nanos.map((value) => sums.get(value) ?? 0) };
}
