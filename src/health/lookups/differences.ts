import { sumOrNull } from '../../support/collections.ts';
import { type Info, infoNumber, readInfoWithCommands } from '../../redis/info.ts';
import type { RedisNode } from '../../redis/server.ts';
import {
  type DataReads,
  dataReadsOf,
  type LookupCounters,
  lookupCountersOf,
  lookupsSince,
} from './counters.ts';
import { rememberedLookups } from './ledger.ts';

/** What one node has counted since it started, or since its statistics were reset. */
export interface NodeCounters {
  readonly address: string;
  /** INFO with the calls of each command. */
  readonly info: Info;
  /** Null where hits are not reported. */
  readonly lookups: LookupCounters | null;
  /** Commands that this program had sent to the node before the one that read this, those of earlier runs included. */
  readonly ownCommands: number;
}

/** INFO of the node, and of its commands: two commands. @param folder see ledgerFolder @throws RedisError */
export async function readCounters(node: RedisNode, folder: string | null): Promise<NodeCounters> {
  const { commands = 0 } = node.lookups;
  const info = await readInfoWithCommands(node);
  const earlier = rememberedLookups(folder, info);
  return {
    address: node.address,
    info,
    lookups: lookupCountersOf(info, node, earlier),
    ownCommands: earlier.commands + commands,
  };
}

/** The reading as it is before a new connection, whose own lookups are counted from zero; `own` are those of the one before. */
export function beforeAnew(reading: NodeCounters, own: RedisNode['lookups']): NodeCounters {
  const counters = { ...reading, ownCommands: Math.max(0, reading.ownCommands - (own.commands ?? 0)) };
  const { lookups } = counters;
  if (lookups === null) return counters;
  const less = (name: 'hits' | 'misses' | 'lost') => lookups.own[name] - own[name];
  const metadata: Record<string, number> = { ...lookups.own.metadata };
  for (const [name, calls] of Object.entries(own.metadata)) metadata[name] = (metadata[name] ?? 0) - calls;
  const left = { hits: less('hits'), misses: less('misses'), lost: less('lost'), metadata };
  return { ...counters, lookups: { ...lookups, own: left } };
}

/** The fields of INFO that differences are made of, by what they are called here. CPU alone survives a reset of the statistics. */
const counterFields = {
  ...{ hits: 'keyspace_hits', misses: 'keyspace_misses', commands: 'total_commands_processed' },
  ...{ evictedKeys: 'evicted_keys', expiredKeys: 'expired_keys' },
  ...{ systemSeconds: 'used_cpu_sys', userSeconds: 'used_cpu_user' },
  ...{ bytesIn: 'total_net_input_bytes', bytesOut: 'total_net_output_bytes' },
} as const;
type CounterName = keyof typeof counterFields;
const survivesReset = (name: CounterName) => name === 'systemSeconds' || name === 'userSeconds';

/**
 * What the nodes did between two readings of their counters, added up; null: not reported. `commands` are those of others: what
 * this program sent is taken off.
 */
export interface Differences extends Readonly<Record<CounterName, number | null>> {
  /**
   * `restart`: the figures are of the time since then. `statistics`: CONFIG RESETSTAT, likewise. `other`: another server
   * took its place, and what it did in this interval is not known.
   */
  readonly reset: 'restart' | 'statistics' | 'other' | null;
  /** Null where a node does not report its hits. */
  readonly dataReads: DataReads | null;
  readonly ownCommands: number;
}

/**
 * Differences of the counters. After a restart or a reset they count from zero again: then what they show is the least
 * that happened, and no difference is made.
 */
export function differencesOf(
  before: readonly NodeCounters[],
  after: readonly NodeCounters[],
  elapsedSeconds: number,
): Differences {
  const pairs = after.map((end) => {
    const start = readingBefore(before, end);
    return {
      start,
      end,
      reset: resetBetween(start, end, elapsedSeconds),
      own: ownCommandsBetween(start, end),
    };
  });
  const sum = (name: CounterName) =>
    sumOrNull(
      pairs.map(({ start, end, reset, own }) => {
        const last = infoNumber(end.info, counterFields[name]);
        if (last === null || start === undefined || reset === 'other') return null;
        const isAnew = reset === 'restart' || (reset === 'statistics' && !survivesReset(name));
        const first = isAnew ? 0 : infoNumber(start.info, counterFields[name]);
        return first === null
          ? null
          : Math.max(0, Math.max(0, last - first) - (name === 'commands' ? own : 0));
      }),
    );
  const names = Object.keys(counterFields) as CounterName[];
  const sums = Object.fromEntries(names.map((name) => [name, sum(name)])) as Record<
    CounterName,
    number | null
  >;
  const ends = after.flatMap(({ lookups }) => lookups ?? []);
  const starts = pairs.flatMap(({ start }) => start?.lookups ?? []);
  return {
    ...sums,
    reset: pairs.find(({ reset }) => reset !== null)?.reset ?? null,
    dataReads: sums.hits === null || sums.misses === null ? null : dataReadsOf(lookupsSince(starts, ends)),
    ownCommands: pairs.reduce((all, { own }) => all + own, 0),
  };
}

/** What the nodes have counted since they were started, or since their statistics were reset. */
export function differencesSinceStart(nodes: readonly NodeCounters[]): Differences {
  const zeros = Object.fromEntries(Object.values(counterFields).map((field) => [field, '0']));
  const before = nodes.map(({ address, info }): NodeCounters => {
    const { run_id: runId } = info;
    return {
      address,
      info: { ...zeros, ...(runId !== undefined && { run_id: runId }) },
      lookups: null,
      ownCommands: 0,
    };
  });
  return differencesOf(before, nodes, Number.POSITIVE_INFINITY);
}

/** Those that another process of the server was sent are none of this one's. */
function ownCommandsBetween(before: NodeCounters | undefined, after: NodeCounters): number {
  const start = before?.info['run_id'] === after.info['run_id'] ? (before?.ownCommands ?? 0) : 0;
  return after.ownCommands >= start ? after.ownCommands - start : after.ownCommands;
}

/** The reading of the same process; else, after a restart, that of the same place. */
const readingBefore = (before: readonly NodeCounters[], { info, address }: NodeCounters) =>
  before.find((each) => info['run_id'] !== undefined && each.info['run_id'] === info['run_id']) ??
  before.find((each) => each.address === address);

function resetBetween(
  before: NodeCounters | undefined,
  { info: after }: NodeCounters,
  elapsedSeconds: number,
): Differences['reset'] {
  if (before === undefined) return 'other';
  const uptimeSeconds = infoNumber(after, 'uptime_in_seconds');
  // A process that is older than the interval was not started in it: a replica took over, or an address was moved.
  if (before.info['run_id'] !== after['run_id'])
    return uptimeSeconds !== null && uptimeSeconds > elapsedSeconds + 2 ? 'other' : 'restart';
  const [start, end] = [before.info, after].map((info) => infoNumber(info, counterFields.commands));
  // Our own reading alone makes this one grow.
  return start != null && end != null && end < start ? 'statistics' : null;
}
