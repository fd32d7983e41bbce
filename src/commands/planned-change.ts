import type { ChangeProblem } from '../changes/change-keys.ts';
import { keyFields } from '../keyspace/key-text.ts';
import type { OwnLookups } from '../redis/lookups.ts';
import type { RedisServer } from '../redis/server.ts';
import type { Block, TableBlock } from '../render/blocks.ts';
import { fieldsOf, tableOf } from '../render/table.ts';
import { formatSeconds } from '../render/units.ts';
import { type Audience, type Context, DeclinedError, InterruptedError, type Outcome } from './context.ts';
import type { ServerCost } from './keyspace-report.ts';
import { confirmProtected, isProtectedServer } from './protection.ts';

/** What answers the question in advance. */
export interface ConsentInput {
  readonly yes?: true;
  /** The name of a protected profile. */
  readonly confirm?: string;
}

export function consentOf({ yes, confirm }: ConsentInput): ConsentInput {
  return { ...(yes && { yes }), ...(confirm !== undefined && { confirm }) };
}

/** What a person is asked before keys are changed. */
interface Consent extends ConsentInput {
  readonly plan: readonly Block[];
  /** As it reads after "to": `remove 4 keys`. */
  readonly action: string;
  readonly question: string;
  /** How it stands after a no: `nothing was removed`. */
  readonly otherwise: string;
}

/**
 * Asks for a yes, with the plan before the question. `--yes` answers it, and for a protected profile `--confirm` does;
 * without it a protected profile asks for its name as well.
 * @returns True where the plan was shown to the person.
 * @throws DeclinedError, InterruptedError
 */
export async function askConsent(context: Context, server: RedisServer, consent: Consent): Promise<boolean> {
  const { prompts } = context;
  const isProtected = await isProtectedServer(context, server);
  const { plan, action, question, otherwise, yes, confirm } = consent;
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
  return true;
}

/**
 * Asks for a planned change.
 * @param ask True where the plan was shown.
 * @param planned The result where nothing is changed.
 * @returns Null where the answer is yes; else what there is to report.
 */
export async function refusalOf<Result>(
  { prompts }: Context,
  ask: () => Promise<boolean>,
  planned: (outcome: 'declined' | 'interrupted') => Result,
): Promise<{ readonly refusal: Outcome<Result> | null; readonly seen?: 'plan' }> {
  try {
    return { refusal: null, ...((await ask()) && { seen: 'plan' as const }) };
  } catch (error) {
    if (!(error instanceof DeclinedError || error instanceof InterruptedError)) throw error;
    const result = planned(error instanceof InterruptedError ? 'interrupted' : 'declined');
    return { refusal: { result, error, ...(prompts.interactive && { seen: 'all' as const }) } };
  }
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
  /** Of the changes; null where there were none. */
  readonly durationSeconds: number | null;
  /** What making the plan cost the server. */
  readonly serverCost: ServerCost;
}

/** How long the change took, after "in". */
export const took = ({ durationSeconds }: { readonly durationSeconds: number | null }) =>
  durationSeconds === null || durationSeconds === 0 ? 'less than 1 ms' : formatSeconds(durationSeconds);

/** Keys that failed for one reason, with one of them. */
export interface Problem {
  readonly reason: string;
  readonly keys: number;
  readonly example: { readonly key: string; readonly keyBase64?: string };
}

export const problemsOf = (problems: readonly ChangeProblem[]): Problem[] =>
  problems.map(({ reason, keys, example }) => ({ reason, keys, example: keyFields(example) }));

export function problemTable(problems: readonly Problem[]): TableBlock {
  const { text, count } = fieldsOf<Problem>();
  return tableOf('problems', problems, [
    count('keys', 'FAILED'),
    text('example', 'FOR EXAMPLE', ({ example }) => example.key),
    text('reason', 'REASON'),
  ]);
}
