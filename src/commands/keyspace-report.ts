import type { Analysis } from '../keyspace/analyze.ts';
import { type KeyStatistics, ttlBoundsSeconds } from '../keyspace/key-statistics.ts';
import type { NamespaceMap } from '../keyspace/map.ts';
import type { NamespaceRow } from '../keyspace/namespace-tree.ts';
import type { WalkColumns } from '../redis/walk.ts';
import { type Block, note } from '../render/blocks.ts';
import { counted, formatBytes, formatSeconds } from '../render/units.ts';

/** A namespace in the results of `inspect` and `stats`. A null: the server refused what it needs, or it was not read. */
export interface NamespaceSummary {
  /** The map's name, or the inferred pattern. */
  readonly namespace: string;
  readonly pattern: string | null;
  /** The levels from the root of the tree to this row. */
  readonly path: readonly string[];
  readonly kind: 'cache' | 'state' | null;
  readonly keys: number;
  readonly memoryBytes: number | null;
  /** Share of all bytes (of all keys where bytes are not known), from 0 to 1. */
  readonly memoryShare: number | null;
  readonly keyShare: number;
  /** Keys by Redis type. */
  readonly types: Readonly<Record<string, number>> | null;
  readonly withoutTtl: number | null;
  /** Time left of the keys that have a TTL. */
  readonly ttl: {
    readonly minSeconds: number;
    readonly meanSeconds: number;
    readonly maxSeconds: number;
  } | null;
  /** `upToSeconds` null: no upper bound. */
  readonly ttlHistogram: readonly { readonly upToSeconds: number | null; readonly keys: number }[] | null;
}

/** What reading the keyspace cost the server. */
export interface ServerCost {
  readonly commands: number;
  readonly bytesReceived: number;
  /** Our own lookups that the server counted in `keyspace_hits` and `keyspace_misses`. */
  readonly ownHits: number;
  readonly ownMisses: number;
  readonly durationSeconds: number;
  /** CPU of the server meanwhile, other clients' work included; null where INFO is not permitted. */
  readonly serverCpuSeconds: number | null;
  readonly unreadableKeys: number;
  readonly refusedColumns: readonly { readonly column: string; readonly reason: string }[];
}

/** @param total The sums that shares are taken of. */
export function namespaceSummaryOf(
  row: NamespaceRow,
  total: KeyStatistics,
  map: NamespaceMap,
  unread: ReadonlySet<keyof WalkColumns>,
): NamespaceSummary {
  const { namespace, pattern, path, statistics } = row;
  const hasMemory = !unread.has('memory');
  const hasTtl = !unread.has('ttl');
  return {
    namespace,
    pattern,
    path,
    kind: map.namespaces.find(({ name }) => name === namespace)?.kind ?? null,
    keys: statistics.keys,
    memoryBytes: hasMemory ? statistics.memoryBytes : null,
    memoryShare: hasMemory && total.memoryBytes > 0 ? statistics.memoryBytes / total.memoryBytes : null,
    keyShare: total.keys > 0 ? statistics.keys / total.keys : 0,
    types: unread.has('type') ? null : Object.fromEntries(statistics.types),
    withoutTtl: hasTtl ? statistics.withoutTtl : null,
    ttl: hasTtl ? statistics.ttlSummary : null,
    ttlHistogram: hasTtl
      ? statistics.ttlHistogram.map((keys, bucket) => ({
          upToSeconds: finiteOrNull(ttlBoundsSeconds[bucket]),
          keys,
        }))
      : null,
  };
}

export function serverCostOf({ account, durationSeconds, serverCpuSeconds }: Analysis): ServerCost {
  const { commands, bytesReceived, ownHits, ownMisses, unreadableKeys, refusedColumns } = account;
  return {
    commands,
    bytesReceived,
    ownHits,
    ownMisses,
    durationSeconds,
    serverCpuSeconds,
    unreadableKeys,
    refusedColumns,
  };
}

/** What could not be read and why, then what the reading cost. */
export function costNotes(cost: ServerCost): Block[] {
  const notes: Block[] = cost.refusedColumns.map(({ column, reason }) =>
    note('warning', `no ${column} column: the server answered \`${reason}\``),
  );
  if (cost.unreadableKeys > 0)
    notes.push(
      note('warning', `${counted(cost.unreadableKeys, 'key')} may be listed but not read by this user`),
    );
  const cpu = cost.serverCpuSeconds === null ? '' : `, ${formatSeconds(cost.serverCpuSeconds)} of its CPU`;
  notes.push(
    note(
      'dim',
      `cost to the server: ${counted(cost.commands, 'command')}, ${formatBytes(cost.bytesReceived)} sent${cpu}, in ${formatSeconds(cost.durationSeconds)}; ${ownLookupsText(cost)}`,
    ),
  );
  return notes;
}

/** What lookups of ours have added to the counters that a hit rate is made from. */
export function ownLookupsText(cost: { readonly ownHits: number; readonly ownMisses: number }): string {
  const added = [
    { count: cost.ownHits, counter: 'keyspace_hits' },
    { count: cost.ownMisses, counter: 'keyspace_misses' },
  ].filter(({ count }) => count > 0);
  const [first, second] = added;
  if (first === undefined) return 'its hit counters were left alone';
  const stand = first.count === 1 ? 'stands' : 'stand';
  return (
    `${counted(first.count, 'lookup')} of ours now ${stand} in its ${first.counter}` +
    (second === undefined ? '' : `, and ${counted(second.count, 'lookup')} in its ${second.counter}`)
  );
}

function finiteOrNull(value: number | undefined): number | null {
  return value !== undefined && Number.isFinite(value) ? value : null;
}
