import type { NamespaceMap } from '../keyspace/map.ts';
import type { MissCause, MissCauses, NamespaceTraffic, TrafficReport } from '../traffic/report.ts';

/** The size of a namespace, as the keys were read last. */
export interface NamespaceSize {
  readonly namespace: string;
  readonly kind: 'cache' | 'state' | null;
  readonly keys: number;
  /** Null where MEMORY USAGE is refused. */
  readonly bytes: number | null;
}

/** A namespace in one interval. A null: not known, or not looked at. */
export interface WatchedNamespace {
  readonly namespace: string;
  readonly kind: 'cache' | 'state' | null;
  readonly keys: number | null;
  readonly bytes: number | null;
  /** Of the bytes of all namespaces, from 0 to 1. */
  readonly byteShare: number | null;
  readonly readsPerSecond: number | null;
  readonly missesPerSecond: number | null;
  readonly hits: number | null;
  readonly misses: number | null;
  readonly hitRate: number | null;
  readonly hitRateTarget: number | null;
  readonly targetMet: boolean | null;
  readonly causes: MissCauses | null;
  /** The cause of most misses. */
  readonly topCause: MissCause | null;
}

/** Sizes and traffic side by side; a namespace may be known by one of the two alone. */
export function watchedNamespaces(
  map: NamespaceMap,
  sizes: readonly NamespaceSize[],
  traffic: TrafficReport | null,
): WatchedNamespace[] {
  const rows = new Map<string, { size?: NamespaceSize; traffic?: NamespaceTraffic }>();
  for (const size of sizes) rows.set(size.namespace, { size });
  for (const each of traffic?.namespaces ?? [])
    rows.set(each.namespace, { ...rows.get(each.namespace), traffic: each });
  const targets = new Map(map.namespaces.map(({ name, hitRateTarget }) => [name, hitRateTarget]));
  const bytes = sizes.reduce((sum, size) => sum + (size.bytes ?? 0), 0);
  return [...rows].map(([namespace, row]) => ({
    namespace,
    kind: row.size?.kind ?? row.traffic?.kind ?? null,
    keys: row.size?.keys ?? null,
    bytes: row.size?.bytes ?? null,
    byteShare: row.size?.bytes == null || bytes === 0 ? null : row.size.bytes / bytes,
    ...trafficOf(row.traffic, traffic?.windowSeconds ?? 0),
    hitRateTarget: row.traffic?.hitRateTarget ?? targets.get(namespace) ?? null,
  }));
}

function trafficOf(traffic: NamespaceTraffic | undefined, seconds: number) {
  const { misses = null, causes = null } = traffic ?? {};
  return {
    readsPerSecond: traffic?.readsPerSecond ?? null,
    missesPerSecond: misses === null || seconds <= 0 ? null : misses / seconds,
    hits: traffic?.hits ?? null,
    misses,
    hitRate: traffic?.hitRate ?? null,
    targetMet: traffic?.targetMet ?? null,
    causes,
    topCause: causes === null ? null : topCauseOf(causes),
  };
}

export function topCauseOf(causes: MissCauses): MissCause | null {
  const [first] = (Object.entries(causes) as [MissCause, number][])
    .filter(([, count]) => count > 0)
    .sort(([, left], [, right]) => right - left);
  return first?.[0] ?? null;
}

export const sortOrders = ['reads', 'misses', 'bytes', 'hitRate', 'name'] as const;
export type SortOrder = (typeof sortOrders)[number];

/** The worst on top: most reads, misses or bytes, the lowest hit rate. What is not known comes last. */
export function sortedNamespaces(rows: readonly WatchedNamespace[], order: SortOrder): WatchedNamespace[] {
  const byName = (left: WatchedNamespace, right: WatchedNamespace) =>
    left.namespace < right.namespace ? -1 : left.namespace > right.namespace ? 1 : 0;
  if (order === 'name') return rows.toSorted(byName);
  const badness = {
    reads: (row: WatchedNamespace) => row.readsPerSecond ?? Number.NEGATIVE_INFINITY,
    misses: (row: WatchedNamespace) => row.missesPerSecond ?? Number.NEGATIVE_INFINITY,
    bytes: (row: WatchedNamespace) => row.bytes ?? Number.NEGATIVE_INFINITY,
    hitRate: (row: WatchedNamespace) => (row.hitRate === null ? Number.NEGATIVE_INFINITY : -row.hitRate),
  }[order];
  return rows.toSorted((left, right) => {
    const [first, second] = [badness(left), badness(right)];
    return first === second ? byName(left, right) : second - first;
  });
}
