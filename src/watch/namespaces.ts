import type { NamespaceMap } from '../keyspace/map.ts';
import type { Bounds, MissCause, MissCauses, NamespaceTraffic, TrafficReport } from '../traffic/report.ts';

/** The size of a namespace, as the keys were read last. An interval is null where every key was read. */
export interface NamespaceSize {
  readonly namespace: string;
  readonly kind: 'cache' | 'state' | null;
  readonly keys: number;
  readonly keysInterval: Bounds;
  /** Null where MEMORY USAGE is refused. */
  readonly memoryBytes: number | null;
  readonly memoryBytesInterval: Bounds;
  readonly memoryShareInterval: Bounds;
}

/** A namespace in one interval. A null: not known, or not looked at; of an interval: the figure is exact, or not known. */
export interface WatchedNamespace {
  readonly namespace: string;
  readonly kind: 'cache' | 'state' | null;
  readonly keys: number | null;
  readonly keysInterval: Bounds;
  readonly memoryBytes: number | null;
  readonly memoryBytesInterval: Bounds;
  /** Of the bytes of all namespaces, from 0 to 1. */
  readonly memoryShare: number | null;
  readonly memoryShareInterval: Bounds;
  readonly readsPerSecond: number | null;
  readonly readsPerSecondInterval: Bounds;
  readonly missesPerSecond: number | null;
  readonly hits: number | null;
  readonly hitsInterval: Bounds;
  readonly misses: number | null;
  readonly hitRate: number | null;
  readonly hitRateInterval: Bounds;
  readonly hitRateTarget: number | null;
  /** Null without a target, with fewer than 100 reads in the interval, or where a sample cannot decide. */
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
  const bytes = sizes.reduce((sum, size) => sum + (size.memoryBytes ?? 0), 0);
  return [...rows].map(([namespace, row]) => ({
    namespace,
    kind: row.size?.kind ?? row.traffic?.kind ?? null,
    keys: row.size?.keys ?? null,
    keysInterval: row.size?.keysInterval ?? null,
    memoryBytes: row.size?.memoryBytes ?? null,
    memoryBytesInterval: row.size?.memoryBytesInterval ?? null,
    memoryShare: row.size?.memoryBytes == null || bytes === 0 ? null : row.size.memoryBytes / bytes,
    memoryShareInterval: row.size?.memoryShareInterval ?? null,
    ...trafficOf(row.traffic, traffic?.windowSeconds ?? 0),
    hitRateTarget: row.traffic?.hitRateTarget ?? targets.get(namespace) ?? null,
  }));
}

function trafficOf(traffic: NamespaceTraffic | undefined, seconds: number) {
  const { misses = null, causes = null, readsInterval = null } = traffic ?? {};
  return {
    readsPerSecond: traffic?.readsPerSecond ?? null,
    readsPerSecondInterval:
      readsInterval === null || seconds <= 0
        ? null
        : ([readsInterval[0] / seconds, readsInterval[1] / seconds] as const),
    missesPerSecond: misses === null || seconds <= 0 ? null : misses / seconds,
    hits: traffic?.hits ?? null,
    hitsInterval: traffic?.hitsInterval ?? null,
    misses,
    hitRate: traffic?.hitRate ?? null,
    hitRateInterval: traffic?.hitRateInterval ?? null,
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
    bytes: (row: WatchedNamespace) => row.memoryBytes ?? Number.NEGATIVE_INFINITY,
    hitRate: (row: WatchedNamespace) => (row.hitRate === null ? Number.NEGATIVE_INFINITY : -row.hitRate),
  }[order];
  return rows.toSorted((left, right) => {
    const [first, second] = [badness(left), badness(right)];
    return first === second ? byName(left, right) : second - first;
  });
}
