import { InputError } from '../../support/failure.ts';
import { expandFileNames } from '../../records/fixtures/file-names.ts';
import { type FixtureSource, openFile, spool } from '../../records/fixtures/source.ts';
import { readIds, templateSource } from '../../records/fixtures/template.ts';
import { type Context, InterruptedError } from '../context.ts';

/** Records made from a template, one set for each id. */
export interface Template {
  readonly entity: string;
  readonly ids: readonly string[];
  /** A file with one id in each line; `-` is stdin. */
  readonly idsFrom: string;
  /** A file. */
  readonly template: string;
}

type Open = (name: string) => Promise<FixtureSource>;

/** Opens what the records come from; the caller closes it. @throws InputError, InterruptedError */
export async function openSources(
  context: Context,
  names: readonly string[],
  template: Partial<Template> | null,
): Promise<FixtureSource[]> {
  const { environment, signal } = context;
  const opened: FixtureSource[] = [];
  const open = async (name: string) => {
    const source =
      name === '-' ? await openStdin(context) : await openFile(name, environment.workingDirectory, signal);
    opened.push(source);
    return source;
  };
  try {
    if (template !== null) return [await openTemplate(context, open, template)];
    return await openFiles(await expandFileNames(names, environment.workingDirectory), open);
  } catch (error) {
    for (const source of opened) await source.close();
    throw signal.aborted
      ? new InterruptedError('interrupted while stdin was read; nothing was written')
      : error;
  }
}

async function openFiles(files: readonly string[], open: Open): Promise<FixtureSource[]> {
  const sources: FixtureSource[] = [];
  // stdin last: a file that is missing is reported before anyone has typed or sent something.
  for (const file of files.filter((name) => name !== '-')) sources.push(await open(file));
  if (files.includes('-')) sources.splice(files.indexOf('-'), 0, await open('-'));
  return sources;
}

async function openTemplate(
  { map }: Context,
  open: Open,
  { template: file = '', entity = '', ids: given = [], idsFrom }: Partial<Template>,
): Promise<FixtureSource> {
  const template = await open(file);
  const list = idsFrom === undefined ? null : await open(idsFrom);
  const ids = [...new Set([...given, ...(list === null ? [] : await readIds(list))])];
  await list?.close();
  if (ids.length === 0) throw new InputError(`there is no id in \`${idsFrom ?? '--ids'}\``);
  return templateSource(template, entity, ids, map);
}

function openStdin({ progress, environment, signal }: Context): Promise<FixtureSource> {
  progress.start('reading stdin', 'MB', null);
  return spool('stdin', environment.stdin, signal);
}
