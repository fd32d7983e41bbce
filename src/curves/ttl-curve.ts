import { sumOf } from '../support/collections.ts';
import { avalanche } from '../support/hash.ts';
import type { InParts } from '../support/in-parts.ts';
import { type Interval, z95 } from '../support/intervals.ts';
import { type AccessTrace, accessKinds, forever } from './access-sample.ts';
import { addTo } from './columns.ts';
import type { CurvePoint, WindowTotals } from './memory-curve.ts';
import { errorOfGroups, type Sample, samplesOf } from './random-groups.ts';

export interface TtlTerms {
  /** Seconds, for every key of a row. */
  readonly ttls: readonly number[];
  readonly windowMillis: number;
  /** True where a write right behind a read may fill in what eviction took away. */
  readonly hasEvicted: boolean;
}

/** What one time to live for all keys would do, with memory enough for them. */
export interface TtlPoint extends CurvePoint {
  readonly ttlSeconds: number;
  /** Memory of the keys that live at a time, on average. */
  readonly heldBytes: number | null;
  readonly heldBytesInterval: Interval | null;
}

/** The window shows what becomes of keys with a TTL that fits into it twice: once to wait for it, once to look. */
const waitShare = 0.5;
const closeBounds = 0.02;
const fewestReads = 50;
/** A write so soon after a read of the same key fills in what the read missed. */
const refillMillis = 1000;

/**
 * Hit rate and memory as a function of the TTL, by row and over all. A key lives from the write that stored it; a read later than the
 * TTL misses, and stores the key again where the window shows that the application stores it. Writes that only filled in a miss
 * of today happen where the key is gone; others happen anyway. The first part of the window, as long as the TTL, is not looked
 * at: what was stored before it has expired then.
 * @param trace with the bytes of all keys
 */
export function* ttlCurves(
  trace: AccessTrace,
  totals: WindowTotals,
  terms: TtlTerms,
): InParts<{ readonly whole: readonly TtlPoint[]; readonly rows: readonly (readonly TtlPoint[])[] }> {
  const samples = Array.from(samplesOf(trace, totals.population), (sample) => ({
    ...{ sample, writes: classifyWrites(sample.trace, terms.hasEvicted) },
  }));
  const runs: TtlRun[][] = [];
  for (const ttlSeconds of terms.ttls) {
    const ofTtl: TtlRun[] = [];
    for (const { sample, writes } of samples) {
      ofTtl.push(runTtl(sample, totals.reads.length, terms, ttlSeconds * 1000, writes));
      yield;
    }
    runs.push(ofTtl);
  }
  const all = [...totals.reads.keys()];
  const over = (rows: readonly number[]) =>
    terms.ttls.map((ttlSeconds, index) =>
      pointOf(ttlSeconds, runs[index] ?? [], rows, totals.reads, terms, trace.rate),
    );
  return { whole: over(all), rows: all.map((row) => over([row])) };
}

/** The TTL that keys of each row are given most, in seconds: the median of what the sample shows; null where there is none. */
export function currentTtls({ keys, accesses }: AccessTrace, rows: number): (number | null)[] {
  const seen = Array.from({ length: rows }, () => [] as number[]);
  accesses.ttlMillis.forEach((ttl, at) => {
    if (ttl > 0 && ttl < forever) seen[keys.row[accesses.key[at] ?? 0] ?? 0]?.push(ttl);
  });
  return seen.map((ttls) => {
    const median = ttls.sort((left, right) => left - right)[ttls.length >> 1];
    return median === undefined ? null : median / 1000;
  });
}

interface Writes {
  /** 1 for a write that only fills in what a read before it missed. */
  readonly refills: Uint8Array;
  /** 1 for a key that the application stores: it was written, or it was there when the window began. */
  readonly isStored: Uint8Array;
}

function classifyWrites({ keys, accesses }: AccessTrace, hasEvicted: boolean): Writes {
  const { key: accessed, kind, atMillis, ttlMillis } = accesses;
  const refills = new Uint8Array(kind.length);
  const isStored = Uint8Array.from(keys.absentAtStart, (absent) => 1 - absent);
  const lastKind = new Int8Array(keys.row.length).fill(-1);
  const lastAt = new Float64Array(keys.row.length);
  const deadline = new Float64Array(keys.row.length);
  const isThere = Uint8Array.from(isStored);
  for (let at = 0; at < kind.length; at++) {
    const [key, now, ttl] = [accessed[at] ?? 0, atMillis[at] ?? 0, ttlMillis[at] ?? 0];
    const ended = deadline[key] ?? 0;
    if (ended > 0 && ended <= now) isThere[key] = 0;
    if (kind[at] === accessKinds.write) {
      const follows = lastKind[key] === accessKinds.read;
      const isSoon = now - (lastAt[key] ?? 0) <= refillMillis;
      if (follows && (isThere[key] === 0 || (hasEvicted && isSoon))) refills[at] = 1;
      isStored[key] = 1;
      isThere[key] = 1;
      deadline[key] = 0;
    }
    if (kind[at] === accessKinds.remove) isThere[key] = 0;
    if (ttl > 0) deadline[key] = ttl === forever ? 0 : now + ttl;
    if (kind[at] !== accessKinds.alter) lastKind[key] = kind[at] ?? 0;
    lastAt[key] = now;
  }
  return { refills, isStored };
}

/** Columns are by row. */
interface TtlRun {
  /** Reads of the part of the window that is looked at, and those of all of it. */
  readonly reads: Float64Array;
  readonly allReads: Float64Array;
  /** What becomes of them, and bytes times milliseconds, with each of `starts`. */
  readonly sides: readonly { readonly misses: Float64Array; readonly held: Float64Array }[];
  readonly lookedMillis: number;
}

/**
 * When keys that the application stores may have been stored that were there when the window began: just then; they were not there;
 * at any time of their life, for a key in use is as likely to be at the beginning of it as at the end. A share of the TTL.
 */
const starts = [() => 0, () => Number.NaN, (position: number) => -(avalanche(position) >>> 0) / 2 ** 32];

function runTtl(
  { trace: { keys, accesses }, weights }: Sample,
  rows: number,
  { windowMillis }: TtlTerms,
  ttlMillis: number,
  { refills, isStored }: Writes,
): TtlRun {
  const from = Math.min(ttlMillis, windowMillis * waitShare);
  const byRow = () => new Float64Array(rows);
  const add = (column: Float64Array, key: number, amount = 1) =>
    addTo(column, keys.row[key] ?? 0, amount * (weights[key] ?? 0));
  const [reads, allReads] = [byRow(), byRow()];
  accesses.key.forEach((key, at) => {
    if (accesses.kind[at] !== accessKinds.read) return;
    add(allReads, key);
    if ((accesses.atMillis[at] ?? 0) >= from) add(reads, key);
  });
  const sides = starts.map((start) => {
    const [misses, held] = [byRow(), byRow()];
    /** When each key was stored; not a number: it is not there. */
    const storedAt = Float64Array.from(isStored, (stored, key) =>
      stored === 1 ? start(keys.position[key] ?? 0) * ttlMillis : Number.NaN,
    );
    /** What the key held is counted. @param again when it is stored then */
    const end = (key: number, now: number, again: number) => {
      const stored = storedAt[key] ?? Number.NaN;
      const millis = Math.min(now, stored + ttlMillis) - Math.max(from, stored);
      if (millis > 0) add(held, key, millis * (keys.bytes[key] ?? 0));
      storedAt[key] = again;
    };
    accesses.key.forEach((key, at) => {
      const now = accesses.atMillis[at] ?? 0;
      const lives = now - (storedAt[key] ?? 0) < ttlMillis;
      const kind = accesses.kind[at];
      if (kind === accessKinds.read) {
        if (lives) return;
        if (now >= from) add(misses, key);
        if (isStored[key] === 1) end(key, now, now);
      } else if (kind === accessKinds.remove) end(key, now, Number.NaN);
      else if (
        kind === accessKinds.write ? refills[at] === 0 || !lives : lives && accesses.ttlMillis[at] !== 0
      )
        end(key, now, now);
    });
    storedAt.forEach((_, key) => end(key, windowMillis, Number.NaN));
    return { misses, held };
  });
  return { reads, allReads, sides, lookedMillis: windowMillis - from };
}

/** @param runs of the whole sample, and of its parts */
function pointOf(
  ttlSeconds: number,
  [whole, ...parts]: readonly TtlRun[],
  rows: readonly number[],
  readsOfRows: readonly number[],
  { windowMillis }: TtlTerms,
  rate: number,
): TtlPoint {
  const over = (column: ArrayLike<number>) => sumOf(rows.map((row) => column[row] ?? 0));
  if (whole === undefined || over(whole.reads) * rate < fewestReads)
    return { ttlSeconds, hitRate: null, hitRateInterval: null, heldBytes: null, heldBytesInterval: null };
  // Of all reads, for those that hit always need not be in the sample.
  const looked = over(readsOfRows) * (over(whole.reads) / over(whole.allReads));
  const around = (of: (run: TtlRun) => number[], most: number, chanceOf: (value: number) => number) => {
    const within = (value: number) => Math.min(most, Math.max(0, value));
    const sides = of(whole);
    const ofParts = parts.map(of);
    const errors = sides.map((_, side) =>
      errorOfGroups(
        ofParts.map((each) => each[side] ?? 0),
        rate,
      ),
    );
    const end = (sign: number) =>
      sides.map((value, side) => within(value + sign * Math.hypot(errors[side] ?? 0, chanceOf(value))));
    const interval: Interval = [Math.min(...end(-1)), Math.max(...end(1))];
    return { likely: within(sides[2] ?? 0), spread: Math.max(...sides) - Math.min(...sides), interval };
  };
  // Another window of as many reads would have others.
  const chanceOf = (hitRate: number) => z95 * Math.sqrt((Math.max(0, hitRate) * (1 - hitRate)) / looked);
  const hits = around((run) => run.sides.map(({ misses }) => 1 - over(misses) / looked), 1, chanceOf);
  const bytes = around(
    (run) => run.sides.map(({ held }) => over(held) / run.lookedMillis),
    Infinity,
    () => 0,
  );
  const isShown = ttlSeconds * 1000 <= windowMillis * waitShare || hits.spread <= closeBounds;
  return {
    ttlSeconds,
    ...{ hitRate: isShown ? hits.likely : null, hitRateInterval: hits.interval },
    ...{ heldBytes: isShown ? bytes.likely : null, heldBytesInterval: bytes.interval },
  };
}
