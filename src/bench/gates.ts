import { type Comparison, type MeasureName, slowdownAtLeast } from './comparison.ts';
import type { WorkloadName } from './options.ts';
import type { WorkloadResult } from './result.ts';

/** What a pipeline requires of a benchmark; null: nothing. */
export interface Limits {
  readonly maxP99Micros: number | null;
  readonly minThroughputPerSecond: number | null;
  readonly maxMissRatio: number | null;
}

export interface Verdict {
  readonly workload: WorkloadName;
  /** `slowdown`: how much slower, as a share, than what the run is compared with. */
  readonly measure: 'p99Micros' | 'throughputPerSecond' | 'slowdown' | 'missRatio';
  readonly limit: number;
  /** Null where nothing was measured. */
  readonly actual: number | null;
  readonly met: boolean;
  /** Of a slowdown: the figure that has the largest. */
  readonly figure?: MeasureName;
}

/** Compares each workload that was measured to its end with the limits; what was not measured does not pass. */
export function judge(results: readonly WorkloadResult[], limits: Limits): Verdict[] {
  const { maxP99Micros, minThroughputPerSecond, maxMissRatio } = limits;
  return results
    .filter(({ complete }) => complete)
    .flatMap(({ name: workload, latency, throughputPerSecond, missRatio }) => {
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
      if (maxMissRatio !== null && missRatio !== null) {
        const [limit, actual] = [maxMissRatio, missRatio];
        verdicts.push({ workload, measure: 'missRatio', limit, actual, met: actual <= limit });
      }
      return verdicts;
    });
}

/**
 * Holds each workload against the largest slowdown that is allowed: missed where the whole interval of a figure is beyond it.
 * `actual` is the lower end of that interval, 0 where no figure is slower.
 */
export function judgeSlowdowns(comparisons: readonly Comparison[], limit: number): Verdict[] {
  return comparisons.map(({ workload, measures }) => {
    const slowdowns = measures.flatMap((each) => {
      const actual = slowdownAtLeast(each);
      return actual === null ? [] : [{ figure: each.measure, actual }];
    });
    const worst = slowdowns.reduce<(typeof slowdowns)[number] | null>(
      (most, each) => (most === null || each.actual > most.actual ? each : most),
      null,
    );
    const judged = { workload, measure: 'slowdown', limit } as const;
    if (worst === null) return { ...judged, actual: null, met: false };
    return { ...judged, ...worst, met: worst.actual <= limit };
  });
}
