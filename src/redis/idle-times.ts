import type { ByteString } from '../support/bytes.ts';
import { concernsSomeKeys } from './errors.ts';
import { type Info, infoNumber, infoOf } from './info.ts';
import { type Reply, ReplyError } from './reply.ts';
import type { RedisCommand } from './server.ts';

/**
 * In place of an idle time: what the server reports is not that of the key.
 *
 * - The value is one object that the server shares between keys, with one idle time for all of them. So Redis keeps the integers
 *   from 0 to 9999, unless `maxmemory` was set and the policy was one of LRU or LFU when they were written; Valkey shares none
 *   from 8.1 on. Redis 8.0 reports a week for them, whenever they were used. @see tryObjectEncoding in src/object.c
 * - It is longer than the server has run: after a change from an LFU policy the counter of accesses is read as a clock.
 */
export const noOwnIdleTime = 'none';

/** Seconds since the last access. */
export type IdleTime = number | typeof noOwnIdleTime;

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

/** Shorter times are believed, which saves a question: a counter of LFU read as a clock of 194 days is seldom so near. */
export const believedSeconds = 6 * 3600;

/** Whether the server can know that a key was idle for so long, asked at most once. */
export class IdleLimit {
  /** When the server started, in milliseconds of `performance.now()`; -Infinity: keys may have come with their idle times. */
  private startedAt: Promise<number> | undefined;

  constructor(private readonly exchange: Exchange) {}

  /** @throws RedisError */
  async isPossible(idleSeconds: number): Promise<boolean> {
    if (idleSeconds < believedSeconds) return true;
    this.startedAt ??= this.readStart();
    return idleSeconds <= (performance.now() - (await this.startedAt)) / 1000;
  }

  /** RDB files and RESTORE bring idle times with them: a server that has read any may know more than it has seen. */
  private async readStart(): Promise<number> {
    const sections = ['SERVER', 'PERSISTENCE', 'COMMANDSTATS'] as const;
    const replies = await this.exchange(sections.map((section) => ['INFO', section]));
    const info = Object.assign({}, ...replies.map(infoOf)) as Info;
    const uptimeSeconds = infoNumber(info, 'uptime_in_seconds');
    const mayBring =
      infoNumber(info, 'rdb_last_load_keys_loaded') !== 0 ||
      info['# Commandstats'] === undefined ||
      ['cmdstat_restore', 'cmdstat_restore-asking'].some((name) => name in info);
    if (uptimeSeconds === null || mayBring) return Number.NEGATIVE_INFINITY;
    return performance.now() - (uptimeSeconds + clockSlackSeconds) * 1000;
  }
}

/** Both clocks count whole seconds. */
const clockSlackSeconds = 2;

/** The idle times of keys: null of one that is gone, the reply where OBJECT is refused. @throws RedisError */
export async function readIdleTimes(
  exchange: Exchange,
  keys: readonly ByteString[],
): Promise<(IdleTime | ReplyError | null)[]> {
  if (keys.length === 0) return [];
  const times = await exchange(keys.map((key) => ['OBJECT', 'IDLETIME', key] as const));
  const found = keys.filter((_, index) => typeof times[index] === 'number');
  const shared = await findSharedValues(exchange, found);
  const limit = new IdleLimit(exchange);
  const own: (IdleTime | ReplyError | null)[] = [];
  let at = 0;
  for (const time of times) {
    if (typeof time !== 'number') {
      own.push(time instanceof ReplyError ? time : null);
      continue;
    }
    const verdict = shared[at++];
    if (verdict instanceof ReplyError) own.push(verdict);
    else own.push(verdict === true || !(await limit.isPossible(time)) ? noOwnIdleTime : time);
  }
  return own;
}
