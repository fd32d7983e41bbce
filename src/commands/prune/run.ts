import { applyPruning } from '../../changes/apply.ts';
import { planPruning, type PruningGoals } from '../../changes/prune.ts';
import { requireCache } from '../../changes/selection.ts';
import { type NamespaceMap, unmappedName } from '../../keyspace/map.ts';
import { InputError } from '../../support/failure.ts';
import { type ChangeInput, decideBackup, requireBackupPlace } from '../backup.ts';
import { shellWord } from '../../render/shell-word.ts';
import { blankOf } from '../blank.ts';
import type { Context, Execution, Outcome } from '../context.ts';
import { keyFilter } from '../../keyspace/key-selection.ts';
import { type SelectionInput, selectionOf, selectionText, warnOfUnjudged } from '../key-selection.ts';
import { warnOfTouches } from '../keyspace-report.ts';
import { warnOfNothing } from '../nothing-matched.ts';
import { carryOut } from '../planned-change.ts';
import { paceLimitsOf } from '../reading-options.ts';
import { draftOfPruning, type PruneResult } from './result.ts';
import { changesText, planBlocks, questionText, viewPrune } from './view.ts';

interface PruneInput extends ChangeInput, Omit<SelectionInput, 'idle' | 'match'> {
  /** None: all. */
  readonly pattern?: readonly string[];
  readonly setTtl?: true;
  readonly tooLong?: true;
  /** Seconds. */
  readonly idle?: number;
  /** From 0 to 1. */
  readonly jitter?: number;
}

const blank = blankOf<PruneResult>()(`
  outcome server dryRun complete planFull matched matchedMemoryBytes keyspaceKeys planned namespaces[]
  journal backup backupPlanned ttlUndoPlanned noUndoBecause replicasAcknowledged ttlSet shortened removed skipped failed
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
  const { map, signal, progress, now } = context;
  const goals = goalsOf(map, input);
  const { idle: _idle, ...selecting } = input;
  const filter = keyFilter(map, selectionOf(map, input.pattern ?? [], selecting));
  requireBackupPlace(context, input);
  const limits = paceLimitsOf(input);
  const server = await context.connect();
  const plan = await planPruning(server, map, goals, { limits, filter, signal, progress, now });
  warnOfUnjudged(context, plan.account.unjudgedKeys);
  const { idle, withoutTtl, tooLong } = plan.keys;
  if (goals.idleSeconds !== null && !signal.aborted) await warnOfTouches(context, server, goals.idleSeconds);
  const sizes = { keys: idle, memoryBytes: plan.memoryBytes };
  const backup =
    idle.length === 0 || signal.aborted
      ? undefined
      : await decideBackup(context, server, input, 'unlink', sizes);
  const ttlBackup =
    withoutTtl.length + tooLong.length === 0
      ? undefined
      : await decideBackup(context, server, input, 'soft', sizes);
  const draft: PruneResult = {
    ...draftOfPruning(server, plan, goals, backup, ttlBackup),
    ...{ dryRun: input.dryRun === true, permanentNamespaces: permanentIn(map, goals) },
  };
  if (signal.aborted) return { result: { ...draft, outcome: 'interrupted' } };
  if (plan.judgedKeys === 0 && plan.account.complete)
    await warnOfNothing(context, server, input.pattern ?? [], selectionText({ ...selecting, namespace: [] }));
  if (draft.matched === 0) return { result: { ...draft, outcome: 'nothingToDo' } };
  if (input.dryRun) return { result: draft };
  const { idleSeconds } = goals;
  const { jitter = null } = input;
  const action =
    [
      ...['prune', ...(goals.withoutTtl ? ['--set-ttl'] : []), ...(goals.tooLong ? ['--too-long'] : [])],
      ...(idleSeconds === null ? [] : [`--idle ${idleSeconds}s`]),
      ...(input.pattern ?? []).map((pattern) => `--pattern ${shellWord(pattern)}`),
    ].join(' ') + selectionText({ ...selecting, namespace: [] });
  return carryOut(context, server, input, draft, {
    consent: {
      plan: planBlocks(draft),
      action: changesText(draft),
      question: questionText(draft),
      otherwise: 'nothing was changed',
    },
    journal: { command: 'prune', action, patterns: input.pattern ?? [] },
    apply: (options) => applyPruning(server, plan, { ...options, map, jitter, idleSeconds }),
    outcomes: ['pruned', 'partlyPruned'],
    countsOf: ({ unchanged }) => ({ skipped: unchanged }),
  });
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
  for (const name of namespaces) {
    if (name !== unmappedName) requireCache(name, map);
    else
      throw new InputError(
        'keys outside the map are never pruned: nothing says whether they are a cache',
        'give them a namespace in the map; `cachectl inspect --namespace "(unmapped)"` shows them',
      );
  }
  return { withoutTtl: setTtl === true, tooLong: tooLong === true, idleSeconds: idle ?? null, namespaces };
}
