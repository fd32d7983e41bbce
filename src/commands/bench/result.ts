import type { Comparison } from '../../bench/baseline.ts';
import type { Verdict } from '../../bench/gates.ts';
import type { BenchReport } from '../../bench/result.ts';

/** What `bench` gives: the report, held against limits and against an earlier run. */
export interface BenchResult extends BenchReport {
  /** One for each limit and each workload that was measured to its end; empty without `--fail-above` and the like. */
  readonly verdicts: readonly Verdict[];
  /** One for each workload that the baseline measured too; empty without `--baseline`. */
  readonly comparisons: readonly Comparison[];
}
