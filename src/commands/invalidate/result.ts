import type { RemovalMode } from '../../changes/apply.ts';
import { type InvalidationPlan, type RiskLevel, riskOf } from '../../changes/plan.ts';
import type { Selection, Target } from '../../changes/selection.ts';
import type { Traffic } from '../../changes/traffic.ts';
import type { Unreachable } from '../../changes/unreachable.ts';
import { keyFields } from '../../keyspace/key-text.ts';
import type { RedisServer } from '../../redis/server.ts';
import { formatSeconds } from '../../render/units.ts';
import { sumOf } from '../../support/collections.ts';
import type { Backup } from '../backup.ts';
import { type ChangeResult, draftOf } from '../planned-change.ts';

/** How an invalidation ended. */
export type InvalidationOutcome =
  /** By mode. */
  | 'removed'
  | 'shortened'
  | 'generationsRaised'
  /** The same where some keys failed, or the work ended before its end. */
  | 'partlyRemoved'
  | 'partlyShortened'
  | 'generationsPartlyRaised'
  /** A dry run. */
  | 'planned'
  | 'nothingMatched'
  /** Nothing matched because nothing can: keys are digests, and hold none of what was asked for. */
  | 'unreachable'
  | 'overLimit'
  /** More keys of a saved plan are gone than is tolerated. */
  | 'drifted'
  | 'declined'
  | 'interrupted';

export interface InvalidateResult extends ChangeResult {
  readonly outcome: InvalidationOutcome;
  readonly mode: RemovalMode;
  /** Keys of the plan: always `removed + shortened + generationsRaised + skipped + failed`. */
  readonly matched: number;
  readonly removed: number;
  /** Still there, with a TTL within the window of soft mode. */
  readonly shortened: number;
  /** Counters that were incremented in generation mode. */
  readonly generationsRaised: number;
  /** `gone + rewritten + notAttempted`. */
  readonly skipped: number;
  readonly gone: number;
  /** Written since the saved plan was made, and left alone. */
  readonly rewritten: number;
  /** The file that the plan was written to. */
  readonly planFile: string | null;
  /** Members of the index whose keys are gone, and that were taken out of it. */
  readonly indexPruned: number | null;
  /** How much the keys are used: of some of them; null where the server does not report it. */
  readonly recentUse: Traffic | null;
  /** Keys that were selected and stay. */
  readonly excluded: number;
  /** Keys that contain an id as a whole word and are not selected; null: the keyspace was not looked through for them. */
  readonly mentioned: number | null;
  readonly limit: number | null;
  readonly risk: RiskLevel;
  /** False: no map says which keys are state. */
  readonly stateKnown: boolean;
  readonly patterns: readonly string[];
  /** Of an entity: how many keys hold each id, those that stay included. */
  readonly ids: readonly { readonly id: string; readonly keys: number }[];
  readonly namespaces: readonly {
    readonly namespace: string;
    readonly keys: number;
    readonly memoryBytes: number | null;
  }[];
  readonly excludedNamespaces: readonly {
    readonly namespace: string;
    readonly keys: number;
    readonly reason: 'state' | 'option';
  }[];
  /** The likeliest first; `pattern` has `<id>` where they contain the id, and is null where they were too many to distinguish. */
  readonly mentionedNamespaces: readonly {
    readonly namespace: string;
    readonly pattern: string | null;
    readonly keys: number;
    readonly example: { readonly key: string; readonly keyBase64?: string };
    /** The key has the name of the entity as a word; else the id may be that of something else. */
    readonly namesEntity: boolean;
  }[];
  readonly sample: readonly { readonly key: string; readonly keyBase64?: string }[];
  readonly unreachable: readonly { readonly namespace: string; readonly reason: string }[];
}

/** The result before anything is changed. */
export function draftOfPlan(
  server: RedisServer,
  { plan, selection, target, backup }: PlannedRemoval,
  own: Pick<
    InvalidateResult,
    'dryRun' | 'limit' | 'mode' | 'planFile' | 'recentUse' | 'rewritten' | 'stateKnown'
  >,
): InvalidateResult {
  const { keys, excluded, mentions, namespaces } = plan;
  const draft = draftOf(server, plan, keys.length, backup);
  const ids = target.kind === 'entity' && own.mode !== 'generation' ? [...new Set(target.ids)] : [];
  return {
    ...{ ...draft, ...own, outcome: 'planned', notAttempted: keys.length - own.rewritten },
    ...{ removed: 0, shortened: 0, generationsRaised: 0, skipped: keys.length, gone: 0, indexPruned: null },
    ...{ namespaces, excludedNamespaces: excluded, excluded: sumOf(excluded.map((each) => each.keys)) },
    mentioned: mentions?.keys ?? null,
    mentionedNamespaces: (mentions?.namespaces ?? []).map((row) => ({
      ...row,
      example: keyFields(row.example),
    })),
    risk: riskOf(keys.length, plan.keyspaceKeys),
    patterns: selection.patterns,
    ids: ids.map((id) => ({ id, keys: plan.keysById.get(id) ?? 0 })),
    sample: plan.sample.map(keyFields),
    unreachable: (selection.unreachable ?? [])
      .filter((each) => isWorthTelling(each, plan))
      .map((each) => ({ namespace: each.namespace, reason: reasonOf(each, target) })),
  };
}

interface PlannedRemoval {
  readonly plan: InvalidationPlan;
  readonly selection: Selection;
  readonly target: Target;
  /** Absent: nothing is planned, or what was planned is not complete. */
  readonly backup?: Backup | undefined;
}

/** Where keys of the namespace were found after all, or the pattern most likely means others, there is nothing to tell. */
function isWorthTelling({ namespace, why, perhaps }: Unreachable, plan: InvalidationPlan): boolean {
  if (why === 'copies') return true;
  if (plan.namespaces.some((each) => each.namespace === namespace)) return false;
  return !perhaps || (plan.keys.length === 0 && plan.excluded.length === 0);
}

function reasonOf({ namespace, why, expires }: Unreachable, target: Target): string {
  const held =
    why === 'copies' && target.kind === 'entity'
      ? `\`${namespace}\` holds data of \`${target.name}\` under hashed keys, which no id can find: it stays`
      : `the keys of \`${namespace}\` are digests, and no digest can hold the text of this pattern: they stay`;
  if (expires === 'never') return `${held} until something removes them by namespace`;
  const limit = expires === null ? '' : ` (at most ${formatSeconds(expires.withinSeconds)})`;
  return `${held} until the TTL ends${limit}`;
}
