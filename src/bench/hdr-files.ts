import { deflateSync } from 'node:zlib';
import {
  bucketOf,
  type Distribution,
  hdrFigures,
  highestEquivalent,
  highestNanos,
  indexOf,
  merged,
  momentsOf,
  percentileSteps,
  subBuckets,
  totalOf,
} from './hdr.ts';

/**
 * Two forms in which HdrHistogram writes its histograms.
 * @see https://github.com/HdrHistogram/HdrHistogram, `AbstractHistogram` and `HistogramLogWriter`
 */
const lowestNanos = 1;
const stepsPerHalf = 5;

/** Percentiles of latencies in microseconds, closer and closer to the maximum, as HdrHistogram's plotter reads them (`.hgrm`). */
export function hgrmOf(distributions: readonly Distribution[]): string {
  const all = merged(distributions);
  const micros = (nanos: number) => (nanos / 1000).toFixed(3).padStart(12);
  const rows = percentileSteps(all, stepsPerHalf).map(({ percentile, nanos, seen }) => {
    const share = percentile / 100;
    const rest = percentile < 100 ? ` ${(1 / (1 - share)).toFixed(2).padStart(14)}` : '';
    return `${micros(nanos)} ${share.toFixed(12)} ${String(seen).padStart(10)}${rest}`;
  });
  const { mean, stddev } = momentsOf(all);
  const highest = highestEquivalent(all.nanos.at(-1) ?? 0);
  return [
    '       Value     Percentile TotalCount 1/(1-Percentile)',
    '',
    ...rows,
    `#[Mean    = ${micros(mean)}, StdDeviation   = ${micros(stddev)}]`,
    `#[Max     = ${micros(highest)}, Total count    = ${String(totalOf(all)).padStart(12)}]`,
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
    return `Tag=${tag},${second}.000,1.000,${longest},${compressedHistogram(each)}`;
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
 * @param nanosPerUnit Of the values in it.
 */
export function compressedHistogram(distribution: Distribution, nanosPerUnit = 1): string {
  const counts = encodedCounts(distribution, nanosPerUnit);
  const head = Buffer.alloc(headBytes);
  head.writeInt32BE(cookies.plain, 0);
  head.writeInt32BE(counts.length, 4);
  head.writeInt32BE(hdrFigures, 12);
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
function encodedCounts(distribution: Distribution, nanosPerUnit: number): Buffer {
  const bytes: number[] = [];
  const counts = new Map<number, number>();
  distribution.nanos.forEach((nanos, at) => {
    const index = indexOf(Math.max(lowestNanos, Math.floor(nanos / nanosPerUnit)));
    counts.set(index, (counts.get(index) ?? 0) + (distribution.counts[at] ?? 0));
  });
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
