import { type Info, infoNumber } from '../../redis/info.ts';
import {
  causeNames,
  commandColumnCount,
  commandColumns,
  eventColumnCount,
  eventColumns,
  sumBetween,
} from './counts.ts';
import type { Mark } from '../streams/mark.ts';
import type { MissCauses } from '../report.ts';
import type { UnmadeReads } from './unmade-reads.ts';
import { type Interval, z95, t95, proportionInterval } from '../../support/intervals.ts';

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

/** Those of the reads that were made only if their command did not fail. */
export const uncertainReadsBetween = ({ from, to }: Burst, rows: Rows) =>
  commandsBetween(from, to, commandColumns.uncertainReads, rows);

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
export function estimateHits(
  windows: readonly NodeWindow[],
  rows: Rows,
  allRows: Rows,
  unmade: UnmadeReads,
): Estimate {
  const hitsIn = (burst: Burst, of: Rows) =>
    Math.max(
      0,
      readsBetween(burst.from, burst.to, of) - unmade.of(burst, of) - missesBetween(burst.from, burst.to, of),
    );
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

/** A part of a whole that was seen in bursts only: in burst `i`, `parts[i]` of `wholes[i]`. */
export interface BurstCounts {
  readonly parts: readonly number[];
  readonly wholes: readonly number[];
  /** The whole over all of the window, which is known. */
  readonly total: number;
}

export interface Estimate {
  readonly value: number;
  readonly interval: Interval;
}

/** Where fewer bursts saw any of the part, or anything else, they do not tell how it varies from one to the other. */
const fewBursts = 5;

/** Reads come in groups, as of one page or one MGET: what is taken for their size where the bursts do not tell it. */
const groupSize = 4;

/**
 * How much of the total is the part's. The bursts are a sample of clusters, one at random in each stretch of time; the
 * share is the ratio of the sums over the bursts, its variance that of a ratio estimator (Cochran, Sampling Techniques,
 * 1977, section 6.4), and its interval that of Clopper and Pearson for the effective size of the sample (Korn and
 * Graubard 1998). What the bursts themselves saw is known, and bounds the figure from below.
 */
export function estimatePart({ parts, wholes, total }: BurstCounts): Estimate {
  const seen = sum(parts);
  const seenWhole = sum(wholes);
  if (seenWhole === 0 || total === 0) return { value: 0, interval: [0, total] };
  const share = seen / seenWhole;
  const unseen = Math.max(0, 1 - seenWhole / total);
  const bursts = parts.length;
  const squares = parts.reduce((left, part, index) => left + (part - share * (wholes[index] ?? 0)) ** 2, 0);
  const variance =
    bursts < 2 ? Number.POSITIVE_INFINITY : ((bursts / (bursts - 1)) * squares * unseen) / seenWhole ** 2;
  const either = Math.min(
    parts.filter((part) => part > 0).length,
    parts.filter((part, index) => part < (wholes[index] ?? 0)).length,
  );
  const simple = seenWhole / Math.max(unseen, 1e-9) / (either < fewBursts ? groupSize : 1);
  const spread = share * (1 - share);
  const effective =
    (variance <= 0 || spread <= 0 ? simple : Math.min(simple, spread / variance)) *
    (z95 / t95(bursts - 1)) ** 2;
  const [low, high] = proportionInterval(share * effective, effective);
  return {
    value: total * share,
    interval: [Math.min(total, Math.max(seen, total * low)), Math.min(total, Math.max(seen, total * high))],
  };
}

/** Several independent figures as one: the squares of the distances to their bounds add up. */
export function sumEstimates(estimates: readonly Estimate[]): Estimate {
  const value = sum(estimates.map((each) => each.value));
  const distance = (of: (each: Estimate) => number) => Math.hypot(...estimates.map(of));
  return {
    value,
    interval: [
      Math.max(0, value - distance((each) => each.value - each.interval[0])),
      value + distance((each) => each.interval[1] - each.value),
    ],
  };
}
const sum = (values: readonly number[]) => values.reduce((left, value) => left + value, 0);
