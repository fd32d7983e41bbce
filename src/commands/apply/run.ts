import { resolve } from 'node:path';
import { InputError } from '../../support/failure.ts';
import { readEarlierRuns } from '../../changes/earlier-runs.ts';
import { journalFolder } from '../../changes/journal.ts';
import { loadPlan, type SavedPlan } from '../../changes/plan-file.ts';
import { planInvalidation, scopeOf } from '../../changes/plan.ts';
import { readTraffic } from '../../changes/traffic.ts';
import { readServerTime } from '../../redis/server-time.ts';
import { WrittenSince } from '../../changes/written-since.ts';
import type { RedisServer } from '../../redis/server.ts';
import { counted, formatRatio } from '../../render/units.ts';
import { sumOf } from '../../support/collections.ts';
import {
  type Backup,
  type ChangeInput,
  decideBackup,
  requireBackupPlace,
  requireSamePlace,
} from '../backup.ts';
import { given } from '../../support/collections.ts';
import { conditionsOf, parseConditions, warnOfUnjudged } from '../key-selection.ts';
import { paceLimitsOf } from '../reading-options.ts';
import { type Context, type Execution, type Outcome } from '../context.ts';
import { exitCodes } from '../exit-codes.ts';
import { removePlanned } from '../invalidate/carry-out.ts';
import { draftOfPlan, type InvalidateResult } from '../invalidate/result.ts';
import { blankInvalidation } from '../invalidate/run.ts';
import { viewInvalidation } from '../invalidate/view.ts';

interface ApplyInput extends ChangeInput {
  /** A file. */
  readonly plan: string;
  /** None: as the plan says; and so for the window, in seconds. */
  readonly mode?: 'unlink' | 'soft';
  readonly over?: number;
  /** Share of the keys that may be gone, from 0 to 1. */
  readonly tolerance: number;
  readonly includeRewritten?: true;
}

export interface ApplyResult extends InvalidateResult {
  readonly plan: {
    readonly file: string;
    readonly createdAt: string;
    readonly action: string;
    readonly keys: number;
    /** Of those, not there any more, and not because of an earlier run. */
    readonly missing: number;
    /** Of those, done by earlier runs of this plan that did not come to their end, and not there any more. */
    readonly doneBefore: number;
    /** The journals of these runs, oldest first: `cachectl undo` takes each. */
    readonly earlierJournals: readonly string[];
  };
}

/** `apply` from its input to its result. */
export function applyExecution(input: ApplyInput): Execution<ApplyResult> {
  return {
    blank: { ...blankInvalidation, plan: null },
    rows: 'namespaces',
    writes: input.dryRun !== true,
    run: (context) => apply(context, input),
    view: viewInvalidation,
  };
}

async function apply(context: Context, input: ApplyInput): Promise<Outcome<ApplyResult>> {
  const { map, signal, progress, now } = context;
  const {
    plan: saved,
    keys,
    digests,
    id,
  } = await loadPlan(resolve(context.environment.workingDirectory, input.plan), input.plan, signal);
  if (input.over === 0)
    throw new InputError('--over must be more than 0', 'a window of no time is --mode unlink');
  const way = { ...input, mode: input.mode ?? saved.mode, over: input.over ?? saved.overSeconds };
  requireBackupPlace(context, way, way.mode);
  const server = await context.connect();
  requireSamePlace(
    server,
    saved,
    `plan \`${input.plan}\` was made for`,
    'connect to the server that it was made for, or make a plan for this one',
  );
  const { action, patterns } = saved;
  const selection = { patterns, exactKeys: keys, walk: null };
  // The map may have learned since that some of it is state.
  const scope = scopeOf(map, []);
  const conditions = conditionsOf(parseConditions(saved.selection ?? {}));
  const limits = paceLimitsOf(input);
  const planning = { map, scope, limits, ...given({ conditions }), signal, progress, now };
  const plan = await planInvalidation(server, selection, planning);
  warnOfUnjudged(context, plan.account.unjudgedKeys);
  const { variables, workingDirectory } = context.environment;
  const earlier = await readEarlierRuns(id, {
    folder: journalFolder(variables),
    file: typeof input.journal === 'string' ? resolve(workingDirectory, input.journal) : null,
  });
  const there = new Set(plan.keys);
  const doneBefore = keys.filter((key) => earlier.touched.has(key) && !there.has(key)).length;
  const kept = sumOf(plan.excluded.map((each) => each.keys));
  const state = sumOf(plan.excluded.filter(({ reason }) => reason === 'state').map((each) => each.keys));
  const missing = keys.length - plan.keys.length - kept - doneBefore;
  const writtenSince = input.includeRewritten
    ? null
    : new WrittenSince(digests, await elapsedSince(server, saved, now));
  const draft = (recentUse: InvalidateResult['recentUse'] = null, backup?: Backup): ApplyResult => ({
    ...draftOfPlan(
      server,
      { plan, selection, target: { kind: 'pattern', texts: [action], all: true }, backup },
      {
        ...{ limit: null, mode: way.mode, planFile: null, recentUse },
        rewritten: writtenSince?.found.size ?? 0,
        dryRun: input.dryRun === true,
        stateKnown: !map.isEmpty,
      },
    ),
    plan: {
      ...{ file: input.plan, createdAt: saved.createdAt, action, keys: keys.length },
      ...{ missing, doneBefore, earlierJournals: earlier.journals },
    },
  });
  const ended = (outcome: InvalidateResult['outcome']) => ({ result: { ...draft(), outcome } });
  if (!plan.complete || signal.aborted) return ended('interrupted');
  const drift = driftOf(saved, state, missing, input.tolerance);
  if (earlier.completedAt !== null && plan.keys.length === 0) {
    context.warn(`the plan was carried out at ${earlier.completedAt}, and none of its keys is there`);
    return ended('nothingMatched');
  }
  if (drift !== null) {
    if (earlier.completedAt !== null)
      context.warn(`the plan was carried out at ${earlier.completedAt} already`);
    context.warn(`${drift}: nothing was changed`);
    return { ...ended('drifted'), exitCode: exitCodes.negative };
  }
  if (doneBefore > 0) {
    context.warn(
      `continues the plan: ${counted(doneBefore, 'key')} of ${keys.length.toLocaleString('en-US')} ${doneBefore === 1 ? 'was' : 'were'} done by an earlier run (${earlier.journals.join(', ')})`,
    );
  }
  if (plan.keys.length === 0) return ended('nothingMatched');
  // A plan that is looked at says what stays; each batch looks again just before its keys go.
  if (input.dryRun || !input.yes) await writtenSince?.look(server, plan.keys, { limits, signal });
  const traffic = await readTraffic(server, plan.keys);
  const planned = draft(traffic, await decideBackup(context, server, way, way.mode, plan));
  if (input.dryRun) {
    warnOfUntold(context, writtenSince);
    return { result: planned };
  }
  const outcome = await removePlanned(context, server, way, planned, {
    ...{ keys: plan.keys, action, patterns, writtenSince, plan: { id, ...earlier } },
  });
  if (outcome.result.durationSeconds !== null) warnOfUntold(context, writtenSince);
  return outcome;
}

/** Seconds since the plan was made, by the server's clock where both times are known. */
async function elapsedSince(
  server: RedisServer,
  { createdAt, serverTimeMillis = null }: SavedPlan,
  now: () => number,
): Promise<() => number> {
  const serverNow = serverTimeMillis === null ? null : await readServerTime(server);
  // How far the plan's time of origin is back on our clock.
  const madeAt =
    serverTimeMillis === null || serverNow === null
      ? Date.parse(createdAt)
      : now() - (serverNow - serverTimeMillis);
  return () => Math.max(0, now() - madeAt) / 1000;
}

function warnOfUntold(context: Context, writtenSince: WrittenSince | null): void {
  const keys = writtenSince?.untold.size ?? 0;
  if (keys === 0) return;
  context.warn(
    `of ${counted(keys, 'key')} the server does not say whether ${keys === 1 ? 'it was' : 'they were'} written since the plan (an LFU policy, integers that it shares between keys, or no permission): the plan holds for ${keys === 1 ? 'it' : 'them'}`,
  );
}

/** How the keyspace is no longer what it was, in words; null where it is near enough. */
function driftOf(saved: SavedPlan, kept: number, missing: number, tolerance: number): string | null {
  const share = saved.matched === 0 ? 0 : missing / saved.matched;
  if (share > tolerance)
    return `${missing.toLocaleString('en-US')} of the plan's ${counted(saved.matched, 'key')} (${formatRatio(share)}) ${missing === 1 ? 'is' : 'are'} gone, and --tolerance allows ${formatRatio(tolerance)}`;
  return kept > 0
    ? `${counted(kept, 'key of the plan is', 'keys of the plan are')} state by the map as it is now`
    : null;
}
