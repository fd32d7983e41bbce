import { resolve } from 'node:path';
import { InputError } from '../../support/failure.ts';
import { readNamedFile, readWhole } from '../../support/named-file.ts';
import { counted } from '../../render/units.ts';
import type { Context } from '../context.ts';

/** The ids of a file or of stdin, one on each line; blank lines and comments are passed over. @throws InputError */
export async function idsFrom(context: Context, name: string): Promise<string[]> {
  const { workingDirectory, stdin } = context.environment;
  const failure = (cause: string) => new InputError(`ids cannot be read from \`${name}\`: ${cause}`);
  const bytes =
    name === '-'
      ? await readWhole(() => ({ stream: stdin, mayWait: true }), context.signal, failure)
      : await readNamedFile(resolve(workingDirectory, name), context.signal, failure);
  const lines = decoded(bytes, name).split(/\r\n|\n|\r/);
  const comments = lines.filter(isComment).length;
  const texts = lines.filter((line) => line.trim() !== '' && !isComment(line));
  const trimmed = texts.map((text) => text.replace(/^[ \t]+|[ \t]+$/g, ''));
  const ids = trimmed.map(unquoted);
  warnOf(context, name, 'trimmed blanks around', texts.filter((text, at) => text !== trimmed[at]).length);
  warnOf(context, name, 'removed quotes around', trimmed.filter((text, at) => text !== ids[at]).length);
  if (comments > 0)
    context.warn(
      `\`${name}\`: ${counted(comments, 'line')} beginning with \`# \` ${comments === 1 ? 'was' : 'were'} passed over as ${comments === 1 ? 'a comment' : 'comments'}`,
    );
  if (ids.length === 0) throw new InputError(`there is no id in \`${name}\``, 'write one id on each line');
  return ids;
}

const isComment = (line: string) => /^[ \t]*#(?:[ \t]|$)/.test(line);

/** `"7"`, as programs write a column of CSV: two quotes inside are one. */
function unquoted(text: string): string {
  const [, inner] = /^"((?:[^"]|"")+)"$/.exec(text) ?? [];
  return inner?.replaceAll('""', '"') ?? text;
}

function warnOf(context: Context, name: string, what: string, ids: number): void {
  if (ids > 0)
    context.warn(`\`${name}\`: ${what} ${counted(ids, 'id')}; write an id that has them on the command line`);
}

/** Without a byte order mark, which would be taken for a part of the first id. */
function decoded(bytes: Buffer, name: string): string {
  const [first, second] = bytes;
  const isLittleEndian = first === 0xff && second === 0xfe;
  if (isLittleEndian || (first === 0xfe && second === 0xff))
    return new TextDecoder(isLittleEndian ? 'utf-16le' : 'utf-16be').decode(bytes);
  try {
    return new TextDecoder('utf-8', { fatal: true }).decode(bytes);
  } catch {
    throw new InputError(
      `ids cannot be read from \`${name}\`: it is no UTF-8`,
      `convert it first, for example with \`iconv -f latin1 -t utf-8\``,
    );
  }
}
