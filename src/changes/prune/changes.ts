import type { ByteString } from '../../support/bytes.ts';
import { asRefusal, type BatchOutcome, type KeyChange, type Refusal } from '../change-keys.ts';
import { type KeptTtls, refusedBy } from '../journal.ts';
import { type Reply, ReplyError } from '../../redis/reply.ts';
import type { RedisCommand } from '../../redis/server.ts';
import { unlinking } from '../unlink.ts';

/** A batch is a round trip or two: the fewer keys, the less happens between looking and changing. */
const mostKeysInBatch = 200;

/** Which keys get the TTL: those that have none, or those that have a longer one. */
export type TtlCondition = 'none' | 'longer';

/** Of a key without TTL, LT alone would say that it has more time left. */
const conditions: Readonly<Record<TtlCondition, RedisCommand>> = { none: ['NX'], longer: ['XX', 'LT'] };

/**
 * Sets TTLs with PEXPIRE, under a condition that the server tests in the same moment, so that what got another TTL since
 * the plan keeps it. Servers before 7.0 know no conditions and refuse the command for its arguments; there the TTL is read
 * again first. Between that reading and the change lies a round trip: a key that gets a TTL of its own in it has that
 * replaced by the rule's, and nothing worse, for a key that is gone by then stays gone.
 *
 * With a journal the TTL is read first in any case, and noted as it was.
 *
 * Before CLIENT NO-TOUCH (7.2) PEXPIRE counts as a use of the key: its idle time starts again.
 */
export function settingTtls(
  condition: TtlCondition,
  ttlMillisFor: (key: ByteString) => number,
  kept: KeptTtls | null = null,
): KeyChange {
  let knowsConditions = true;
  return {
    done: 'changed',
    mostKeysInBatch,
    async change(line, keys) {
      const wanted = keys.map((key) => ({ key, millis: ttlMillisFor(key) }));
      if (knowsConditions && kept === null) {
        const replies = await line.exchange(
          wanted.map(({ key, millis }) => ['PEXPIRE', key, millis, ...conditions[condition]]),
        );
        if (!replies.some(isAboutArguments)) return outcomeOf(keys, replies, '`PEXPIRE`');
        knowsConditions = false;
      }
      const looked = await line.exchange(keys.map((key) => ['PTTL', key]));
      const { refused, found } = sortReplies(keys, looked, '`PTTL`', (reply) => reply === -2);
      const leftOf = new Map(found.map(({ key, value }) => [key, value]));
      const due = wanted.filter(({ key, millis }) => {
        const left = leftOf.get(key);
        return left !== undefined && (condition === 'none' ? left === -1 : left > millis);
      });
      const dueKeys = due.map(({ key }) => key);
      const unchanged = keys.length - refused.length - due.length;
      const stop = await kept?.note(due.map((each) => ({ ...each, left: leftOf.get(each.key) ?? -1 })));
      if (stop) return { changed: 0, unchanged, refused: [...refused, ...refusedBy(stop, dueKeys)], stop };
      const expire = (under: RedisCommand) =>
        line.exchange(due.map(({ key, millis }) => ['PEXPIRE', key, millis, ...under]));
      let replies = due.length === 0 ? [] : await expire(knowsConditions ? conditions[condition] : []);
      if (knowsConditions && replies.some(isAboutArguments)) {
        knowsConditions = false;
        replies = await expire([]);
      }
      const set = outcomeOf(dueKeys, replies, '`PEXPIRE`');
      return {
        changed: set.changed,
        unchanged: set.unchanged + unchanged,
        refused: [...refused, ...set.refused],
      };
    },
  };
}

/**
 * Removes keys that are still idle: their idle time is read once more, and what was used meanwhile stays. A key that is
 * used in the round trip between that reading and its removal goes all the same; only a script could close that gap.
 *
 * @param removal May keep a journal: it reads values after the idle time was read, for reading counts as a use.
 */
export function removingIdle(idleSeconds: number, removal: KeyChange = unlinking()): KeyChange {
  return {
    done: 'removed',
    mostKeysInBatch: Math.min(mostKeysInBatch, removal.mostKeysInBatch),
    async change(line, keys) {
      const replies = await line.exchange(keys.map((key) => ['OBJECT', 'IDLETIME', key]));
      const { found, refused, gone } = sortReplies(
        keys,
        replies,
        '`OBJECT IDLETIME`',
        (reply) => reply === null,
      );
      const idle = found.filter(({ value }) => value >= idleSeconds).map(({ key }) => key);
      const removed: BatchOutcome =
        idle.length === 0 ? { changed: 0, unchanged: 0, refused: [] } : await removal.change(line, idle);
      return {
        changed: removed.changed,
        unchanged: removed.unchanged + gone + found.length - idle.length,
        refused: [...refused, ...removed.refused],
      };
    },
  };
}

/** `ERR wrong number of arguments for 'pexpire' command`, or `ERR syntax error` of servers that are like Redis. */
function isAboutArguments(reply: Reply): boolean {
  return reply instanceof ReplyError && /wrong number of arguments|syntax error/i.test(reply.message);
}

/** What PEXPIRE answered: 1 where it has set a TTL, 0 where the key is gone or the condition does not hold. */
function outcomeOf(keys: readonly ByteString[], replies: readonly Reply[], command: string): BatchOutcome {
  const { found, refused, gone } = sortReplies(keys, replies, command, (reply) => reply === 0);
  return { changed: found.length, unchanged: gone, refused };
}

interface Sorted {
  readonly found: readonly { readonly key: ByteString; readonly value: number }[];
  readonly gone: number;
  readonly refused: readonly Refusal[];
}

function sortReplies(
  keys: readonly ByteString[],
  replies: readonly Reply[],
  command: string,
  isGone: (reply: Reply) => boolean,
): Sorted {
  const found: { key: ByteString; value: number }[] = [];
  const refused: Refusal[] = [];
  let gone = 0;
  keys.forEach((key, index) => {
    const reply = replies[index] ?? null;
    if (isGone(reply)) gone++;
    else if (typeof reply === 'number') found.push({ key, value: reply });
    else refused.push({ keys: [key], command, reply: asRefusal(reply) });
  });
  return { found, gone, refused };
}
