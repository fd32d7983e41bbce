import { resolve } from 'node:path';
import type { FixtureWork } from '../../records/fixtures/check.ts';
import { rankRecords } from '../../records/fixtures/ranked.ts';
import type { FixtureSource } from '../../records/fixtures/source.ts';
import { note, type NoteBlock } from '../../render/blocks.ts';
import { counted, formatCell, formatRatio } from '../../render/units.ts';
import { InputError } from '../../support/failure.ts';
import { databaseOf, readLastRecord } from '../../traffic/history.ts';
import { bytesOfKey, missedIn, recordedShare } from '../../traffic/missed-keys.ts';
import type { Budget } from '../arguments.ts';
import type { Context } from '../context.ts';
import type { Ranking } from './result.ts';

/** Which records are loaded, and how far. */
export interface FromInput {
  /** A file of `hits --record`. */
  readonly from?: string;
  /** Files, in addition to the arguments. */
  readonly source?: readonly string[];
  readonly budget?: readonly Budget[];
}

/** @throws InputError where what belongs together was not given together */
export function requireRecord({ from, source, budget }: FromInput, hasTemplate: boolean): void {
  if (from !== undefined && hasTemplate)
    throw new InputError(
      '`--from` chooses among the records of files, and a template has none',
      'leave one out',
    );
  if (from === undefined && (source ?? budget) !== undefined)
    throw new InputError(
      `\`--${source === undefined ? 'budget' : 'source'}\` belongs to \`--from\`, which is not given`,
      '`cachectl hits --record FILE` makes a record; `cachectl warm --from FILE --source FILE` loads by it',
    );
}

export const bytesOfBudget = (budget: readonly Budget[] = []): number | null =>
  budget.reduce<number | null>(
    (least, each) => (each.kind === 'bytes' ? Math.min(least ?? Infinity, each.bytes) : least),
    null,
  );

export const secondsOfBudget = (budget: readonly Budget[] = []): number | null =>
  budget.reduce<number | null>(
    (least, each) => (each.kind === 'time' ? Math.min(least ?? Infinity, each.seconds) : least),
    null,
  );

/** The records of the keys that were missed, those with most to gain first. @throws InputError */
export async function chooseRecords(
  { environment, signal }: Context,
  from: string,
  budget: readonly Budget[] | undefined,
  sources: readonly FixtureSource[],
  { map, repeats, progress }: FixtureWork,
): Promise<{ readonly source: FixtureSource; readonly ranking: Ranking }> {
  const record = await readLastRecord(resolve(environment.workingDirectory, from), signal);
  const database = databaseOf(record);
  const missed = missedIn(record);
  // Only one database is written to: that of the server that was observed.
  const keys = missed.filter((each) => each.database === database);
  if (keys.length === 0)
    throw new InputError(
      `\`${from}\` names no key that missed`,
      'a longer `cachectl hits --for 1m --record FILE` may find some',
    );
  const { windowMisses, recordedMisses, worthOf, windowWorth } = recordedShare(keys, record.namespaces);
  const wanted = new Map(keys.map((key) => [bytesOfKey(key), worthOf(key)]));
  progress.start('choosing', 'steps', null);
  const budgetBytes = bytesOfBudget(budget);
  const ranked = await rankRecords(sources, wanted, {
    ...{ map, repeats, signal, budgetBytes },
    name: `records for ${from}`,
  });
  progress.stop();
  const { source, availableKeys, chosenKeys, chosenWorth } = ranked;
  return {
    source,
    ranking: {
      ...{ recordedAt: record.at, windowMisses, recordedMisses, missedKeys: wanted.size },
      ...{
        availableKeys,
        chosenKeys,
        worthRatio: windowWorth === 0 ? 0 : Math.min(1, chosenWorth / windowWorth),
      },
    },
  };
}

/** Below this share of its misses a record does not stand for its window. */
const mostMisses = 0.9;

/** What the record names of the misses of its window, and what was chosen of that; where it does not name most, what else there is to do. */
export function rankingNotes(ranking: Ranking): NoteBlock[] {
  const { missedKeys, availableKeys, chosenKeys, worthRatio, windowMisses, recordedMisses } = ranking;
  const share = recordedMisses / windowMisses;
  const within = chosenKeys === availableKeys ? '' : `, and ${counted(chosenKeys, 'key')} fit the budget`;
  const found =
    `the record names ${counted(missedKeys, 'key')} with ` +
    `${recordedMisses === windowMisses ? 'all' : `${formatCell(recordedMisses, 'count')} of`} ` +
    `${counted(windowMisses, 'miss', 'misses')}${recordedMisses === windowMisses ? '' : ` (${formatRatio(share)})`}; ` +
    `the files have ${formatCell(availableKeys, 'count')} of them${within}: ${formatRatio(worthRatio)} of the time that ` +
    'all misses cost';
  if (share >= mostMisses) return [note('plain', found)];
  return [
    note('plain', found),
    note(
      'warning',
      'most other misses were of keys missed once or twice, which the record does not name: `cachectl warm` without ' +
        '`--from` loads all of the files, and a longer `hits --for` shows which keys are missed again',
    ),
  ];
}
