import type { NamespaceTraffic, TrafficReport } from '../report.ts';

/** What stands out in a namespace, with the figures that show it. */
export type TrafficFinding = { readonly namespace: string } & (
  | { readonly rule: 'target-missed'; readonly hitRate: number; readonly hitRateTarget: number }
  /** Most misses come after the end of a TTL. */
  | {
      readonly rule: 'expires-too-soon';
      readonly share: number;
      /** Null, all three, where the TTL is not known. */
      readonly currentSeconds: number | null;
      readonly saveHalfSeconds: number | null;
      readonly saveNineTenthsSeconds: number | null;
    }
  /** Most misses are of keys that had to make room. */
  | {
      readonly rule: 'evicted-too-soon';
      readonly share: number;
      readonly extraForHalfBytes: number | null;
      readonly extraForNineTenthsBytes: number | null;
    }
  /** Most misses are of keys that somebody removed. */
  | { readonly rule: 'removed-too-often'; readonly share: number; readonly misses: number }
  /** Keys are missed, stored, and not read again: as where a part of the key is different in every process. */
  | {
      readonly rule: 'never-read-again';
      readonly misses: number;
      readonly newKeys: number;
      readonly hitRate: number;
    }
  /** Keys are missed again and again, and nobody stores them. */
  | { readonly rule: 'never-stored'; readonly misses: number; readonly share: number }
  | { readonly rule: 'written-not-read'; readonly writes: number }
  | {
      readonly rule: 'stampedes';
      readonly count: number;
      readonly extraMisses: number;
      readonly largest: number;
    }
);

/** Fewer new keys than this share of the misses: nobody stores what is missed. */
const unstoredShare = 0.05;
/** With fewer misses a share says more about chance. */
const fewestMisses = 20;
/** The share of a namespace's misses from which on a cause is the cause. */
const mainShare = 0.5;
/** A cache that hits less often than this does not work. */
const deadRate = 0.02;
const fewestWrites = 20;
/** Misses at one time that are worth a word: so large, or such a share of all misses. */
const notableStampede = 10;
const notableShare = 0.1;

/** What stands out, namespace by namespace, in the order that these are given in. */
export function findingsOf({
  namespaces,
  isReplica,
}: Pick<TrafficReport, 'namespaces' | 'isReplica'>): TrafficFinding[] {
  return namespaces.flatMap((each) => [
    ...targetFinding(each),
    ...causeFinding(each),
    // A replica writes what its primary does, and others may read it.
    ...(isReplica ? [] : unreadFinding(each)),
    ...stampedeFinding(each),
  ]);
}

function targetFinding({ namespace, hitRate, hitRateTarget, targetMet }: NamespaceTraffic): TrafficFinding[] {
  if (targetMet !== false || hitRate === null || hitRateTarget === null) return [];
  return [{ rule: 'target-missed', namespace, hitRate, hitRateTarget }];
}

function causeFinding(traffic: NamespaceTraffic): TrafficFinding[] {
  const { namespace, misses, causes, remedy } = traffic;
  if (misses === null || misses < fewestMisses || causes === null) return [];
  const is = (count: number) => count >= mainShare * misses;
  if (is(causes.expired)) {
    const { currentSeconds = null, saveHalfSeconds = null, saveNineTenthsSeconds = null } = remedy?.ttl ?? {};
    const share = causes.expired / misses;
    return [
      { rule: 'expires-too-soon', namespace, share, currentSeconds, saveHalfSeconds, saveNineTenthsSeconds },
    ];
  }
  if (is(causes.evicted)) {
    const { extraForHalfBytes = null, extraForNineTenthsBytes = null } = remedy?.memory ?? {};
    const share = causes.evicted / misses;
    return [{ rule: 'evicted-too-soon', namespace, share, extraForHalfBytes, extraForNineTenthsBytes }];
  }
  if (is(causes.invalidated))
    return [{ rule: 'removed-too-often', namespace, share: causes.invalidated / misses, misses }];
  return is(causes.neverCached) ? unstoredFinding(traffic, misses) : [];
}

function unstoredFinding(
  { namespace, hitRate, newKeys, firstMisses }: NamespaceTraffic,
  misses: number,
): TrafficFinding[] {
  if (newKeys === null || firstMisses === null) return [];
  if (hitRate !== null && hitRate < deadRate && newKeys >= mainShare * misses)
    return [{ rule: 'never-read-again', namespace, misses, newKeys, hitRate }];
  const again = misses - firstMisses;
  return newKeys < unstoredShare * misses && again >= mainShare * misses
    ? [{ rule: 'never-stored', namespace, misses, share: again / misses }]
    : [];
}

/** State is not kept to be read often: a counter's INCR reads it without a lookup. */
function unreadFinding({ namespace, kind, reads, writes }: NamespaceTraffic): TrafficFinding[] {
  if (kind === 'state' || reads !== 0 || writes === null || writes < fewestWrites) return [];
  return [{ rule: 'written-not-read', namespace, writes }];
}

function stampedeFinding({ namespace, misses, stampedes }: NamespaceTraffic): TrafficFinding[] {
  if (stampedes === null || stampedes.count === 0) return [];
  const most = Math.max(fewestMisses, notableShare * (misses ?? 0));
  if (stampedes.largest < notableStampede && stampedes.extraMisses < most) return [];
  return [{ rule: 'stampedes', namespace, ...stampedes }];
}
