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

  record(millis: number): void {
    const nanos = Math.round(millis * nanosPerMilli);
    this.histogram.record(nanos < 1 ? 1 : nanos > longestNanos ? longestNanos : nanos);
  }

  /** Adds what another has recorded. */
  add(other: LatencyRecorder): void {
    this.histogram.add(other.histogram);
  }

  /** Forgets everything. */
  reset(): void {
    this.histogram.reset();
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
