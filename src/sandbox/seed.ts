import type { ByteString } from '../support/bytes.ts';
import { type Progress, silentProgress } from '../support/progress.ts';
import type { Reply } from '../redis/reply.ts';
import type { RedisCommand, RedisNode } from '../redis/server.ts';
import { familiesOf } from './families.ts';
import { Clock, drawFor, freshRecord, type Family, type SandboxRecord } from './family.ts';
import { exchange, setCommand } from './perform.ts';
import type { SystemName } from './systems.ts';

const batchRecords = 500;

/** Long values make short batches, so that what is under way stays small. */
const batchBytes = 512 * 1024;
const batchesUnderWay = 2;

/**
 * Writes the records: SET, with PX where there is a TTL. Once `signal` is aborted it stops after what is under way.
 * @returns how many were written.
 * @throws RedisError when the server refuses one (it names the command, never the value) or the connection is lost.
 */
export async function seedServer(
  node: RedisNode,
  records: Iterable<SandboxRecord>,
  progress: Progress = silentProgress,
  signal?: AbortSignal,
): Promise<number> {
  const lane = await node.openLane();
  const underWay: Promise<Reply[]>[] = [];
  let written = 0;
  const settleOne = async () => {
    written += (await underWay.shift())?.length ?? 0;
    progress.update(written);
  };
  try {
    for (const batch of batches(records)) {
      if (signal?.aborted === true) break;
      const writing = exchange(lane, batch);
      // Awaited in its turn; until then a failure of it is not unhandled.
      writing.catch(() => undefined);
      underWay.push(writing);
      if (underWay.length >= batchesUnderWay) await settleOne();
    }
    while (underWay.length > 0) await settleOne();
    return written;
  } finally {
    lane.close();
  }
}

/**
 * Makes the keys of the server those of `records` again after `brought` were written to it: what came new goes, and what
 * expired or was removed comes back. A record that is still there stays as it is.
 * @throws RedisError as `seedServer` does.
 */
export async function restoreSeed(
  node: RedisNode,
  records: Iterable<SandboxRecord>,
  brought: ReadonlySet<ByteString>,
  signal?: AbortSignal,
): Promise<void> {
  const lane = await node.openLane();
  const foreign = new Set(brought);
  try {
    let missing: RedisCommand[] = [];
    const flush = async () => {
      await exchange(lane, missing);
      missing = [];
    };
    for (const record of records) {
      if (signal?.aborted === true) return;
      if (!foreign.delete(record.key)) continue;
      missing.push([...setCommand(record), 'NX']);
      if (missing.length >= batchRecords) await flush();
    }
    for (const key of foreign) {
      missing.push(['UNLINK', key]);
      if (missing.length >= batchRecords) await flush();
    }
    await flush();
  } finally {
    lane.close();
  }
}

function* batches(records: Iterable<SandboxRecord>): Generator<RedisCommand[]> {
  let batch: RedisCommand[] = [];
  let bytes = 0;
  for (const record of records) {
    batch.push(setCommand(record));
    bytes += record.value.length;
    if (batch.length >= batchRecords || bytes >= batchBytes) {
      yield batch;
      batch = [];
      bytes = 0;
    }
  }
  if (batch.length > 0) yield batch;
}

interface GenerateOptions {
  /** How many records. */
  readonly keys: number;
  /** An integer from 0 to 2^53; equal seeds give equal records. */
  readonly seed: number;
  /** Milliseconds since the epoch: for dates in keys and TTLs that end at midnight. */
  readonly now: number;
}

/**
 * The keys of one system as a cache holds them some time after they were written: of each TTL a random part is over.
 * No key comes twice; nothing is kept, however many are asked for.
 */
export function* generateRecords(
  system: SystemName,
  { keys, seed, now }: GenerateOptions,
): Generator<SandboxRecord> {
  const origin = { system, seed, clock: new Clock(now) };
  for (const { family, index } of interleave(familiesOf[system], keys)) {
    const record = freshRecord(family, index, origin);
    if (record.ttlMillis === null || family.endsAtMidnight) {
      yield record;
    } else {
      const left = record.ttlMillis * drawFor(family, index, origin, 'age').fraction();
      yield { ...record, ttlMillis: Math.max(Math.min(1000, record.ttlMillis), Math.round(left)) };
    }
  }
}

/** Takes the families in turn so that after any number of records each has its share, to within one. */
function* interleave(
  families: readonly Family[],
  keys: number,
): Generator<{ family: Family; index: number }> {
  // "Smooth weighted round robin", as nginx balances its servers: the one most behind its share goes next.
  const queue = families.map((family) => ({ family, index: 0, credit: 0 }));
  for (let made = 0; made < keys; made++) {
    let total = 0;
    let next: (typeof queue)[number] | undefined;
    for (const entry of queue) {
      if (entry.index === entry.family.limit) continue;
      entry.credit += entry.family.keys;
      total += entry.family.keys;
      if (next === undefined || entry.credit > next.credit) next = entry;
    }
    if (next === undefined) return;
    next.credit -= total;
    yield { family: next.family, index: next.index++ };
  }
}
