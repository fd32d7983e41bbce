import type { Interval } from '../support/intervals.ts';
import { SeededRandom } from '../support/random.ts';
import type { LatencySummary } from './latency.ts';
import type { WorkloadName } from './options.ts';
import type { WorkloadResult, WorkloadRound } from './result.ts';
import { canJudge, compareRounds, significance } from './statistics.ts';

/** What is compared of a round. */
export const measureNames = [
  'throughputPerSecond',
  'p50Micros',
  'p90Micros',
  'p95Micros',
  'p99Micros',
  'p999Micros',
] as const satisfies readonly ('throughputPerSecond' | keyof LatencySummary)[];
export type MeasureName = (typeof measureNames)[number];

/** `none-seen`: chance alone may have made the difference. `unjudged`: too few rounds to tell. */
export type Change = 'faster' | 'slower' | 'none-seen' | 'unjudged';

/** A figure now, and the same of what it is compared with. */
export interface MeasureComparison {
  readonly measure: MeasureName;
  /** Over all rounds together. */
  readonly now: number;
  readonly then: number;
  /** Now as a share of then: of the middle of the rounds, where they can be judged. 1 is no change. */
  readonly ratio: number;
  /** With 95 %; null where nothing can be judged. */
  readonly ratioInterval: Interval | null;
  /** Over all figures of the run together: 0.01 is one false alarm in 100 runs. */
  readonly pValue: number | null;
  readonly change: Change;
}

/** A workload now as a share of the same workload then: 1 is no change. */
export interface Comparison {
  readonly workload: WorkloadName;
  readonly throughputRatio: number;
  readonly p50Ratio: number;
  readonly p99Ratio: number;
  readonly measures: readonly MeasureComparison[];
}

/** One workload, as far as it can be compared. */
export interface ComparedResult extends Pick<WorkloadResult, 'name' | 'complete' | 'throughputPerSecond'> {
  readonly latency: LatencySummary | null;
  /** The rounds, none for a run that did not keep them. */
  readonly rounds: readonly Omit<WorkloadRound, 'series'>[];
}

const seed = 1;

/**
 * Compares the workloads that both sides have measured to the end.
 * @param isPaired True where both sides were measured in the same rounds.
 */
export function compareResults(
  now: readonly ComparedResult[],
  then: readonly ComparedResult[],
  isPaired: boolean,
): Comparison[] {
  const compared = now.flatMap((result) => {
    const other = then.find(({ name }) => name === result.name);
    return other !== undefined && isComparable(result, isPaired) && isComparable(other, isPaired)
      ? [{ result, other }]
      : [];
  });
  const pairs = compared.map(({ result, other }) => ({
    ...{ result, other, rounds: roundsOf(result, other, isPaired, figuresOf(compared.length)) },
  }));
  const judged = pairs.flatMap(({ rounds }) => rounds ?? []);
  const estimates = compareRounds(judged, isPaired, new SeededRandom(seed, 'comparison'));
  return pairs.map(({ result, other, rounds }) => {
    const own = rounds === null ? null : estimates.splice(0, measureNames.length);
    const measures = measureNames.map((measure, index): MeasureComparison => {
      const [here, there] = [valueOf(result, measure), valueOf(other, measure)];
      const figures = { measure, now: here, then: there };
      const estimate = own?.[index];
      if (estimate === undefined)
        return { ...figures, ratio: here / there, ratioInterval: null, pValue: null, change: 'unjudged' };
      return { ...figures, ...estimate, change: changeOf(measure, estimate) };
    });
    const ratioOf = (measure: MeasureName) => measures.find((each) => each.measure === measure)?.ratio ?? 1;
    return {
      workload: result.name,
      throughputRatio: ratioOf('throughputPerSecond'),
      p50Ratio: ratioOf('p50Micros'),
      p99Ratio: ratioOf('p99Micros'),
      measures,
    };
  });
}

/** How much slower, at least, now is than then in this figure: 0.1 is 10 %; 0 or less where it may be no slower. */
export function slowdownAtLeast({ measure, ratioInterval, change }: MeasureComparison): number | null {
  if (ratioInterval === null) return null;
  if (change !== 'slower') return 0;
  const [low, high] = ratioInterval;
  return measure === 'throughputPerSecond' ? 1 / high - 1 : low - 1;
}

/** A run that was interrupted has whole rounds that can be compared. */
const isComparable = ({ complete, latency, rounds }: ComparedResult, isPaired: boolean) =>
  latency !== null && (complete || (isPaired && rounds.length > 0));

/** What is compared of so many workloads. */
export const figuresOf = (workloads: number): number => workloads * measureNames.length;

/** Of each figure; null where there are too few to judge. */
function roundsOf(result: ComparedResult, other: ComparedResult, isPaired: boolean, figures: number) {
  const paired = Math.min(result.rounds.length, other.rounds.length);
  const [here, there] = isPaired
    ? [result.rounds.slice(0, paired), other.rounds.slice(0, paired)]
    : [result.rounds, other.rounds];
  return canJudge(here.length, there.length, isPaired, figures)
    ? measureNames.map((measure) => ({
        now: here.map((round) => valueOf(round, measure)),
        then: there.map((round) => valueOf(round, measure)),
      }))
    : null;
}

const valueOf = (
  { throughputPerSecond, latency }: Pick<ComparedResult, 'throughputPerSecond' | 'latency'>,
  measure: MeasureName,
) => (measure === 'throughputPerSecond' ? throughputPerSecond : (latency?.[measure] ?? 0));

/**
 * Smaller differences are not reported: two sets of connections to the same server have differed by 0.4 % over all rounds, for where their
 * data happen to be in memory.
 */
const smallestDifference = 0.01;

/** Where the test and the interval disagree, nothing was seen. */
function changeOf(
  measure: MeasureName,
  { pValue, ratioInterval: [low, high] }: { readonly pValue: number; readonly ratioInterval: Interval },
): Change {
  const isWithin = low <= 1 + smallestDifference && high >= 1 / (1 + smallestDifference);
  if (pValue > significance || isWithin) return 'none-seen';
  return low > 1 === (measure === 'throughputPerSecond') ? 'faster' : 'slower';
}
