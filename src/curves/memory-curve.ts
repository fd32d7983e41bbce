import type { InParts } from '../support/in-parts.ts';
import type { Interval } from '../support/intervals.ts';
import type { AccessTrace } from './access-sample.ts';
import type { Population } from './key-census.ts';
import { keyWeights } from './key-weights.ts';
import type { EvictionTerms } from './policy.ts';
import { comparePolicy } from './policy-misses.ts';
import { errorOfGroups, partsOf } from './random-groups.ts';
import { lruOutcomes, type ReadOutcomes, type ReplayTerms } from './read-outcomes.ts';

/** What is known of the whole window, beyond the sample. */
export interface WindowTotals {
  /** Reads, by row. */
  readonly reads: readonly number[];
  /** Reads that missed on the server, by row; null: not known. */
  readonly misses: readonly number[] | null;
  /** Null: too many keys to tell, or all are in the sample. */
  readonly population: Population | null;
  /** Bytes of all these keys together; null: not known. */
  readonly distinctBytes: number | null;
}

export interface MemoryTerms {
  /** Bytes of keys, ascending. */
  readonly sizes: readonly number[];
  /** Index of the size that the server has; null where it is not one of these. */
  readonly today: number | null;
  readonly eviction: EvictionTerms;
  /** False where nothing was ever evicted: what missed on the server would have missed with more memory too. */
  readonly hasEvicted: boolean;
  readonly beginsEmpty: boolean;
  /** Where the policy is not that of the server: what the model makes of today's memory with the server's own. */
  readonly ownPolicy?: MemoryCurves;
  /** Indexes of the sizes at which the policy is simulated, ascending; left out: all. */
  readonly simulatedAt?: readonly number[];
}

/** The hit rate with one size of memory. */
export interface CurvePoint {
  /** Null where the window does not tell, and the bounds are far from each other. */
  readonly hitRate: number | null;
  /**
   * The true rate of the window is between these with 95 % certainty: the error of the sample, what is not known of reads whose key
   * was last used before the window, and how far the model is off at the size that the server has. Null where the sample has too few
   * reads.
   */
  readonly interval: Interval | null;
}

export interface MemoryCurve {
  readonly points: readonly CurvePoint[];
  /** By the model, of the size that the server has, before it is moved to what was counted; null where that is not known. */
  readonly modelledToday: number | null;
}

/** All curves of a sample: of all rows together, and of each. */
export interface MemoryCurves {
  readonly whole: MemoryCurve;
  readonly rows: readonly MemoryCurve[];
  /** Up to here the window shows how often keys are used again: it has filled a memory of this size, with time left. */
  readonly seenBytes: number;
}

/** Bounds that are no further apart are as good as a figure. */
const closeBounds = 0.02;

/**
 * A server with other memory than today may behave as one with so much more or less than that (memory that belongs to no key,
 * what the policy is simulated with): as far off were 60 hit rates of three servers with four policies (docs/whatif.md).
 */
const memoryError = 0.06;

/** From here on that holds whole, as a share of today's memory more or less; where the truth was counted it is nothing. */
const elsewhere = 0.25;

/** With fewer reads in the sample a curve says more about chance than about the cache. */
const fewestReads = 50;

/** Reads that must come after a memory was filled, as a share of all, for it to be within what the window shows. */
const readsAfter = 0.1;

/**
 * The hit rate as a function of memory. Each key of the sample stands for others that are used as often (`keyWeights`). Misses are
 * held against all reads, so that it is no matter whether a key that is read all the time, and hits in any memory, is in the sample
 * (the adjustment of SHARDS). Reads whose key was last used before the window are censored, and the rest
 * of the curve follows by the estimate of Kaplan and Meier (1958): when a read comes has nothing to do with how far back its key was
 * used. Where the server's hit rate is known the curve is moved so that it goes through it.
 * @param trace with the bytes of all keys
 */
export function* memoryCurves(
  trace: AccessTrace,
  totals: WindowTotals,
  terms: MemoryTerms,
): InParts<MemoryCurves> {
  const whole = yield* runSample(trace, totals, terms);
  const used: SampleRun[] = [];
  for (const part of partsOf(trace)) {
    const run = yield* runSample(part, totals, terms);
    if (run !== null) used.push(run);
  }
  const rows = totals.reads.map((_, row) => row);
  const { ownPolicy } = terms;
  const curveOf = (over: readonly number[], own: MemoryCurve | undefined) =>
    curveFrom(whole, used, { rows: over, own: own?.modelledToday ?? null }, totals, terms, trace.rate);
  return {
    whole: curveOf(rows, ownPolicy?.whole),
    rows: rows.map((row) => curveOf([row], ownPolicy?.rows[row])),
    seenBytes: whole === null ? 0 : seenBytesOf(whole.outcomes, terms),
  };
}

interface SampleRun {
  readonly outcomes: ReadOutcomes;
  /** By size, then by row. */
  readonly moreMisses: readonly Float64Array[] | null;
}

/** Null where no key was read or written. */
function* runSample(
  trace: AccessTrace,
  { reads, population, distinctBytes }: WindowTotals,
  { sizes, beginsEmpty, eviction, simulatedAt = sizes.map((_, index) => index) }: MemoryTerms,
): InParts<SampleRun | null> {
  const weights = keyWeights(trace, population);
  if (weights === null) return null;
  const bytes = weights.map((weight, key) => weight * (trace.keys.bytes[key] ?? 0));
  const scale = distinctBytes === null ? 1 : distinctBytes / bytes.reduce((sum, each) => sum + each, 0);
  const run: ReplayTerms = {
    ...{ sizes, rows: reads.length, weights, beginsEmpty },
    bytes: bytes.map((each) => each * scale),
  };
  const outcomes = lruOutcomes(trace, run);
  yield;
  if (eviction.policy === 'lru') return { outcomes, moreMisses: null };
  const known: SimulatedSize[] = [];
  for (const size of simulatedAt.map((index) => sizes[index] ?? 0)) {
    known.push({ size, values: comparePolicy(trace, run, outcomes.depths, eviction, size) });
    yield;
  }
  return { outcomes, moreMisses: sizes.map((size) => between(known, size)) };
}

interface SimulatedSize {
  readonly size: number;
  readonly values: Float64Array;
}

/** A value at a size from those at others, ascending: on straight lines between them, and beyond them as at the nearest. */
function onLine(sizes: readonly number[], values: readonly number[], size: number): number {
  const above = sizes.findIndex((each) => each >= size);
  const right = above < 0 ? sizes.length - 1 : above;
  const left = above > 0 ? above - 1 : right;
  const [from = 0, to = 0] = [sizes[left], sizes[right]];
  const part = to === from ? 1 : (size - from) / (to - from);
  return part * (values[right] ?? 0) + (1 - part) * (values[left] ?? 0);
}

/** The same of each row. */
const between = (known: readonly SimulatedSize[], size: number) =>
  Float64Array.from(known[0]?.values ?? [], (_, row) =>
    onLine(
      known.map((each) => each.size),
      known.map(({ values }) => values[row] ?? 0),
      size,
    ),
  );

/** The largest size that was filled before the last tenth of the reads. */
function seenBytesOf({ filled }: ReadOutcomes, { sizes, beginsEmpty }: MemoryTerms): number {
  const most = sizes.at(-1) ?? 0;
  if (beginsEmpty) return most;
  const all = filled.reduce((sum, count) => sum + count, 0);
  let left = all;
  let seen = 0;
  for (let index = 0; index < sizes.length; index++) {
    left -= filled[index] ?? 0;
    if (left < readsAfter * all || left === 0) break;
    seen = sizes[index] ?? 0;
  }
  return seen;
}

/** Hit rates at each size, not yet moved to what the server counted. */
interface Rates {
  readonly low: number[];
  readonly high: number[];
  /** By Kaplan and Meier. */
  readonly likely: number[];
  readonly today: number | null;
}

function ratesOf(run: SampleRun, rows: readonly number[], reads: number, terms: MemoryTerms): Rates {
  const { outcomes, moreMisses } = run;
  const { sizes, today, hasEvicted } = terms;
  const expected = Math.max(reads, Number.MIN_VALUE);
  const sum = (column: Float64Array, index: number) =>
    rows.reduce((total, row) => total + (column[row * outcomes.width + index] ?? 0), 0);
  const columns = { hits: [] as number[], coldHits: [] as number[], coldMisses: [] as number[] };
  for (let index = 0; index <= sizes.length; index++) {
    columns.hits.push(sum(outcomes.hitsFrom, index));
    columns.coldHits.push(sum(outcomes.coldHits, index));
    columns.coldMisses.push(sum(outcomes.coldMisses, index));
  }
  const always = rows.reduce((total, row) => total + (outcomes.misses[row] ?? 0), 0);
  const totalOf = (list: readonly number[]) => list.reduce((total, each) => total + each, 0);
  const [hits, coldHits, coldMisses] = [
    totalOf(columns.hits),
    totalOf(columns.coldHits),
    totalOf(columns.coldMisses),
  ];
  const sampled = hits + coldHits + coldMisses + always;
  const rates: Rates = { low: [], high: [], likely: [], today: null };
  let [survival, atRisk, hitsSoFar, coldHitsUnknown, coldMissesUnknown] = [1, expected, 0, 0, 0];
  let todayRate: number | null = null;
  for (let index = 0; index < sizes.length; index++) {
    const hitsHere = columns.hits[index] ?? 0;
    hitsSoFar += hitsHere;
    const [coldHitsHere, coldMissesHere] = [columns.coldHits[index] ?? 0, columns.coldMisses[index] ?? 0];
    coldHitsUnknown += coldHitsHere;
    coldMissesUnknown += coldMissesHere;
    // Of what is censored in this interval nothing is known in it.
    atRisk -= coldHitsHere + (hasEvicted ? coldMissesHere : 0);
    // Reads that should be in the sample and are not are of keys that are used all the time: they hit in the smallest memory.
    const events = hitsHere + (index === 0 ? expected - sampled : 0);
    if (atRisk > 0) survival *= 1 - Math.min(1, Math.max(0, events / atRisk));
    atRisk -= events;
    const more =
      moreMisses === null ? 0 : rows.reduce((all, row) => all + (moreMisses[index]?.[row] ?? 0), 0);
    const surely = hits - hitsSoFar + always + more;
    const isBelow = today === null || index < today;
    const isToday = today !== null && index === today;
    const unknownHits = isBelow ? coldHitsUnknown : 0;
    const certainColdHits = isBelow ? coldHits - coldHitsUnknown : 0;
    const unknownMisses = isBelow || isToday || !hasEvicted ? 0 : coldMissesUnknown;
    const certain = surely + certainColdHits + (coldMisses - unknownMisses);
    rates.high.push(1 - certain / expected);
    rates.low.push(1 - (certain + unknownHits + unknownMisses) / expected);
    rates.likely.push(1 - survival - more / expected);
    if (isToday) todayRate = 1 - certain / expected;
  }
  return { ...rates, today: todayRate };
}

function curveFrom(
  whole: SampleRun | null,
  parts: readonly SampleRun[],
  { rows, own }: { readonly rows: readonly number[]; readonly own: number | null },
  totals: WindowTotals,
  terms: MemoryTerms,
  rate: number,
): MemoryCurve {
  const reads = rows.reduce((sum, row) => sum + (totals.reads[row] ?? 0), 0);
  const { sizes, today } = terms;
  const nothing = { points: sizes.map(() => ({ hitRate: null, interval: null })), modelledToday: null };
  if (whole === null || reads * rate < fewestReads) return nothing;
  const misses = totals.misses && rows.reduce((sum, row) => sum + (totals.misses?.[row] ?? 0), 0);
  const counted = misses === null ? null : 1 - misses / reads;
  const rates = ratesOf(whole, rows, reads, terms);
  const seen = seenBytesOf(whole.outcomes, terms);
  const place = (each: Rates) => moved(each, own, counted, terms, seen);
  const placed = place(rates);
  const groupRates = parts.map((part) => place(ratesOf(part, rows, reads, terms)));
  const errorOf = (of: (each: Rates) => number | undefined) =>
    errorOfGroups(
      groupRates.map((each) => of(each) ?? 0),
      rate,
    );
  // How far the model is off where the truth is known, it may be elsewhere.
  const modelled = own ?? rates.today;
  const offBy = counted === null || modelled === null ? 0 : Math.abs(counted - modelled);
  const clip = placed.likely.map((likely, index) =>
    Math.min(placed.high[index] ?? 1, Math.max(placed.low[index] ?? 0, likely)),
  );
  const todaySize = today === null ? null : (sizes[today] ?? 0);
  const modelError = (index: number, [lows, highs]: readonly [readonly number[], readonly number[]]) => {
    const size = sizes[index] ?? 0;
    if (todaySize === null || todaySize === 0) return 0;
    const share = memoryError * Math.min(1, Math.abs(size / todaySize - 1) / elsewhere);
    const less = (lows[index] ?? 0) - onLine(sizes, lows, size * (1 - share));
    return Math.max(0, less, onLine(sizes, highs, size * (1 + share)) - (highs[index] ?? 0));
  };
  const points = sizes.map((size, index): CurvePoint => {
    const [low = 0, high = 1, clipped = 0] = [placed.low[index], placed.high[index], clip[index]];
    const isKnown = size <= seen || high - low <= closeBounds;
    const hitRate = !isKnown ? null : size <= seen ? clipped : (low + high) / 2;
    const isOwn = own === null && counted !== null && today !== null;
    if (isOwn && index === today) return { hitRate: counted, interval: [counted, counted] };
    // More memory is no worse.
    const [least, most] = !isOwn ? [0, 1] : index > today ? [counted, 1] : [0, counted];
    const within = (value: number) => Math.min(most, Math.max(least, value));
    const ends =
      size <= seen
        ? [clipped, clipped, errorOf(({ likely: each }) => each[index])]
        : [
            low,
            high,
            Math.max(
              errorOf((each) => each.low[index]),
              errorOf((each) => each.high[index]),
            ),
          ];
    const [from = 0, to = 1, error = 0] = ends;
    const off =
      error + Math.max(offBy, modelError(index, size <= seen ? [clip, clip] : [placed.low, placed.high]));
    const interval = [within(from - off), within(to + off)] as const;
    return { hitRate: hitRate && within(hitRate), interval };
  });
  return { points, modelledToday: modelled };
}

/**
 * Moved so that the rate at today's memory is what the server counted.
 * @param own what the model makes of it with the policy of the server; null: this is that policy
 */
function moved(
  rates: Rates,
  own: number | null,
  counted: number | null,
  { sizes, today }: MemoryTerms,
  seen: number,
): Rates {
  if (counted === null || today === null || rates.today === null) return rates;
  const by = counted - (own ?? rates.today);
  const isTodaySeen = own === null && (sizes[today] ?? 0) <= seen;
  const likelyBy = isTodaySeen ? counted - (rates.likely[today] ?? 0) : by;
  return {
    low: rates.low.map((each) => each + by),
    high: rates.high.map((each) => each + by),
    likely: rates.likely.map((each) => each + likelyBy),
    today: rates.today + by,
  };
}
