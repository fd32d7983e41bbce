import { InputError } from '../../support/failure.ts';
import { expandFileNames } from '../../records/fixtures/file-names.ts';
import { type FixtureSource, openFile, spool } from '../../records/fixtures/source.ts';
import { readIds, templateSource } from '../../records/fixtures/template.ts';
import { type Context, InterruptedError } from '../context.ts';

/** Records made from a template, one set for each id. */
export interface TemplateInput {
  readonly entity?: string;
  readonly ids?: readonly string[];
  /** A file with one id in each line; `-` is stdin. */
  readonly idsFrom?: string;
  /** A file. */
  readonly template?: string;
}

/** All that a template needs. */
export interface Template {
  readonly entity: string;
  readonly ids: readonly string[];
  readonly idsFrom: string | undefined;
  readonly template: string;
}

/** Opens what the records come from; the caller closes it. @throws InputError, InterruptedError */
export function openSources(
  context: Context,
  files: readonly string[],
  template: Template | null,
): Promise<FixtureSource[]> {
  return template === null ? openFiles(context, files) : openTemplate(context, template);
}

async function openFiles(context: Context, names: readonly string[]): Promise<FixtureSource[]> {
  if (names.filter((name) => name === '-').length > 1) throw new InputError('`-` can be given only once');
  const { workingDirectory } = context.environment;
  const files = await expandFileNames(names, workingDirectory);
  const sources: FixtureSource[] = [];
  try {
    // stdin last: a file that is missing is told before anyone has typed or sent something.
    for (const file of files.filter((name) => name !== '-')) {
      sources.push(await openFile(file, workingDirectory, context.signal));
    }
    if (files.includes('-')) sources.splice(files.indexOf('-'), 0, await openStdin(context));
  } catch (error) {
    for (const source of sources) await source.close();
    throw interruptedOr(context, error);
  }
  return sources;
}

async function openTemplate(context: Context, input: Template): Promise<FixtureSource[]> {
  const opened: FixtureSource[] = [];
  const open = async (name: string) => {
    const { workingDirectory } = context.environment;
    const source =
      name === '-' ? await openStdin(context) : await openFile(name, workingDirectory, context.signal);
    opened.push(source);
    return source;
  };
  try {
    const template = await open(input.template);
    const list = input.idsFrom === undefined ? null : await open(input.idsFrom);
    const given = list === null ? [] : await readIds(list);
    await list?.close();
    const ids = [...new Set([...input.ids, ...given])];
    if (ids.length === 0) throw new InputError(`there is no id in \`${input.idsFrom ?? '--ids'}\``);
    return [await templateSource(template, input.entity, ids, context.map)];
  } catch (error) {
    for (const source of opened) await source.close();
    throw interruptedOr(context, error);
  }
}

function openStdin({ progress, environment, signal }: Context): Promise<FixtureSource> {
  progress.start('reading stdin', 'MB', null);
  return spool('stdin', environment.stdin, signal);
}

function interruptedOr({ signal }: Context, error: unknown): unknown {
  return signal.aborted
    ? new InterruptedError('interrupted while stdin was read; nothing was written')
    : error;
}
