import type { Figure } from './estimate.ts';
import type { ShareEstimator } from './figures.ts';
import { proportionInterval, z95 } from '../support/intervals.ts';
import type { KeyStatistics } from './key-statistics.ts';
import type { ChosenSums, Tally } from './tally.ts';

const nothing: ChosenSums = [0, 0, 0, 0, 0, 0];

/**
 * Shares from keys that were chosen one by one, each with a known chance: the weighted mean (Hájek 1971), with the
 * variance of Poisson sampling (Särndal, Swensson and Wretman, Model Assisted Survey Sampling, 1992, section 3.5).
 * Where every key was chosen the share is exact. docs/inspection.md has the formulas.
 */
export class ChosenEstimator implements ShareEstimator {
  /** @param coverage share of the keyspace that the keys come from, of a walk that ended early; at random */
  constructor(private readonly coverage: number) {}

  /** Share of the keys of `whole` that are in its part, from 0 to 1. */
  share(part: Tally, whole: Tally): Figure {
    const [weight, squares, , , , largest] = whole.chosen ?? nothing;
    if (weight === 0) return { value: 0, interval: [0, 1] };
    if (this.isWhole(largest)) return { value: part.keys / whole.keys, interval: null };
    const [partWeight, partSquares] = part.chosen ?? nothing;
    const value = Math.min(1, partWeight / weight);
    const inPart = Math.max(0, partSquares - this.coverage * partWeight);
    const inRest = Math.max(0, squares - this.coverage * weight - inPart);
    const variance = ((1 - value) ** 2 * inPart + value ** 2 * inRest) / weight ** 2;
    // A part that was not met may be where keys had the least chance.
    const most = weight / Math.max(largest - this.coverage, 1e-9);
    const effective = variance === 0 ? most : Math.min(most, (value * (1 - value)) / variance);
    return { value, interval: proportionInterval(value * effective, effective) };
  }

  /** Share of the bytes of `whole` that are in its part, from 0 to 1: as if one more key of twice the largest size had been met in each. */
  byteShare(part: Tally, whole: Tally): Figure {
    const [, , bytes, squares, plain, largest] = whole.chosen ?? nothing;
    if (bytes === 0) return { value: 0, interval: [0, 1] };
    if (this.isWhole(largest)) return { value: part.memoryBytes / whole.memoryBytes, interval: null };
    const [, , partBytes, partSquares, partPlain] = part.chosen ?? nothing;
    const value = Math.min(1, partBytes / bytes);
    const unmet = largest * (largest - this.coverage) * (2 * whole.largestBytes) ** 2;
    const inPart = Math.max(0, partSquares - this.coverage * partPlain);
    const inRest = Math.max(0, squares - this.coverage * plain - inPart);
    const variance = (1 - value) ** 2 * (inPart + unmet) + value ** 2 * (inRest + unmet);
    const half = (z95 * Math.sqrt(variance)) / bytes;
    return { value, interval: [Math.max(0, value - half), Math.min(1, value + half)] };
  }

  private isWhole(largestWeight: number): boolean {
    return largestWeight === 1 && this.coverage >= 1;
  }
}

/** A namespace with so many of the keys is a large one. */
const largeShare = 0.1;

/** Half-width of the widest interval of a share of a large namespace: of its types, its spans of TTLs and the like. */
export function widestShare(namespaces: readonly KeyStatistics[], coverage: number): number {
  const estimator = new ChosenEstimator(coverage);
  const all = namespaces.reduce((sum, { keys }) => sum + keys, 0);
  const breakdowns = namespaces
    .filter(({ keys }) => keys >= largeShare * all)
    .flatMap(({ types, ttls, encodings, idleTimes, frequencies }) => [
      types,
      ttls,
      encodings,
      idleTimes,
      frequencies,
    ]);
  const widths = breakdowns.flatMap(({ whole, parts }) =>
    whole.chosen === undefined
      ? []
      : [...parts.values()].map((part) => widthOf(estimator.share(part, whole))),
  );
  return Math.max(0, ...widths) / 2;
}

function widthOf({ interval }: Figure): number {
  return interval === null ? 0 : interval[1] - interval[0];
}
