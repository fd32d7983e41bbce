import { readFileSync } from 'node:fs';
import { resolve } from 'node:path';
import { buffer } from 'node:stream/consumers';
import { InputError } from '../../failure.ts';
import { fileFailureText } from '../../file-failure.ts';
import type { Context } from '../context.ts';

/** The ids of a file or of stdin, one on each line; blank lines are passed over. @throws InputError */
export async function idsFrom(context: Context, name: string): Promise<string[]> {
  const { workingDirectory, stdin } = context.environment;
  let bytes: Buffer;
  try {
    bytes = name === '-' ? await buffer(stdin) : readFileSync(resolve(workingDirectory, name));
  } catch (error) {
    throw new InputError(`ids cannot be read from \`${name}\`: ${fileFailureText(error)}`);
  }
  const ids = decoded(bytes, name)
    .split('\n')
    .map((line) => line.replace(/\r$/, ''))
    .filter((line) => line.trim() !== '');
  if (ids.length === 0) throw new InputError(`there is no id in \`${name}\``, 'write one id on each line');
  return ids;
}

/** Without a byte order mark, which would be taken for a part of the first id. */
function decoded(bytes: Buffer, name: string): string {
  try {
    return new TextDecoder('utf-8', { fatal: true }).decode(bytes);
  } catch {
    throw new InputError(
      `ids cannot be read from \`${name}\`: it is no UTF-8`,
      `convert it first, for example with \`iconv -f latin1 -t utf-8\``,
    );
  }
}
