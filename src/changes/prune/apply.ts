import type { ArchiveWriter } from '../../records/archive/writer.ts';
import { journaling, keepingTtls, refusedBy, type KeptTtls } from '../journal.ts';
import type { Namespace, NamespaceMap } from '../../keyspace/map.ts';
import { type IdleTime, readIdleTimes, sharedValue } from '../../redis/idle-times.ts';
import { startPacing } from '../../redis/pace.ts';
import { secondsUntilMidnight, ttlSecondsFor } from '../../keyspace/ttl.ts';
import type { Progress } from '../../support/progress.ts';
import type { ByteString } from '../../support/bytes.ts';
import {
  asRefusal,
  changeKeys,
  type BatchOutcome,
  type ChangeProblem,
  type KeyChange,
  type Refusal,
  unlinking,
} from '../change-keys.ts';
import type { PaceLimits } from '../../redis/pace.ts';
import type { RedisCommand, RedisServer } from '../../redis/server.ts';
import type { Finding } from './findings.ts';
import type { PruningPlan } from './read-plan.ts';
import { type Reply, ReplyError } from '../../redis/reply.ts';

/** What became of the keys of a plan: `changed` by finding, `skipped`, `failed` and `notAttempted` are all of them. */
export interface Pruning {
  /** `withoutTtl`: got a TTL; `tooLong`: got a shorter one; `idle`: removed. */
  readonly changed: Readonly<Record<Finding, number>>;
  /** Used, given a TTL or removed by others since the plan. */
  readonly skipped: number;
  readonly failed: number;
  readonly notAttempted: number;
  readonly problems: readonly ChangeProblem[];
  readonly stoppedBy: Error | null;
  readonly durationSeconds: number;
}

interface PruningOptions {
  readonly map: NamespaceMap;
  /** Share (0 to 1) in place of the namespaces' own; null: theirs. */
  readonly jitter: number | null;
  /** What counts as idle. */
  readonly idleSeconds: number | null;
  /** Of the removals, and of the TTLs before they are changed. */
  readonly journal?: ArchiveWriter | null;
  /** Keep the values in the journal. */
  readonly withValues?: boolean;
  readonly limits: PaceLimits;
  readonly signal: AbortSignal;
  readonly progress: Progress;
  readonly now: () => number;
  /** From 0 to 1. */
  readonly random: () => number;
}

/** Changes the keys of a plan that still need it. The result says what stopped the work. */
export async function applyPruning(
  server: RedisServer,
  { keys }: PruningPlan,
  options: PruningOptions,
): Promise<Pruning> {
  const { limits, signal, progress, now, journal = null, withValues = false } = options;
  const startedAt = now();
  const ttlMillisFor = ttlSource(options);
  const kept = journal === null ? null : keepingTtls(journal, now);
  const changes: Readonly<Record<Finding, KeyChange>> = {
    idle: removingIdle(
      options.idleSeconds ?? Number.POSITIVE_INFINITY,
      journal === null ? unlinking() : journaling(unlinking(), journal, withValues, now),
    ),
    withoutTtl: settingTtls('none', ttlMillisFor, kept),
    tooLong: settingTtls('longer', ttlMillisFor, kept),
  };
  const changed = { withoutTtl: 0, tooLong: 0, idle: 0 };
  const sum = { skipped: 0, failed: 0, notAttempted: 0 };
  const problems: ChangeProblem[] = [];
  let stoppedBy: Error | null = null;
  let before = 0;
  progress.start('pruning', 'keys', keys.idle.length + keys.withoutTtl.length + keys.tooLong.length);
  for (const finding of ['idle', 'withoutTtl', 'tooLong'] as const) {
    if (stoppedBy !== null) {
      sum.notAttempted += keys[finding].length;
      continue;
    }
    const tally = await changeKeys(server, keys[finding], changes[finding], {
      signal,
      onDone: (done) => progress.update(before + done),
      pacing: (node) => startPacing(node, limits, signal),
    });
    before += keys[finding].length;
    changed[finding] = tally.changed;
    sum.skipped += tally.unchanged;
    sum.failed += tally.failed;
    sum.notAttempted += tally.notAttempted;
    problems.push(...tally.problems);
    ({ stoppedBy } = tally);
  }
  progress.stop();
  return {
    ...sum,
    changed,
    problems: problems.sort((left, right) => right.keys - left.keys),
    stoppedBy,
    durationSeconds: (now() - startedAt) / 1000,
  };
}

/** The TTL that the rule gives a key now, in milliseconds. */
function ttlSource({ map, jitter, now, random }: PruningOptions): (key: ByteString) => number {
  /** Milliseconds since the epoch: finding the end of the day takes longer than setting a TTL. */
  const midnights = new Map<string, number>();
  const untilMidnight = (timeZone: string) => {
    let midnight = midnights.get(timeZone) ?? 0;
    if (midnight <= now()) {
      midnight = now() + secondsUntilMidnight(timeZone, now()) * 1000;
      midnights.set(timeZone, midnight);
    }
    return midnight - now();
  };
  return (key) => {
    const { ttl, jitter: own } = requireRule(map.classify(key));
    if (ttl.kind === 'untilMidnight') return Math.max(1, Math.round(untilMidnight(ttl.timeZone)));
    return (ttlSecondsFor(ttl, jitter ?? own, now(), random) ?? Number.NaN) * 1000;
  };
}

/** A plan gives TTLs to keys of cache namespaces with a rule only; anything else must not come this far. */
function requireRule(namespace: Namespace | null): Namespace & { ttl: NonNullable<Namespace['ttl']> } {
  const ttl = namespace?.ttl ?? null;
  if (namespace?.kind !== 'cache' || ttl === null || ttl.kind === 'permanent')
    throw new TypeError('a key without a rule for its TTL is in the plan');
  return { ...namespace, ttl };
}

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
      const times = await readIdleTimes((commands) => line.exchange(commands), keys);
      const { found, refused, gone } = sortReplies(
        keys,
        times,
        '`OBJECT IDLETIME`',
        (time) => time === null || time === sharedValue,
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
  replies: readonly (Reply | IdleTime)[],
  command: string,
  isGone: (reply: Reply | IdleTime) => boolean,
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
