import type { UnjudgedTarget } from '../../health/namespace-targets.ts';
import type { TrafficFinding } from '../../traffic/figures/findings.ts';
import type { Comparison } from '../../traffic/history.ts';
import type { RestoreOutcome } from '../../traffic/notifications/put-back.ts';
import type { TrafficReport } from '../../traffic/report.ts';
import type { TargetGate } from './gate.ts';
import { blankOf } from '../blank.ts';

export interface HitsResult extends TrafficReport {
  /** The URL without its password. */
  readonly server: { readonly address: string };
  /** When the window ended, ISO 8601. */
  readonly endedAt: string;
  readonly findings: readonly TrafficFinding[];
  /** Targets of the map that this window could not judge, and why. */
  readonly unjudgedTargets: readonly UnjudgedTarget[];
  /** The verdict of `--fail-below-target`; null without it. */
  readonly gate: TargetGate | null;
  /** Since the last line of the file of `--compare`. */
  readonly comparison: Comparison | null;
  /** What became of `notify-keyspace-events` on each node where all of it was on; `nothing` where it was so before. */
  readonly notifications: readonly RestoreOutcome[];
  /** Of `--restore`: notes that cannot be read. */
  readonly damaged: readonly { readonly path: string; readonly reason: string }[];
}

/** The fields of `hits`, and of `hits --restore`, where they are not known. */
export const blankHits = blankOf<HitsResult>()(`
  server endedAt mode modeReason windowSeconds valid invalidReasons[] remarks[] endedBy isReplica reads
  hits misses hitRate residual unknownReads notSelected namespaces[] mostMissed[] mostRead[] findings[] unjudgedTargets[] gate comparison
  remembered serverCost notifications[] damaged[]
`);
