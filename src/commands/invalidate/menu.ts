import { InputError } from '../../support/failure.ts';
import type { Target } from '../../changes/selection.ts';
import { type Candidate, surveyCandidates } from '../../changes/survey.ts';
import { counted, formatBytes } from '../../render/units.ts';
import type { Context } from '../context.ts';
import type { InvalidateInput } from './find-keys.ts';
import { resolve } from 'node:path';
import { readWhole, readNamedFile } from '../../support/named-file.ts';

/** Inferred namespaces may be many; the largest are the ones worth a choice. */
const mostChoices = 30;

/** Offers what can be invalidated, with its size, and asks for the id where one is needed. @throws InputError */
export async function chooseTarget(context: Context): Promise<Target> {
  if (!context.prompts.interactive) {
    throw new InputError(
      'nothing was named to invalidate',
      'name an entity with its ids, --pattern or --namespace; `cachectl help invalidate` shows examples',
    );
  }
  const server = await context.connect();
  const { candidates, exact } = await surveyCandidates(server, context.map, context);
  const listed = candidates.slice(0, mostChoices);
  const width = Math.max(0, ...listed.map(({ name }) => name.length));
  const choice = await context.prompts.select<Candidate | null>(
    exact
      ? 'What do you want to remove?'
      : 'What do you want to remove? (sizes are of a part of the keyspace)',
    [
      ...listed.map((candidate) => ({ name: choiceText(candidate, width), value: candidate })),
      { name: 'a pattern …', value: null },
    ],
  );
  if (choice === null) {
    const text = await context.prompts.input('Pattern (* is anything, <id> one whole segment):');
    return { kind: 'pattern', texts: [text.trim()], all: false };
  }
  if (choice.kind === 'namespace') return { kind: 'namespace', names: [choice.name] };
  const id = await context.prompts.input(`Id of the ${choice.name}:`);
  return { kind: 'entity', name: choice.name, ids: [id.trim()] };
}

function choiceText({ kind, name, keys, memoryBytes }: Candidate, width: number): string {
  const size = `${counted(keys, 'key')}, ${formatBytes(memoryBytes)}`;
  return `${name.padEnd(width)}  ${kind === 'entity' ? `one by its id (${size} in all)` : size}`;
}

/** The target, or null where nothing is named. @throws InputError where more than one way is used */
export function targetOf(input: InvalidateInput): Target | null {
  const { entity, ids, pattern: patterns = [], namespace: namespaces = [], all = false, chosen } = input;
  if (chosen !== undefined) return chosen;
  const ways = [
    ...(entity === undefined ? [] : [`\`${entity}\``]),
    ...(patterns.length === 0 ? [] : ['--pattern']),
    ...(namespaces.length === 0 ? [] : ['--namespace']),
  ];
  if (ways.length > 1) {
    throw new InputError(
      `${ways.join(' and ')} are different ways to say what goes`,
      entity !== undefined && patterns.length > 0
        ? "put the pattern in quotes: without them the shell puts names of files in the place of --pattern 'user:*'"
        : 'name an entity with its ids, or --pattern, or --namespace',
    );
  }
  if (all && patterns.length === 0) {
    throw new InputError(
      '--all names no keys: it allows a pattern that matches everything',
      "write --pattern '*' --all",
    );
  }
  if (patterns.length > 0) return { kind: 'pattern', texts: patterns, all };
  if (namespaces.length > 0) return { kind: 'namespace', names: namespaces };
  return entity === undefined ? null : { kind: 'entity', name: entity, ids };
}

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
