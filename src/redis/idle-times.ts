import type { ByteString } from '../support/bytes.ts';
import { concernsSomeKeys } from './errors.ts';
import { type Reply, ReplyError } from './reply.ts';
import type { RedisCommand } from './server.ts';

/**
 * In place of an idle time: the value is one object that the server shares between keys, with one idle time for all of them.
 * So Redis keeps the integers from 0 to 9999, unless `maxmemory` was set and the policy was one of LRU or LFU when they were
 * written; Valkey shares none from 8.1 on. Redis 8.0 reports a week for them, whenever they were used.
 * @see tryObjectEncoding in src/object.c
 */
export const sharedValue = 'shared';

/** Seconds since the last access, or why the server keeps none for the key. */
export type IdleTime = number | typeof sharedValue;

/** What OBJECT REFCOUNT reports of such an object. @see OBJ_SHARED_REFCOUNT in src/server.h, from 4.0 on */
const sharedReferences = 2 ** 31 - 1;

export type Exchange = (commands: readonly RedisCommand[]) => Promise<Reply[]>;

/**
 * Whether the server shares the value of each key, for a lookup of each that it counts as a hit; the reply where that is refused
 * for this key alone. Where the user may not ask for REFCOUNT, every integer counts as shared. @throws RedisError
 */
export async function findSharedValues(
  exchange: Exchange,
  keys: readonly ByteString[],
): Promise<(boolean | ReplyError)[]> {
  if (keys.length === 0) return [];
  const ask = (subcommand: 'REFCOUNT' | 'ENCODING') =>
    exchange(keys.map((key) => ['OBJECT', subcommand, key] as const));
  const references = await ask('REFCOUNT');
  if (!references.some((reply) => reply instanceof ReplyError && !concernsSomeKeys(reply)))
    return references.map((reply) => (reply instanceof ReplyError ? reply : reply === sharedReferences));
  const encodings = await ask('ENCODING');
  return encodings.map((reply) => (reply instanceof ReplyError ? reply : reply === 'int'));
}

/** The idle times of keys: null of one that is gone, the reply where OBJECT is refused. @throws RedisError */
export async function readIdleTimes(
  exchange: Exchange,
  keys: readonly ByteString[],
): Promise<(IdleTime | ReplyError | null)[]> {
  if (keys.length === 0) return [];
  const times = await exchange(keys.map((key) => ['OBJECT', 'IDLETIME', key] as const));
  const found = keys.filter((_, index) => typeof times[index] === 'number');
  const shared = await findSharedValues(exchange, found);
  let at = 0;
  return keys.map((_, index) => {
    const time = times[index] ?? null;
    if (typeof time !== 'number') return time instanceof ReplyError ? time : null;
    const verdict = shared[at++];
    return verdict === true ? sharedValue : verdict instanceof ReplyError ? verdict : time;
  });
}
