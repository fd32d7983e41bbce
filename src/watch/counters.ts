import { type LookupCounters, lookupCountersOf } from '../health/lookups/counters.ts';
import { type Info, infoNumber, readInfoWithCommands } from '../redis/info.ts';
import type { OwnLookups } from '../redis/lookups.ts';
import type { RedisNode } from '../redis/server.ts';
import { type ServerReport, serverReportOf } from '../redis/server-report.ts';

/** What one node has counted since it started, or since its statistics were reset; a null: not reported. */
export interface NodeCounters {
  readonly address: string;
  /** Another one after each start of the server. */
  readonly runId: string | null;
  readonly report: ServerReport;
  /** Null where hits are not reported. */
  readonly lookups: LookupCounters | null;
  readonly cpuSeconds: number | null;
  readonly bytesIn: number | null;
  readonly bytesOut: number | null;
  /** Commands that this program had sent to the node before the one that read this. */
  readonly ownCommands: number;
}

/** INFO of the node, and of its commands: two commands. @throws RedisError */
export async function readCounters(node: RedisNode, ownCommands: number): Promise<NodeCounters> {
  return countersOf(node, await readInfoWithCommands(node), ownCommands);
}

export function countersOf(
  { address, lookups }: Pick<RedisNode, 'address' | 'lookups'>,
  info: Info,
  ownCommands: number,
): NodeCounters {
  const [system, user] = [infoNumber(info, 'used_cpu_sys'), infoNumber(info, 'used_cpu_user')];
  return {
    address,
    runId: info['run_id'] ?? null,
    report: serverReportOf(info),
    // What earlier runs looked up is in both of two readings.
    lookups: lookupCountersOf(info, { lookups }, null),
    cpuSeconds: system === null || user === null ? null : system + user,
    bytesIn: infoNumber(info, 'total_net_input_bytes'),
    bytesOut: infoNumber(info, 'total_net_output_bytes'),
    ownCommands,
  };
}

/** The reading as it is before a new connection, whose own lookups are counted from zero; `own` are those of the one before. */
export function beforeAnew(counters: NodeCounters, own: OwnLookups): NodeCounters {
  const { lookups } = counters;
  if (lookups === null) return counters;
  const less = (name: 'hits' | 'misses' | 'lost') => lookups.own[name] - own[name];
  const metadata: Record<string, number> = { ...lookups.own.metadata };
  for (const [name, calls] of Object.entries(own.metadata)) metadata[name] = (metadata[name] ?? 0) - calls;
  const left = { hits: less('hits'), misses: less('misses'), lost: less('lost'), metadata };
  return { ...counters, lookups: { ...lookups, own: left } };
}

type DeltaName =
  ('hits' | 'misses' | 'commands' | 'evictedKeys' | 'expiredKeys') | ('cpuSeconds' | 'bytesIn' | 'bytesOut');

/** What a node did between two readings of its counters; `commands` less what this program sent. */
export interface NodeDeltas extends Readonly<Record<DeltaName, number | null>> {
  /**
   * `restart`: the figures are of the time since then. `statistics`: CONFIG RESETSTAT, likewise. `other`: another server
   * took its place, and what it did in this interval is not known.
   */
  readonly reset: 'restart' | 'statistics' | 'other' | null;
}

/**
 * Differences of the counters. After a restart or a reset they count from zero again: then what they show is the least
 * that happened, and no difference is made.
 * @param before undefined: the node was not read before
 */
export function deltasOf(
  before: NodeCounters | undefined,
  after: NodeCounters,
  elapsedSeconds: number,
): NodeDeltas {
  const reset = resetBetween(before, after, elapsedSeconds);
  const since = (read: (counters: NodeCounters) => number | null, survivesReset = false): number | null => {
    const end = read(after);
    if (end === null || before === undefined || reset === 'other') return null;
    if (reset === 'restart' || (reset === 'statistics' && !survivesReset)) return end;
    const start = read(before);
    return start === null ? null : Math.max(0, end - start);
  };
  const commands = since(({ report }) => report.commandsProcessed);
  return {
    reset,
    hits: since(({ report }) => report.hits),
    misses: since(({ report }) => report.misses),
    commands: commands === null ? null : Math.max(0, commands - ownCommandsBetween(before, after)),
    evictedKeys: since(({ report }) => report.evictedKeys),
    expiredKeys: since(({ report }) => report.expiredKeys),
    cpuSeconds: since(({ cpuSeconds }) => cpuSeconds, true),
    bytesIn: since(({ bytesIn }) => bytesIn),
    bytesOut: since(({ bytesOut }) => bytesOut),
  };
}

/** After a new connection our own are counted from zero, too. */
export function ownCommandsBetween(before: NodeCounters | undefined, after: NodeCounters): number {
  const start = before?.ownCommands ?? 0;
  return after.ownCommands >= start ? after.ownCommands - start : after.ownCommands;
}

/** The reading of the same process; else, after a restart, that of the same place. */
export function readingBefore(
  before: readonly NodeCounters[],
  { runId, address }: NodeCounters,
): NodeCounters | undefined {
  return (
    before.find((each) => each.runId !== null && each.runId === runId) ??
    before.find((each) => each.address === address)
  );
}

function resetBetween(
  before: NodeCounters | undefined,
  after: NodeCounters,
  elapsedSeconds: number,
): NodeDeltas['reset'] {
  const { uptimeSeconds, commandsProcessed: end } = after.report;
  if (before === undefined) return 'other';
  // A process that is older than the interval was not started in it: a replica took over, or an address was moved.
  if (before.runId !== after.runId)
    return uptimeSeconds !== null && uptimeSeconds > elapsedSeconds + 2 ? 'other' : 'restart';
  // Our own reading alone makes this one grow.
  const start = before.report.commandsProcessed;
  return start !== null && end !== null && end < start ? 'statistics' : null;
}
