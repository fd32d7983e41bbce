import { setTimeout as sleep } from 'node:timers/promises';
import type { NamespaceMap } from '../keyspace/map.ts';
import type { Connection } from '../redis/connection.ts';
import type { RedisNode } from '../redis/server.ts';
import { type ByteString, bytesOf } from '../support/bytes.ts';
import { bringAbout, type Fault, generateFaultyTraffic, recordsOfFault } from './faults.ts';
import { generateTraffic, popularKeys, type TrafficOperation } from './operations.ts';
import { perform } from './perform.ts';
import type { SystemName } from './systems.ts';
import { TrafficAccount, type TrafficTotals } from './traffic-account.ts';

interface RunTrafficOptions {
  readonly operationsPerSecond: number;
  /** Ends the traffic. */
  readonly signal: AbortSignal;
  /** Milliseconds since the epoch. */
  readonly now: () => number;
  /** Called after each tick, with the same object every time. */
  readonly onTick?: (totals: Readonly<TrafficTotals>) => void;
  /** What goes wrong. It is brought about before the first operation. */
  readonly fault?: Fault;
  /** The system's map: with it the totals have reads by namespace, and the causes of misses. */
  readonly map?: NamespaceMap;
}

const tickMillis = 50;

/** Few operations go out together, or all that is missed in between looks like a stampede; more where the rate asks for it. */
const fewOperations = 10;
const mostBatchesPerTick = 50;

/** Operations that go out together in a warm-up: few, as a key that has to expire first must not be read in the same batch. */
const warmUpBatch = 50;

/**
 * Light traffic, as the application would make it, until `signal` is aborted.
 * @throws RedisError when the server refuses a command or the connection is lost.
 */
export async function runTraffic(
  node: RedisNode,
  system: SystemName,
  seed: number,
  { operationsPerSecond, signal, now, onTick, fault, map }: RunTrafficOptions,
): Promise<TrafficTotals> {
  const account = new TrafficAccount(map, fault?.name === 'small-memory');
  const { totals } = account;
  const connection = await openApplicationConnection(node);
  try {
    if (map !== undefined) await lookAround(node, account, popularKeys(system, { seed, now }), now());
    if (fault !== undefined) {
      const records = [...recordsOfFault(system, fault, { seed, now: now() })];
      for (const { key, ttlMillis } of records) account.stored(key, now(), ttlMillis);
      await bringAbout(node, fault, records, signal);
    }
    const options = { seed, now, round: 1 };
    const operations =
      fault === undefined ? generateTraffic(system, options) : generateFaultyTraffic(system, fault, options);
    let last = now();
    let owed = 0;
    while (!signal.aborted) {
      const at = now();
      // A slow tick is made up for; a machine that slept is not.
      owed = Math.min(owed + ((at - last) / 1000) * operationsPerSecond, Math.max(1, operationsPerSecond));
      last = at;
      const batch = Math.max(fewOperations, Math.ceil(owed / mostBatchesPerTick));
      for (; owed >= 1; owed -= Math.min(batch, Math.floor(owed)))
        await perform(connection, take(operations, Math.min(batch, Math.floor(owed))), account, now);
      onTick?.(totals);
      await sleep(tickMillis, undefined, { signal }).catch(() => undefined);
    }
    return totals;
  } finally {
    connection.close();
  }
}

interface WarmUpOptions extends Pick<RunTrafficOptions, 'now'> {
  readonly signal?: AbortSignal;
  /** Gets every key that an operation named. */
  readonly touched?: Set<ByteString>;
}

/**
 * A bounded number of operations, as fast as they go, so that a new server has a history of hits and misses.
 * @throws RedisError when the server refuses a command or the connection is lost.
 */
export async function warmUpTraffic(
  node: RedisNode,
  system: SystemName,
  seed: number,
  operations: number,
  { now, signal, touched }: WarmUpOptions,
): Promise<TrafficTotals> {
  const account = new TrafficAccount(undefined);
  const { totals } = account;
  const connection = await openApplicationConnection(node);
  try {
    const stream = generateTraffic(system, { seed, now });
    while (totals.operations < operations && signal?.aborted !== true) {
      const batch = take(stream, Math.min(warmUpBatch, operations - totals.operations));
      for (const operation of batch)
        touched?.add('record' in operation ? operation.record.key : operation.key);
      await perform(connection, batch, account, now);
    }
    return totals;
  } finally {
    connection.close();
  }
}

/** A connection that the server takes for an application's: reads on it count as use of the key. */
async function openApplicationConnection(node: RedisNode): Promise<Connection> {
  const connection = await node.openConnection();
  // A server that knows neither command has nothing to undo.
  await connection.exchange([
    ['CLIENT', 'SETNAME', bytesOf('sandbox-application')],
    ['CLIENT', 'NO-TOUCH', 'OFF'],
  ]);
  return connection;
}

/** Records in the account which keys are there, by the one command that counts as no lookup. */
async function lookAround(
  node: RedisNode,
  account: TrafficAccount,
  keys: readonly ByteString[],
  at: number,
): Promise<void> {
  const sizes = await node.batch(keys.map((key) => ['MEMORY', 'USAGE', key]));
  keys.forEach((key, index) => {
    if (sizes[index] === null) account.gone(key, 'absent');
    else account.stored(key, at, undefined);
  });
}

function take(stream: Iterator<TrafficOperation, never>, count: number): TrafficOperation[] {
  return Array.from({ length: count }, () => stream.next().value);
}
