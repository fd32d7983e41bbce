import type { Grade } from '../../health/grade.ts';
import type { DataReads } from '../../health/lookups/counters.ts';
import type { UnjudgedTarget } from '../../health/namespace-targets.ts';
import type { ServerReport } from '../../redis/server-report.ts';
import type { RestoreOutcome } from '../../traffic/notifications/put-back.ts';
import type { NamespaceTraffic, TrafficReport } from '../../traffic/report.ts';
import type { RowTraffic } from '../traffic-columns.ts';
import type { ReadingReport, ServerCost } from '../keyspace-report.ts';
import type { IntervalOrNull, NamespaceSummary } from '../namespace-summary.ts';

/** Lookups and their outcome over a span of time. */
export interface HitFigures {
  readonly windowSeconds: number | null;
  readonly hits: number | null;
  readonly misses: number | null;
  /** Of all lookups, whoever made them. Ratio from 0 to 1; null where there were none. */
  readonly hitRate: number | null;
  /** The reads that carry data, by which the cache is judged; null where the server reports no hits. */
  readonly dataReads: DataReads | null;
}

export interface WindowFigures extends HitFigures {
  readonly operationsPerSecond: number | null;
  readonly evictedKeys: number | null;
  readonly expiredKeys: number | null;
}

/**
 * A namespace with its keys and its traffic. `keys` is null where the keys may not be walked; of the traffic all is null
 * without an observation, and where there was none.
 */
export interface StatsNamespace
  extends
    Omit<NamespaceSummary, 'keys' | 'keyShare'>,
    RowTraffic,
    Pick<NamespaceTraffic, 'hitRateTarget' | 'targetMet'> {
  readonly keys: number | null;
  readonly keyShare: number | null;
}

export const observedFields = [
  ...(['mode', 'modeReason', 'windowSeconds', 'valid', 'invalidReasons', 'remarks', 'endedBy'] as const),
  ...(['reads', 'hits', 'misses', 'hitRate', 'residual'] as const),
] as const satisfies readonly (keyof TrafficReport)[];

/** The observation of `--hits` as a whole. */
export interface ObservedHits extends Pick<TrafficReport, (typeof observedFields)[number]> {
  /** Reads of keys that are in other databases, which have no rows here. */
  readonly otherDatabases: readonly Pick<NamespaceTraffic, 'database' | 'reads' | 'misses' | 'hitRate'>[];
  /** What became of `notify-keyspace-events` on each node that was changed. */
  readonly notifications: readonly RestoreOutcome[];
}

export interface StatsResult {
  readonly server:
    (Omit<ServerReport, 'databases' | 'hits' | 'misses'> & { readonly address: string }) | null;
  /** Since the server started, or its counters were reset. */
  readonly lifetime: HitFigures | null;
  readonly window: WindowFigures | null;
  /** Null without `--hits`, and where the server refused it. */
  readonly traffic: ObservedHits | null;
  readonly databases: ServerReport['databases'];
  /** The database that `keys`, `memoryBytes` and `namespaces` are of. */
  readonly database: number;
  readonly keys: number | null;
  readonly keysInterval: IntervalOrNull;
  readonly memoryBytes: number | null;
  readonly memoryBytesInterval: IntervalOrNull;
  readonly namespaces: readonly StatsNamespace[];
  /** False for a sample, and where the walk ended early; null where there was none. */
  readonly exact: boolean | null;
  readonly reading: ReadingReport | null;
  readonly grade: Grade['letter'];
  readonly reasons: Grade['reasons'];
  /** What is wrong with the record of this program's own lookups, in words; null: nothing. */
  readonly ledgerDamage: string | null;
  /** Targets of the map that could not be judged, and why. */
  readonly unjudgedTargets: readonly UnjudgedTarget[];
  readonly serverCost: ServerCost | null;
  /** What the server refused to tell, with its words. */
  readonly refused: readonly { readonly command: string; readonly reason: string }[];
}
