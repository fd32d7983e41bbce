import type { Finding, PruningGoals, PruningPlan, Reason } from '../../changes/prune.ts';
import { keyFields } from '../../keyspace/key-text.ts';
import type { Namespace } from '../../keyspace/map.ts';
import type { RedisServer } from '../../redis/server.ts';
import { sumOf } from '../../support/collections.ts';
import type { Backup } from '../backup.ts';
import { ttlRuleText } from '../namespace-summary.ts';
import { type ChangeResult, draftOf } from '../planned-change.ts';

/** How a pruning ended. */
export type PruningOutcome =
  | 'pruned'
  /** Some keys failed, or the work ended before its end. */
  | 'partlyPruned'
  /** A dry run. */
  | 'planned'
  | 'nothingToDo'
  | 'declined'
  | 'interrupted';

export interface PruneResult extends ChangeResult {
  readonly outcome: PruningOutcome;
  /** False: the plan does not cover every key, see `planFull`; or the walk was interrupted, or keys could not be read. */
  readonly complete: boolean;
  /** True: there were more keys to change than one run takes on. */
  readonly planFull: boolean;
  /** Keys of the plan: always `ttlSet + shortened + removed + skipped + failed + notAttempted`. */
  readonly matched: number;
  /** What the plan is to do. */
  readonly planned: Changes;
  /** Of the keys that something speaks against, those left alone included. Null: not looked for. */
  readonly namespaces: readonly {
    readonly namespace: string;
    /** Null for the keys outside the map. */
    readonly kind: 'cache' | 'state' | null;
    readonly rule: string | null;
    readonly withoutTtl: number | null;
    readonly tooLong: number | null;
    /** A key that is idle counts here alone. */
    readonly idle: number | null;
    readonly memoryBytes: number | null;
    /** How many of them stay as they are. */
    readonly left: number;
    readonly leftBecause: Reason | null;
  }[];
  readonly ttlSet: number;
  readonly shortened: number;
  readonly removed: number;
  /** Changed, used or gone since the plan. */
  readonly skipped: number;
  /** True: the TTLs go to the journal before they change, and `cachectl undo` sets them back. */
  readonly ttlUndoPlanned: boolean;
  readonly stateKeysLeft: number;
  /** Of cache namespaces, where idle time was asked for: the server keeps none for them, and they do not count as idle. */
  readonly keysWithoutIdleTime: number;
  /** Keys that only a guessed rule speaks against. */
  readonly guessedRuleKeysLeft: number;
  /** Cache namespaces that a rule says are permanent: their keys have no TTL to set. Empty where TTLs were not looked for. */
  readonly permanentNamespaces: readonly string[];
  readonly sample: readonly {
    readonly key: string;
    readonly keyBase64?: string;
    readonly finding: Finding;
  }[];
  /** Replicas of the primaries, where idle time was asked for; null: not reported. */
  readonly replicas: number | null;
}

/** How many keys get a TTL, get a shorter one, and go. */
export interface Changes {
  readonly ttlSet: number;
  readonly shortened: number;
  readonly removed: number;
}

/**
 * The result before anything is changed.
 * @param backup Of what is removed. @param ttlBackup Whether the TTLs are noted before they change. Each undefined: there is nothing
 */
export function draftOfPruning(
  server: Pick<RedisServer, 'address'>,
  plan: PruningPlan,
  goals: PruningGoals,
  backup: Backup | undefined,
  ttlBackup: Backup | undefined,
): Omit<PruneResult, 'dryRun' | 'permanentNamespaces'> {
  const { keys, replicas, keysWithoutIdleTime } = plan;
  const planned = {
    ttlSet: keys.withoutTtl.length,
    shortened: keys.tooLong.length,
    removed: keys.idle.length,
  };
  const leftBecause = (reason: Reason) =>
    sumOf(plan.namespaces.map(({ left }) => (left?.reason === reason ? left.keys : 0)));
  return {
    ...draftOf(server, plan, sumOf(Object.values(planned)), {
      isKept: backup?.isKept ?? false,
      noUndoBecause: backup?.noUndoBecause ?? ttlBackup?.noUndoBecause ?? null,
    }),
    // What a key may not be asked for, nothing can be said of.
    complete: plan.complete && plan.account.unreadableKeys === 0,
    ...{ outcome: 'planned', planned, planFull: plan.full, replicas, keysWithoutIdleTime },
    ...{ ttlSet: 0, shortened: 0, removed: 0, skipped: 0 },
    namespaces: plan.namespaces.map(({ name, namespace, found, memoryBytes, left }) => ({
      namespace: name,
      kind: namespace?.kind ?? null,
      rule: ruleText(namespace),
      withoutTtl: goals.withoutTtl ? found.withoutTtl : null,
      tooLong: goals.tooLong ? found.tooLong : null,
      idle: goals.idleSeconds === null ? null : found.idle,
      memoryBytes,
      left: left?.keys ?? 0,
      leftBecause: left?.reason ?? null,
    })),
    stateKeysLeft: leftBecause('state'),
    guessedRuleKeysLeft: leftBecause('guessedRule'),
    ttlUndoPlanned: ttlBackup?.noUndoBecause === null,
    sample: plan.sample.map(({ key, finding }) => ({ ...keyFields(key), finding })),
  };
}

function ruleText(namespace: Namespace | null): string | null {
  if (namespace === null) return null;
  const { ttl, guessedTtl } = namespace;
  if (ttl !== null) return ttlRuleText(ttl);
  return guessedTtl && `${ttlRuleText(guessedTtl)} (guess)`;
}
