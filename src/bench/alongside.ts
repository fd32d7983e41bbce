import { sumOf } from '../support/collections.ts';
import { merged } from './hdr.ts';
import { summaryOf } from './latency.ts';
import { type PhaseOutcome, secondOf, withFullSlices } from './phase.ts';

/**
 * Parts of one phase that ran at the same time in threads, as one: exactly what one thread would have counted.
 * @param parts One at least, with the distribution of each second.
 */
export function alongside(parts: readonly PhaseOutcome[]): PhaseOutcome {
  const sum = (of: (part: PhaseOutcome) => number) => sumOf(parts.map(of));
  const highest = (of: (part: PhaseOutcome) => number) => Math.max(...parts.map(of));
  const highestOrNull = (of: (part: PhaseOutcome) => number | null) =>
    parts.some((part) => of(part) === null) ? null : highest((part) => of(part) ?? 0);
  /** By the batches of the parts, or those of them that such a figure is about. */
  const mean = (of: (part: PhaseOutcome) => number, weightOf: (part: PhaseOutcome) => number) => {
    const weights = sum(weightOf);
    return weights > 0 ? sum((part) => of(part) * weightOf(part)) / weights : 0;
  };
  const places = (of: (part: PhaseOutcome) => readonly unknown[]) =>
    Array.from({ length: highest((part) => of(part).length) }, (_, place) => place);
  const batchesOf = ({ latency }: PhaseOutcome) => latency?.samples ?? 0;
  const distribution = merged(parts.map((part) => part.distribution));
  const distributions = places((part) => part.distributions).map((second) => {
    const all = parts.flatMap((part) => part.distributions[second] ?? []);
    return { operations: sumOf(all.map(({ operations }) => operations)), ...merged(all) };
  });
  return withFullSlices({
    operations: sum((part) => part.operations),
    errors: sum((part) => part.errors),
    expectedMisses: sum((part) => part.expectedMisses),
    lookups: sum((part) => part.lookups),
    misses: sum((part) => part.misses),
    seconds: highest((part) => part.seconds),
    latency: summaryOf(distribution),
    distribution,
    slices: places((part) => part.slices).map((slice) => sum((part) => part.slices[slice] ?? 0)),
    series: distributions.map(secondOf),
    distributions,
    utilization: highestOrNull((part) => part.utilization),
    starvation: highestOrNull((part) => part.starvation),
    queuedRatio: mean((part) => part.queuedRatio, batchesOf),
    meanOwnDelayMicros: mean(
      (part) => part.meanOwnDelayMicros,
      (part) => batchesOf(part) * (1 - part.queuedRatio),
    ),
    complete: parts.every((part) => part.complete),
    failure: parts.find((part) => part.failure !== null)?.failure ?? null,
  });
}
