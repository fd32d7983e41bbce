import { keyFields } from '../../keyspace/key-text.ts';
import type { ByteString } from '../../support/bytes.ts';
import { z95 } from '../../support/intervals.ts';
import type { FrequentKey, FrequentList } from '../keys/frequent-keys.ts';
import type { RowGroup, WindowKeys } from '../keys/namespace-rows.ts';
import type { MissedKeys, MissingKey, NamespaceTraffic, ReadKey } from '../report.ts';
import { causeNames, type Span } from '../streams/mark.ts';

/** Keys on a list. */
export const mostKeys = 20;

/** Of keys that stand out by their misses; a pane shows those of one namespace. */
const mostOutstanding = 500;

/** Keys that were missed, which are kept for a warm-up. A line of a record takes about 100 bytes for each. */
const mostRecorded = 10_000;

/** A key with fewer reads is not one that is read most, whatever the others are. */
const fewestReads = 5;

interface CountedKey<Payload> extends Pick<FrequentKey<Payload>, 'key' | 'database' | 'payload'> {
  readonly namespace: string;
  /** The count is between the two, but for the error of a sample. */
  most: number;
  least: number;
  variance: number;
}

/** No key has more misses than its namespace has left after the certain misses of other keys. */
export function missedKeysOf(
  windows: readonly Span[],
  groups: readonly RowGroup[],
  namespaces: readonly NamespaceTraffic[],
): MissedKeys {
  const { keys, unheldAtMost } = mergedMisses(windows, groups);
  const left = new Map(namespaces.map((each) => [placeOf(each), each.misses ?? 0]));
  for (const key of keys) left.set(placeOf(key), (left.get(placeOf(key)) ?? 0) - key.least);
  const listed = keys
    .map((key) => ({ ...key, most: Math.min(key.most, key.least + (left.get(placeOf(key)) ?? 0)) }))
    .sort((one, other) => other.least - one.least || other.most - one.most || (one.key < other.key ? -1 : 1))
    .slice(0, mostRecorded)
    .map(({ key, database, namespace, most, least, payload: { cause } }) => ({
      ...keyFields(key),
      ...{ database, namespace, misses: most, missesAtLeast: least },
      cause: causeNames[cause] ?? 'unknown',
    }));
  return { keys: listed, othersAtMost: unheldAtMost };
}

/** The keys that miss most: where at least half of the misses are certain, and those are more than a key that is not held can have. */
export const outstandingOf = ({ keys, othersAtMost }: MissedKeys): MissingKey[] =>
  keys
    .filter(({ misses, missesAtLeast: least }) => least >= misses / 2 && least > othersAtMost)
    .slice(0, mostOutstanding);

/** The keys that are read most: those that surely have more reads than any that is not held. @param reads of the whole window */
export function readKeysOf(
  windows: readonly Span[],
  groups: readonly RowGroup[],
  namespaces: readonly NamespaceTraffic[],
  reads: number | null,
): ReadKey[] {
  const { keys, unheldAtMost } = merged(windows, groups, ({ read }) => read, Number);
  const missed = mergedMisses(windows, groups);
  const missesOf = new Map(missed.keys.map((each) => [placeOfKey(each), each]));
  const readsOf = new Map(namespaces.map((each) => [placeOf(each), each.reads ?? 0]));
  return keys
    .map((key) => {
      const reach = z95 * Math.sqrt(key.variance);
      const mostOfAll = readsOf.get(placeOf(key)) ?? 0;
      const low = Math.min(mostOfAll, Math.max(0, Math.ceil(key.least - reach)));
      const high = Math.min(mostOfAll, Math.floor(key.most + reach));
      return { key, low, high, found: Math.min(high, Math.round((key.least + key.most) / 2)) };
    })
    .filter(({ low }) => low > unheldAtMost && low >= fewestReads)
    .sort((one, other) => other.found - one.found || (one.key.key < other.key.key ? -1 : 1))
    .slice(0, mostKeys)
    .map(({ key, low, high, found }) => {
      const known = missesOf.get(placeOfKey(key));
      const allMisses = known ?? (missed.unheldAtMost === 0 ? { most: 0, least: 0 } : null);
      const misses = allMisses?.most === allMisses?.least ? (allMisses?.most ?? null) : null;
      const isKnown = misses !== null && (misses === 0 || low === high) && misses <= found;
      return {
        ...keyFields(key.key),
        ...{ database: key.database, namespace: key.namespace },
        ...{ reads: found, readsInterval: low === high ? null : ([low, high] as const) },
        ...{ readShare: reads ? Math.min(1, found / reads) : null, misses },
        hitRate: isKnown ? (found - misses) / found : null,
      };
    });
}

const placeOf = ({ namespace, database }: { readonly namespace: string; readonly database: number }) =>
  `${database}/${namespace}`;

const placeOfKey = ({ key, database }: { readonly key: ByteString; readonly database: number }) =>
  `${database}/${key}`;

const mergedMisses = (windows: readonly Span[], groups: readonly RowGroup[]) =>
  merged(
    windows,
    groups,
    ({ missing }) => missing,
    ({ row }) => row,
  );

/** Over all nodes: a slot that moved within the window may have left a key on two of them. */
function merged<Payload>(
  windows: readonly Span[],
  groups: readonly RowGroup[],
  listOf: (keys: WindowKeys) => FrequentList<Payload>,
  rowOf: (payload: Payload) => number,
): { readonly keys: readonly CountedKey<Payload>[]; readonly unheldAtMost: number } {
  const names = new Map(
    groups.flatMap(({ namespace, rows }) => rows.map((row) => [row, namespace] as const)),
  );
  const lists = windows.flatMap(({ to }) => to.keys.map(listOf));
  const keys = new Map<string, CountedKey<Payload>>();
  for (const each of lists.flatMap((list) => list.keys)) {
    const { key, database, count, error, variance, payload } = each;
    const known = keys.get(placeOfKey(each));
    if (known === undefined) {
      const namespace = names.get(rowOf(payload)) ?? '';
      const fresh = { key, database, payload, namespace, most: count, least: count - error, variance };
      keys.set(placeOfKey(each), fresh);
    } else {
      known.most += count;
      known.least += count - error;
      known.variance += variance;
    }
  }
  const unheldAtMost = Math.max(0, ...lists.map((list) => list.unheldAtMost));
  return { keys: [...keys.values()], unheldAtMost };
}
