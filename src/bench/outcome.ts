import { sumOf } from '../support/collections.ts';
import { type Distribution, merged } from './hdr.ts';
import { type LatencySummary, summaryOf } from './latency.ts';

/** The latencies of one second. */
export interface SecondDistribution extends Distribution {
  /** Commands that were answered; with a pipeline there is one latency for several. */
  readonly operations: number;
}

/** What came back within one second, the last one as far as it was measured. Null where nothing did. */
export interface SecondFigures {
  readonly operations: number;
  readonly p50Micros: number | null;
  readonly p99Micros: number | null;
  readonly maxMicros: number | null;
}

export interface PhaseCounts {
  /** Commands with an answer that is no error. */
  readonly operations: number;
  /** Error replies. The first ends the benchmark, so more come from the same batch only. */
  readonly errors: number;
  /** Lookups of keys that were answered: MGET makes one for each key. */
  readonly lookups: number;
  /** Of them, those that found no key. */
  readonly misses: number;
  /** Lookups of keys that were never written, as `--hit-ratio` wants. */
  readonly expectedMisses: number;
}

export const countNames = ['operations', 'errors', 'lookups', 'misses', 'expectedMisses'] as const;

export interface PhaseOutcome extends PhaseCounts {
  /** From the first command to the last answer; with a rate, the time that so many commands were meant to take. */
  readonly seconds: number;
  readonly latency: LatencySummary | null;
  /** Every latency, to be put together with those of other phases. */
  readonly distribution: Distribution;
  /** Operations in each full tenth of a second, in order. */
  readonly slices: readonly number[];
  /** By the second of the answer, in order. */
  readonly series: readonly SecondFigures[];
  /** Latencies of each second by nanoseconds; empty where that was not asked for. */
  readonly distributions: readonly SecondDistribution[];
  /** Share of the time that this process was busy; null for a paced phase, which spends idle time on its clock. */
  readonly utilization: number | null;
  /** Share of the time that this process was ready and had to wait for a processor; null where not reported. */
  readonly starvation: number | null;
  /** Share of the batches that were due before a connection was free for them; 0 without a rate. */
  readonly queuedRatio: number;
  /** How late batches were sent that nothing but this machine held up; 0 without a rate. */
  readonly meanOwnDelayMicros: number;
  /** False where a failure or the signal ended it. */
  readonly complete: boolean;
  readonly failure: Error | null;
}

export const slicesPerSecond = 10;

/** The slice at the end is as long as the others only by chance. */
export const withFullSlices = (outcome: PhaseOutcome): PhaseOutcome => ({
  ...outcome,
  slices: Array.from(
    { length: Math.floor(outcome.seconds * slicesPerSecond) },
    (_, index) => outcome.slices[index] ?? 0,
  ),
});

export function secondOf({ operations, ...distribution }: SecondDistribution): SecondFigures {
  const { p50Micros = null, p99Micros = null, maxMicros = null } = summaryOf(distribution) ?? {};
  return { operations, p50Micros, p99Micros, maxMicros };
}

type Of<Figure = number> = (part: PhaseOutcome) => Figure;

/** Null where a part has none. */
const share = (parts: readonly PhaseOutcome[], of: Of<number | null>, join: (values: number[]) => number) =>
  parts.some((part) => of(part) === null) ? null : join(parts.map((part) => of(part) ?? 0));

/** What parts have in common, whether they ran one after the other or at the same time. */
function joined(parts: readonly PhaseOutcome[]) {
  const sum = (of: Of) => sumOf(parts.map(of));
  /** By the batches of the parts, or those of them that such a figure is about. */
  const mean = (of: Of, weightOf: Of) => {
    const weights = sum(weightOf);
    return weights > 0 ? sum((part) => of(part) * weightOf(part)) / weights : 0;
  };
  const batchesOf: Of = ({ latency }) => latency?.samples ?? 0;
  const distribution = merged(parts.map((part) => part.distribution));
  return {
    ...(Object.fromEntries(
      countNames.map((name) => [name, sum((part) => part[name])]),
    ) as unknown as PhaseCounts),
    ...{ latency: summaryOf(distribution), distribution },
    queuedRatio: mean((part) => part.queuedRatio, batchesOf),
    meanOwnDelayMicros: mean(
      (part) => part.meanOwnDelayMicros,
      (part) => batchesOf(part) * (1 - part.queuedRatio),
    ),
    complete: parts.every((part) => part.complete),
    failure: parts.find((part) => part.failure !== null)?.failure ?? null,
  };
}

/** Phases as if they were one. */
export function together(parts: readonly PhaseOutcome[]): PhaseOutcome {
  const [first] = parts;
  if (first !== undefined && parts.length === 1) return first;
  const seconds = sumOf(parts.map((part) => part.seconds));
  const mean = (values: number[]) =>
    seconds > 0 ? sumOf(values.map((value, at) => value * (parts[at]?.seconds ?? 0))) / seconds : 0;
  return {
    ...{ ...joined(parts), seconds },
    slices: parts.flatMap(({ slices }) => slices),
    series: parts.flatMap(({ series }) => series),
    distributions: parts.flatMap(({ distributions }) => distributions),
    utilization: share(parts, (part) => part.utilization, mean),
    starvation: share(parts, (part) => part.starvation, mean),
  };
}

/**
 * Parts of one phase that ran at the same time in threads, as one: exactly what one thread would have counted.
 * @param parts One at least, with the distribution of each second.
 */
export function alongside(parts: readonly PhaseOutcome[]): PhaseOutcome {
  const highest = (values: number[]) => Math.max(...values);
  const places = (of: Of<readonly unknown[]>) =>
    Array.from({ length: highest(parts.map((part) => of(part).length)) }, (_, place) => place);
  const distributions = places((part) => part.distributions).map((second) => {
    const all = parts.flatMap((part) => part.distributions[second] ?? []);
    return { operations: sumOf(all.map(({ operations }) => operations)), ...merged(all) };
  });
  return withFullSlices({
    ...joined(parts),
    seconds: highest(parts.map((part) => part.seconds)),
    slices: places((part) => part.slices).map((slice) => sumOf(parts.map((part) => part.slices[slice] ?? 0))),
    ...{ series: distributions.map(secondOf), distributions },
    utilization: share(parts, (part) => part.utilization, highest),
    starvation: share(parts, (part) => part.starvation, highest),
  });
}
