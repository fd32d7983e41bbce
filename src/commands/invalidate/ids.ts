import { readFileSync } from 'node:fs';
import { resolve } from 'node:path';
import { text } from 'node:stream/consumers';
import { InputError } from '../../failure.ts';
import { fileFailureText } from '../../file-failure.ts';
import type { Context } from '../context.ts';

/** The ids of a file or of stdin, one on each line; blank lines are passed over. @throws InputError */
export async function idsFrom(context: Context, name: string): Promise<string[]> {
  const { workingDirectory, stdin } = context.environment;
  let content: string;
  try {
    content = name === '-' ? await text(stdin) : readFileSync(resolve(workingDirectory, name), 'utf8');
  } catch (error) {
    throw new InputError(`ids cannot be read from \`${name}\`: ${fileFailureText(error)}`);
  }
  const ids = content
    .split('\n')
    .map((line) => line.replace(/\r$/, ''))
    .filter((line) => line.trim() !== '');
  if (ids.length === 0) throw new InputError(`there is no id in \`${name}\``, 'write one id on each line');
  return ids;
}
