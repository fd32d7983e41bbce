import { sumOf } from '../support/collections.ts';
import type { InParts } from '../support/in-parts.ts';
import type { Interval } from '../support/intervals.ts';
import type { AccessTrace } from './access-sample.ts';
import type { Population } from './key-census.ts';
import type { EvictionTerms } from './policy.ts';
import { comparePolicy } from './policy-misses.ts';
import { errorOfGroups, type Sample, samplesOf } from './random-groups.ts';
import { lruOutcomes, type ReadOutcomes } from './read-outcomes.ts';

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
  /** By row, true where a key that memory loses may be gone for good; left out: nowhere. */
  readonly losesKeys?: readonly boolean[];
  /** Memory that belongs to no key; left out: none. */
  readonly fixedBytes?: number;
  /** Where the policy is not that of the server: what the model makes of today's memory with the server's own. */
  readonly ownPolicy?: MemoryCurves;
  /** Indexes of the sizes at which the policy is simulated, ascending; of none it is LRU. */
  readonly simulatedAt: readonly number[];
}

/** The hit rate with one size of memory, or one TTL. */
export interface CurvePoint {
  /** Null where the window does not tell, and the bounds are far from each other. */
  readonly hitRate: number | null;
  /**
   * The true rate of the window is between these with 95 % certainty: the error of the sample, what is not known of reads whose key
   * was last used before the window, and how far the model may be off. Null where the sample has too few reads.
   */
  readonly hitRateInterval: Interval | null;
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
  const runs: SampleRun[] = [];
  for (const sample of samplesOf(trace, totals.population))
    runs.push(yield* runSample(sample, totals, terms));
  const { ownPolicy: own, losesKeys, today } = terms;
  const seenBytes = seenBytesOf(runs[0], terms);
  const curveOf = (over: readonly number[], ownCurve: MemoryCurve | undefined) =>
    curveFrom(runs, over, totals, terms, {
      rate: trace.rate,
      seenBytes,
      own: ownCurve?.modelledToday ?? null,
    });
  const whole = curveOf([...totals.reads.keys()], own?.whole);
  const rows = totals.reads.map((_, row) => curveOf([row], own?.rows[row]));
  if (today === null || losesKeys?.includes(true) !== true) return { whole, rows, seenBytes };
  const allReads = sumOf(totals.reads);
  /** Of all reads: hits of keys that may be gone for good. */
  const losable = (index: number) =>
    sumOf(
      rows.map((curve, row) =>
        losesKeys[row] === true
          ? (middleOf(curve.points[index]) * (totals.reads[row] ?? 0)) / Math.max(1, allReads)
          : 0,
      ),
    );
  return {
    whole: withLosses(whole, today, losable),
    rows: rows.map((curve, row) =>
      losesKeys[row] === true
        ? withoutFigures(
            withLosses(curve, today, () => 1),
            today,
          )
        : curve,
    ),
    seenBytes,
  };
}

const middleOf = (point: CurvePoint | undefined) => {
  const [low, high] = point?.hitRateInterval ?? [0, 0];
  return point?.hitRate ?? (low + high) / 2;
};

/** Below the memory of today a figure says no more than bounds that are far from each other. */
const withoutFigures = (curve: MemoryCurve, today: number): MemoryCurve => ({
  ...curve,
  points: curve.points.map((point, index) =>
    index < today && !isClose(point) ? { ...point, hitRate: null } : point,
  ),
});

const isClose = ({ hitRateInterval }: CurvePoint) =>
  hitRateInterval === null || hitRateInterval[1] - hitRateInterval[0] <= closeBounds;

/** With less memory than today, all hits of keys that may be gone for good may be missing. @param losable as a share of the reads */
function withLosses(curve: MemoryCurve, today: number, losable: (index: number) => number): MemoryCurve {
  const points = curve.points.map((point, index): CurvePoint => {
    if (index >= today || point.hitRateInterval === null) return point;
    const [low, high] = point.hitRateInterval;
    const least = Math.max(0, low - losable(index));
    return { ...point, hitRateInterval: [least, high] };
  });
  return { ...curve, points };
}

interface SampleRun {
  readonly outcomes: ReadOutcomes;
  /** Of the policy, than LRU has: by size at which it was simulated, then by row. */
  readonly moreMisses: readonly Float64Array[];
}

function* runSample(
  { trace, weights }: Sample,
  { reads, distinctBytes }: WindowTotals,
  { sizes, beginsEmpty, eviction, simulatedAt }: MemoryTerms,
): InParts<SampleRun> {
  const rows = reads.length;
  const bytes = weights.map((weight, key) => weight * (trace.keys.bytes[key] ?? 0));
  const scale = distinctBytes === null ? 1 : distinctBytes / bytes.reduce((sum, each) => sum + each, 0);
  const terms = { sizes, rows, beginsEmpty, bytes: bytes.map((each) => each * scale) };
  const { outcomes, hitsFrom } = lruOutcomes({ trace, weights }, terms);
  yield;
  const moreMisses = yield* comparePolicy({ trace, weights }, terms, hitsFrom, eviction, simulatedAt);
  return { outcomes, moreMisses };
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

/** The largest size that was filled before the last tenth of the reads. */
function seenBytesOf(run: SampleRun | undefined, { sizes, beginsEmpty }: MemoryTerms): number {
  if (run === undefined) return 0;
  if (beginsEmpty) return sizes.at(-1) ?? 0;
  const filled = Array.from(run.outcomes.filled);
  const all = sumOf(filled);
  let [left, seen] = [all, 0];
  for (const [index, size] of sizes.entries()) {
    left -= filled[index] ?? 0;
    if (left < readsAfter * all || left === 0) break;
    seen = size;
  }
  return seen;
}

/** Hit rates at each size. */
interface Rates {
  readonly low: number[];
  readonly high: number[];
  /** By Kaplan and Meier. */
  readonly likely: number[];
}

/** Not yet moved to what the server counted. */
function ratesOf(
  { outcomes, moreMisses }: SampleRun,
  rows: readonly number[],
  reads: number,
  { sizes, today, hasEvicted, simulatedAt }: MemoryTerms,
): Rates {
  const expected = Math.max(reads, Number.MIN_VALUE);
  const width = sizes.length + 1;
  const over = (column: Float64Array, index = 0, each = 1) =>
    rows.reduce((sum, row) => sum + (column[row * each + index] ?? 0), 0);
  const bySize = (column: Float64Array) =>
    Array.from({ length: width }, (_, index) => over(column, index, width));
  const [hits, coldHits, coldMisses] = [outcomes.hits, outcomes.coldHits, outcomes.coldMisses].map(
    bySize,
  ) as [number[], number[], number[]];
  const always = over(outcomes.misses);
  // Reads that should be in the sample and are not are of keys that are used all the time: they hit in the smallest memory.
  const unsampled = expected - sumOf([...hits, ...coldHits, ...coldMisses, always]);
  const rates: Rates = { low: [], high: [], likely: [] };
  let [survival, atRisk] = [1, expected];
  /** Of all larger sizes, what hits in them alone; of cold reads those that the window had not filled this size for. */
  let [later, laterColdHits, laterColdMisses] = [sumOf(hits), sumOf(coldHits), sumOf(coldMisses)];
  const [allColdHits, allColdMisses] = [laterColdHits, laterColdMisses];
  // The policy was held against LRU in reads that are not cold; to the others it does the same.
  const ofAll = later > 0 ? (later + allColdHits + (hasEvicted ? allColdMisses : 0)) / later : 1;
  const simulated = simulatedAt.map((each) => sizes[each] ?? 0);
  const moreOver = moreMisses.map((column) => over(column));
  for (const [index, size] of sizes.entries()) {
    const hitsHere = hits[index] ?? 0;
    later -= hitsHere;
    laterColdHits -= coldHits[index] ?? 0;
    laterColdMisses -= coldMisses[index] ?? 0;
    // Of what is censored in this interval nothing is known in it.
    atRisk -= (coldHits[index] ?? 0) + (hasEvicted ? (coldMisses[index] ?? 0) : 0);
    const events = hitsHere + (index === 0 ? unsampled : 0);
    if (atRisk > 0) survival *= 1 - Math.min(1, Math.max(0, events / atRisk));
    atRisk -= events;
    const more = onLine(simulated, moreOver, size);
    const isBelow = today === null || index < today;
    const unknownHits = isBelow ? allColdHits - laterColdHits : 0;
    const unknownMisses = isBelow || index === today || !hasEvicted ? 0 : allColdMisses - laterColdMisses;
    const certain = later + always + more + (isBelow ? laterColdHits : 0) + allColdMisses - unknownMisses;
    rates.high.push(1 - certain / expected);
    rates.low.push(1 - (certain + unknownHits + unknownMisses) / expected);
    rates.likely.push(1 - survival - (more * ofAll) / expected);
  }
  return rates;
}

/** What the curves of all rows have in common. */
interface CurveTerms {
  readonly rate: number;
  readonly seenBytes: number;
  /** With the policy of the server and the memory of today, by the model; null: this is that policy. */
  readonly own: number | null;
}

/** @param runs of the whole sample, and of its parts */
function curveFrom(
  runs: readonly SampleRun[],
  rows: readonly number[],
  totals: WindowTotals,
  terms: MemoryTerms,
  { rate, seenBytes, own }: CurveTerms,
): MemoryCurve {
  const over = (counts: readonly number[]) => sumOf(rows.map((row) => counts[row] ?? 0));
  const reads = over(totals.reads);
  const { sizes, today, fixedBytes = 0 } = terms;
  const [whole, ...parts] = runs.map((run) => ratesOf(run, rows, reads, terms));
  if (whole === undefined || reads * rate < fewestReads)
    return { points: sizes.map(() => ({ hitRate: null, hitRateInterval: null })), modelledToday: null };
  const counted = totals.misses === null ? null : 1 - over(totals.misses) / reads;
  const isSeen = sizes.map((size) => size <= seenBytes);
  /** Moved so that the rate at the memory of today is what the server counted. */
  const placed = (rates: Rates): Rates => {
    if (counted === null || today === null) return rates;
    const by = counted - (own ?? rates.high[today] ?? 0);
    const likelyBy = own === null && isSeen[today] ? counted - (rates.likely[today] ?? 0) : by;
    const move = (list: readonly number[], distance: number) => list.map((each) => each + distance);
    return { low: move(rates.low, by), high: move(rates.high, by), likely: move(rates.likely, likelyBy) };
  };
  const { low, high, likely } = placed(whole);
  const ofParts = parts.map(placed);
  const modelled = own ?? (today === null ? null : (whole.high[today] ?? null));
  // How far the model is off where the truth is known, it may be elsewhere.
  const offBy = counted === null || modelled === null ? 0 : Math.abs(counted - modelled);
  const clip = likely.map((each, index) => Math.min(high[index] ?? 1, Math.max(low[index] ?? 0, each)));
  const todaySize = today === null ? 0 : (sizes[today] ?? 0);
  const isOwn = own === null && counted !== null && today !== null;
  const points = sizes.map((size, index): CurvePoint => {
    // Where nothing was evicted, more memory changes nothing.
    if (isOwn && (index === today || (index > today && !terms.hasEvicted)))
      return { hitRate: counted, hitRateInterval: [counted, counted] };
    const [lows, highs] = isSeen[index] ? [clip, clip] : [low, high];
    const [from = 0, to = 1] = [lows[index], highs[index]];
    const ends = isSeen[index] ? (['likely'] as const) : (['low', 'high'] as const);
    const errors = ends.map((end) =>
      errorOfGroups(
        ofParts.map((each) => each[end][index] ?? 0),
        rate,
      ),
    );
    const apart = todaySize === 0 ? 0 : Math.min(1, Math.abs(size / todaySize - 1) / elsewhere);
    const moved = memoryError * (size + fixedBytes) * apart;
    const less = from - onLine(sizes, lows, size - moved);
    const more = onLine(sizes, highs, size + moved) - to;
    const off = Math.max(...errors) + Math.max(offBy, less, more);
    // More memory is no worse.
    const [least, most] = !isOwn ? [0, 1] : index > today ? [counted, 1] : [0, counted];
    const within = (value: number) => Math.min(most, Math.max(least, value));
    const isKnown = isSeen[index] || to - from <= closeBounds;
    return {
      hitRate: isKnown ? within((from + to) / 2) : null,
      hitRateInterval: [within(from - off), within(to + off)],
    };
  });
  return { points: inOrder(points), modelledToday: modelled };
}

/** More memory is no worse: a bound at one size is one at each larger, or smaller. */
function inOrder(points: readonly CurvePoint[]): CurvePoint[] {
  const lows = points.map(({ hitRateInterval }) => hitRateInterval?.[0] ?? 0);
  const highs = points.map(({ hitRateInterval }) => hitRateInterval?.[1] ?? 1);
  for (let index = 1; index < points.length; index++)
    lows[index] = Math.max(lows[index] ?? 0, lows[index - 1] ?? 0);
  for (let index = points.length - 2; index >= 0; index--)
    highs[index] = Math.min(highs[index] ?? 1, highs[index + 1] ?? 1);
  return points.map((point, index) => {
    if (point.hitRateInterval === null) return point;
    const [one, other] = [lows[index] ?? 0, highs[index] ?? 1];
    const [low, high] = [Math.min(one, other), Math.max(one, other)];
    const { hitRate } = point;
    return {
      hitRate: hitRate === null ? null : Math.min(high, Math.max(low, hitRate)),
      hitRateInterval: [low, high],
    };
  });
}
