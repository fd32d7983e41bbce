import { InputError } from '../support/failure.ts';
import type { Distribution } from './key-choice.ts';
import type { Payload } from './payload.ts';
import type { TrafficPart } from './workload.ts';

export const workloadNames = ['ping', 'get', 'set', 'mixed', 'mget', 'hget', 'like'] as const;

/** Those on keys of the run, which a person may name. */
export const namedWorkloads = ['ping', 'get', 'set', 'mixed', 'mget', 'hget'] as const;

/**
 * `ping`: PING · `get`: GET of keys that exist · `set`: SET … EX of keys that exist · `mixed`: both at random · `mget`: MGET of a
 * group of keys · `hget`: HGET of a field of a hash · `like`: what is done with keys of an application, or with copies of them.
 */
export type WorkloadName = (typeof workloadNames)[number];

export interface BenchOptions {
  readonly workloads: readonly WorkloadName[];
  readonly connections: number;
  /** Over which the connections are divided. */
  readonly threads: number;
  /** Commands in one write; the next are sent when all are answered. */
  readonly pipeline: number;
  readonly payload: Payload;
  /** Keys that are used; of `hget` the fields. */
  readonly keys: number;
  /** Keys that `mget` reads at once, and fields of a hash of `hget`; null: neither is measured. */
  readonly group: number | null;
  /** What `like` does; null: it is not measured. */
  readonly like: Likeness | null;
  /** Share of GET in `mixed`, from 0 to 1. */
  readonly getRatio: number;
  /** Which keys are used how often. */
  readonly distribution: Distribution;
  /** Share of the reads whose key exists, from 0 to 1. */
  readonly hitRatio: number;
  /** The end of each workload in each round. */
  readonly limit: Limit;
  /** How often all is measured. */
  readonly rounds: number;
  /** True where the whole distribution of latencies is wanted. */
  readonly keepsDistribution: boolean;
  /** Time before each workload that is not counted. */
  readonly warmupSeconds: number;
  /** Commands per second over all connections; null: each connection sends as soon as it has its answer. */
  readonly ratePerSecond: number | null;
}

/** Keys of an application that are read, or whose copies are read and written. */
export interface Likeness {
  /** As a person would say it: `session, user:<id>`. */
  readonly text: string;
  /** True: copies are used, and of the keys themselves nothing is read but what they are. */
  readonly isShape: boolean;
  readonly namespaces: readonly WantedNamespace[];
  /** True where a namespace may have no key: the others are used all the same. */
  readonly mayLack: boolean;
}

/** Names of the map, names that are inferred from keys, or patterns. */
export interface WantedNamespace extends Pick<TrafficPart, 'weight' | 'readShare' | 'hitRatio'> {
  readonly name: string;
}

/** Where no other is asked for. */
export const defaultWorkloads: readonly WorkloadName[] = ['ping', 'get', 'set', 'mixed'];

export type Limit =
  | { readonly kind: 'duration'; readonly seconds: number }
  | { readonly kind: 'operations'; readonly count: number };

/** Below a server's usual `maxclients` of 10,000 by enough to leave the applications theirs. */
const mostConnections = 1000;
const mostKeys = 1_000_000;
const mostThreads = 64;
/** So many keep a thread busy where the server is near. */
const connectionsPerThread = 16;
/** More show no smaller difference that matters. */
const mostRounds = 50;
/** What may be on its way at once, to the server or from it. */
const mostBytesInFlight = 256 * 2 ** 20;

/**
 * As many threads as may be of use where no number is asked for: half of the processors are left to the server and all else. With a
 * rate a thread is idle for most of the time, and spends it on its clock.
 */
export function usualThreads(connections: number, ratePerSecond: number | null, processors: number): number {
  if (ratePerSecond !== null) return 1;
  return Math.max(1, Math.min(Math.floor(processors / 2), Math.ceil(connections / connectionsPerThread)));
}

/** @throws InputError for amounts that would hurt the server or this machine */
export function checkOptions(options: BenchOptions): void {
  const { connections, threads, group, pipeline, payload, limit } = options;
  const mostOfEach = [
    ['connections', mostConnections, 'a server has a limit for all its clients together (`maxclients`)'],
    ['threads', mostThreads, 'use fewer'],
    ['keys', mostKeys, undefined],
    ['rounds', mostRounds, 'a longer --duration makes each round steadier'],
  ] as const;
  for (const [name, most, hint] of mostOfEach)
    if (options[name] > most)
      throw new InputError(`\`--${name} ${options[name]}\` is more than ${most}`, hint);
  if (threads > connections)
    throw new InputError(
      `\`--threads ${threads}\` is more than \`--connections ${connections}\``,
      'each thread needs a connection: raise --connections',
    );
  if (limit.kind === 'duration' && limit.seconds <= 0) {
    throw new InputError('`--duration` must be more than 0', 'for example --duration 3s');
  }
  const inFlight = connections * keysAtOnce(options) * payload.mostBytes;
  if (inFlight > mostBytesInFlight) {
    const isGrouped = keysAtOnce(options) > pipeline;
    const names = ['connections', 'pipeline', ...(isGrouped ? ['group'] : []), 'payload'];
    const values = [connections, pipeline, ...(isGrouped ? [group] : []), payload.text];
    throw new InputError(
      `\`${names.map((name, index) => `--${name} ${values[index]}`).join(' ')}\` would send ${inFlight} bytes at once, and the limit is ${mostBytesInFlight}`,
      `lower --${names.slice(0, -1).join(', --')} or --payload`,
    );
  }
}

/** Keys whose values one connection may have on its way. */
export const keysAtOnce = ({
  workloads,
  pipeline,
  group,
}: Pick<BenchOptions, 'workloads' | 'pipeline' | 'group'>): number =>
  pipeline * (workloads.includes('mget') ? (group ?? 1) : 1);

/** @param bytes Mean size of a key of an application. @throws InputError */
export function requireInFlight({ connections, pipeline }: BenchOptions, bytes: number): void {
  const inFlight = Math.round(connections * pipeline * bytes);
  if (inFlight > mostBytesInFlight)
    throw new InputError(
      `\`--connections ${connections} --pipeline ${pipeline}\` would have ${inFlight} bytes on their way at once, and the limit is ${mostBytesInFlight}`,
      'lower --connections or --pipeline',
    );
}

/** True where the run writes keys of its own. */
export const isWriting = ({ workloads, like }: Pick<BenchOptions, 'workloads' | 'like'>): boolean =>
  workloads.some(needsKeys) && (like === null || like.isShape);

/** True where a workload uses keys. */
export const needsKeys = (workload: WorkloadName): boolean => workload !== 'ping';
