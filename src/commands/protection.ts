import { fileFailureText, InputError } from '../support/failure.ts';
import type { RedisServer } from '../redis/server.ts';
import {
  type Audience,
  type Context,
  DeclinedError,
  InterruptedError,
  type Outcome,
  type Protections,
  type Protector,
} from './context.ts';
import type { OwnLookups } from '../redis/lookups.ts';
import type { Block } from '../render/blocks.ts';
import { resolve } from 'path/posix';
import { looksLikeUrl } from '../redis/url.ts';
import { writePlaceAt } from '../support/files.ts';
import { maskedUrl } from '../support/masked.ts';

export async function isProtectedServer(context: Context, server: RedisServer): Promise<boolean> {
  return ((await context.protectionsOf(server))?.protectedBy ?? null) !== null;
}

export async function isReadOnlyServer(context: Context, server: RedisServer): Promise<boolean> {
  return ((await context.protectionsOf(server))?.readOnlyBy ?? null) !== null;
}

/** @param subject What would write. @param instead Another way out, for the hint. @throws InputError where a profile of the server is read-only */
export function requireWritable(protections: Protections | null, subject: string, instead = ''): void {
  const by = protections?.readOnlyBy ?? null;
  if (by === null) return;
  throw new InputError(
    `${reasonText(by, 'read-only')}, and ${subject} writes`,
    by.because === null
      ? `${instead}use another profile, or take "readOnly" out of the map`
      : `${instead}if this is meant, give the server a profile of its own in the map, and name it with --profile`,
  );
}

function reasonText({ name, because }: Protector, protection: 'protected' | 'read-only'): string {
  return because === null ? `profile \`${name}\` is ${protection}` : `${because}, which is ${protection}`;
}

/**
 * Lets a command change a protected profile only where the person has named it: with `--confirm NAME`, or by typing the
 * name at the terminal. A profile that is not protected, or no profile at all, needs neither. The server is recognized
 * under each of its addresses.
 *
 * A `--confirm` that names another profile than the one in force is refused in any case: whoever wrote it had another
 * server in mind.
 * @param confirmOption The value of `--confirm`.
 * @param action What is about to happen, as it reads after "to": `write 1,204 records`.
 * @throws DeclinedError
 */
export async function confirmProtected(
  context: Context,
  server: RedisServer,
  confirmOption: string | undefined,
  action: string,
): Promise<void> {
  const { prompts } = context;
  const protections = await context.protectionsOf(server);
  if (confirmOption !== undefined && confirmOption !== protections?.name) {
    throw new DeclinedError(
      protections === null
        ? `\`--confirm ${confirmOption}\` names a profile, and none is in force; nothing was changed`
        : `\`--confirm ${confirmOption}\` is not the profile in force, \`${protections.name}\`; nothing was changed`,
      protections === null
        ? `add --profile ${confirmOption}`
        : `check --profile, or add --confirm ${protections.name}`,
    );
  }
  const by = protections?.protectedBy ?? null;
  if (by === null || confirmOption !== undefined) return;
  const reason = reasonText(by, 'protected');
  const hint = `add --confirm ${by.name} to ${action}`;
  if (!prompts.interactive) throw new DeclinedError(`${reason}; nothing was changed`, hint);
  const question = `${reason.charAt(0).toUpperCase()}${reason.slice(1)}. Type its name to ${action}:`;
  if (!(await prompts.confirmByTyping(question.replaceAll('`', ''), by.name))) {
    throw new DeclinedError(
      `the typed name is not \`${by.name}\`, a protected profile; nothing was changed`,
      hint,
    );
  }
}

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

/**
 * Lets a command write a file that is there already only with --force, or after a yes at the terminal. To be asked before the
 * work whose result the file is for.
 * @param name The file as the person named it; undefined: none is written.
 * @throws InputError for a URL or a link; DeclinedError, InterruptedError
 */
export async function confirmReplacing(
  { environment, prompts }: Context,
  name: string | undefined,
  force: boolean | undefined,
): Promise<void> {
  if (name === undefined) return;
  if (looksLikeUrl(name))
    throw new InputError(
      `\`${maskedUrl(name)}\` is a URL, not a file`,
      'give the URL of a server with --url',
    );
  if (placeOf(name, environment.workingDirectory) !== 'file' || force === true) return;
  if (!prompts.interactive) {
    throw new DeclinedError(
      `\`${name}\` exists already; nothing was written`,
      'add --force to replace it, or name another file',
    );
  }
  if (!(await prompts.confirm(`${name} exists already. Replace it?`)))
    throw new DeclinedError('not confirmed; nothing was written');
}

function placeOf(name: string, workingDirectory: string): ReturnType<typeof writePlaceAt> {
  try {
    return writePlaceAt(resolve(workingDirectory, name));
  } catch (error) {
    throw new InputError(`\`${name}\` cannot be written: ${fileFailureText(error)}`, 'name another file');
  }
}
