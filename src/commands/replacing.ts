import { resolve } from 'node:path';
import { InputError } from '../support/failure.ts';
import { fileFailureText } from '../support/file-failure.ts';
import { maskedUrl } from '../support/masked.ts';
import { looksLikeUrl } from '../redis/url.ts';
import { writePlaceAt } from '../support/write-place.ts';
import { type Context, DeclinedError } from './context.ts';

/**
 * Lets a command write a file that is there already only with --force, or after a yes at the terminal. To be asked before the
 * work whose result the file is for.
 * @param name The file as the person named it; undefined: none is written.
 * @throws InputError for a URL or a link; DeclinedError, InterruptedError
 */
export async function confirmReplacing(
  { environment, prompts }: Context,
  name: string | undefined,
  force: boolean,
): Promise<void> {
  if (name === undefined) return;
  if (looksLikeUrl(name))
    throw new InputError(
      `\`${maskedUrl(name)}\` is a URL, not a file`,
      'give the URL of a server with --url',
    );
  if (placeOf(name, environment.workingDirectory) !== 'file' || force) return;
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
