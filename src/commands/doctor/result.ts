import type { DoctorFinding } from '../../health/doctor/diagnose.ts';
import type { Severity } from '../../health/doctor/rule.ts';
import type { CheckResult } from '../check/view.ts';
import type { ReadingReport, ServerCost } from '../keyspace-report.ts';

interface NamedRule {
  readonly rule: string;
  readonly id: string;
  readonly question: string;
}

/** The result of `doctor`, as JSON shows it. */
export interface DoctorResult {
  /** The severity of the worst finding. */
  readonly status: Severity | 'healthy';
  /** The severity from which on the exit code is 1. */
  readonly failOn: Severity;
  /** How many findings there are of each severity. */
  readonly critical: number;
  readonly warning: number;
  readonly notice: number;
  readonly server: CheckResult['server'];
  readonly profile: string | null;
  readonly database: number;
  /** ISO 8601. */
  readonly startedAt: string;
  readonly durationSeconds: number;
  /** The worst first. */
  readonly findings: readonly FindingRow[];
  readonly notJudged: readonly (NamedRule & { readonly reason: string })[];
  readonly healthyRules: readonly NamedRule[];
  /** `origin` is the file of the map, or `--ignore`. */
  readonly ignored: readonly (NamedRule & { readonly reason: string | null; readonly origin: string })[];
  /** Null where no keys were read. */
  readonly reading: ReadingReport | null;
  readonly serverCost: ServerCost | null;
}

export type FindingRow = Omit<DoctorFinding, 'message'> & { readonly message: string };
