import { createHistogram } from 'node:perf_hooks';

/** Latencies in microseconds, each right to 0.1 %. With a pipeline they are those of whole batches. */
export interface LatencySummary {
  /** How many latencies the figures rest on. */
  readonly samples: number;
  readonly minMicros: number;
  readonly meanMicros: number;
  readonly stddevMicros: number;
  readonly p50Micros: number;
  readonly p90Micros: number;
  readonly p95Micros: number;
  readonly p99Micros: number;
  readonly p999Micros: number;
  readonly p9999Micros: number;
  readonly maxMicros: number;
}

/** A percentile, from 0 to 100, with the latency that so large a share does not exceed. */
export interface PercentileLatency {
  readonly percentile: number;
  readonly latencyMicros: number;
}

const nanosPerMilli = 1e6;
const nanosPerMicro = 1e3;
/** One hour; a connection waits for no answer so long. */
const longestNanos = 3_600_000 * nanosPerMilli;

/**
 * Collects latencies in a histogram of fixed size, so that a long run costs no more memory than a short one and no
 * value is left out. Its unit is nanoseconds, to three figures.
 * @see https://hdrhistogram.github.io/HdrHistogram/
 */
export class LatencyRecorder {
  private readonly histogram = createHistogram({ lowest: 1, highest: longestNanos, figures: 3 });
  private readonly counts: Map<number, number> | null;

  /** @param keepsCounts True where the whole distribution is wanted at the end, which costs as much again. */
  constructor(keepsCounts = false) {
    this.counts = keepsCounts ? new Map() : null;
  }

  record(millis: number): void {
    const nanos = Math.round(millis * nanosPerMilli);
    const bounded = nanos < 1 ? 1 : nanos > longestNanos ? longestNanos : nanos;
    this.histogram.record(bounded);
    if (this.counts === null) return;
    const value = threeFigures(bounded);
    this.counts.set(value, (this.counts.get(value) ?? 0) + 1);
  }

  /** Adds what another has recorded. */
  add(other: LatencyRecorder): void {
    this.histogram.add(other.histogram);
    if (this.counts === null) return;
    for (const [value, count] of other.counts ?? [])
      this.counts.set(value, (this.counts.get(value) ?? 0) + count);
  }

  /** Forgets everything. */
  reset(): void {
    this.histogram.reset();
    this.counts?.clear();
  }

  /** What was recorded, by nanoseconds; null where that was not to be kept. */
  get countsByNanos(): ReadonlyMap<number, number> | null {
    return this.counts;
  }

  /** Percentiles that come closer and closer to the maximum: each goes half of what the one before left. */
  spectrum(): PercentileLatency[] {
    if (this.histogram.count === 0) return [];
    return [...this.histogram.percentiles]
      .sort(([one], [other]) => one - other)
      .map(([percentile, nanos]) => ({ percentile, latencyMicros: nanos / nanosPerMicro }));
  }

  /** Null where nothing was recorded. */
  summarize(): LatencySummary | null {
    const { histogram } = this;
    if (histogram.count === 0) return null;
    const percentile = (percent: number) => histogram.percentile(percent) / nanosPerMicro;
    return {
      samples: histogram.count,
      minMicros: histogram.min / nanosPerMicro,
      meanMicros: histogram.mean / nanosPerMicro,
      stddevMicros: histogram.stddev / nanosPerMicro,
      p50Micros: percentile(50),
      p90Micros: percentile(90),
      p95Micros: percentile(95),
      p99Micros: percentile(99),
      p999Micros: percentile(99.9),
      p9999Micros: percentile(99.99),
      maxMicros: histogram.max / nanosPerMicro,
    };
  }
}

/** Values with as many equal parts in each power of two as an HDR histogram of three figures has. */
const partsPerOctave = 1024;

/** The lowest value that such a histogram counts as the same as this one. */
function threeFigures(value: number): number {
  if (value < 2 * partsPerOctave) return value;
  const unit = 2 ** (Math.floor(Math.log2(value)) - Math.log2(partsPerOctave));
  return Math.floor(value / unit) * unit;
}
