import type { WorkloadName } from './options.ts';
import type { WorkloadResult } from './result.ts';

/** What a pipeline holds a benchmark against; null where it asks for nothing. */
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

/** Holds each workload that was measured to its end against the limits; what was not measured does not pass. */
export function judge(results: readonly WorkloadResult[], limits: Limits): Verdict[] {
  return results
    .filter(({ complete }) => complete)
    .flatMap((result): Verdict[] => {
      const { name: workload, latency, throughputPerSecond } = result;
      const { maxP99Micros, minThroughputPerSecond } = limits;
      const p99 = latency?.p99Micros ?? null;
      return [
        ...(maxP99Micros === null
          ? []
          : [
              {
                workload,
                measure: 'p99Micros' as const,
                limit: maxP99Micros,
                actual: p99,
                met: p99 !== null && p99 <= maxP99Micros,
              },
            ]),
        ...(minThroughputPerSecond === null
          ? []
          : [
              {
                workload,
                measure: 'throughputPerSecond' as const,
                limit: minThroughputPerSecond,
                actual: throughputPerSecond,
                met: throughputPerSecond >= minThroughputPerSecond,
              },
            ]),
      ];
    });
}
