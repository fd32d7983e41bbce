import { type Removal, type RemovalMode, removeKeys } from '../../changes/apply.ts';
import type { EarlierRuns } from '../../changes/earlier-runs.ts';
import type { WrittenSince } from '../../changes/written-since.ts';
import type { ByteString } from '../../support/bytes.ts';
import type { RedisServer } from '../../redis/server.ts';
import { type ChangeInput, startJournal } from '../backup.ts';
import { type Context, DeclinedError, type Outcome } from '../context.ts';
import { exitCodes } from '../exit-codes.ts';
import { changedCounts, type InvalidateResult, removedResult } from './result.ts';
import { askConsent, type ConsentInput, consentOf, refusalOf } from '../planned-change.ts';
import { paceLimitsOf } from '../reading-options.ts';
import { amountText, planBlocks } from './view.ts';

/** How a plan is carried out, as the options of `invalidate` and `apply` say it. */
export interface CarryOutInput extends ChangeInput {
  readonly mode: RemovalMode;
  /** The window of soft mode, in seconds. */
  readonly over: number;
}

/** What is carried out, as the journal says it. */
interface RunOf {
  readonly action: string;
  readonly patterns: readonly string[];
  /** Keep the values in the journal. */
  readonly withValues: boolean;
  /** Of a saved plan: sees what was written since, which stays. */
  readonly writtenSince?: WrittenSince | null;
  /** A saved plan, and what earlier runs of it have done. */
  readonly plan?: { readonly id: string; readonly earlier: EarlierRuns };
}

/** Does to the keys what was planned, with a journal of it. @throws InputError where the journal cannot be made */
async function carryOut(
  context: Context,
  server: RedisServer,
  keys: readonly ByteString[],
  input: CarryOutInput,
  about: RunOf,
): Promise<{ readonly removal: Removal; readonly journal: string | null }> {
  const { action, patterns, withValues, plan } = about;
  // A counter that was incremented is not set back: readers may have filled the new generation already.
  const journal =
    input.mode === 'generation'
      ? null
      : await startJournal(context, server, input, {
          ...{ command: 'invalidate', action, patterns, withValues },
          ...(plan && { plan: { id: plan.id, earlierJournals: plan.earlier.journals } }),
        });
  const removal = await removeKeys(server, keys, {
    mode: input.mode,
    overMillis: input.over * 1000,
    journal,
    withValues,
    writtenSince: about.writtenSince ?? null,
    ...(plan !== undefined && { shortenedBefore: plan.earlier.touched }),
    limits: paceLimitsOf(input),
    signal: context.signal,
    progress: context.progress,
    now: context.now,
    random: context.random,
  });
  const { gone, rewritten, failed, notAttempted } = removal;
  // What was removed is removed; a disk that is full by now was told as the reason why the work stopped.
  await journal
    ?.finish({
      ...changedCounts(input.mode, removal.changed),
      gone,
      ...(rewritten > 0 && { rewritten }),
      failed,
      notAttempted,
    })
    .catch(() => undefined);
  return { removal, journal: journal?.path ?? null };
}

/**
 * Asks, does to the keys what was planned, and reports it.
 * @param planned The result before anything is done.
 * @param tidyUp What follows where all went well; gives the members that it took out of indexes.
 * @throws InputError where the journal cannot be made
 */
export async function removePlanned<Result extends InvalidateResult>(
  context: Context,
  server: RedisServer,
  keys: readonly ByteString[],
  input: CarryOutInput,
  about: RunOf,
  planned: (outcome: InvalidateResult['outcome']) => Result,
  tidyUp: () => Promise<PrunedIndexes> = () => Promise.resolve(nothingPruned),
): Promise<Outcome<Result>> {
  const draft = planned('declined');
  const ask = () => askForRemoval(context, server, draft, input);
  const { refusal, ...shown } = await refusalOf(context, ask, planned);
  if (refusal !== null) return refusal;
  const { removal, journal } = await carryOut(context, server, keys, input, about);
  const wentThrough = removal.failed === 0 && removal.notAttempted === 0;
  const { pruned, stoppedBy } = wentThrough ? await tidyUp() : nothingPruned;
  const error = removal.stoppedBy ?? stoppedBy;
  return {
    result: {
      ...draft,
      ...removedResult(draft, { removal, journal, indexPruned: pruned }, context.signal.aborted),
    },
    ...shown,
    ...(removal.failed > 0 && { exitCode: exitCodes.negative }),
    ...(error !== null && { error }),
  };
}

/** Members that were taken out of indexes; null: it was not tried. */
export interface PrunedIndexes {
  readonly pruned: number | null;
  readonly stoppedBy: Error | null;
}

export const nothingPruned: PrunedIndexes = { pruned: null, stoppedBy: null };

/** From so many keys, or from such a share of a keyspace that is no toy, a yes is too quickly said. */
const manyKeys = 100000;
const largeShare = 0.25;
const smallKeyspace = 1000;

/**
 * Asks for a yes, and for the number of keys to be typed where it is a large one.
 * @returns True where the plan was shown to the person. @throws DeclinedError, InterruptedError
 */
async function askForRemoval(
  context: Context,
  server: RedisServer,
  draft: InvalidateResult,
  consent: ConsentInput,
): Promise<boolean> {
  const verb = { unlink: 'remove', soft: 'shorten the TTL of', generation: 'increment' }[draft.mode];
  const amount = amountText(draft);
  const shown = await askConsent(context, server, {
    plan: planBlocks(draft),
    action: `${verb} ${amount}`,
    question: `${draft.noUndoBecause === null ? '' : 'This cannot be undone. '}${verb.charAt(0).toUpperCase()}${verb.slice(1)} ${amount} ${draft.mode === 'unlink' ? 'from' : 'on'} ${draft.server.address}?`,
    otherwise: `nothing was ${draft.mode === 'unlink' ? 'removed' : 'changed'}`,
    ...consentOf(consent),
  });
  if (shown && consent.yes !== true && isMuch(draft)) {
    const number = String(draft.matched);
    if (
      !(await context.prompts.confirmByTyping(
        `That is a lot. Type the number of keys (${number}) to continue:`,
        number,
      ))
    )
      throw new DeclinedError('the typed number is not that of the keys; nothing was changed');
  }
  return shown;
}

function isMuch({ matched, keyspaceKeys, mode }: InvalidateResult): boolean {
  if (mode === 'generation') return false;
  if (matched >= manyKeys) return true;
  return keyspaceKeys !== null && keyspaceKeys >= smallKeyspace && matched / keyspaceKeys >= largeShare;
}
