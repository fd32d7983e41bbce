import type { ByteString } from '../support/bytes.ts';
import { type Progress, silentProgress } from '../support/progress.ts';
import { refusal } from '../redis/errors.ts';
import type { Lane } from '../redis/lane.ts';
import { ReplyError } from '../redis/reply.ts';
import type { RedisCommand, RedisNode } from '../redis/server.ts';
import type { SandboxRecord } from './family.ts';

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
  const underWay: Promise<number>[] = [];
  let written = 0;
  const settleOne = async () => {
    written += (await underWay.shift()) ?? 0;
    progress.update(written);
  };
  try {
    for (const batch of batches(records)) {
      if (signal?.aborted === true) break;
      const writing = writeBatch(lane, batch);
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
      await writeBatch(lane, missing);
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

export function setCommand({ key, value, ttlMillis }: SandboxRecord): RedisCommand {
  return ttlMillis === null ? ['SET', key, value] : ['SET', key, value, 'PX', ttlMillis];
}

async function writeBatch(lane: Lane, commands: readonly RedisCommand[]): Promise<number> {
  for (const reply of await lane.exchange(commands)) {
    if (reply instanceof ReplyError) throw refusal(reply, '`SET`', lane.address);
  }
  return commands.length;
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
