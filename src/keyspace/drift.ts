import type { Interval } from '../support/intervals.ts';

/**
 * How the number of keys changed while a sample was drawn. A sample estimates the mean over that time, and which
 * namespaces changed is not known: any of them may have lost or gained all the keys that the database did.
 */
export interface Drift {
  /** Keys that a namespace may have lost between what the sample estimates and its end. */
  readonly fewer: number;
  /** Keys that it may have gained. */
  readonly more: number;
  /** What it may have gained at the most, as a share of its keys: one that grew with the database was there before. */
  readonly mostGrowth: number;
}

export const noDrift: Drift = { fewer: 0, more: 0, mostGrowth: 0 };

/** Keys of the database in the course of a sample, by the pages that were drawn. */
export interface PopulationCourse {
  readonly start: number;
  readonly mean: number;
  readonly end: number;
}

/**
 * @param fromStart true where pages were drawn by the sizes of the start (those of slots): what has moved since is not
 *   known to the estimates, whatever the mean was
 */
export function driftOf({ start, mean, end }: PopulationCourse, fromStart: boolean): Drift {
  const from = fromStart ? start : mean;
  const more = Math.max(0, end - from);
  const before = Math.max(0, mean - start);
  return {
    fewer: Math.max(0, from - end),
    more,
    mostGrowth: fromStart || before === 0 ? Number.POSITIVE_INFINITY : more / before,
  };
}

/** The interval of a count, so that it holds at the end of the sample too. */
export function driftedKeys([low, high]: Interval, { fewer, more, mostGrowth }: Drift): Interval {
  return [Math.max(0, low - fewer), high + growthOf(high, more, mostGrowth)];
}

/** The interval of a sum over as many keys, of this mean size. */
export function driftedBytes([low, high]: Interval, meanBytes: number, drift: Drift): Interval {
  const { fewer, more, mostGrowth } = drift;
  return [Math.max(0, low - fewer * meanBytes), high + growthOf(high, more * meanBytes, mostGrowth)];
}

/**
 * The interval of a share, where the part or the rest of the whole may be all that changed.
 * @param size of the whole, in the unit of `perKey`: keys, or bytes
 * @param perKey what a key that came or went counts for at the most
 */
export function driftedShare([low, high]: Interval, size: number, perKey: number, drift: Drift): Interval {
  const { fewer, more } = drift;
  if (fewer === 0 && more === 0) return [low, high];
  const left = size - fewer * perKey;
  const change = left <= 0 ? 1 : ((fewer + more) * perKey) / left;
  return [Math.max(0, low - change), Math.min(1, high + change)];
}

function growthOf(high: number, more: number, mostGrowth: number): number {
  return more === 0 ? 0 : Math.min(more, high * mostGrowth);
}
