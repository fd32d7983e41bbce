import type { ArchiveWriter } from '../records/archive/writer.ts';
import { type Reply, ReplyError } from '../redis/reply.ts';
import type { RedisCommand } from '../redis/server.ts';
import type { ByteString } from '../support/bytes.ts';
import { type KeyChange, outcomeOf, type Refusal, refusedKeys } from './key-change.ts';
import { appended, readTtls, refusedBy } from './journal.ts';

/** A batch is a round trip or two: the fewer keys, the less happens between looking and changing. */
const mostKeysInBatch = 200;

/** Which keys get a TTL: those that have none, those that have a longer one, or both. */
export type TtlCondition = 'none' | 'longer' | 'noneOrLonger';

/** Of a key without TTL, LT alone says that it has more time left. */
const conditions: Readonly<Record<TtlCondition, RedisCommand>> = {
  none: ['NX'],
  longer: ['XX', 'LT'],
  noneOrLonger: ['LT'],
};

/** Between the reading of a TTL and its change, for one that we have set ourselves. */
export const slackMillis = 1000;

interface SettingOptions {
  /** Milliseconds. */
  readonly ttlMillisFor: (key: ByteString) => number;
  /** Gets the TTLs as they were, before they are changed. */
  readonly journal: ArchiveWriter | null;
  /** True for a key that keeps its TTL. @param endsAtMillis Its end by the server's clock, since the epoch. */
  readonly keeps?: (key: ByteString, endsAtMillis: number) => boolean;
  /** Milliseconds since the epoch. */
  readonly now: () => number;
  readonly done?: string;
}

/**
 * Sets TTLs with PEXPIRE, under a condition that the server tests in the same moment, so that what got another TTL since
 * the plan keeps it. Servers before 7.0 know no conditions and refuse the command for its arguments; there the TTL is read
 * again first. Between that reading and the change lies a round trip: a key that gets a TTL of its own in it has that
 * replaced, and nothing worse, for a key that is gone by then stays gone.
 *
 * With a journal the TTL is read first in any case, and noted as it was: `undo` gives it back to a key that still has the new one.
 *
 * Before CLIENT NO-TOUCH (7.2) PEXPIRE counts as a use of the key: its idle time starts again.
 */
export function settingTtls(
  condition: TtlCondition,
  { ttlMillisFor, journal, keeps, now, done = 'changed' }: SettingOptions,
): KeyChange {
  let knowsConditions = true;
  /** When the TTLs end that were given, by the server's clock: a key that is sent again gets the same once more. */
  const given = new Map<ByteString, number>();
  const isDue = (left: number, millis: number) =>
    left < 0 ? condition !== 'longer' : condition !== 'none' && left > millis;
  return {
    done,
    mostKeysInBatch,
    async change(line, keys) {
      const wanted = keys.map((key) => ({ key, millis: ttlMillisFor(key) }));
      const expire = async (due: readonly { readonly key: ByteString; readonly millis: number }[]) => {
        const words = knowsConditions ? conditions[condition] : [];
        const replies = await line.exchange(
          due.map(({ key, millis }) => ['PEXPIRE', key, millis, ...words] as const),
        );
        const isRefused = knowsConditions && replies.some(isAboutArguments);
        if (isRefused) knowsConditions = false;
        return { replies, isRefused };
      };
      if (knowsConditions && journal === null && keeps === undefined && !line.again) {
        const { replies, isRefused } = await expire(wanted);
        if (!isRefused) return outcomeOf(keys, replies, '`PEXPIRE`');
      }
      const { ttls, at } = await readTtls(line, keys, now);
      const refused: Refusal[] = [];
      let there = 0;
      const due = wanted.flatMap(({ key, millis }, index) => {
        const left = ttls[index];
        const endsAt = given.get(key);
        if (typeof left !== 'number') refused.push(refusedKeys([key], '`PTTL`', left));
        else if (endsAt !== undefined) {
          const isThere = left === -2 || (left >= 0 && at + left <= endsAt + slackMillis);
          if (!isThere) return { key, millis: Math.max(1, Math.round(endsAt - at)), left };
          there++;
        } else if (left !== -2 && isDue(left, millis) && !(left >= 0 && keeps?.(key, at + left)))
          return { key, millis, left };
        return [];
      });
      const dueKeys = due.map(({ key }) => key);
      const fresh = due.filter(({ key }) => !given.has(key));
      const frames = fresh.map(({ key, left, millis }) => ({
        ...{ kind: 'ttl' as const, key },
        expiresAtMillis: left < 0 ? null : at + left,
        shortenedToMillis: at + millis,
      }));
      const stop = journal && (await appended(journal, frames));
      if (stop) return { changed: 0, refused: [...refused, ...refusedBy(stop, dueKeys)], stop };
      for (const { key, millis } of fresh) given.set(key, at + millis);
      if (due.length === 0) return { changed: there, refused };
      const first = await expire(due);
      const { replies } = first.isRefused ? await expire(due) : first;
      const set = outcomeOf(dueKeys, replies, '`PEXPIRE`');
      return { changed: there + set.changed, refused: [...refused, ...set.refused] };
    },
  };
}

/** `ERR wrong number of arguments for 'pexpire' command`, or `ERR syntax error` of servers that are like Redis. */
function isAboutArguments(reply: Reply): boolean {
  return reply instanceof ReplyError && /wrong number of arguments|syntax error/i.test(reply.message);
}
