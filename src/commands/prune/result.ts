import { type ChangeResult, problemsOf } from '../planned-change.ts';
import { keyFields } from '../../keyspace/key-text.ts';
import type { Namespace } from '../../keyspace/map.ts';
import type { Pruning } from '../../changes/prune/apply.ts';
import type { Finding, PruningGoals, Reason } from '../../changes/prune/findings.ts';
import type { PruningPlan } from '../../changes/prune/read-plan.ts';
import type { Backup } from '../backup.ts';
import type { RedisServer } from '../../redis/server.ts';
import { serverCostOf } from '../keyspace-report.ts';
import { ttlRuleText } from '../namespace-summary.ts';

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
  /** False: the plan does not cover every key, see `planFull`; or the walk was interrupted. */
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
  /** Replicas beside the primaries, where idle time was asked for; null: not reported. */
  readonly replicas: number | null;
}

/** How many keys get a TTL, get a shorter one, and go. */
export interface Changes {
  readonly ttlSet: number;
  readonly shortened: number;
  readonly removed: number;
}

interface PlanContext {
  readonly plan: PruningPlan;
  readonly goals: PruningGoals;
  readonly permanentNamespaces: readonly string[];
  readonly server: Pick<RedisServer, 'address'>;
  readonly dryRun: boolean;
  /** Null: nothing is to be removed. */
  readonly backup: Backup | null;
  /** Whether the TTLs are noted before they change; null: none is to change. */
  readonly ttlBackup: Backup | null;
}

/** The result before anything is changed. */
export function plannedResult(context: PlanContext, outcome: PruningOutcome): PruneResult {
  const { plan, goals } = context;
  const { keys } = plan;
  const matched = keys.withoutTtl.length + keys.tooLong.length + keys.idle.length;
  const leftBecause = (reason: Reason) =>
    plan.namespaces.reduce((sum, { left }) => sum + (left?.reason === reason ? left.keys : 0), 0);
  return {
    outcome,
    server: { address: context.server.address },
    dryRun: context.dryRun,
    complete: plan.complete,
    planFull: plan.full,
    matched,
    matchedMemoryBytes: plan.memoryBytes,
    keyspaceKeys: plan.keyspaceKeys,
    planned: {
      ttlSet: keys.withoutTtl.length,
      shortened: keys.tooLong.length,
      removed: keys.idle.length,
    },
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
    ttlSet: 0,
    shortened: 0,
    removed: 0,
    skipped: 0,
    failed: 0,
    notAttempted: matched,
    stateKeysLeft: leftBecause('state'),
    keysWithoutIdleTime: plan.keysWithoutIdleTime,
    guessedRuleKeysLeft: leftBecause('guessedRule'),
    permanentNamespaces: context.permanentNamespaces,
    journal: null,
    backup: false,
    backupPlanned: context.backup?.isKept ?? false,
    ttlUndoPlanned: context.ttlBackup?.noUndoBecause === null,
    noUndoBecause: context.backup?.noUndoBecause ?? context.ttlBackup?.noUndoBecause ?? null,
    sample: plan.sample.map(({ key, finding }) => ({ ...keyFields(key), finding })),
    problems: [],
    replicas: plan.replicas,
    durationSeconds: null,
    serverCost: serverCostOf(plan),
  };
}

function ruleText(namespace: Namespace | null): string | null {
  if (namespace === null) return null;
  const { ttl, guessedTtl } = namespace;
  if (ttl !== null) return ttlRuleText(ttl);
  return guessedTtl && `${ttlRuleText(guessedTtl)} (guess)`;
}

export function prunedResult(
  planned: PruneResult,
  pruning: Pruning,
  journal: string | null,
  interrupted: boolean,
): PruneResult {
  const { changed, skipped, failed, notAttempted } = pruning;
  const wentThrough = failed === 0 && notAttempted === 0;
  return {
    ...planned,
    outcome: wentThrough ? 'pruned' : interrupted ? 'interrupted' : 'partlyPruned',
    ttlSet: changed.withoutTtl,
    shortened: changed.tooLong,
    removed: changed.idle,
    journal,
    backup: planned.backupPlanned && journal !== null,
    skipped,
    failed,
    notAttempted,
    problems: problemsOf(pruning.problems),
    durationSeconds: pruning.durationSeconds,
  };
}
