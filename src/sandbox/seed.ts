import type { ByteString } from '../support/bytes.ts';
import { type Progress, silentProgress } from '../support/progress.ts';
import { PipelinedWriter } from '../records/fixtures/pipelined-writer.ts';
import { refusal } from '../redis/errors.ts';
import { ReplyError } from '../redis/reply.ts';
import type { RedisCommand, RedisNode } from '../redis/server.ts';
import { Clock } from './clock.ts';
import { drawFor, familiesOf, type Family, freshRecord, type SandboxRecord } from './family.ts';
import { exchange, setCommand } from './perform.ts';
import type { SystemName } from './systems.ts';

const batchCommands = 500;

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
  let written = 0;
  const refused: ReplyError[] = [];
  const writer = new PipelinedWriter<null>(
    { nodeFor: () => node },
    {
      answered: (_item, [reply]) => {
        if (reply instanceof ReplyError) refused.push(reply);
        else written++;
      },
      lost: () => undefined,
    },
  );
  const stopIfRefused = () => {
    if (refused[0] !== undefined) throw refusal(refused[0], '`SET`', node.address);
  };
  try {
    for (const record of records) {
      if (signal?.aborted === true) break;
      const room = writer.add(record.key, null, [setCommand(record)], record.value.length);
      if (room === null) continue;
      await room;
      stopIfRefused();
      progress.update(written);
    }
    await (signal?.aborted === true ? writer.drain() : writer.flush());
    stopIfRefused();
    progress.update(written);
    return written;
  } finally {
    writer.close();
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
  const foreign = new Set(brought);
  const commands: RedisCommand[] = [];
  for (const record of records) {
    if (signal?.aborted === true) return;
    if (foreign.delete(record.key)) commands.push([...setCommand(record), 'NX']);
  }
  for (const key of foreign) commands.push(['UNLINK', key]);
  const connection = await node.openConnection();
  try {
    for (let start = 0; start < commands.length; start += batchCommands)
      await exchange(connection, commands.slice(start, start + batchCommands));
  } finally {
    connection.close();
  }
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
 * The keys of one system as they are in a cache some time after they were written: of each TTL a random part is over.
 * No key comes twice; nothing is kept, however many are asked for.
 */
export function* generateRecords(
  system: SystemName,
  { keys, seed, now }: GenerateOptions,
): Generator<SandboxRecord> {
  const origin = { system, seed, clock: new Clock(now) };
  for (const { family, index } of interleave(familiesOf(system), keys)) {
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
