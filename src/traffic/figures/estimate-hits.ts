import { type Interval, proportionInterval, t95, z95 } from '../../support/intervals.ts';

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
