import { keyFields } from '../../keyspace/key-text.ts';
import type { ByteString } from '../../support/bytes.ts';
import type { RowGroup, WindowKeys } from '../keys/namespace-rows.ts';
import type { MissingKey, NamespaceTraffic } from '../report.ts';
import { causeNames, type Span } from '../counts.ts';

const mostMissingKeys = 20;

interface MissedKey {
  readonly key: ByteString;
  readonly database: number;
  readonly namespace: string;
  readonly cause: number;
  /** Its misses lie between the two. */
  most: number;
  least: number;
}

/**
 * The keys that miss most in a window. A key stands out where most of its misses are counted for certain; the most certain
 * come first. No key has more misses than its namespace leaves it after those that are certain of others.
 */
export function missingKeysOf(
  windows: readonly Span[],
  groups: readonly RowGroup[],
  namespaces: readonly NamespaceTraffic[],
): MissingKey[] {
  const placeOf = (each: { readonly namespace: string; readonly database: number }) =>
    `${each.database}/${each.namespace}`;
  const left = new Map(namespaces.map((each) => [placeOf(each), each.misses ?? 0]));
  const keys = mergedKeys(
    windows.flatMap(({ to }) => to.keys),
    groups,
  );
  for (const key of keys) left.set(placeOf(key), (left.get(placeOf(key)) ?? 0) - key.least);
  return keys
    .map((key) => ({ ...key, most: Math.min(key.most, key.least + (left.get(placeOf(key)) ?? 0)) }))
    .filter(({ most, least }) => least >= most / 2)
    .sort((one, other) => other.least - one.least || other.most - one.most)
    .slice(0, mostMissingKeys)
    .map(({ key, database, namespace, most, least, cause }) => ({
      ...keyFields(key),
      database,
      namespace,
      misses: most,
      missesAtLeast: least,
      cause: causeNames[cause] ?? 'unknown',
    }));
}

/** Over all nodes: a slot that moved within the window may have left a key on two of them. */
function mergedKeys(shown: readonly WindowKeys[], groups: readonly RowGroup[]): MissedKey[] {
  const names = new Map(
    groups.flatMap(({ namespace, rows }) => rows.map((row) => [row, namespace] as const)),
  );
  const keys = new Map<string, MissedKey>();
  for (const { key, database, count, error, payload } of shown.flatMap(({ missing }) => missing)) {
    const known = keys.get(`${database}/${key}`);
    if (known === undefined) {
      const namespace = names.get(payload.row) ?? '';
      const fresh = { key, database, namespace, cause: payload.cause, most: count, least: count - error };
      keys.set(`${database}/${key}`, fresh);
    } else {
      known.most += count;
      known.least += count - error;
    }
  }
  return [...keys.values()];
}
