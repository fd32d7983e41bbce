import { mapFields } from '../support/collections.ts';
import {
  type Distribution,
  highestNanos,
  indexOf,
  lowestAt,
  momentsOf,
  percentileNanosOf,
  percentileSteps,
  totalOf,
} from './hdr.ts';

/** Those that are reported, by their names. */
const percentiles = {
  p50Micros: 50,
  p90Micros: 90,
  p95Micros: 95,
  p99Micros: 99,
  p999Micros: 99.9,
  p9999Micros: 99.99,
};

const others = ['samples', 'minMicros', 'meanMicros', 'stddevMicros', 'maxMicros'] as const;

/** Latencies in microseconds, each right to 0.1 %, and how many they are. With a pipeline they are those of whole batches. */
export type LatencySummary = Readonly<Record<keyof typeof percentiles | (typeof others)[number], number>>;

export const latencyNames = [...others, ...(Object.keys(percentiles) as (keyof typeof percentiles)[])];

/** A percentile, from 0 to 100, with the latency that so large a share does not exceed. */
export interface PercentileLatency {
  readonly percentile: number;
  readonly latencyMicros: number;
}

const nanosPerMilli = 1e6;
const nanosPerMicro = 1e3;

/**
 * Collects latencies in a histogram of fixed size, so that a long run costs no more memory than a short one and no
 * value is left out.
 */
export class LatencyRecorder {
  private readonly counts = new Float64Array(indexOf(highestNanos) + 1);

  record(millis: number): void {
    const nanos = Math.round(millis * nanosPerMilli);
    this.count(nanos < 1 ? 1 : nanos > highestNanos ? highestNanos : nanos, 1);
  }

  /** Adds what another has recorded. */
  add({ nanos, counts }: Distribution): void {
    nanos.forEach((value, at) => this.count(value, counts[at] ?? 0));
  }

  /** What was recorded. */
  get distribution(): Distribution {
    const [nanos, counts]: [number[], number[]] = [[], []];
    for (let index = 0; index < this.counts.length; index++) {
      const count = this.counts[index] ?? 0;
      if (count === 0) continue;
      nanos.push(lowestAt(index));
      counts.push(count);
    }
    return { nanos: Float64Array.from(nanos), counts: Float64Array.from(counts) };
  }

  /** Forgets everything. */
  reset(): void {
    this.counts.fill(0);
  }

  private count(nanos: number, times: number): void {
    const index = indexOf(nanos);
    this.counts[index] = (this.counts[index] ?? 0) + times;
  }
}

/** Null where nothing was recorded. */
export function summaryOf(distribution: Distribution): LatencySummary | null {
  const samples = totalOf(distribution);
  if (samples === 0) return null;
  const { mean, stddev } = momentsOf(distribution);
  const percentile = (percent: number) => percentileNanosOf(distribution, percent) / nanosPerMicro;
  return {
    samples,
    minMicros: (distribution.nanos[0] ?? 0) / nanosPerMicro,
    meanMicros: mean / nanosPerMicro,
    stddevMicros: stddev / nanosPerMicro,
    ...mapFields(percentiles, percentile),
    maxMicros: percentile(100),
  };
}

/** Percentiles that come closer and closer to the maximum: each goes half of what the one before left. */
export const spectrumOf = (distribution: Distribution): PercentileLatency[] =>
  percentileSteps(distribution, 1).map(({ percentile, nanos }) => ({
    percentile,
    latencyMicros: nanos / nanosPerMicro,
  }));
