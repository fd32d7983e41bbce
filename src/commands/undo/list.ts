import { InputError } from '../../support/failure.ts';
import { type Block, command, note } from '../../render/blocks.ts';
import { fieldsOf, tableOf } from '../../render/table.ts';
import { keptJournals } from '../backup.ts';
import { blankOf } from '../blank.ts';
import type { Context, Execution } from '../context.ts';

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

function view({ journals }: ListResult): Block[] {
  const { text, count } = fieldsOf<ListedJournal>();
  if (journals.length === 0)
    return [note('plain', 'no journals: nothing was removed yet, or each was given a file of its own')];
  const [created, action, server] = [
    text('createdAt', 'CREATED'),
    text('action', 'ACTION'),
    text('server', 'SERVER'),
  ];
  const kept = text('withValues', 'KEPT', ({ withValues }) => (withValues ? 'values' : 'names or TTLs'));
  const file = text('file', 'FILE');
  return [
    tableOf('journals', journals, [file, created, action, server, count('database', 'DB'), kept], {
      shown: { fields: [created, action, server, kept, file] },
    }),
    command('to put back what the latest of a server holds', 'cachectl', 'undo', '--last'),
  ];
}
