import { sumOf } from '../support/collections.ts';
import { avalanche } from '../support/hash.ts';
import type { InParts } from '../support/in-parts.ts';
import type { Interval } from '../support/intervals.ts';
import { type AccessTrace, accessKinds, forever } from './access-sample.ts';
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
      ofTtl.push(runTtl(sample, totals.reads.length, terms, ttlSeconds, writes));
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

interface TtlRun {
  /** Reads of the part of the window that is looked at, and those of all of it, by row. */
  readonly reads: Float64Array;
  readonly allReads: Float64Array;
  /**
   * By row, for what may have been there when the window began: every key that the application stores, and new; none; each as far in
   * its life as chance has it.
   */
  readonly misses: readonly Float64Array[];
  /** Bytes times milliseconds, in the same way. */
  readonly held: readonly Float64Array[];
  readonly lookedMillis: number;
}

function runTtl(
  { trace, weights }: Sample,
  rows: number,
  { windowMillis }: TtlTerms,
  ttlSeconds: number,
  { refills, isStored }: Writes,
): TtlRun {
  const { keys, accesses } = trace;
  const ttlMillis = ttlSeconds * 1000;
  const from = Math.min(ttlMillis, windowMillis * waitShare);
  const [reads, allReads] = [new Float64Array(rows), new Float64Array(rows)];
  // A key in use is as likely to be at the beginning of its life as at the end.
  const usual = (key: number) => (-ttlMillis * (avalanche(keys.position[key] ?? 0) >>> 0)) / 2 ** 32;
  const sides = [() => 0, () => Number.NaN, usual].map((start) => {
    const storedAt = Float64Array.from(isStored, (stored, key) => (stored === 1 ? start(key) : Number.NaN));
    return new TtlSide(trace, weights, { ttlMillis, from, rows }, storedAt);
  });
  accesses.key.forEach((key, at) => {
    const now = accesses.atMillis[at] ?? 0;
    switch (accesses.kind[at]) {
      case accessKinds.read: {
        const [row, weight] = [keys.row[key] ?? 0, weights[key] ?? 0];
        allReads[row] = (allReads[row] ?? 0) + weight;
        if (now >= from) reads[row] = (reads[row] ?? 0) + weight;
        for (const side of sides) side.read(key, now, isStored[key] === 1);
        return;
      }
      case accessKinds.remove:
        for (const side of sides) side.end(key, now);
        return;
      case accessKinds.write:
        for (const side of sides) side.write(key, now, refills[at] === 1);
        return;
      default:
        if ((accesses.ttlMillis[at] ?? 0) > 0) for (const side of sides) side.renew(key, now);
    }
  });
  for (const side of sides) side.close(windowMillis);
  return {
    ...{ reads, allReads, lookedMillis: windowMillis - from },
    misses: sides.map(({ misses }) => misses),
    held: sides.map(({ held }) => held),
  };
}

/** One run under one assumption about what was there before. */
class TtlSide {
  readonly misses: Float64Array;
  readonly held: Float64Array;

  /** @param storedAt when each key was stored; not a number: it is not there */
  constructor(
    private readonly trace: AccessTrace,
    private readonly weights: Float64Array,
    private readonly terms: Record<'ttlMillis' | 'from' | 'rows', number>,
    private readonly storedAt: Float64Array,
  ) {
    this.misses = new Float64Array(terms.rows);
    this.held = new Float64Array(terms.rows);
  }

  read(key: number, now: number, isStored: boolean): void {
    if (this.lives(key, now)) return;
    const row = this.trace.keys.row[key] ?? 0;
    if (now >= this.terms.from) this.misses[row] = (this.misses[row] ?? 0) + (this.weights[key] ?? 0);
    if (isStored) this.store(key, now);
  }

  write(key: number, now: number, isRefill: boolean): void {
    if (!isRefill || !this.lives(key, now)) this.store(key, now);
  }

  renew(key: number, now: number): void {
    if (this.lives(key, now)) this.store(key, now);
  }

  /** The key goes, and what it held is counted. */
  end(key: number, now: number): void {
    const storedAt = this.storedAt[key] ?? Number.NaN;
    this.storedAt[key] = Number.NaN;
    const begin = Math.max(this.terms.from, storedAt);
    const millis = Math.min(now, storedAt + this.terms.ttlMillis) - begin;
    if (!(millis > 0)) return;
    const { row: rows, bytes } = this.trace.keys;
    const row = rows[key] ?? 0;
    this.held[row] = (this.held[row] ?? 0) + millis * (bytes[key] ?? 0) * (this.weights[key] ?? 0);
  }

  close(now: number): void {
    for (let key = 0; key < this.storedAt.length; key++) this.end(key, now);
  }

  private lives(key: number, now: number): boolean {
    return now - (this.storedAt[key] ?? 0) < this.terms.ttlMillis;
  }

  private store(key: number, now: number): void {
    this.end(key, now);
    this.storedAt[key] = now;
  }
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
  const around = (of: (run: TtlRun) => number[], most: number) => {
    const within = (value: number) => Math.min(most, Math.max(0, value));
    const sides = of(whole);
    const ofParts = parts.map(of);
    const errors = sides.map((_, side) =>
      errorOfGroups(
        ofParts.map((each) => each[side] ?? 0),
        rate,
      ),
    );
    const end = (sign: number) => sides.map((value, side) => within(value + sign * (errors[side] ?? 0)));
    const interval: Interval = [Math.min(...end(-1)), Math.max(...end(1))];
    return { likely: within(sides[2] ?? 0), spread: Math.max(...sides) - Math.min(...sides), interval };
  };
  const hits = around(({ misses }) => misses.map((each) => 1 - over(each) / looked), 1);
  const bytes = around(({ held, lookedMillis }) => held.map((each) => over(each) / lookedMillis), Infinity);
  const isShown = ttlSeconds * 1000 <= windowMillis * waitShare || hits.spread <= closeBounds;
  return {
    ttlSeconds,
    ...{ hitRate: isShown ? hits.likely : null, hitRateInterval: hits.interval },
    ...{ heldBytes: isShown ? bytes.likely : null, heldBytesInterval: bytes.interval },
  };
}
