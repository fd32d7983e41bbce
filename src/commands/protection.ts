import { fileFailureText, InputError } from '../support/failure.ts';
import type { RedisServer } from '../redis/server.ts';
import { type Context, DeclinedError, type Protections, type Protector } from './context.ts';
import { resolve } from 'node:path';
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
