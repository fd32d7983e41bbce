import { InputError } from '../../support/failure.ts';
import type { Target } from '../../changes/selection.ts';
import { type Candidate, surveyCandidates } from '../../changes/survey.ts';
import { counted, formatBytes } from '../../render/units.ts';
import type { Context } from '../context.ts';

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
  const id = await context.prompts.input(`One id of the ${choice.name}:`);
  return { kind: 'entity', name: choice.name, ids: [id.trim()] };
}

function choiceText({ kind, name, keys, memoryBytes }: Candidate, width: number): string {
  const size = `${counted(keys, 'key')}, ${formatBytes(memoryBytes)}`;
  return `${name.padEnd(width)}  ${kind === 'entity' ? `one by its id (${size} in all)` : size}`;
}
