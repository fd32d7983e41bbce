import { fieldsOf, tableOf } from '../../render/table.ts';
import type { CommandUnknownOpts } from '@commander-js/extra-typings';
import { findConfigFile } from '../../config/find.ts';
import { readMapNames } from '../../config/places.ts';
import type { Context, Execution } from '../context.ts';
import { type Candidate, type ColumnNames, completionCandidates, type ReadNames } from './candidates.ts';

interface CandidatesResult {
  readonly candidates: readonly Candidate[];
}

/** @param words Those after the program's name; the last is the one at the cursor. */
export function completeExecution(
  program: CommandUnknownOpts,
  words: readonly string[],
): Execution<CandidatesResult> {
  return {
    blank: { candidates: [] },
    rows: 'candidates',
    oneTable: true,
    standalone: true,
    run: async ({ environment }) => {
      const columns = words.some((word) => /^--(sort|columns)/.test(word)) ? await readColumnNames() : {};
      return { result: { candidates: completionCandidates(program, words, namesIn(environment), columns) } };
    },
    view({ candidates }) {
      const { text } = fieldsOf<CandidatesResult['candidates'][number]>();
      const fields = [text('kind', 'KIND'), text('value', 'VALUE'), text('description', 'DESCRIPTION')];
      return [tableOf('candidates', candidates, fields)];
    },
  };
}

/** They are those of the tables, which no other completion has to load. */
async function readColumnNames(): Promise<ColumnNames> {
  const [inspect, stats, hits] = await Promise.all([
    import('../inspect/namespace-table.ts'),
    import('../stats/view.ts'),
    import('../hits/view.ts'),
  ]);
  const named = Object.entries({ inspect, stats, hits });
  return Object.fromEntries(
    named.map(([command, { namespaceFields }]) => [command, namespaceFields.map(([{ name }]) => name)]),
  );
}

function namesIn({ variables, workingDirectory }: Context['environment']): ReadNames {
  return (configFile) => readMapNames(findConfigFile(workingDirectory, variables, configFile)?.file ?? null);
}
