import { deflateSync } from 'node:zlib';
import { sumOf } from '../support/collections.ts';
import type { Distribution } from './phase.ts';

/**
 * Two forms of HdrHistogram, of nanoseconds with three figures.
 * @see https://github.com/HdrHistogram/HdrHistogram, `AbstractHistogram` and `HistogramLogWriter`
 */
const figures = 3;
const subBuckets = 2048;
const lowestNanos = 1;
const highestNanos = 3_600_000_000_000;

const ticksPerHalfDistance = 5;

/** Latencies that a histogram counts as the same. */
export interface Bucket {
  readonly nanos: number;
  readonly count: number;
}

/** Percentiles of latencies in microseconds, closer and closer to the maximum, as HdrHistogram's plotter reads them (`.hgrm`). */
export function hgrmOf(distributions: readonly Distribution[]): string {
  const buckets = bucketsOf(distributions);
  const total = sumOf(buckets.map(({ count }) => count));
  const micros = (nanos: number) => (nanos / 1000).toFixed(3).padStart(12);
  const rows: string[] = [];
  let [level, seen] = [0, 0];
  for (const { nanos, count } of buckets) {
    seen += count;
    const value = micros(highestEquivalent(nanos));
    const isLast = seen === total;
    while ((100 * seen) / total >= level) {
      const share = level / 100;
      const rest = [String(seen).padStart(10), (1 / (1 - share)).toFixed(2).padStart(14)];
      rows.push([value, share.toFixed(12), ...rest].join(' '));
      level = nextLevel(level);
      // The steps to 100 % have no end.
      if (isLast) break;
    }
    if (isLast) rows.push(`${value} 1.000000000000 ${String(total).padStart(10)}`);
  }
  const mean = meanNanosOf(buckets);
  const variance = sumOf(buckets.map(({ nanos, count }) => (middleOf(nanos) - mean) ** 2 * count)) / total;
  const highest = highestEquivalent(buckets.at(-1)?.nanos ?? 0);
  return [
    '       Value     Percentile TotalCount 1/(1-Percentile)',
    '',
    ...rows,
    `#[Mean    = ${micros(mean)}, StdDeviation   = ${micros(Math.sqrt(variance))}]`,
    `#[Max     = ${micros(highest)}, Total count    = ${String(total).padStart(12)}]`,
    `#[Buckets = ${String(bucketOf(highestNanos) + 1).padStart(12)}, SubBuckets     = ${String(subBuckets).padStart(12)}]`,
    '',
  ].join('\n');
}

/**
 * A log with a compressed histogram (V2) for each second, as HistogramLogAnalyzer and others read it (`.hlog`); the longest latency
 * of each line is in milliseconds.
 * @param startedAt Milliseconds since the epoch.
 */
export function histogramLogOf(
  distributions: readonly Distribution[],
  tag: string,
  startedAt: number,
  about: string,
): string {
  const start = (startedAt / 1000).toFixed(3);
  const lines = distributions.map((each, second) => {
    const longest = (highestEquivalent(each.nanos.at(-1) ?? 0) / 1e6).toFixed(3);
    return `Tag=${tag},${second}.000,1.000,${longest},${compressedHistogram(bucketsOf([each]))}`;
  });
  return [
    `#[${about}]`,
    '#[Histogram log format version 1.3]',
    `#[BaseTime: ${start} (seconds since epoch)]`,
    `#[StartTime: ${start} (seconds since epoch), ${new Date(startedAt).toISOString()}]`,
    '"StartTimestamp","Interval_Length","Interval_Max","Interval_Compressed_Histogram"',
    ...lines,
    '',
  ].join('\n');
}

const cookies = { plain: 0x1c849313, compressed: 0x1c849314 } as const;
const headBytes = 40;

/**
 * In the compressed form (V2), as base64.
 * @param buckets In ascending order. @param nanosPerUnit Of the values in it.
 */
export function compressedHistogram(buckets: readonly Bucket[], nanosPerUnit = 1): string {
  const counts = encodedCounts(buckets, nanosPerUnit);
  const head = Buffer.alloc(headBytes);
  head.writeInt32BE(cookies.plain, 0);
  head.writeInt32BE(counts.length, 4);
  head.writeInt32BE(figures, 12);
  head.writeBigInt64BE(BigInt(lowestNanos), 16);
  head.writeBigInt64BE(BigInt(highestNanos / nanosPerUnit), 24);
  head.writeDoubleBE(1, 32);
  const packed = deflateSync(Buffer.concat([head, counts]));
  const outer = Buffer.alloc(8);
  outer.writeInt32BE(cookies.compressed, 0);
  outer.writeInt32BE(packed.length, 4);
  return Buffer.concat([outer, packed]).toString('base64');
}

/** Counts in the order of their values; a negative number is a run of that many zeros. */
function encodedCounts(buckets: readonly Bucket[], nanosPerUnit: number): Buffer {
  const bytes: number[] = [];
  const counts = new Map<number, number>();
  for (const { nanos, count } of buckets) {
    const index = indexOf(Math.max(lowestNanos, Math.floor(nanos / nanosPerUnit)));
    counts.set(index, (counts.get(index) ?? 0) + count);
  }
  let next = 0;
  for (const [index, count] of counts) {
    if (index > next) pushZigZag(bytes, next - index);
    pushZigZag(bytes, count);
    next = index + 1;
  }
  return Buffer.from(bytes);
}

/** ZigZag LEB128: seven bits at a time, the lowest first, the sign in the lowest. */
function pushZigZag(bytes: number[], value: number): void {
  let left = value >= 0 ? 2 * value : -2 * value - 1;
  for (; left >= 128; left = Math.floor(left / 128)) bytes.push((left % 128) | 128);
  bytes.push(left);
}

/** Each power of two above the first 2,048 values is one bucket with half as many parts. */
const bucketOf = (nanos: number) => Math.max(0, Math.floor(Math.log2(nanos)) - Math.log2(subBuckets) + 1);

const unitOf = (nanos: number) => 2 ** bucketOf(nanos);

const indexOf = (nanos: number) => (bucketOf(nanos) * subBuckets) / 2 + Math.floor(nanos / unitOf(nanos));

const highestEquivalent = (nanos: number) => nanos + unitOf(nanos) - 1;

const middleOf = (nanos: number) => nanos + Math.floor(unitOf(nanos) / 2);

/** So many steps to half of what is left to 100 %. */
function nextLevel(level: number): number {
  const halvings = Math.floor(Math.log2(100 / (100 - level))) + 1;
  return level + 100 / (ticksPerHalfDistance * 2 ** halvings);
}

/** The latency that so many percent do not exceed, in nanoseconds. @param buckets One at least, in ascending order. */
export function percentileNanosOf(buckets: readonly Bucket[], percent: number): number {
  const rank = Math.max(1, Math.ceil((percent / 100) * sumOf(buckets.map(({ count }) => count))));
  let seen = 0;
  const bucket = buckets.find(({ count }) => (seen += count) >= rank);
  return highestEquivalent(bucket?.nanos ?? 0);
}

export const meanNanosOf = (buckets: readonly Bucket[]): number =>
  sumOf(buckets.map(({ nanos, count }) => middleOf(nanos) * count)) /
  sumOf(buckets.map(({ count }) => count));

/** All latencies together, in ascending order. */
export function bucketsOf(distributions: readonly Distribution[]): Bucket[] {
  const counts = new Map<number, number>();
  for (const { nanos, counts: own } of distributions)
    nanos.forEach((value, at) => counts.set(value, (counts.get(value) ?? 0) + (own[at] ?? 0)));
  return [...counts].sort(([one], [other]) => one - other).map(([nanos, count]) => ({ nanos, count }));
}
