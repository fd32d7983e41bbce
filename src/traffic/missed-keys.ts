import { asBytes, bytesOf, type ByteString } from '../support/bytes.ts';
import { sumOf } from '../support/collections.ts';
import type { Interval } from '../support/intervals.ts';
import type { TrafficRecord } from './history.ts';
import type { MissingKey, NamespaceTraffic, TrafficReport } from './report.ts';

/** A key that missed often in a window, as a record keeps it. */
export interface MissedKey extends Pick<
  MissingKey,
  'key' | 'keyBase64' | 'database' | 'namespace' | 'misses'
> {
  /** From a miss until the key was stored again, in half of the cases of its namespace; null where that was not seen. */
  readonly refillSeconds: number | null;
}

/** How the keys that missed most in a recorded window do now. */
export interface Gain {
  readonly keys: number;
  /** Of them, in this window. */
  readonly misses: number;
  /** As many as they would have had at the rate of then, with as many reads of their namespaces as now. */
  readonly expectedMisses: number;
  readonly hitsGained: number;
  /** Misses that are not known by key may be theirs. */
  readonly hitsGainedInterval: Interval;
}

/** What a record keeps of the keys of a window, those with most misses first. */
export function missedKeysOf({ mostMissed, namespaces }: TrafficReport): MissedKey[] {
  const refills = new Map(namespaces.map((each) => [placeOf(each), each.refill?.p50Seconds ?? null]));
  return mostMissed.map(({ missesAtLeast: _least, cause: _cause, ...key }) => ({
    ...key,
    refillSeconds: refills.get(placeOf(key)) ?? null,
  }));
}

/** The same of a record; what has another form is left out. */
export function missedIn({ missed }: Pick<TrafficRecord, 'missed'>): MissedKey[] {
  const list: unknown = missed;
  return Array.isArray(list) ? list.filter(isMissedKey) : [];
}

function isMissedKey(value: unknown): value is MissedKey {
  if (typeof value !== 'object' || value === null) return false;
  const each = value as Partial<Record<keyof MissedKey, unknown>>;
  return (
    typeof each.key === 'string' &&
    ['string', 'undefined'].includes(typeof each.keyBase64) &&
    typeof each.database === 'number' &&
    typeof each.namespace === 'string' &&
    typeof each.misses === 'number' &&
    each.misses > 0 &&
    (each.refillSeconds === null || typeof each.refillSeconds === 'number')
  );
}

export const bytesOfKey = ({ key, keyBase64 }: Pick<MissedKey, 'key' | 'keyBase64'>): ByteString =>
  keyBase64 === undefined ? bytesOf(key) : asBytes(Buffer.from(keyBase64, 'base64').toString('latin1'));

/** A second where no refill was seen: keys are then ordered by their misses alone. */
const unknownRefillSeconds = 1;

/** What its misses cost in waiting, in seconds. A refill that was not seen counts as the middle one of those that were. */
export function worthOf(keys: readonly MissedKey[]): (key: MissedKey) => number {
  const known = keys.flatMap(({ refillSeconds }) => refillSeconds ?? []).sort((one, other) => one - other);
  const middle = known[Math.floor(known.length / 2)] ?? unknownRefillSeconds;
  return ({ misses, refillSeconds }) => misses * (refillSeconds ?? middle);
}

/** Null where the record has no keys, or no misses are known by key now. */
export function gainSince(report: TrafficReport, before: TrafficRecord): Gain | null {
  const keys = missedIn(before);
  if (keys.length === 0 || report.mode === 'counters' || before.windowSeconds <= 0) return null;
  const byPlace = (namespaces: readonly NamespaceTraffic[]) =>
    new Map(namespaces.map((each) => [placeOf(each), each]));
  const [then, now] = [byPlace(before.namespaces), byPlace(report.namespaces)];
  const nowOf = new Map(report.mostMissed.map((each) => [placeOfKey(each), each.misses]));
  const expected = keys.map((key) => {
    const [old, own] = [then.get(placeOf(key)), now.get(placeOf(key))];
    // A namespace that is not read any more has no misses to gain from.
    const perSecond = own === undefined ? 0 : (own.readsPerSecond ?? null);
    const change = old?.readsPerSecond && perSecond !== null ? perSecond / old.readsPerSecond : 1;
    return (key.misses / before.windowSeconds) * report.windowSeconds * change;
  });
  const misses = sumOf(keys.map((key) => nowOf.get(placeOfKey(key)) ?? 0));
  const places = new Set(keys.map(placeOf));
  const all = sumOf([...places].map((place) => now.get(place)?.misses ?? 0));
  const known = sumOf(
    report.mostMissed.filter((each) => places.has(placeOf(each))).map((each) => each.misses),
  );
  const expectedMisses = sumOf(expected);
  const unknown = Math.max(0, all - known);
  const hitsGained = expectedMisses - misses;
  return {
    ...{ keys: keys.length, misses, expectedMisses, hitsGained },
    hitsGainedInterval: [hitsGained - unknown, hitsGained],
  };
}

const placeOf = ({ namespace, database }: { readonly namespace: string; readonly database: number }) =>
  `${database}/${namespace}`;

const placeOfKey = ({ database, key, keyBase64 }: Pick<MissedKey, 'database' | 'key' | 'keyBase64'>) =>
  `${database}/${keyBase64 ?? ''}/${key}`;
