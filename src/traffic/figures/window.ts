import type { Info } from '../../redis/info.ts';
import { infoNumber } from '../../redis/info.ts';
import {
  causeNames,
  commandColumnCount,
  commandColumns,
  eventColumnCount,
  eventColumns,
  sumBetween,
} from './counts.ts';
import { estimatePart, type Estimate, sumEstimates } from './estimate-hits.ts';
import type { Mark } from '../streams/mark.ts';
import type { MissCauses } from '../report.ts';

/** What one node did between two marks; `bursts` are the stretches of it during which MONITOR ran, where it did in part. */
export interface NodeWindow {
  readonly from: Mark;
  readonly to: Mark;
  readonly bursts: readonly Burst[];
}

export interface Burst {
  readonly from: Mark;
  readonly to: Mark;
}

/** Lookups as the server counted them, those of the observer left out. */
export interface Lookups {
  readonly hits: number;
  readonly misses: number;
}

/** All of them grow until the server is started anew or its statistics are reset. A busy one soon hides it in one of them. */
const growing = [
  'keyspace_hits',
  'keyspace_misses',
  'total_commands_processed',
  'total_connections_received',
  'total_net_input_bytes',
  'total_net_output_bytes',
];

function wentBack({ info: from }: Mark, { info: to }: Mark): boolean {
  if (from['run_id'] !== to['run_id']) return true;
  return growing.some((field) => (infoNumber(to, field) ?? 0) < (infoNumber(from, field) ?? 0));
}

/** Null where the server's counters went back: it was started anew, or its statistics were reset. */
export function lookupsBetween(from: Mark, to: Mark): Lookups | null {
  if (wentBack(from, to)) return null;
  const hits = growth(from.info, to.info, 'keyspace_hits');
  const misses = growth(from.info, to.info, 'keyspace_misses');
  if (hits === null || misses === null) return null;
  return { hits, misses: misses - (to.ownMisses - from.ownMisses) };
}

/** By how much a counter has grown; null where it is not there, or smaller than before. */
export function growth(from: Info, to: Info, field: string): number | null {
  const [before, after] = [infoNumber(from, field), infoNumber(to, field)];
  return before === null || after === null || after < before ? null : after - before;
}

/** CPU of the server's process between two marks, in seconds. */
export function cpuBetween({ info: from }: Mark, { info: to }: Mark): number | null {
  const user = growth(from, to, 'used_cpu_user');
  const system = growth(from, to, 'used_cpu_sys');
  return user === null || system === null ? null : user + system;
}

type Rows = readonly number[];

export const readsBetween = (from: Mark, to: Mark, rows: Rows) =>
  commandsBetween(from, to, commandColumns.reads, rows);
export const writesBetween = (from: Mark, to: Mark, rows: Rows) =>
  commandsBetween(from, to, commandColumns.writes, rows);

function commandsBetween(from: Mark, to: Mark, column: number, rows: Rows): number {
  if (from.commands === null || to.commands === null) return 0;
  return sumBetween(from.commands, to.commands, commandColumnCount, column, rows);
}

export function missesBetween(from: Mark, to: Mark, rows: Rows): number {
  let misses = 0;
  for (let column = 0; column < causeNames.length; column++) misses += eventsBetween(from, to, column, rows);
  return misses;
}

export function causesBetween(windows: readonly NodeWindow[], rows: Rows): MissCauses {
  return Object.fromEntries(
    causeNames.map((name, column) => [name, sumEvents(windows, column, rows)]),
  ) as unknown as MissCauses;
}

/** The sum of one of `eventColumns` over the nodes. */
export function sumEvents(windows: readonly NodeWindow[], column: number, rows: Rows): number {
  return windows.reduce((sum, { from, to }) => sum + eventsBetween(from, to, column, rows), 0);
}

export const {
  firstMisses: firstMissColumn,
  newKeys: newKeyColumn,
  evictedKeys: evictedKeyColumn,
} = eventColumns;

function eventsBetween(from: Mark, to: Mark, column: number, rows: Rows): number {
  if (from.events === null || to.events === null) return 0;
  return sumBetween(from.events, to.events, eventColumnCount, column, rows);
}

/**
 * The hits of these rows, from what they were in the bursts: their share of all hits there, of all hits that the server
 * counted. Misses need no such estimate, for each is told by an event.
 */
export function estimateHits(windows: readonly NodeWindow[], rows: Rows, allRows: Rows): Estimate {
  return sumEstimates(
    windows.map(({ from, to, bursts }) =>
      estimatePart({
        parts: bursts.map((burst) => hitsIn(burst, rows)),
        wholes: bursts.map((burst) => hitsIn(burst, allRows)),
        total: lookupsBetween(from, to)?.hits ?? 0,
      }),
    ),
  );
}

/** Commands that wrote keys of these rows: their share of the commands in the bursts, of all commands. */
export function estimateWrites(windows: readonly NodeWindow[], rows: Rows): number {
  return windows.reduce((sum, { from, to, bursts }) => {
    const monitored = bursts.reduce(
      (left, burst) => left + burst.to.monitoredCommands - burst.from.monitoredCommands,
      0,
    );
    const written = bursts.reduce((left, burst) => left + writesBetween(burst.from, burst.to, rows), 0);
    const commands = growth(from.info, to.info, 'total_commands_processed') ?? 0;
    return sum + (monitored === 0 ? 0 : (written / monitored) * commands);
  }, 0);
}

function hitsIn({ from, to }: Burst, rows: Rows): number {
  return Math.max(0, readsBetween(from, to, rows) - missesBetween(from, to, rows));
}
