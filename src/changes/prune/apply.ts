import type { ArchiveWriter } from '../../records/archive/writer.ts';
import { journaling, keepingTtls } from '../journal.ts';
import type { Namespace, NamespaceMap } from '../../keyspace/map.ts';
import { secondsUntilMidnight, ttlSecondsFor } from '../../keyspace/ttl.ts';
import type { ByteString } from '../../support/bytes.ts';
import {
  changeKeys,
  type ChangeOptions,
  type ChangeProblem,
  type ChangeTally,
  type KeyChange,
  refusedKey,
  unlinking,
} from '../change-keys.ts';
import { settingTtls } from '../set-ttls.ts';
import { readIdleTimes } from '../../redis/idle-times.ts';
import type { RedisServer } from '../../redis/server.ts';
import type { Finding } from './findings.ts';
import type { PruningPlan } from './read-plan.ts';
import { ReplyError } from '../../redis/reply.ts';

/** What became of the keys of a plan: `changed` by finding, `skipped`, `failed` and `notAttempted` are all of them. */
export interface Pruning extends Omit<ChangeTally, 'changed' | 'unchanged'> {
  /** `withoutTtl`: got a TTL; `tooLong`: got a shorter one; `idle`: removed. */
  readonly changed: Readonly<Record<Finding, number>>;
  /** Used, given a TTL or removed by others since the plan. */
  readonly skipped: number;
  readonly durationSeconds: number;
}

interface PruningOptions extends ChangeOptions {
  readonly map: NamespaceMap;
  /** Share (0 to 1) in place of the namespaces' own; null: theirs. */
  readonly jitter: number | null;
  /** What counts as idle. */
  readonly idleSeconds: number | null;
  /** Of the removals, and of the TTLs before they are changed. */
  readonly journal?: ArchiveWriter | null;
  /** Keep the values in the journal. */
  readonly withValues?: boolean;
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
  const { progress, now, journal = null, withValues = false } = options;
  const startedAt = now();
  const ttlMillisFor = ttlSource(options);
  const kept = journal === null ? null : keepingTtls(journal);
  const changes: Readonly<Record<Finding, KeyChange>> = {
    idle: removingIdle(
      options.idleSeconds ?? Number.POSITIVE_INFINITY,
      journal === null ? unlinking() : journaling(unlinking(), journal, withValues, now),
    ),
    withoutTtl: settingTtls('none', { ttlMillisFor, kept, now }),
    tooLong: settingTtls('longer', { ttlMillisFor, kept, now }),
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
    const tally = await changeKeys(server, keys[finding], changes[finding], options, before);
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

const mostKeysInBatch = 200;

/**
 * Removes keys that are still idle: their idle time is read once more, and what was used meanwhile stays. A key that is
 * used in the round trip between that reading and its removal goes all the same; only a script could close that gap.
 *
 * @param removal May keep a journal: it reads values after the idle time was read, for reading counts as a use.
 */
function removingIdle(idleSeconds: number, removal: KeyChange): KeyChange {
  return {
    done: 'removed',
    mostKeysInBatch: Math.min(mostKeysInBatch, removal.mostKeysInBatch),
    async change(line, keys) {
      const times = await readIdleTimes((commands) => line.exchange(commands), keys);
      const refused = keys.flatMap((key, index) =>
        times[index] instanceof ReplyError ? refusedKey(key, '`OBJECT IDLETIME`', times[index]) : [],
      );
      const idle = keys.filter((_, index) => {
        const time = times[index];
        return typeof time === 'number' && time >= idleSeconds;
      });
      const unchanged = keys.length - refused.length - idle.length;
      if (idle.length === 0) return { changed: 0, unchanged, refused };
      const removed = await removal.change(line, idle);
      return {
        ...removed,
        unchanged: removed.unchanged + unchanged,
        refused: [...refused, ...removed.refused],
      };
    },
  };
}
