import { asBytes } from '../support/bytes.ts';
import { sumOrNull } from '../support/collections.ts';
import { commandCalls, infoNumber, infoOf } from '../redis/info.ts';
import { type Reply, replyText } from '../redis/reply.ts';
import type { RedisNode } from '../redis/server.ts';

/** What the server says of the commands of a workload: its own work on them, without the network and the wait to be read. */
export interface ServerSide {
  /** With those of other clients. */
  readonly calls: number;
  /** Of the server's work on one command. */
  readonly meanMicros: number;
  /** At most; null where the server has no LATENCY HISTOGRAM, as before Redis 7.0, or it is not permitted. */
  readonly p50Micros: number | null;
  readonly p99Micros: number | null;
  /** Commands that came into SLOWLOG meanwhile, of all clients; null where it is not permitted. */
  readonly slowCommands: number | null;
  /** All work of the server: 1 is a core kept busy; null where it is not reported. */
  readonly cpuRatio: number | null;
}

/** Counters that only rise, of one command or several, over all nodes. */
export interface ServerCounters {
  readonly calls: number;
  readonly workMicros: number;
  /** Calls that took at most so many microseconds, by these; null where not reported. */
  readonly histogram: ReadonlyMap<number, number> | null;
  /** The next number in SLOWLOG. */
  readonly slowCommands: number | null;
  readonly cpuSeconds: number | null;
}

/** @returns Null where INFO is not permitted. @throws RedisError where the connection is lost */
export async function readCounters(
  nodes: readonly RedisNode[],
  commands: readonly string[],
): Promise<ServerCounters | null> {
  const each = await Promise.all(nodes.map((node) => readNode(node, commands)));
  const all = each.filter((counters) => counters !== null);
  return all.length < nodes.length ? null : all.reduce((sum, counters) => combined(sum, counters, 1));
}

/** What has been counted between the two, added to `known`. */
export function countersBetween(
  before: ServerCounters | null,
  after: ServerCounters | null,
  known: ServerCounters | null | undefined,
): ServerCounters | null {
  if (before === null || after === null || known === null) return null;
  const own = combined(after, before, -1);
  return known === undefined ? own : combined(known, own, 1);
}

/** Null where nothing was counted, as after a restart. @param seconds The time in which the counters rose. */
export function serverSideOf(counters: ServerCounters | null, seconds: number): ServerSide | null {
  if (counters === null || counters.calls <= 0) return null;
  const { calls, workMicros, histogram, slowCommands, cpuSeconds } = counters;
  return {
    ...{ calls, meanMicros: workMicros / calls },
    p50Micros: histogram && quantileOf(histogram, 0.5),
    p99Micros: histogram && quantileOf(histogram, 0.99),
    slowCommands,
    cpuRatio: cpuSeconds === null || seconds <= 0 ? null : cpuSeconds / seconds,
  };
}

async function readNode(node: RedisNode, commands: readonly string[]): Promise<ServerCounters | null> {
  const [stats, cpu, histogram, slow] = await node.batch([
    ['INFO', 'COMMANDSTATS'],
    ['INFO', 'CPU'],
    ['LATENCY', 'HISTOGRAM', ...commands.map(asBytes)],
    ['SLOWLOG', 'GET', 1],
  ]);
  const info = infoOf(stats);
  if (info === null) return null;
  const total = (field: 'calls' | 'usec') => {
    const counts = commandCalls(info, field);
    return commands.reduce((sum, name) => sum + (counts?.get(name) ?? 0), 0);
  };
  const times = infoOf(cpu) ?? {};
  return {
    calls: total('calls'),
    workMicros: total('usec'),
    histogram: histogramOf(histogram ?? null),
    slowCommands: nextSlowId(slow ?? null),
    cpuSeconds: sumOrNull([infoNumber(times, 'used_cpu_user'), infoNumber(times, 'used_cpu_sys')]),
  };
}

const listOf = (reply: Reply | undefined): Reply[] => (Array.isArray(reply) ? reply : []);

/** `[get, [calls, 12, histogram_usec, [1, 8, 2, 12]], …]`: what is listed last counts all. */
function histogramOf(reply: Reply): ReadonlyMap<number, number> | null {
  if (!Array.isArray(reply)) return null;
  let all: ReadonlyMap<number, number> = new Map();
  for (let at = 1; at < reply.length; at += 2) {
    const fields = listOf(reply[at]);
    const buckets = listOf(fields[fields.findIndex((name) => name === 'histogram_usec') + 1]);
    const own = new Map<number, number>();
    for (let bucket = 0; bucket + 1 < buckets.length; bucket += 2)
      own.set(Number(buckets[bucket]), Number(buckets[bucket + 1]));
    all = summed(all, own, 1);
  }
  return all;
}

/** An empty list: nothing was slow so far. */
function nextSlowId(reply: Reply): number | null {
  if (!Array.isArray(reply)) return null;
  const [id] = listOf(reply[0]);
  return typeof id === 'number' ? id + 1 : typeof id === 'string' ? Number(replyText(id)) + 1 : 0;
}

function combined(one: ServerCounters, other: ServerCounters, sign: 1 | -1): ServerCounters {
  const sum = (here: number | null, there: number | null) => sumOrNull([here, there && sign * there]);
  return {
    calls: one.calls + sign * other.calls,
    workMicros: one.workMicros + sign * other.workMicros,
    histogram: one.histogram && other.histogram && summed(one.histogram, other.histogram, sign),
    // SLOWLOG RESET begins again at a higher number, a restart at 0.
    slowCommands: sum(one.slowCommands, other.slowCommands),
    cpuSeconds: sum(one.cpuSeconds, other.cpuSeconds),
  };
}

/** Sums of two step functions, each of which lists only where it rises. */
function summed(
  one: ReadonlyMap<number, number>,
  other: ReadonlyMap<number, number>,
  sign: 1 | -1,
): ReadonlyMap<number, number> {
  const bounds = [...new Set([...one.keys(), ...other.keys()])].sort((here, there) => here - there);
  let [here, there] = [0, 0];
  return new Map(
    bounds.map((bound) => {
      here = one.get(bound) ?? here;
      there = other.get(bound) ?? there;
      return [bound, here + sign * there] as const;
    }),
  );
}

/** The bound below which so large a share of the calls is. */
function quantileOf(histogram: ReadonlyMap<number, number>, share: number): number | null {
  const all = Math.max(0, ...histogram.values());
  if (all === 0) return null;
  return [...histogram].find(([, count]) => count >= share * all)?.[0] ?? null;
}
