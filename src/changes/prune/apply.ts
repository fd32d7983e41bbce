import type { ArchiveWriter } from '../../records/archive/writer.ts';
import { journaling, keepingTtls } from '../journal.ts';
import type { Namespace, NamespaceMap } from '../../keyspace/map.ts';
import { startPacing } from '../../keyspace/pacing.ts';
import { secondsUntilMidnight, ttlSecondsFor } from '../../keyspace/ttl.ts';
import type { Progress } from '../../support/progress.ts';
import type { ByteString } from '../../support/bytes.ts';
import { changeKeys, type ChangeProblem, type KeyChange } from '../change-keys.ts';
import type { PaceLimits } from '../../redis/pace.ts';
import type { RedisServer } from '../../redis/server.ts';
import { unlinking } from '../unlink.ts';
import { removingIdle, settingTtls } from './changes.ts';
import type { Finding } from './findings.ts';
import type { PruningPlan } from './plan.ts';

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

/** Changes the keys of a plan that still need it. What stops the work is told in the result. */
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
