import { asBytes, bytesOf, type ByteString } from '../support/bytes.ts';
import { groupBy, sumOf } from '../support/collections.ts';
import { type Interval, z95 } from '../support/intervals.ts';
import type { TrafficRecord } from './history.ts';
import type { MissingKey, NamespaceTraffic, WindowReport } from './report.ts';

/** A key that was missed in a window, as a record keeps it. */
export interface MissedKey extends Pick<
  MissingKey,
  'key' | 'keyBase64' | 'database' | 'namespace' | 'misses'
> {
  /** Where it is smaller, the true number is between the two; absent: it is `misses`. */
  readonly missesAtLeast?: number;
  /** From a miss until the key was stored again, in half of the cases of its namespace; null where that was not seen. */
  readonly refillSeconds: number | null;
}

/** How the keys that were missed in a recorded window do now. Misses that are known between two bounds count as their middle. */
export interface Gain {
  readonly keys: number;
  /** Of them, in this window. */
  readonly misses: number;
  /** As many as keys that were missed then would have at the rate of then, with as many reads of their namespaces as now. */
  readonly expectedMisses: number;
  readonly hitsGained: number;
  /** Misses that are not known by key may be theirs; and both windows are samples of the traffic. */
  readonly hitsGainedInterval: Interval;
}

/** What a record keeps of the keys of a window, those with most misses first. */
export function recordedKeysOf({ missed, namespaces }: WindowReport): MissedKey[] {
  const refills = new Map(namespaces.map((each) => [placeOf(each), each.refill?.p50Seconds ?? null]));
  return missed.keys.map(({ missesAtLeast, cause: _cause, ...key }) => ({
    ...key,
    ...(missesAtLeast < key.misses && { missesAtLeast }),
    refillSeconds: refills.get(placeOf(key)) ?? null,
  }));
}

const boundsOf = ({ misses, missesAtLeast = misses }: MissedKey): Interval => [missesAtLeast, misses];

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
    (each.missesAtLeast === undefined || Number(each.missesAtLeast) > 0) &&
    (each.refillSeconds === null || typeof each.refillSeconds === 'number')
  );
}

export const bytesOfKey = ({ key, keyBase64 }: Pick<MissedKey, 'key' | 'keyBase64'>): ByteString =>
  keyBase64 === undefined ? bytesOf(key) : asBytes(Buffer.from(keyBase64, 'base64').toString('latin1'));

/** A second where no refill was seen: keys are then ordered by their misses alone. */
const unknownRefillSeconds = 1;

/** How much of the misses of a window its recorded keys are. */
export interface RecordedShare {
  /** Of the namespaces in this database. */
  readonly windowMisses: number;
  /** Of them, those that surely are of the recorded keys. */
  readonly recordedMisses: number;
  /** What the misses of a key cost in waiting, in seconds. A refill that was not seen counts as the middle one of those that were. */
  readonly worthOf: (key: MissedKey) => number;
  /** The same of all misses of the window. */
  readonly windowWorth: number;
}

/** @param keys of the record, all of one database */
export function recordedShare(
  keys: readonly MissedKey[],
  namespaces: readonly NamespaceTraffic[],
): RecordedShare {
  const known = keys.flatMap(({ refillSeconds }) => refillSeconds ?? []).sort((one, other) => one - other);
  const middle = known[Math.floor(known.length / 2)] ?? unknownRefillSeconds;
  const worthOf = (key: MissedKey) => boundsOf(key)[0] * (key.refillSeconds ?? middle);
  const recordedMisses = sumOf(keys.map((key) => boundsOf(key)[0]));
  const byNamespace = groupBy(keys, ({ namespace }) => namespace);
  const others = namespaces
    .filter(({ database }) => database === keys[0]?.database)
    .map(({ namespace, misses, refill }) => {
      const recorded = sumOf((byNamespace.get(namespace) ?? []).map((key) => boundsOf(key)[0]));
      const left = Math.max(0, (misses ?? 0) - recorded);
      return { left, worth: left * (refill?.p50Seconds ?? middle) };
    });
  return {
    windowMisses: recordedMisses + sumOf(others.map(({ left }) => left)),
    recordedMisses,
    worthOf,
    windowWorth: sumOf(keys.map(worthOf)) + sumOf(others.map(({ worth }) => worth)),
  };
}

/**
 * Keys come into a record by their misses, so at the next time they have fewer: as many in all as those that were missed more than once
 * had; where not all keys that were missed once are in it, between that and what those that were missed more than twice had (Good, The
 * Population Frequencies of Species and the Estimation of Population Parameters, Biometrika 40, 1953).
 * @returns null where the record has no keys, or no misses are known by key now
 */
export function gainSince(report: WindowReport, before: TrafficRecord): Gain | null {
  const keys = missedIn(before);
  if (keys.length === 0 || report.mode === 'counters' || before.windowSeconds <= 0) return null;
  const byPlace = (namespaces: readonly NamespaceTraffic[]) =>
    new Map(namespaces.map((each) => [placeOf(each), each]));
  const [then, now] = [byPlace(before.namespaces), byPlace(report.namespaces)];
  const { keys: missedNow, othersAtMost } = report.missed;
  const nowOf = new Map(missedNow.map((each) => [placeOfKey(each), each]));
  const isWhole = keys.every((key) => key.missesAtLeast === undefined);
  let [expectedLow, expectedHigh, low, high, variance] = [0, 0, 0, 0, 0];
  for (const key of keys) {
    const [old, own] = [then.get(placeOf(key)), now.get(placeOf(key))];
    // A namespace that is not read any more has no misses to gain from.
    const perSecond = own === undefined ? 0 : (own.readsPerSecond ?? null);
    const change = old?.readsPerSecond && perSecond !== null ? perSecond / old.readsPerSecond : 1;
    const scale = (report.windowSeconds / before.windowSeconds) * change;
    const [least, most] = boundsOf(key);
    expectedLow += scale * (least >= (isWhole ? 2 : 3) ? least : 0);
    expectedHigh += scale * (most >= 2 ? most : 0);
    variance += (scale ** 2 * (least + most)) / 2;
    const found = nowOf.get(placeOfKey(key));
    low += found?.missesAtLeast ?? 0;
    high += found?.misses ?? othersAtMost;
  }
  // What is not known by key is no more than their namespaces have left.
  const places = new Set(keys.map(placeOf));
  const certain = missedNow.filter((each) => places.has(placeOf(each))).map((each) => each.missesAtLeast);
  const inAll = sumOf([...places].map((place) => now.get(place)?.misses ?? 0));
  high = Math.min(high, low + Math.max(0, inAll - sumOf(certain)));
  const misses = Math.round((low + high) / 2);
  const expectedMisses = (expectedLow + expectedHigh) / 2;
  const hitsGained = expectedMisses - misses;
  const chance = z95 * Math.sqrt(variance + misses);
  return {
    ...{ keys: keys.length, misses, expectedMisses, hitsGained },
    hitsGainedInterval: [
      hitsGained - Math.hypot(hitsGained - (expectedLow - high), chance),
      hitsGained + Math.hypot(expectedHigh - low - hitsGained, chance),
    ],
  };
}

const placeOf = ({ namespace, database }: { readonly namespace: string; readonly database: number }) =>
  `${database}/${namespace}`;

const placeOfKey = ({ database, key, keyBase64 }: Pick<MissedKey, 'database' | 'key' | 'keyBase64'>) =>
  `${database}/${keyBase64 ?? ''}/${key}`;
