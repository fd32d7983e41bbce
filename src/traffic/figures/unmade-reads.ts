import { commandCalls } from '../../redis/info.ts';
import type { Interval } from '../../support/intervals.ts';
import { readsIn, type Span, uncertainReadsIn } from '../counts.ts';
import type { RowGroup } from '../keys/namespace-rows.ts';
import { countingRules } from '../rules/counting-rules.ts';
import { lookupsIn } from './window.ts';

/** Commands that read keys; true for those that look up no further key behind an error. */
const readCommands = new Map(
  countingRules.flatMap(({ command, reads, stopsAtError = false }) =>
    reads === null ? [] : [[command.split(' ')[0] ?? command, stopsAtError] as const],
  ),
);

/** Calls that failed in these windows, of commands that read keys; null where a server does not report them. */
export function failedReads(windows: readonly Span[]): ReadonlyMap<string, number> | null {
  const failed = new Map<string, number>();
  for (const { from, to } of windows) {
    const [before, after] = [commandCalls(from.info, 'failed_calls'), commandCalls(to.info, 'failed_calls')];
    if (before === null || after === null) return null;
    for (const [command, calls] of after) {
      const grown = calls - (before.get(command) ?? 0);
      if (grown > 0 && readCommands.has(command)) failed.set(command, (failed.get(command) ?? 0) + grown);
    }
  }
  return failed;
}

/**
 * Reads that MONITOR shows and the server did not make, for their commands failed on the way: what MONITOR shows beyond the
 * server's own counters, as far as reads are uncertain and the server reports a failed call that explains it.
 */
export class UnmadeReads {
  /** Failed calls of the commands that stop at an error, by command; null: not reported. */
  readonly failed: ReadonlyMap<string, number> | null;
  private readonly sums = new Map<Span, { readonly unmade: number; readonly uncertain: number }>();

  /** @param rows all of them, marks of other observers included */
  constructor(
    windows: readonly Span[],
    private readonly rows: readonly number[],
  ) {
    const failed = failedReads(windows);
    this.failed = failed && new Map([...failed].filter(([command]) => readCommands.get(command)));
  }

  /** Of all rows together. */
  in(spans: readonly Span[]): number {
    return spans.reduce((sum, span) => sum + this.sumsOf(span).unmade, 0);
  }

  /** Of these rows, in proportion to the reads that may not have been made. */
  of(span: Span, rows: readonly number[]): number {
    const { unmade, uncertain } = this.sumsOf(span);
    return unmade === 0 ? 0 : (unmade * uncertainReadsIn([span], rows)) / uncertain;
  }

  /** What they can be at least and at most: which of several namespaces they belong to is not known. */
  boundsOf(spans: readonly Span[], rows: readonly number[]): Interval {
    let [least, most] = [0, 0];
    for (const span of spans) {
      const { unmade, uncertain } = this.sumsOf(span);
      const here = uncertainReadsIn([span], rows);
      least += Math.max(0, unmade - (uncertain - here));
      most += Math.min(unmade, here);
    }
    return [least, most];
  }

  /** Of each group, in whole numbers that add up. */
  byGroup(windows: readonly Span[], groups: readonly RowGroup[]): number[] {
    let [exact, given] = [0, 0];
    return groups.map(({ rows }) => {
      for (const window of windows) exact += this.of(window, rows);
      const whole = Math.round(exact) - given;
      given += whole;
      return whole;
    });
  }

  private sumsOf(span: Span): { readonly unmade: number; readonly uncertain: number } {
    const known = this.sums.get(span);
    if (known !== undefined) return known;
    const counted = this.failed?.size === 0 ? null : lookupsIn([span]);
    const uncertain = counted === null ? 0 : uncertainReadsIn([span], this.rows);
    const beyond = counted === null ? 0 : readsIn([span], this.rows) - counted.hits - counted.misses;
    const sums = { unmade: Math.max(0, Math.min(beyond, uncertain)), uncertain };
    this.sums.set(span, sums);
    return sums;
  }
}
