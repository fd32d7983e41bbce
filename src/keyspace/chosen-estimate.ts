import type { Figure } from './estimate.ts';
import type { ShareEstimator } from './figures.ts';
import { proportionInterval, z95 } from '../support/intervals.ts';
import type { KeyStatistics } from './key-statistics.ts';
import type { ChosenSums, Tally } from './tally.ts';
import type { ByteString } from '../support/bytes.ts';
import type { SeededRandom } from '../support/random.ts';
import { inferPattern } from './infer.ts';
import type { NamespaceMap } from './map.ts';

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
export const largeShare = 0.1;

/** Half-width of the widest interval of a share of a large namespace: of its types, its spans of TTLs and the like. */
export function widestShare(namespaces: readonly KeyStatistics[], coverage: number): number {
  const estimator = new ChosenEstimator(coverage);
  const all = namespaces.reduce((sum, { keys }) => sum + keys, 0);
  const breakdowns = namespaces
    .filter(({ keys }) => keys >= largeShare * all)
    .flatMap(({ by: { verdict: _verdict, ...byColumn } }) => Object.values(byColumn));
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

/** Namespaces that are distinguished, about 100 bytes of memory each; the keys of all others are chosen as if of one. */
const mostNamespaces = 1000;

/** Of every namespace these are read, before its size can be foreseen. */
const firstKeys = 250;

/** Where so many of all keys would be chosen, all are: a few lookups more make the figures exact. */
const mostChosen = 0.5;

/** How many keys are chosen is left to chance too. */
const margin = 1.1;

/** Of so many keys, chosen at random, any share is known to within `precision`, with a certainty of 95 %. */
function keysFor(precision: number): number {
  return Math.ceil(margin * 0.25 * (z95 / precision) ** 2);
}

/**
 * Chooses keys, while a walk meets them, for what costs a lookup: all of a namespace with few keys, of a large one as many
 * as its shares need. Each key has a chance that depends on how many keys were met so far and on nothing else, so it
 * makes no difference in which order a server gives them.
 */
export class KeyChoice {
  private readonly enough: number;
  private readonly met = new Map<string, number>();
  private all = 0;
  private takesAll = false;
  private looksAgainAt = 0;
  /** Keys that were not chosen. */
  passedOver = 0;

  /** @param precision half-width of the 95 % intervals of the shares of a large namespace */
  constructor(
    private readonly map: NamespaceMap,
    precision: number,
    private readonly draw: SeededRandom,
  ) {
    this.enough = keysFor(precision);
  }

  /**
   * One over the chance of each key; 0 where it is not chosen.
   * @param walked share of the walk that is done with these keys, from 0 to 1
   */
  weigh(keys: readonly ByteString[], walked: number): number[] {
    return keys.map((key) => {
      const chance = this.chanceOf(key, Math.max(walked, 1e-9));
      if (chance >= 1 || this.draw.fraction() < chance) return 1 / chance;
      this.passedOver++;
      return 0;
    });
  }

  /** True where most keys would be chosen in the end, as far as the walk has come. */
  private choosesMost(walked: number): boolean {
    if (this.all < this.looksAgainAt) return this.takesAll;
    this.looksAgainAt = this.all + firstKeys;
    let lookups = 0;
    for (const met of this.met.values()) {
      const [wanted, foreseen] = [this.wantedOf(met), met / walked];
      const first = Math.min(firstKeys, wanted, foreseen);
      lookups += foreseen <= wanted ? foreseen : first + ((foreseen - first) * wanted) / (foreseen + wanted);
    }
    this.takesAll = lookups >= (mostChosen * this.all) / walked;
    return this.takesAll;
  }

  /** Ten large namespaces at most, and as many keys again for all small ones together. */
  private wantedOf(met: number): number {
    const fair = this.enough / largeShare / this.met.size;
    return met >= largeShare * this.all ? this.enough : Math.min(this.enough, fair);
  }

  private chanceOf(key: ByteString, walked: number): number {
    const namespace = this.namespaceOf(key);
    const met = (this.met.get(namespace) ?? 0) + 1;
    this.met.set(namespace, met);
    this.all++;
    const wanted = this.wantedOf(met);
    const foreseen = met / walked;
    if (met <= Math.min(firstKeys, wanted) || foreseen <= wanted || this.choosesMost(walked)) return 1;
    // With the correction for a finite population.
    return wanted / (foreseen + wanted);
  }

  private namespaceOf(key: ByteString): string {
    const { map } = this;
    const name = (map.isEmpty ? null : map.classify(key)?.name) ?? inferPattern(key, map.delimiters);
    return this.met.size < mostNamespaces || this.met.has(name) ? name : '';
  }
}
