import { type ByteString, bytesOf } from '../redis/bytes.ts';
import { refusal } from '../redis/errors.ts';
import type { Lane } from '../redis/lane.ts';
import { ReplyError } from '../redis/reply.ts';
import type { RedisCommand, RedisNode } from '../redis/server.ts';
import { generateTraffic, type TrafficOperation } from './operations.ts';
import { setCommand } from './seed.ts';
import type { SystemName } from './systems.ts';

export interface TrafficTotals {
  operations: number;
  hits: number;
  misses: number;
}

interface RunTrafficOptions {
  readonly operationsPerSecond: number;
  /** Ends the traffic. */
  readonly signal: AbortSignal;
  /** Milliseconds since the epoch. */
  readonly now: () => number;
  /** Told after each tick; the same object every time. */
  readonly onTick?: (totals: Readonly<TrafficTotals>) => void;
}

const tickMillis = 50;
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
  { operationsPerSecond, signal, now, onTick }: RunTrafficOptions,
): Promise<TrafficTotals> {
  const totals: TrafficTotals = { operations: 0, hits: 0, misses: 0 };
  const lane = await openApplicationLane(node);
  try {
    const operations = generateTraffic(system, { seed, now, round: 1 });
    let last = now();
    let owed = 0;
    while (!signal.aborted) {
      const at = now();
      // A slow tick is made up for; a machine that slept is not.
      owed = Math.min(owed + ((at - last) / 1000) * operationsPerSecond, Math.max(1, operationsPerSecond));
      last = at;
      const count = Math.floor(owed);
      owed -= count;
      if (count > 0) await perform(lane, take(operations, count), totals);
      onTick?.(totals);
      await pause(tickMillis, signal);
    }
    return totals;
  } finally {
    lane.close();
  }
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
  {
    now,
    signal,
    touched,
  }: {
    readonly now: () => number;
    readonly signal?: AbortSignal;
    /** Gets every key that an operation named. */
    readonly touched?: Set<ByteString>;
  },
): Promise<TrafficTotals> {
  const totals: TrafficTotals = { operations: 0, hits: 0, misses: 0 };
  const lane = await openApplicationLane(node);
  try {
    const stream = generateTraffic(system, { seed, now });
    while (totals.operations < operations && signal?.aborted !== true) {
      const batch = take(stream, Math.min(warmUpBatch, operations - totals.operations));
      for (const operation of batch)
        touched?.add('record' in operation ? operation.record.key : operation.key);
      await perform(lane, batch, totals);
    }
    return totals;
  } finally {
    lane.close();
  }
}

/** A connection that the server takes for an application's: reads on it count as use of the key. */
async function openApplicationLane(node: RedisNode): Promise<Lane> {
  const lane = await node.openLane();
  // A server that knows neither command has nothing to undo.
  await lane.exchange([
    ['CLIENT', 'SETNAME', bytesOf('sandbox-application')],
    ['CLIENT', 'NO-TOUCH', 'OFF'],
  ]);
  return lane;
}

/** Sends the operations in one batch, then in a second one what follows from the answers: values missed, TTLs of new counters. */
async function perform(
  lane: Lane,
  operations: readonly TrafficOperation[],
  totals: TrafficTotals,
): Promise<void> {
  const replies = await lane.exchange(operations.map(commandOf));
  const followUps: RedisCommand[] = [];
  operations.forEach((operation, index) => {
    const reply = replies[index];
    if (reply instanceof ReplyError)
      throw refusal(reply, `\`${String(commandOf(operation)[0])}\``, lane.address);
    totals.operations++;
    if (operation.kind === 'read') {
      totals[reply === null ? 'misses' : 'hits']++;
      if (reply === null && operation.refill) followUps.push(setCommand(operation.record));
    } else if (operation.kind === 'increment' && reply === 1 && operation.ttlMillis !== null) {
      followUps.push(['PEXPIRE', operation.key, operation.ttlMillis]);
    }
  });
  for (const reply of await lane.exchange(followUps)) {
    if (reply instanceof ReplyError) throw refusal(reply, '`SET`', lane.address);
  }
}

function commandOf(operation: TrafficOperation): RedisCommand {
  switch (operation.kind) {
    case 'read':
      return ['GET', operation.record.key];
    case 'write':
      return setCommand(operation.record);
    case 'increment':
      return ['INCR', operation.key];
    case 'remove':
      return ['UNLINK', operation.key];
    case 'expire':
      return ['PEXPIRE', operation.key, 1];
  }
}

function take(stream: Iterator<TrafficOperation, void>, count: number): TrafficOperation[] {
  const taken: TrafficOperation[] = [];
  while (taken.length < count) {
    const next = stream.next();
    if (next.done === true) break;
    taken.push(next.value);
  }
  return taken;
}

function pause(millis: number, signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    const finish = () => {
      clearTimeout(timer);
      signal.removeEventListener('abort', finish);
      resolve();
    };
    const timer = setTimeout(finish, millis);
    signal.addEventListener('abort', finish, { once: true });
  });
}
