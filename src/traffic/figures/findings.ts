import { type Interval, proportionInterval } from '../../support/intervals.ts';
import {
  fewestMisses,
  type MemoryRemedy,
  type MissCauses,
  type NamespaceTraffic,
  type TrafficReport,
  type TtlRemedy,
} from '../report.ts';

/** A part of the misses of a namespace, with the bounds that hold it in the long run with 95 % certainty. */
export interface MissShare {
  readonly misses: number;
  readonly share: number;
  readonly shareInterval: Interval;
}

const ttlNames = [
  ...(['currentSeconds', 'saveHalfSeconds', 'saveHalfInterval'] as const),
  ...(['saveNineTenthsSeconds', 'saveNineTenthsInterval', 'neededWindowSeconds'] as const),
];
const memoryNames = [
  ...(['extraForHalfBytes', 'extraForHalfInterval'] as const),
  ...(['extraForNineTenthsBytes', 'extraForNineTenthsInterval'] as const),
];
type Known<Remedy, Name extends keyof Remedy> = { readonly [Each in Name]: Remedy[Each] | null };

/** These figures of a remedy, as far as they are known. */
const known = <Remedy, Name extends keyof Remedy>(names: readonly Name[], remedy?: Remedy | null) =>
  Object.fromEntries(names.map((name) => [name, remedy?.[name] ?? null])) as Known<Remedy, Name>;

/**
 * What is notable in a namespace, with the figures that show it: how many reads, misses or writes it is seen in, and an interval.
 * What fewer than `fewestMisses` show is no finding, nor what its interval leaves open.
 */
export type TrafficFinding = { readonly namespace: string } & (
  | {
      readonly rule: 'target-missed';
      readonly reads: number;
      readonly hitRate: number;
      readonly hitRateInterval: Interval;
      readonly hitRateTarget: number;
    }
  /** Most misses come after the end of a TTL. Null where the TTL is not known. */
  | (MissShare & Known<TtlRemedy, (typeof ttlNames)[number]> & { readonly rule: 'expires-too-soon' })
  /** Most misses are of keys that had to make room. */
  | (MissShare & Known<MemoryRemedy, (typeof memoryNames)[number]> & { readonly rule: 'evicted-too-soon' })
  /** Most misses are of keys that were removed. */
  | (MissShare & { readonly rule: 'removed-too-often' })
  /** Keys are missed, stored, and not read again: as where a part of the key is different in every process. */
  | {
      readonly rule: 'never-read-again';
      readonly misses: number;
      readonly newKeys: number;
      readonly reads: number;
      readonly hitRate: number;
      readonly hitRateInterval: Interval;
    }
  /**
   * Keys are missed again and again, and never stored. Where no read hits and nothing is written in a window in which other keys
   * are, `reads` says how many, whether they ask again or not; null otherwise.
   */
  | (MissShare & {
      readonly rule: 'never-stored';
      readonly reads: number | null;
      readonly windowSeconds: number;
    })
  | {
      readonly rule: 'written-not-read';
      readonly writes: number;
      readonly readsPerWrite: number;
      readonly readsPerWriteInterval: Interval;
    }
  /** `share` is that of the extra misses. */
  | (MissShare & {
      readonly rule: 'stampedes';
      readonly count: number;
      readonly extraMisses: number;
      readonly largest: number;
    })
);

/** Fewer new keys than this share of the misses: what is missed is not stored. */
const unstoredShare = 0.05;

/** The share of a namespace's misses from which on a cause is the cause. */
const mainShare = 0.5;

/** A cache that hits less often than this does not work. */
const deadRate = 0.05;

/** Misses at one time that are worth a word: so large, or such a share of all misses. */
const notableStampede = 10;
const notableShare = 0.1;

type Observed = Pick<TrafficReport, 'namespaces' | 'isReplica' | 'windowSeconds' | 'notSelected'>;

/** What is notable, namespace by namespace, in the order that these are given in. */
export function findingsOf(window: Observed): TrafficFinding[] {
  const { namespaces, isReplica } = window;
  return namespaces.flatMap((each) => [
    ...targetFinding(each),
    ...causeFinding(each, window),
    // A replica writes what its primary does, and others may read it.
    ...(isReplica ? [] : unreadFinding(each)),
    ...stampedeFinding(each),
  ]);
}

function targetFinding(traffic: NamespaceTraffic): TrafficFinding[] {
  const { namespace, reads, hitRate, hitRateTarget, targetMet } = traffic;
  const hitRateInterval = hitRateBounds(traffic);
  if (targetMet !== false || reads === null || hitRate === null || hitRateTarget === null) return [];
  if (hitRateInterval === null) return [];
  return [{ rule: 'target-missed', namespace, reads, hitRate, hitRateInterval, hitRateTarget }];
}

function causeFinding(traffic: NamespaceTraffic, window: Observed): TrafficFinding[] {
  const { namespace, misses, causes, remedy } = traffic;
  if (misses === null || misses < fewestMisses || causes === null) return [];
  const [expired, evicted] = [shareOf(causes.expired, misses), shareOf(causes.evicted, misses)];
  if (isMost(expired))
    return [{ rule: 'expires-too-soon', namespace, ...expired, ...known(ttlNames, remedy?.ttl) }];
  if (isMost(evicted))
    return [{ rule: 'evicted-too-soon', namespace, ...evicted, ...known(memoryNames, remedy?.memory) }];
  const invalidated = shareOf(causes.invalidated, misses);
  if (isMost(invalidated)) return [{ rule: 'removed-too-often', namespace, ...invalidated }];
  return unstoredFinding(traffic, misses, causes, window);
}

/** State that is gone cannot be stored for its readers. */
function unstoredFinding(
  traffic: NamespaceTraffic,
  misses: number,
  { neverCached, goneOrNew }: MissCauses,
  window: Observed,
): TrafficFinding[] {
  const { namespace, kind, reads, hitRate, newKeys } = traffic;
  const { windowSeconds } = window;
  const absent = shareOf(neverCached + goneOrNew, misses);
  if (kind === 'state' || !isMost(absent)) return [];
  if (isReadInVain(traffic, window))
    return [{ rule: 'never-stored', namespace, reads, windowSeconds, ...absent }];
  if (newKeys === null) return [];
  const stored = shareOf(Math.min(newKeys, misses), misses);
  const hitRateInterval = hitRateBounds(traffic);
  if (
    reads !== null &&
    hitRate !== null &&
    hitRateInterval !== null &&
    hitRateInterval[1] < deadRate &&
    isMost(stored)
  )
    return [{ rule: 'never-read-again', namespace, misses, newKeys, reads, hitRate, hitRateInterval }];
  const again = shareOf(neverCached, misses);
  return stored.shareInterval[1] < unstoredShare && isMost(again)
    ? [{ rule: 'never-stored', namespace, reads: null, windowSeconds, ...again }]
    : [];
}

/** Not shown by a sample, nor where nothing at all was written: it may be a quiet time. */
function isReadInVain(
  { reads, hits, readsInterval, writes, newKeys }: NamespaceTraffic,
  { namespaces, notSelected }: Observed,
): boolean {
  if (reads === null || readsInterval !== null || hits !== 0 || writes !== 0 || (newKeys ?? 0) > 0)
    return false;
  return [...namespaces, ...(notSelected === null ? [] : [notSelected])].some(
    (each) => (each.writes ?? 0) > 0,
  );
}

/** State is not kept to be read often: a counter's INCR reads it without a lookup. A sample cannot show that nothing is read. */
function unreadFinding({
  namespace,
  kind,
  reads,
  readsInterval,
  writes,
}: NamespaceTraffic): TrafficFinding[] {
  if (kind === 'state' || reads !== 0 || readsInterval !== null) return [];
  if (writes === null || writes < fewestMisses) return [];
  const readsPerWriteInterval = proportionInterval(0, writes);
  return [{ rule: 'written-not-read', namespace, writes, readsPerWrite: 0, readsPerWriteInterval }];
}

function stampedeFinding({ namespace, misses, stampedes }: NamespaceTraffic): TrafficFinding[] {
  if (misses === null || misses < fewestMisses || stampedes === null || stampedes.count === 0) return [];
  const extra = shareOf(stampedes.extraMisses, misses);
  if (stampedes.largest < notableStampede && extra.shareInterval[0] < notableShare) return [];
  return [{ rule: 'stampedes', namespace, ...stampedes, ...extra }];
}

/** The bounds take misses as independent of each other (Clopper and Pearson). */
function shareOf(part: number, misses: number): MissShare {
  return { misses, share: part / misses, shareInterval: proportionInterval(part, misses) };
}

/** Also at the lower end of the interval. */
const isMost = ({ shareInterval }: MissShare) => shareInterval[0] >= mainShare;

/**
 * The hit rate that the traffic of a namespace has in the long run, taking the reads of a window as a sample of it; wider where
 * the hits of the window are an estimate themselves. Null where no rate is known.
 */
export function hitRateBounds({
  hits,
  reads,
  hitRate,
  hitRateInterval,
}: Pick<NamespaceTraffic, 'hits' | 'reads' | 'hitRate' | 'hitRateInterval'>): Interval | null {
  if (hits === null || reads === null || reads === 0 || hitRate === null) return null;
  const [low, high] = proportionInterval(hits, reads);
  const [sampleLow, sampleHigh] = hitRateInterval ?? [hitRate, hitRate];
  return [Math.min(low, sampleLow), Math.max(high, sampleHigh)];
}
