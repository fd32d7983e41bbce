import { fieldsOf, tableOf } from '../../render/table.ts';
import type { CommandUnknownOpts } from '@commander-js/extra-typings';
import { findConfigFile } from '../../config/find.ts';
import { readMapNames } from '../../config/places.ts';
import type { Context, Execution } from '../context.ts';
import { type Candidate, completionCandidates, type ReadNames } from './candidates.ts';

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
    run: (context) =>
      Promise.resolve({
        result: { candidates: completionCandidates(program, words, namesIn(context.environment)) },
      }),
    view({ candidates }) {
      const { text } = fieldsOf<CandidatesResult['candidates'][number]>();
      const fields = [text('kind', 'KIND'), text('value', 'VALUE'), text('description', 'DESCRIPTION')];
      return [tableOf('candidates', candidates, fields)];
    },
  };
}

function namesIn({ variables, workingDirectory }: Context['environment']): ReadNames {
  return (configFile) => readMapNames(findConfigFile(workingDirectory, variables, configFile)?.file ?? null);
}
