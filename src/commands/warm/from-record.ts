import { resolve } from 'node:path';
import type { FixtureWork } from '../../records/fixtures/check.ts';
import { rankRecords } from '../../records/fixtures/ranked.ts';
import type { FixtureSource } from '../../records/fixtures/source.ts';
import { counted, formatRatio } from '../../render/units.ts';
import { InputError } from '../../support/failure.ts';
import { databaseOf, readLastRecord } from '../../traffic/history.ts';
import { bytesOfKey, missedIn, worthOf } from '../../traffic/missed-keys.ts';
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

/** The records of the keys that missed most, those with most to gain first. @throws InputError */
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
  const worth = worthOf(keys);
  const wanted = new Map(keys.map((key) => [bytesOfKey(key), worth(key)]));
  progress.start('choosing', 'steps', null);
  const budgetBytes = bytesOfBudget(budget);
  const ranked = await rankRecords(sources, wanted, {
    ...{ map, repeats, signal, budgetBytes },
    name: `records for ${from}`,
  });
  progress.stop();
  const { source, availableKeys, chosenKeys, worthRatio } = ranked;
  return {
    source,
    ranking: { recordedAt: record.at, missedKeys: wanted.size, availableKeys, chosenKeys, worthRatio },
  };
}

/** `of 500 keys that missed most, 420 are in the files and 300 within the budget: 83.1 % of what their misses cost` */
export function rankingText({ missedKeys, availableKeys, chosenKeys, worthRatio }: Ranking): string {
  const within = chosenKeys === availableKeys ? '' : ` and ${counted(chosenKeys, 'key')} within the budget`;
  return (
    `of the ${counted(missedKeys, 'key')} that missed most, the files have ${availableKeys}${within}: ` +
    `${formatRatio(worthRatio)} of the time that those misses cost`
  );
}
