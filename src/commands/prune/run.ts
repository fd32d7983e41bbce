import { type NamespaceMap, unmappedName } from '../../keyspace/map.ts';
import { InputError } from '../../support/failure.ts';
import { isState, unknownNamespace } from '../../changes/selection.ts';
import { applyPruning } from '../../changes/prune/apply.ts';
import type { PruningGoals } from '../../changes/prune/findings.ts';
import { planPruning } from '../../changes/prune/read-plan.ts';
import { askConsent, consentOf, refusalOf } from '../planned-change.ts';
import { warnOfTouches } from '../keyspace-report.ts';
import { paceLimitsOf } from '../reading-options.ts';
import { decideBackup, type ChangeInput, requireBackupPlace, startJournal } from '../backup.ts';
import { type Context, type Execution, type Outcome } from '../context.ts';
import { exitCodes } from '../exit-codes.ts';
import { plannedResult, type PruneResult, prunedResult } from './result.ts';
import { changesText, planBlocks, questionText, viewPrune } from './view.ts';
import { blankOf } from '../blank.ts';

interface PruneInput extends ChangeInput {
  readonly setTtl?: true;
  readonly tooLong?: true;
  /** Seconds. */
  readonly idle?: number;
  /** From 0 to 1. */
  readonly jitter?: number;
  /** None: all of the map. */
  readonly namespace?: readonly string[];
}

const blank = blankOf<PruneResult>()(`
  outcome server dryRun complete planFull matched matchedMemoryBytes keyspaceKeys planned namespaces[]
  journal backup backupPlanned ttlUndoPlanned noUndoBecause ttlSet shortened removed skipped failed
  notAttempted stateKeysLeft keysWithoutIdleTime guessedRuleKeysLeft permanentNamespaces[] sample[] problems[] replicas durationSeconds
  serverCost
`);

/** `prune` from its input to its result. */
export function pruneExecution(input: PruneInput): Execution<PruneResult> {
  return {
    blank,
    rows: 'namespaces',
    writes: input.dryRun !== true,
    run: (context) => prune(context, input),
    view: viewPrune,
  };
}

async function prune(context: Context, input: PruneInput): Promise<Outcome<PruneResult>> {
  const { map, signal, progress, now, random } = context;
  const goals = goalsOf(map, input);
  requireBackupPlace(context, input);
  const limits = paceLimitsOf(input);
  const server = await context.connect();
  const plan = await planPruning(server, map, goals, { limits, signal, progress, now });
  const { idle, withoutTtl, tooLong } = plan.keys;
  if (goals.idleSeconds !== null && !signal.aborted) await warnOfTouches(context, server, goals.idleSeconds);
  const permanentNamespaces = permanentIn(map, goals);
  const sizes = { keys: idle, memoryBytes: plan.memoryBytes };
  const backup =
    idle.length === 0 || signal.aborted ? null : await decideBackup(context, server, input, 'unlink', sizes);
  const ttlBackup =
    withoutTtl.length + tooLong.length === 0
      ? null
      : await decideBackup(context, server, input, 'soft', sizes);
  const planned = (outcome: PruneResult['outcome']) =>
    plannedResult(
      { plan, goals, permanentNamespaces, server, dryRun: input.dryRun === true, backup, ttlBackup },
      outcome,
    );
  if (signal.aborted) return { result: planned('interrupted') };
  const draft = planned('declined');
  if (draft.matched === 0) return { result: planned('nothingToDo') };
  if (input.dryRun) return { result: planned('planned') };
  const ask = () =>
    askConsent(context, server, {
      plan: planBlocks(draft),
      action: changesText(draft),
      question: questionText(draft),
      otherwise: 'nothing was changed',
      ...consentOf(input),
    });
  const { refusal, ...shown } = await refusalOf(context, ask, planned);
  if (refusal !== null) return refusal;
  const { idleSeconds } = goals;
  const { jitter = null } = input;
  const withValues = draft.backupPlanned;
  const action = [
    ...['prune', ...(goals.withoutTtl ? ['--set-ttl'] : []), ...(goals.tooLong ? ['--too-long'] : [])],
    ...(idleSeconds === null ? [] : [`--idle ${idleSeconds}s`]),
  ].join(' ');
  const journal = await startJournal(context, server, input, {
    ...{ command: 'prune', action, patterns: [], withValues },
  });
  const pruning = await applyPruning(server, plan, {
    ...{ map, jitter, idleSeconds, journal, withValues, limits, signal, progress, now, random },
  });
  const { changed, failed, notAttempted } = pruning;
  await journal
    ?.finish({ removed: changed.idle, shortened: changed.withoutTtl + changed.tooLong, failed, notAttempted })
    .catch(() => undefined);
  return {
    result: prunedResult(draft, pruning, journal?.path ?? null, signal.aborted),
    ...shown,
    ...(pruning.failed > 0 && { exitCode: exitCodes.negative }),
    ...(pruning.stoppedBy !== null && { error: pruning.stoppedBy }),
  };
}

/** The namespaces in which a missing TTL is as it should be. */
function permanentIn(map: NamespaceMap, { withoutTtl, tooLong, namespaces }: PruningGoals): string[] {
  if (!withoutTtl && !tooLong) return [];
  return map.namespaces
    .filter(({ name, kind, ttl }) => {
      const isAsked = namespaces.length === 0 || namespaces.includes(name);
      return isAsked && kind === 'cache' && ttl?.kind === 'permanent';
    })
    .map(({ name }) => name);
}

/** @throws InputError where the options, or the map, leave nothing to look for */
function goalsOf(
  map: NamespaceMap,
  { setTtl, tooLong, idle, jitter, namespace: namespaces = [] }: PruneInput,
): PruningGoals {
  if (!setTtl && !tooLong && idle === undefined) {
    throw new InputError(
      'nothing was named to prune',
      'add --set-ttl, --too-long or --idle 7d, or several of them; --dry-run shows what each would do',
    );
  }
  if (jitter !== undefined && !setTtl && !tooLong)
    throw new InputError('`--jitter` shortens TTLs, and none is to be set', 'add --set-ttl or --too-long');
  if (idle !== undefined && idle < 1)
    throw new InputError('`--idle` must be 1s or more: the server counts idle time in seconds');
  if (map.isEmpty) {
    throw new InputError(
      'there is no map, and nothing else says what is a cache and what TTL it is to have',
      'write one with `cachectl config init`, or name it with --config FILE',
    );
  }
  for (const name of namespaces) requirePrunable(map, name);
  return { withoutTtl: setTtl === true, tooLong: tooLong === true, idleSeconds: idle ?? null, namespaces };
}

/** @throws InputError where no key of the namespace may be changed */
function requirePrunable(map: NamespaceMap, name: string): void {
  if (name === unmappedName) {
    throw new InputError(
      'keys outside the map are never pruned: nothing says whether they are a cache',
      'give them a namespace in the map; `cachectl inspect --namespace "(unmapped)"` shows them',
    );
  }
  const namespace = map.namespaces.find((each) => each.name === name);
  if (namespace === undefined) throw unknownNamespace(name, map);
  if (namespace.kind === 'state') throw isState(namespace);
}
