import { resolve } from 'node:path';
import { printable } from '../../render/printable.ts';
import { InputError } from '../../support/failure.ts';
import { readRecords, type TrafficRecord } from '../../traffic/history.ts';
import type { MissCause, MissCauses } from '../../traffic/report.ts';
import type { Context } from '../context.ts';
import { causeTexts } from '../traffic-columns.ts';
import type { ReportData, SavedWindow } from './result.ts';

const missCauses = Object.keys(causeTexts) as MissCause[];

/** What a page has room for. */
const mostWindows = 300;
/** Of each window. */
const mostNamespaces = 12;

/** The last windows of a file of `hits --record`. @throws InputError where it holds none */
export async function readHistory(
  { environment, signal, warnOfResult }: Context,
  name: string,
): Promise<NonNullable<ReportData['history']>> {
  const records = await readRecords(resolve(environment.workingDirectory, name), signal, mostWindows);
  if (records.length === 0)
    throw new InputError(
      `history \`${printable(name)}\` is empty`,
      `\`cachectl hits --record ${printable(name)}\` adds a window`,
    );
  const [others, selections] = [
    new Set(records.map(({ server }) => server)),
    new Set(records.map(({ selection = '' }) => selection)),
  ];
  if (others.size > 1 || selections.size > 1)
    warnOfResult(`\`${printable(name)}\` has windows of several servers or selections of keys`);
  return { file: name, windows: records.map(windowOf) };
}

function windowOf({ at, valid, reads, hits, hitRate, namespaces }: TrafficRecord): SavedWindow {
  // What an earlier version wrote knows fewer causes.
  const known: readonly Partial<MissCauses>[] = namespaces.flatMap(({ causes }) => causes ?? []);
  const sumOf = (cause: MissCause) => known.reduce((sum, causes) => sum + (causes[cause] ?? 0), 0);
  const sums = Object.fromEntries(missCauses.map((cause) => [cause, sumOf(cause)])) as Record<
    MissCause,
    number
  >;
  return {
    ...{ at, valid, reads, hits, hitRate },
    causes: known.length === 0 ? null : sums,
    namespaces: [...namespaces]
      .sort((left, right) => (right.misses ?? 0) - (left.misses ?? 0))
      .slice(0, mostNamespaces)
      .map(({ namespace, reads: own, hitRate: rate, misses }) => ({
        ...{ namespace, reads: own, hitRate: rate, misses },
      })),
  };
}
