import { existsSync } from 'node:fs';
import type { ArchiveAbout, ArchiveFrame, WrittenFrame } from '../records/archive/format.ts';
import { ArchiveWriter } from '../records/archive/writer.ts';
import { InputError, fileFailureText } from '../support/failure.ts';
import type { ByteString } from '../support/bytes.ts';
import { type BatchLine, type KeyChange, type Refusal, refusedKeys } from './key-change.ts';
import { type Reply, ReplyError } from '../redis/reply.ts';
import { timeOf } from '../redis/server-time.ts';
import { makeStateFolder, stateFolder } from '../support/files.ts';
import type { RedisCommand, RedisServer } from '../redis/server.ts';

/** Where journals go unless a file is named; null where the environment names no home. */
export const journalFolder = (variables: Readonly<Record<string, string | undefined>>) =>
  stateFolder(variables, 'journals');

/** The path, or where there is a file the next one that is free: `apply.journal`, `apply-2.journal`, … */
export function nextFreePath(path: string): string {
  const [, stem = path, ending = ''] = /^(.*?)(\.[^./]*)?$/s.exec(path) ?? [];
  let free = path;
  for (let number = 2; existsSync(free); number++) free = `${stem}-${number}${ending}`;
  return free;
}

/** @throws InputError where it cannot be made */
export function makeJournalFolder(folder: string): void {
  try {
    makeStateFolder(folder);
  } catch (error) {
    throw new InputError(
      `the folder of journals \`${folder}\` cannot be made: ${fileFailureText(error)}; nothing was changed`,
      'name a file with --journal FILE',
    );
  }
}

/** @throws InputError where the file cannot be made, or is there already */
export async function openJournal(path: string, about: ArchiveAbout): Promise<ArchiveWriter> {
  try {
    return await ArchiveWriter.create(path, about);
  } catch (error) {
    const taken = (error as NodeJS.ErrnoException).code === 'EEXIST';
    throw new InputError(
      `journal \`${path}\` cannot be written: ${taken ? 'there is a file of that name' : fileFailureText(error)}; nothing was changed`,
      'name another with --journal FILE',
    );
  }
}

/** Values can be long: the fewer are held at a time, the better. */
const mostValuesInBatch = 50;

/**
 * The change with a journal of it. Before the keys go their names are noted, and with `withValues` what they hold: whatever
 * ends this program, the journal holds at least what was removed. Keys that the server refused to remove are noted after
 * that, and so are keys that are noted once more because they have to be removed again: the last note holds. A key whose
 * value cannot be kept stays. What is written to a key between the reading of its value and its removal
 * is lost, as it is without a backup.
 */
export function journaling(
  change: KeyChange,
  journal: ArchiveWriter,
  withValues: boolean,
  now: () => number,
): KeyChange {
  const noted = new Set<ByteString>();
  return {
    ...change,
    mostKeysInBatch: withValues
      ? Math.min(mostValuesInBatch, change.mostKeysInBatch)
      : change.mostKeysInBatch,
    async change(line, keys) {
      const kept = withValues
        ? await keepValues(line, keys, now)
        : { keys, frames: keys.map((key) => ({ kind: 'removed', key }) as const), refused: [] };
      const frames = kept.frames.flatMap((frame) =>
        noted.has(frame.key) ? [{ kind: 'stays', key: frame.key } as const, frame] : [frame],
      );
      const failed = await appended(journal, frames);
      if (failed) return { changed: 0, refused: refusedBy(failed, keys), stop: failed };
      if (kept.keys.length === 0) return { changed: 0, refused: kept.refused };
      for (const key of kept.keys) noted.add(key);
      const { changed, refused } = await change.change(line, kept.keys);
      const staying = refused.flatMap((each) => each.keys);
      for (const key of staying) noted.delete(key);
      const stop = await appended(
        journal,
        staying.map((key) => ({ kind: 'stays', key })),
      );
      return { changed, refused: [...kept.refused, ...refused], stop };
    },
  };
}

/**
 * How often each key of a journal was noted and not removed after all: so many of its notes, the first ones, count for nothing.
 * A key that a cluster has moved may go at a second attempt.
 */
export async function readStaying(frames: AsyncIterable<ArchiveFrame>): Promise<Map<ByteString, number>> {
  const staying = new Map<ByteString, number>();
  for await (const frame of frames)
    if (frame.kind === 'stays') staying.set(frame.key, (staying.get(frame.key) ?? 0) + 1);
  return staying;
}

/** The failure, as one that a person can do something about. */
export async function appended(
  journal: ArchiveWriter,
  frames: readonly WrittenFrame[],
): Promise<InputError | null> {
  try {
    await journal.append(frames);
    return null;
  } catch (error) {
    return new InputError(
      `journal \`${journal.path}\` cannot be written: ${fileFailureText(error)}`,
      'make room, then run the command again: it continues with what is left',
    );
  }
}

interface ReadTtls {
  /** What PTTL answered for each key. */
  readonly ttls: readonly Reply[];
  /** When it did, by the server's clock, in milliseconds since the epoch: replies may take long, and clocks differ. */
  readonly at: number;
  /** The replies to the further commands. */
  readonly further: readonly Reply[];
}

/** The TTLs of keys, and further commands in the same exchange. @param now Our clock, for users that may not call TIME. */
export async function readTtls(
  line: BatchLine,
  keys: readonly ByteString[],
  now: () => number,
  further: readonly RedisCommand[] = [],
): Promise<ReadTtls> {
  const ttls = keys.map((key) => ['PTTL', key] as const);
  const [time, ...replies] = await line.exchange([['TIME'], ...ttls, ...further]);
  return {
    ttls: replies.slice(0, keys.length),
    at: timeOf(time) ?? now(),
    further: replies.slice(keys.length),
  };
}

/** Keys that were not changed because of us, and not of the server. */
export function refusedBy(failure: Error, keys: readonly ByteString[]): Refusal[] {
  return [{ keys, command: 'the journal', reply: new ReplyError(`ERR ${failure.message}`) }];
}

type KeyFrame = Extract<WrittenFrame, { readonly key: ByteString }>;

interface KeptValues {
  /** Those whose values are in the frames. */
  readonly keys: readonly ByteString[];
  readonly frames: readonly KeyFrame[];
  readonly refused: readonly Refusal[];
}

async function keepValues(
  line: BatchLine,
  keys: readonly ByteString[],
  clock: () => number,
): Promise<KeptValues> {
  const dumps = keys.map((key) => ['DUMP', key] as const);
  const { ttls, at, further: payloads } = await readTtls(line, keys, clock, dumps);
  const kept: ByteString[] = [];
  const frames: KeyFrame[] = [];
  const refused: Refusal[] = [];
  keys.forEach((key, index) => {
    const [payload, ttl] = [payloads[index], ttls[index]];
    if (payload === null || ttl === -2) return;
    if (typeof payload !== 'string' || typeof ttl !== 'number') {
      const [command, reply] = typeof payload === 'string' ? ['`PTTL`', ttl] : ['`DUMP`', payload];
      refused.push(refusedKeys([key], command, reply));
    } else {
      kept.push(key);
      frames.push({
        kind: 'value',
        key,
        payload: Buffer.from(payload, 'latin1'),
        expiresAtMillis: ttl < 0 ? null : at + ttl,
      });
    }
  });
  return { keys: kept, frames, refused };
}

/**
 * Whether this user may read the value of a key, asked without a lookup: in a transaction the server tests the permission
 * when a command is queued, and DISCARD runs none of it. False where transactions themselves are refused.
 * @throws RedisError where the connection is lost
 */
export async function mayReadValues(server: RedisServer, key: ByteString): Promise<boolean> {
  const connection = await server.nodeFor(key).openConnection();
  try {
    // Empty at first: were MULTI refused, what follows it would run.
    const [begun] = await connection.exchange([['MULTI'], ['DISCARD']]);
    if (begun instanceof ReplyError) return false;
    const [, dump, ttl] = await connection.exchange([['MULTI'], ['DUMP', key], ['PTTL', key], ['DISCARD']]);
    return ![dump, ttl].some((reply) => reply instanceof ReplyError && reply.code === 'NOPERM');
  } finally {
    connection.close();
  }
}
