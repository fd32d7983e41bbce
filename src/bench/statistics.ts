import { type Interval, meanOf, t95 } from '../support/intervals.ts';
import type { SeededRandom } from '../support/random.ts';

/** One figure in each round, of the two that are compared. All are above 0. Paired: measured in the same round, one after the other. */
export interface RoundFigures {
  readonly now: readonly number[];
  readonly then: readonly number[];
}

/** What the rounds say about a figure. */
export interface RatioEstimate {
  /** Now as a share of then. */
  readonly ratio: number;
  /** Of 95 %. */
  readonly ratioInterval: Interval;
  /**
   * How often two equal things would differ so much, or more, in any of the figures that are compared together: with 0.01 as
   * the limit, one comparison of equal things in 100 finds a difference anywhere.
   */
  readonly pValue: number;
}

const resamples = 2000;
/** More ways to exchange the rounds than this are drawn at random. */
const mostExchanges = 4096;
const trimmedShare = 0.2;

/**
 * Compares figures over rounds, all of them together.
 *
 * - The ratio is the exponential of the difference of trimmed means of logarithms, 20 % off each end: a stall within one
 *   round does not move it (Wilcox, Introduction to Robust Estimation and Hypothesis Testing, 2012).
 * - The interval comes from resampling rounds, not single latencies, which depend on each other (Kalibera, Jones, Rigorous Benchmarking
 *   in Reasonable Time, 2013): the bootstrap percentile interval, expanded for few rounds (Hesterberg, What Teachers Should
 *   Know About the Bootstrap, 2015).
 * - The test exchanges rounds and compares ranks, so that skewed figures are no trouble: Wilcoxon's signed ranks (1945; equal
 *   rounds by Pratt, 1959) for paired rounds, his rank sum for others. The rounds of all figures are exchanged alike, and each figure is held against the
 *   largest there is by chance among it and those with smaller differences (Westfall, Young, Resampling-Based Multiple
 *   Testing, 1993), so that many figures make no false alarms, whatever their correlation.
 */
export function compareRounds(
  figures: readonly RoundFigures[],
  isPaired: boolean,
  random: SeededRandom,
): RatioEstimate[] {
  const logs = figures.map(({ now, then }) => ({ now: now.map(Math.log), then: then.map(Math.log) }));
  const pValues = isPaired ? signedRankPValues(logs, random) : rankSumPValues(logs, random);
  return logs.map((each, index) => ({
    ...(isPaired ? pairedRatio(each, random) : unpairedRatio(each, random)),
    pValue: pValues[index] ?? 1,
  }));
}

/**
 * True where so many rounds show a difference of any of the figures that is the same in each round, whatever the others do. The order
 * that was observed is one of all by which rounds can be exchanged; by chance, each other figure has one at most that looks as different.
 */
export function canJudge(nowRounds: number, thenRounds: number, isPaired: boolean, figures: number): boolean {
  if (nowRounds === 0 || thenRounds === 0) return false;
  const orders = isPaired
    ? 2 ** (Math.min(nowRounds, thenRounds) - 1)
    : combinations(nowRounds + thenRounds, thenRounds) / 2;
  return figures / orders <= significance;
}

/** The smallest number of rounds, on each side, that can be judged. */
export function fewestRounds(isPaired: boolean, figures: number): number {
  let rounds = 1;
  while (!canJudge(rounds, rounds, isPaired, figures)) rounds++;
  return rounds;
}

/**
 * Of the p-value. With 0.05, the usual limit, one of 20 gates would fail by chance on servers that are equal, and one in four
 * of those who compare equal things twenty times would see more than one difference.
 */
export const significance = 0.01;

type Estimate = Pick<RatioEstimate, 'ratio' | 'ratioInterval'>;

function pairedRatio({ now, then }: RoundFigures, random: SeededRandom): Estimate {
  const differences = now.map((value, round) => value - (then[round] ?? value));
  const resample = resampler(differences, random);
  return estimateOf(trimmedMean(Float64Array.from(differences)), resample, differences.length);
}

function unpairedRatio({ now, then }: RoundFigures, random: SeededRandom): Estimate {
  const [here, there] = [resampler(now, random), resampler(then, random)];
  return estimateOf(
    trimmedMean(Float64Array.from(now)) - trimmedMean(Float64Array.from(then)),
    () => here() - there(),
    Math.min(now.length, then.length),
  );
}

function estimateOf(center: number, resample: () => number, rounds: number): Estimate {
  const drawn = Float64Array.from({ length: resamples }, resample).sort();
  const tail = normalTail(t95(rounds - 1) * Math.sqrt(rounds / Math.max(1, rounds - 1)));
  const at = Math.max(0, Math.floor(tail * resamples));
  const [low, high] = [drawn[at] ?? center, drawn[resamples - 1 - at] ?? center];
  return { ratio: Math.exp(center), ratioInterval: [Math.exp(low), Math.exp(high)] };
}

/** Gives the trimmed mean of values drawn anew from the same. */
function resampler(values: readonly number[], random: SeededRandom): () => number {
  const drawn = new Float64Array(values.length);
  return () => {
    for (let at = 0; at < drawn.length; at++) drawn[at] = values[random.below(values.length)] ?? 0;
    return trimmedMean(drawn);
  };
}

/** @param values Put in order by this. */
function trimmedMean(values: Float64Array): number {
  const cut = Math.floor(values.length * trimmedShare);
  values.sort();
  return meanOf([...values.subarray(cut, values.length - cut)]);
}

function signedRankPValues(logs: readonly RoundFigures[], random: SeededRandom): number[] {
  const signed = logs.map(({ now, then }) => {
    const differences = now.map((value, round) => value - (then[round] ?? value));
    const ranks = ranksOf(differences.map(Math.abs));
    return differences.map((difference, round) => Math.sign(difference) * (ranks[round] ?? 0));
  });
  const rounds = signed[0]?.length ?? 0;
  const statistics = (flipped: (round: number) => boolean) =>
    signed.map((ranks) =>
      Math.abs(ranks.reduce((sum, rank, round) => sum + (flipped(round) ? -rank : rank), 0)),
    );
  // A flip of all signs gives the same sums: the last round keeps its sign.
  const all = 2 ** (rounds - 1);
  const exchanges =
    all <= mostExchanges
      ? Array.from({ length: all }, (_, bits) => statistics((round) => ((bits >> round) & 1) === 1))
      : Array.from({ length: mostExchanges }, () => {
          const flips = Array.from({ length: rounds }, () => random.chance(0.5));
          return statistics((round) => flips[round] === true);
        });
  return stepDown(
    statistics(() => false),
    exchanges,
    all <= mostExchanges,
  );
}

function rankSumPValues(logs: readonly RoundFigures[], random: SeededRandom): number[] {
  const [first] = logs;
  const [nowRounds, rounds] = [first?.now.length ?? 0, (first?.now.length ?? 0) + (first?.then.length ?? 0)];
  const middle = (nowRounds * (rounds + 1)) / 2;
  const ranked = logs.map(({ now, then }) => ranksOf([...now, ...then]));
  const statistics = (chosen: readonly number[]) =>
    ranked.map((ranks) => Math.abs(chosen.reduce((sum, round) => sum + (ranks[round] ?? 0), 0) - middle));
  const order = Array.from({ length: rounds }, (_, round) => round);
  const isExact = combinations(rounds, nowRounds) <= mostExchanges;
  const exchanges = isExact
    ? choicesOf(order, nowRounds).map(statistics)
    : Array.from({ length: mostExchanges }, () => {
        for (let at = 0; at < nowRounds; at++) {
          const other = random.between(at, rounds - 1);
          [order[at], order[other]] = [order[other] ?? 0, order[at] ?? 0];
        }
        return statistics(order.slice(0, nowRounds));
      });
  return stepDown(statistics(Array.from({ length: nowRounds }, (_, round) => round)), exchanges, isExact);
}

/**
 * Adjusted p-values by stepping down from the largest statistic.
 * @param exchanges The statistics by chance: of all ways to exchange rounds, else of some, to which the one observed is added.
 */
function stepDown(
  observed: readonly number[],
  exchanges: readonly (readonly number[])[],
  isExact: boolean,
): number[] {
  const descending = observed.map((_, index) => index);
  descending.sort((one, other) => (observed[other] ?? 0) - (observed[one] ?? 0));
  const own = isExact ? 0 : 1;
  const all = exchanges.length + own;
  const reached = observed.map((): number => own);
  for (const byChance of exchanges) {
    let largest = 0;
    for (const index of descending.toReversed()) {
      largest = Math.max(largest, byChance[index] ?? 0);
      if (largest >= (observed[index] ?? 0) - 1e-9) reached[index] = (reached[index] ?? 0) + 1;
    }
  }
  let highest = 0;
  const pValues = observed.map(() => 1);
  for (const index of descending) {
    highest = Math.max(highest, (reached[index] ?? 0) / all);
    pValues[index] = highest;
  }
  return pValues;
}

/** From 1 on; equal values share the mean of their ranks. */
function ranksOf(values: readonly number[]): number[] {
  const ascending = values.toSorted((one, other) => one - other);
  return values.map((value) => {
    const first = ascending.indexOf(value);
    return (first + ascending.lastIndexOf(value)) / 2 + 1;
  });
}

function combinations(all: number, chosen: number): number {
  let product = 1;
  for (let step = 1; step <= Math.min(chosen, all - chosen); step++) product *= (all + 1 - step) / step;
  return product;
}

function choicesOf(items: readonly number[], count: number): number[][] {
  if (count === 0) return [[]];
  return items.flatMap((item, index) =>
    choicesOf(items.slice(index + 1), count - 1).map((rest) => [item, ...rest]),
  );
}

/** The share of a normal distribution beyond `z` standard deviations. @see Abramowitz and Stegun, 26.2.17 */
function normalTail(z: number): number {
  const t = 1 / (1 + 0.2316419 * z);
  const series =
    t * (0.31938153 + t * (-0.356563782 + t * (1.781477937 + t * (-1.821255978 + t * 1.330274429))));
  return (Math.exp((-z * z) / 2) / Math.sqrt(2 * Math.PI)) * series;
}
