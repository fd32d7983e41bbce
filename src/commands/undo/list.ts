import type { OwnLookups } from '../../redis/lookups.ts';
import { InputError } from '../../support/failure.ts';
import { type Block, command, note } from '../../render/blocks.ts';
import { fieldsOf, tableOf } from '../../render/table.ts';
import { keptJournals } from '../backup.ts';
import { blankOf } from '../blank.ts';
import type { Audience, Context, Execution } from '../context.ts';

interface ListInput {
  readonly journal?: string | undefined;
  readonly last?: true;
}

interface ListedJournal {
  readonly file: string;
  /** ISO 8601. */
  readonly createdAt: string;
  readonly action: string;
  readonly server: string;
  readonly database: number;
  /** False: names alone, or TTLs. */
  readonly withValues: boolean;
}

interface ListResult {
  /** Latest first. */
  readonly journals: readonly ListedJournal[];
}

/** `undo --list` from its input to its result. */
export function listExecution({ journal, last }: ListInput): Execution<ListResult> {
  if (journal !== undefined || last === true)
    throw new InputError('--list takes neither a journal nor --last', 'leave them out');
  return {
    blank: blankOf<ListResult>()('journals[]'),
    rows: 'journals',
    oneTable: true,
    connects: false,
    run: async (context) => ({ result: { journals: await journalsOf(context) } }),
    view,
  };
}

async function journalsOf(context: Context): Promise<ListedJournal[]> {
  const journals = await keptJournals(context);
  return journals.reverse().map(({ path, header: { createdAt, action, server, database, withValues } }) => ({
    ...{ file: path, createdAt, action, server, database, withValues },
  }));
}

/** For people a command to copy for each journal: in a table a narrow terminal would cut its path. */
function view({ journals }: ListResult, _own: OwnLookups, { isPerson }: Audience): Block[] {
  if (journals.length === 0)
    return [note('plain', 'no journals: nothing was removed yet, or each was given a file of its own')];
  if (isPerson)
    return journals.map(({ createdAt, action, server, withValues, file }) => {
      const kept = withValues ? 'values' : 'names or TTLs';
      return command(`${createdAt}, ${action} on ${server}, with ${kept}`, 'cachectl', 'undo', file);
    });
  const { text, count } = fieldsOf<ListedJournal>();
  return [
    tableOf('journals', journals, [
      ...[text('file', 'FILE'), text('createdAt', 'CREATED'), text('action', 'ACTION')],
      ...[text('server', 'SERVER'), count('database', 'DB')],
      text('withValues', 'KEPT', ({ withValues }) => (withValues ? 'values' : 'names or TTLs')),
    ]),
  ];
}
