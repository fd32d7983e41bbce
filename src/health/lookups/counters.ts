import { commandCalls, type Info, infoNumber } from '../../redis/info.ts';
import { metadataCommands } from '../../redis/commands.ts';
import { type OwnLookups, sumLookups } from '../../redis/lookups.ts';
import type { RedisNode } from '../../redis/server.ts';
import type { Remembered } from './ledger.ts';

/** Lookups of one process of a server since its counters began, and what is known of who made them. */
export interface LookupCounters {
  readonly runId: string | null;
  readonly hits: number;
  readonly misses: number;
  /** Lookups of this program, those of earlier runs included. */
  readonly own: OwnLookups;
  /** Calls of commands that carry no data, whoever made them, by the command; null: the server does not report them. */
  readonly metadataCalls: Readonly<Record<string, number>> | null;
  /** What is wrong with the record of earlier runs; null: nothing. */
  readonly damage: string | null;
}

/** Null where the server does not report its hits. */
export function lookupCountersOf(
  info: Info,
  { lookups }: Pick<RedisNode, 'lookups'>,
  { lookups: earlier, damage }: Remembered,
): LookupCounters | null {
  const [hits, misses] = [infoNumber(info, 'keyspace_hits'), infoNumber(info, 'keyspace_misses')];
  if (hits === null || misses === null) return null;
  const calls = commandCalls(info);
  return {
    runId: info['run_id'] ?? null,
    hits,
    misses,
    own: sumLookups([earlier, lookups]),
    metadataCalls: calls && Object.fromEntries([...calls].filter(([name]) => metadataCommands.has(name))),
    damage,
  };
}

/** What came between two readings, process by process. */
export function lookupsSince(
  before: readonly LookupCounters[],
  after: readonly LookupCounters[],
): LookupCounters[] {
  return after.map((each) => lookupsBetween(before.find(({ runId }) => runId === each.runId) ?? null, each));
}

/** What came between two readings of one process; all of the later one where its counters began anew between them. */
function lookupsBetween(before: LookupCounters | null, after: LookupCounters): LookupCounters {
  if (before === null || before.runId !== after.runId) return after;
  if (after.hits < before.hits || after.misses < before.misses) return after;
  const less = (name: 'hits' | 'misses' | 'lost') => Math.max(0, after.own[name] - before.own[name]);
  return {
    ...after,
    hits: after.hits - before.hits,
    misses: after.misses - before.misses,
    own: {
      hits: less('hits'),
      misses: less('misses'),
      lost: less('lost'),
      metadata: lessCalls(after.own.metadata, before.own.metadata),
    },
    metadataCalls:
      after.metadataCalls && before.metadataCalls && lessCalls(after.metadataCalls, before.metadataCalls),
  };
}

/** Reads that carry data: what a cache is worth is judged by these. */
export interface DataReads {
  readonly reads: number;
  /** Those of the reads that certainly hit, and that certainly missed. */
  readonly hits: number;
  readonly misses: number;
  /** Reads that may have hit or missed: metadata commands of others are counted with them. */
  readonly unclear: number;
  /** From 0 to 1; null where nothing was read. */
  readonly hitRateInterval: readonly [low: number, high: number] | null;
  /** Lookups of this program, which are taken off. */
  readonly ownHits: number;
  readonly ownMisses: number;
  /** Lookups of others that carry no data, which are taken off; null: the server does not report them. */
  readonly metadataLookups: number | null;
  /** These by the command, the most frequent first. */
  readonly metadataCommands: readonly { readonly command: string; readonly calls: number }[];
}

/**
 * Of H hits and M misses, K lookups carry no data; of these between K - M and H hit. That leaves H + M - K reads of data, of
 * which at least H - K and at most H hit, within what there is. Our own lookups are known exactly, and taken off first.
 */
export function dataReadsOf(nodes: readonly LookupCounters[]): DataReads;
export function dataReadsOf(nodes: readonly LookupCounters[] | null): DataReads | null;
export function dataReadsOf(nodes: readonly LookupCounters[] | null): DataReads | null {
  if (nodes === null) return null;
  const all = nodes.map(dataReadsOfNode);
  const sum = (name: 'hits' | 'misses' | 'unclear' | 'taken') =>
    all.reduce((total, each) => total + each[name], 0);
  const [hits, misses, unclear] = [sum('hits'), sum('misses'), sum('unclear')];
  const reads = hits + misses + unclear;
  const own = sumLookups(nodes.map((each) => each.own));
  const commands = all.reduce<Record<string, number>>((total, { metadata }) => {
    for (const [name, calls] of Object.entries(metadata)) total[name] = (total[name] ?? 0) + calls;
    return total;
  }, {});
  return {
    reads,
    hits,
    misses,
    unclear,
    hitRateInterval: reads === 0 ? null : [hits / reads, (hits + unclear) / reads],
    ownHits: own.hits,
    ownMisses: own.misses,
    metadataLookups: nodes.some(({ metadataCalls }) => metadataCalls === null) ? null : sum('taken'),
    metadataCommands: Object.entries(commands)
      .map(([command, calls]) => ({ command, calls }))
      .filter(({ calls }) => calls > 0)
      .sort((left, right) => right.calls - left.calls || left.command.localeCompare(right.command)),
  };
}

function dataReadsOfNode({ hits, misses, own, metadataCalls }: LookupCounters) {
  const [foundHits, foundMisses] = [Math.max(0, hits - own.hits), Math.max(0, misses - own.misses)];
  const metadata = lessCalls(metadataCalls ?? {}, own.metadata);
  const calls = Object.values(metadata).reduce((sum, each) => sum + each, own.lost);
  const taken = Math.min(calls, foundHits + foundMisses);
  const fewestHits = Math.max(0, foundHits - taken);
  const mostHits = foundHits - Math.max(0, taken - foundMisses);
  const reads = foundHits + foundMisses - taken;
  return { hits: fewestHits, misses: reads - mostHits, unclear: mostHits - fewestHits, metadata, taken };
}

function lessCalls(
  calls: Readonly<Record<string, number>>,
  taken: Readonly<Record<string, number>>,
): Record<string, number> {
  const names = new Set([...Object.keys(calls), ...Object.keys(taken)]);
  return Object.fromEntries(
    [...names].map((name) => [name, Math.max(0, (calls[name] ?? 0) - (taken[name] ?? 0))]),
  );
}
