import type { WorkloadName } from './options.ts';
import type { WorkloadResult } from './result.ts';

/** What a pipeline requires of a benchmark; null: nothing. */
export interface Limits {
  readonly maxP99Micros: number | null;
  readonly minThroughputPerSecond: number | null;
}

export interface Verdict {
  readonly workload: WorkloadName;
  readonly measure: 'p99Micros' | 'throughputPerSecond';
  readonly limit: number;
  /** Null where nothing was measured. */
  readonly actual: number | null;
  readonly met: boolean;
}

/** Compares each workload that was measured to its end with the limits; what was not measured does not pass. */
export function judge(results: readonly WorkloadResult[], limits: Limits): Verdict[] {
  const { maxP99Micros, minThroughputPerSecond } = limits;
  return results
    .filter(({ complete }) => complete)
    .flatMap(({ name: workload, latency, throughputPerSecond }) => {
      const verdicts: Verdict[] = [];
      if (maxP99Micros !== null) {
        const actual = latency?.p99Micros ?? null;
        const met = actual !== null && actual <= maxP99Micros;
        verdicts.push({ workload, measure: 'p99Micros', limit: maxP99Micros, actual, met });
      }
      if (minThroughputPerSecond !== null) {
        const [limit, actual] = [minThroughputPerSecond, throughputPerSecond];
        verdicts.push({ workload, measure: 'throughputPerSecond', limit, actual, met: actual >= limit });
      }
      return verdicts;
    });
}
