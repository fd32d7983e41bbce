import type { NamespaceMap } from '../keyspace/map.ts';
import { findingsOf, type TrafficFinding } from '../traffic/figures/findings.ts';
import { fewestLookups, type NamespaceTraffic, type TrafficReport } from '../traffic/report.ts';
import type { LookupCounts } from './hit-rate.ts';

/** A namespace whose hit rate can be held against its target. Ratios from 0 to 1. */
export interface JudgedTarget {
  readonly namespace: string;
  readonly reads: number;
  readonly hitRate: number;
  readonly hitRateTarget: number;
  readonly isMet: boolean;
}

export type UnjudgedReason =
  /** Nothing was observed: the server counts hits as a whole. */
  | 'not-observed'
  /** The server refused what an observation needs. */
  | 'refused'
  /** Events were lost, or lookups could not be attributed. */
  | 'invalid'
  /** `misses-only` and `counters` know no rate of a namespace. */
  | 'no-rates'
  /** State has no hit rate to reach. */
  | 'state'
  | 'no-reads'
  | 'few-reads'
  /** The interval of the hit rate holds the target. */
  | 'too-close';

export interface UnjudgedTarget {
  readonly namespace: string;
  readonly hitRateTarget: number;
  readonly reason: UnjudgedReason;
}

/** What an observation of the traffic contributes to a grade. */
export interface ObservedTraffic {
  /** Of the whole server; null where its counters went back. */
  readonly lookups: LookupCounts | null;
  readonly judged: readonly JudgedTarget[];
  /** Of the caches without a target: those lookups that nothing else is held against. */
  readonly untargeted: LookupCounts;
  /** What findings say of namespaces, missed targets aside. */
  readonly faults: readonly { readonly namespace: string; readonly text: string }[];
}

type FaultRule = Exclude<TrafficFinding['rule'], 'target-missed' | 'written-not-read'>;

const faultTexts: Readonly<Record<FaultRule, string>> = {
  'expires-too-soon': 'most misses are of keys whose TTL ended',
  'evicted-too-soon': 'most misses are of keys that were evicted',
  'removed-too-often': 'most misses are of keys that were removed',
  'never-read-again': 'keys are stored and not read again',
  'never-stored': 'what is missed is not stored',
  stampedes: 'many clients miss the same key at once',
};

/** Every cache has misses, and of one that misses so seldom their main cause is no fault. */
const seldomMisses = 0.95;

/**
 * The findings that keep a cache from an A. A missed target counts for itself; that keys are written and not read within a
 * short window says little; and why a namespace misses is a fault only where it misses too often. Load that many clients
 * make at once is one anyway.
 */
function faultsIn(report: TrafficReport): ObservedTraffic['faults'] {
  const traffic = new Map(report.namespaces.map((each) => [each.namespace, each]));
  return findingsOf(report).flatMap(({ namespace, rule }) => {
    if (rule === 'target-missed' || rule === 'written-not-read') return [];
    const { targetMet = null, hitRate = null } = traffic.get(namespace) ?? {};
    const isWell = targetMet === true || (hitRate !== null && hitRate >= seldomMisses);
    return isWell && rule !== 'stampedes' ? [] : [{ namespace, text: faultTexts[rule] }];
  });
}

/** What a valid window shows; null for an invalid one. */
export function observedTraffic(report: TrafficReport): ObservedTraffic | null {
  if (!report.valid) return null;
  const { hits, misses, namespaces } = report;
  const untargeted = namespaces.filter(
    ({ kind, hitRateTarget }) => kind !== 'state' && hitRateTarget === null,
  );
  return {
    lookups: hits === null || misses === null ? null : { hits, misses },
    judged: namespaces.flatMap((each) => judgedTarget(each) ?? []),
    faults: faultsIn(report),
    untargeted: untargeted.reduce(
      (sum, { hits, misses }) =>
        hits === null ? sum : { hits: sum.hits + hits, misses: sum.misses + (misses ?? 0) },
      { hits: 0, misses: 0 },
    ),
  };
}

/** The targets of the map that cannot be judged here. @param missing why there is no report, where there is none */
export function unjudgedTargets(
  map: NamespaceMap,
  report: TrafficReport | null,
  missing: 'not-observed' | 'refused',
): UnjudgedTarget[] {
  const observed = new Map(report?.namespaces.map((each) => [each.namespace, each]));
  return map.namespaces.flatMap(({ name, kind, hitRateTarget }) => {
    if (hitRateTarget === null) return [];
    const reason =
      report === null ? missing : kind === 'state' ? 'state' : reasonOf(report, observed.get(name));
    return reason === null ? [] : [{ namespace: name, hitRateTarget, reason }];
  });
}

/** Null where the target can be judged. */
function reasonOf(report: TrafficReport, traffic: NamespaceTraffic | undefined): UnjudgedReason | null {
  if (!report.valid) return 'invalid';
  if (report.mode === 'misses-only' || report.mode === 'counters') return 'no-rates';
  const reads = traffic?.reads ?? 0;
  if (traffic === undefined || reads === 0) return 'no-reads';
  if (judgedTarget(traffic) !== null) return null;
  return reads < fewestLookups ? 'few-reads' : 'too-close';
}

function judgedTarget(traffic: NamespaceTraffic): JudgedTarget | null {
  const { namespace, kind, reads, hitRate, hitRateTarget, targetMet } = traffic;
  if (kind !== 'cache' || reads === null) return null;
  if (hitRate === null || hitRateTarget === null || targetMet === null) return null;
  return { namespace, reads, hitRate, hitRateTarget, isMet: targetMet };
}
