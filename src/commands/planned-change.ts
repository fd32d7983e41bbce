import type { Done, removeKeys } from '../changes/apply.ts';
import type { Problem } from '../changes/problem-tally.ts';
import type { Plan } from '../changes/plan-tally.ts';
import type { OwnLookups } from '../redis/lookups.ts';
import type { RedisServer } from '../redis/server.ts';
import { type Block, command, note, type TableBlock } from '../render/blocks.ts';
import { fieldsOf, tableOf } from '../render/table.ts';
import { counted, formatSeconds } from '../render/units.ts';
import { type Backup, type ChangeInput, type JournalSubject, startJournal } from './backup.ts';
import { type Audience, type Context, DeclinedError, InterruptedError, type Outcome } from './context.ts';
import { exitCodes } from './exit-codes.ts';
import { type ServerCost, serverCostOf } from './keyspace-report.ts';
import { confirmProtected, isProtectedServer } from './protection.ts';
import { paceLimitsOf } from './reading-options.ts';

/** What answers the question in advance. */
export interface ConsentInput {
  readonly yes?: true;
  /** The name of a protected profile. */
  readonly confirm?: string;
}

/** Who is to have the changes when the command ends. */
export interface ReplicaInput {
  /** So many replicas of each primary. */
  readonly waitReplicas?: number;
}

/** Warns where fewer replicas than were asked for have acknowledged the changes. @returns True then */
export function lacksReplicas(
  context: Context,
  { waitReplicas = 0 }: ReplicaInput,
  { replicasAcknowledged }: Pick<ChangeResult, 'replicasAcknowledged'>,
): boolean {
  if (replicasAcknowledged === null || replicasAcknowledged >= waitReplicas) return false;
  context.warnOfResult(
    `not confirmed by ${counted(waitReplicas, 'replica')} of each primary: ${replicasAcknowledged} acknowledged the changes\n` +
      'hint: `INFO replication` lists the replicas; --retry-for sets how long they are waited for',
  );
  return true;
}

/** What a person is asked before keys are changed. */
interface Consent {
  readonly plan: readonly Block[];
  /** As it reads after "to": `remove 4 keys`. */
  readonly action: string;
  readonly question: string;
  /** What a refusal leaves: `nothing was removed`. */
  readonly otherwise: string;
  /** To be typed after a yes, where a yes is too quickly said. */
  readonly keysToType?: number | null;
}

/**
 * Asks for a yes, with the plan before the question. `--yes` answers it, and for a protected profile `--confirm` does;
 * without it a protected profile asks for its name as well.
 * @returns True where the plan was shown to the person.
 * @throws DeclinedError, InterruptedError
 */
export async function askConsent(
  context: Context,
  server: RedisServer,
  { yes, confirm }: ConsentInput,
  { plan, action, question, otherwise, keysToType = null }: Consent,
): Promise<boolean> {
  const { prompts } = context;
  const isProtected = await isProtectedServer(context, server);
  if (confirm !== undefined) await confirmProtected(context, server, confirm, action);
  const named = isProtected && confirm !== undefined;
  const asksForName = isProtected && confirm === undefined;
  if ((yes === true && !asksForName) || named) return false;
  if (!prompts.interactive && !asksForName) {
    throw new DeclinedError(
      `there is no terminal to ask at; ${otherwise}`,
      `add --yes to ${action}, or --dry-run for the plan alone`,
    );
  }
  if (prompts.interactive) await context.show(plan);
  if (prompts.interactive && yes !== true && !(await prompts.confirm(question))) {
    throw new DeclinedError(`not confirmed; ${otherwise}`);
  }
  if (asksForName) await confirmProtected(context, server, undefined, action);
  if (keysToType === null || yes === true) return true;
  const typing = `That is a lot. Type the number of keys (${keysToType}) to continue:`;
  if (await prompts.confirmByTyping(typing, String(keysToType))) return true;
  throw new DeclinedError('the typed number is not that of the keys; nothing was changed');
}

/** What differs between planned changes. */
interface PlannedChange<Result extends ChangeResult> {
  readonly consent: Consent;
  /** Null: there is nothing that could be put back. */
  readonly journal: JournalSubject | null;
  /** Changes the keys of the plan. */
  readonly apply: (
    options: Omit<Parameters<typeof removeKeys>[2], 'mode'> & { random: () => number },
  ) => Promise<Done>;
  /** How it ends where all went well, and where not. */
  readonly outcomes: readonly [done: Result['outcome'], partlyDone: Result['outcome']];
  /** What became of the keys that were not changed, as the result counts them. */
  readonly countsOf: (done: Done) => Readonly<Partial<Record<'gone' | 'rewritten' | 'skipped', number>>>;
  /** What follows where all went well, with what it adds to the result. */
  readonly tidyUp?: () => Promise<{ readonly stoppedBy: Error | null }>;
}

/**
 * Asks, does to the keys what was planned, and reports it.
 * @param draft The result before anything is done.
 * @throws InputError where the journal cannot be made
 */
export async function carryOut<Result extends ChangeResult>(
  context: Context,
  server: RedisServer,
  input: ChangeInput,
  draft: Result,
  { consent, journal: subject, apply, outcomes, countsOf, tidyUp }: PlannedChange<Result>,
): Promise<Outcome<Result>> {
  const { signal, progress, now, random, prompts } = context;
  let isShown: boolean;
  try {
    isShown = await askConsent(context, server, input, consent);
  } catch (error) {
    if (!(error instanceof DeclinedError || error instanceof InterruptedError)) throw error;
    const outcome = error instanceof InterruptedError ? 'interrupted' : 'declined';
    return { result: { ...draft, outcome }, error, ...(prompts.interactive && { seen: 'all' }) };
  }
  const withValues = draft.backupPlanned;
  const journal = subject && (await startJournal(context, server, input, { ...subject, withValues }));
  const limits = paceLimitsOf(input);
  const { waitReplicas = 0 } = input;
  const done = await apply({ journal, withValues, limits, waitReplicas, signal, progress, now, random });
  const { changed, failed, notAttempted, problems, stoppedBy, replicasAcknowledged, durationSeconds } = done;
  const counts = { ...changed, ...countsOf(done), failed, notAttempted };
  const { skipped, rewritten = 0, ...ended } = counts;
  // What was changed is changed; a disk that is full by now was reported as the reason why the work stopped.
  await journal?.finish({ ...ended, ...(rewritten > 0 && { rewritten }) }).catch(() => undefined);
  const isWhole = failed === 0 && notAttempted === 0;
  const { stoppedBy: untidied = null, ...tidied } = (isWhole && (await tidyUp?.())) || {};
  const error = stoppedBy ?? untidied;
  const [whole, partly] = outcomes;
  const isUnconfirmed = error === null && lacksReplicas(context, input, done);
  return {
    result: {
      ...draft,
      ...counts,
      ...{ problems, replicasAcknowledged, durationSeconds, journal: journal?.path ?? null },
      outcome: isWhole ? whole : signal.aborted ? 'interrupted' : partly,
      backup: withValues && journal !== null,
      ...tidied,
    },
    ...(isShown && { seen: 'plan' }),
    ...((failed > 0 || isUnconfirmed) && { exitCode: exitCodes.negative }),
    ...(error !== null && { error }),
  };
}

/** The view of a planned change: a person who has seen the plan before the question gets what came of it alone. */
export function changeView<Result>({
  full,
  outcome,
  rows,
}: {
  readonly full: (result: Result, own: OwnLookups) => Block[];
  readonly outcome: (result: Result, own: OwnLookups) => Block[];
  readonly rows: (result: Result, own: OwnLookups) => Block[];
}) {
  return (result: Result, own: OwnLookups, { isPerson, seen }: Audience): Block[] => {
    if (!isPerson) return rows(result, own);
    return seen === 'all' ? [] : (seen === 'plan' ? outcome : full)(result, own);
  };
}

/** What the results of planned changes have in common. */
export interface ChangeResult {
  readonly outcome: string;
  readonly server: { readonly address: string };
  readonly dryRun: boolean;
  /** False: the plan does not cover every key that was asked for. */
  readonly complete: boolean;
  /** Keys of the plan. */
  readonly matched: number;
  readonly matchedMemoryBytes: number | null;
  readonly keyspaceKeys: number | null;
  readonly failed: number;
  readonly notAttempted: number;
  /** The file of what was changed, for `cachectl undo`; null where none was kept. */
  readonly journal: string | null;
  /** True where the journal has the values too, so that they can be put back. */
  readonly backup: boolean;
  /** True: the plan keeps the values of what it removes. */
  readonly backupPlanned: boolean;
  /** Why what the plan changes cannot be put back; null where `cachectl undo` can. */
  readonly noUndoBecause: string | null;
  readonly problems: readonly Problem[];
  /** At least so many replicas of each primary have acknowledged the changes; null where --wait-replicas was not given, or nothing was changed. */
  readonly replicasAcknowledged: number | null;
  /** Of the changes; null where there were none. */
  readonly durationSeconds: number | null;
  /** What making the plan cost the server. */
  readonly serverCost: ServerCost;
}

/** The fields that the results of planned changes have in common, before anything is changed. */
export function draftOf(
  { address }: Pick<RedisServer, 'address'>,
  plan: Plan,
  matched: number,
  { isKept, noUndoBecause }: Backup = { isKept: false, noUndoBecause: null },
) {
  return {
    ...{ server: { address }, matched, matchedMemoryBytes: plan.memoryBytes },
    ...{ complete: plan.complete, keyspaceKeys: plan.keyspaceKeys, serverCost: serverCostOf(plan) },
    ...{ failed: 0, notAttempted: matched, problems: [], replicasAcknowledged: null, durationSeconds: null },
    ...{ journal: null, backup: false, backupPlanned: isKept, noUndoBecause },
  };
}

/** How what was changed is put back, or where its names are. @param purpose As it reads before the command; null: by nothing */
export function journalNotes({ journal }: ChangeResult, changed: number, purpose: string | null): Block[] {
  if (journal === null || changed === 0) return [];
  return purpose === null
    ? [note('dim', `journal of the names: ${journal}`)]
    : [command(purpose, 'cachectl', 'undo', journal)];
}

/** How long the change took, after "in". */
export const took = ({ durationSeconds }: { readonly durationSeconds: number | null }) =>
  durationSeconds === null || durationSeconds === 0 ? 'less than 1 ms' : formatSeconds(durationSeconds);

export function problemTable(problems: readonly Problem[]): TableBlock {
  const { text, count } = fieldsOf<Problem>();
  return tableOf('problems', problems, [
    count('keys', 'FAILED'),
    text('example', 'FOR EXAMPLE', ({ example }) => example.key),
    text('reason', 'REASON'),
  ]);
}
