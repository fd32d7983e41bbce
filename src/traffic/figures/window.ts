import { commandCalls, type Info, infoNumber } from '../../redis/info.ts';
import { type Interval, proportionInterval, t95, z95 } from '../../support/intervals.ts';
import { sumOf } from '../../support/collections.ts';
import type { RowGroup } from '../keys/namespace-rows.ts';
import { mayPass } from '../../redis/errors.ts';
import { ReplyError } from '../../redis/reply.ts';
import { countingRules } from '../rules/counting-rules.ts';
import { type Mark, missesIn, type Span, sumIn } from '../streams/mark.ts';

/** What one node did between two marks. */
export interface NodeWindow extends Span {
  /** The stretches of it during which MONITOR ran, where it did in part. */
  readonly bursts: readonly Span[];
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

/** Null where the counters of a server went back: it was started anew, or its statistics were reset. */
export function lookupsIn(spans: readonly Span[]): Lookups | null {
  let [hits, misses] = [0, 0];
  for (const { from, to } of spans) {
    const hitsHere = growth(from.info, to.info, 'keyspace_hits');
    const missesHere = growth(from.info, to.info, 'keyspace_misses');
    if (wentBack(from, to) || hitsHere === null || missesHere === null) return null;
    hits += hitsHere;
    misses += missesHere - (to.ownMisses - from.ownMisses);
  }
  return { hits, misses };
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

/** Commands that a server refused because it answered none at the time, by the code of the refusal: `MASTERDOWN`. */
export function refusalsIn(spans: readonly Span[]): ReadonlyMap<string, number> {
  const refusals = new Map<string, number>();
  for (const { from, to } of spans)
    for (const [field, value] of Object.entries(to.info)) {
      const code = /^errorstat_(\w+)$/.exec(field)?.[1];
      if (code === undefined || !mayPass(new ReplyError(`${code} `))) continue;
      const countIn = (text = '') => Number(/^count=(\d+)/.exec(text)?.[1] ?? 0);
      const grown = countIn(value) - countIn(from.info[field]);
      if (grown > 0) refusals.set(code, (refusals.get(code) ?? 0) + grown);
    }
  return refusals;
}

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
    return unmade === 0 ? 0 : (unmade * sumIn([span], 'uncertainReads', rows)) / uncertain;
  }

  /** What they can be at least and at most: which of several namespaces they belong to is not known. */
  boundsOf(spans: readonly Span[], rows: readonly number[]): Interval {
    let [least, most] = [0, 0];
    for (const span of spans) {
      const { unmade, uncertain } = this.sumsOf(span);
      const here = sumIn([span], 'uncertainReads', rows);
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
    const uncertain = counted === null ? 0 : sumIn([span], 'uncertainReads', this.rows);
    const beyond = counted === null ? 0 : sumIn([span], 'reads', this.rows) - counted.hits - counted.misses;
    const sums = { unmade: Math.max(0, Math.min(beyond, uncertain)), uncertain };
    this.sums.set(span, sums);
    return sums;
  }
}

/**
 * The hits of these rows, from what they were in the bursts: their share of all hits there, of all hits that the server
 * counted. Misses need no such estimate, for each has its event.
 */
export function estimateHits(
  windows: readonly NodeWindow[],
  rows: readonly number[],
  allRows: readonly number[],
  unmade: UnmadeReads,
): Estimate {
  const hitsIn = (burst: Span, of: readonly number[]) =>
    Math.max(0, sumIn([burst], 'reads', of) - unmade.of(burst, of) - missesIn([burst], of));
  return sumEstimates(
    windows.map((window) =>
      estimatePart({
        parts: window.bursts.map((burst) => hitsIn(burst, rows)),
        wholes: window.bursts.map((burst) => hitsIn(burst, allRows)),
        total: lookupsIn([window])?.hits ?? 0,
      }),
    ),
  );
}

/** Commands that wrote keys of these rows: their share of the commands in the bursts, of all commands. */
export function estimateWrites(windows: readonly NodeWindow[], rows: readonly number[]): number {
  return sumOf(
    windows.map(({ from, to, bursts }) => {
      const monitored = sumOf(
        bursts.map((burst) => burst.to.monitoredCommands - burst.from.monitoredCommands),
      );
      const commands = growth(from.info, to.info, 'total_commands_processed') ?? 0;
      return monitored === 0 ? 0 : (sumIn(bursts, 'writes', rows) / monitored) * commands;
    }),
  );
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

/** Where fewer bursts saw any of the part, or anything else, they do not show how it varies from one to the other. */
const fewBursts = 5;

/** Reads come in groups, as of one page or one MGET: what is taken for their size where the bursts do not show it. */
const groupSize = 4;

/**
 * How much of the total is the part's. The bursts are a sample of clusters, one at random in each stretch of time; the
 * share is the ratio of the sums over the bursts, its variance that of a ratio estimator (Cochran, Sampling Techniques,
 * 1977, section 6.4), and its interval that of Clopper and Pearson for the effective size of the sample (Korn and
 * Graubard 1998). What the bursts themselves saw is known, and bounds the figure from below.
 */
export function estimatePart({ parts, wholes, total }: BurstCounts): Estimate {
  const seen = sumOf(parts);
  const seenWhole = sumOf(wholes);
  if (seenWhole === 0 || total === 0) return { value: 0, interval: [0, total] };
  const share = seen / seenWhole;
  const unseen = Math.max(0, 1 - seenWhole / total);
  const bursts = parts.length;
  const squares = sumOf(parts.map((part, index) => (part - share * (wholes[index] ?? 0)) ** 2));
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
  const value = sumOf(estimates.map((each) => each.value));
  const distance = (of: (each: Estimate) => number) => Math.hypot(...estimates.map(of));
  return {
    value,
    interval: [
      Math.max(0, value - distance((each) => each.value - each.interval[0])),
      value + distance((each) => each.interval[1] - each.value),
    ],
  };
}
