import { avalanche } from '../support/hash.ts';
import type { InParts } from '../support/in-parts.ts';
import { type AccessTrace, accessKinds, forever } from './access-sample.ts';
import { keyWeights } from './key-weights.ts';
import type { CurvePoint, WindowTotals } from './memory-curve.ts';
import { errorOfGroups, partsOf } from './random-groups.ts';

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
  /** Bytes of the keys that live at a time, on average. */
  readonly heldBytes: number | null;
  readonly heldInterval: readonly [number, number] | null;
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
  const all = totals.reads.map((_, row) => row);
  const samples = [trace, ...partsOf(trace)].flatMap((sample) => {
    const weights = keyWeights(sample, totals.population);
    return weights === null ? [] : [{ sample, weights, writes: classifyWrites(sample, terms.hasEvicted) }];
  });
  const points: ((over: readonly number[]) => TtlPoint)[] = [];
  for (const ttlSeconds of terms.ttls) {
    const runs: TtlRun[] = [];
    for (const { sample, weights, writes } of samples) {
      runs.push(runTtl(sample, weights, totals, terms, ttlSeconds, writes));
      yield;
    }
    const [whole = null, ...parts] = runs;
    points.push((over) => pointOf(ttlSeconds, whole, parts, over, totals, terms, trace.rate));
  }
  return {
    whole: points.map((pointOver) => pointOver(all)),
    rows: all.map((row) => points.map((pointOver) => pointOver([row]))),
  };
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
  trace: AccessTrace,
  weights: Float64Array,
  totals: WindowTotals,
  terms: TtlTerms,
  ttlSeconds: number,
  writes: Writes,
): TtlRun {
  const rows = totals.reads.length;
  const from = Math.min(ttlSeconds * 1000, terms.windowMillis * waitShare);
  const { keys, accesses } = trace;
  const { key: accessed, kind, atMillis, ttlMillis: ttlMillisOf } = accesses;
  const [reads, allReads] = [new Float64Array(rows), new Float64Array(rows)];
  const ttlMillis = ttlSeconds * 1000;
  // A key in use is as likely to be at the beginning of its life as at the end.
  const usual = (key: number) => (-ttlMillis * (avalanche(keys.position[key] ?? 0) >>> 0)) / 2 ** 32;
  const starts = [() => 0, () => Number.NaN, usual];
  const sides = starts.map((start) => {
    const stored = Array.from(writes.isStored, (isStored, key) => (isStored === 1 ? start(key) : Number.NaN));
    return new TtlSide(trace, weights, { ttlMillis, from, rows }, stored);
  });
  for (let at = 0; at < kind.length; at++) {
    const key = accessed[at] ?? 0;
    const now = atMillis[at] ?? 0;
    if (kind[at] === accessKinds.read) {
      const [row, weight] = [keys.row[key] ?? 0, weights[key] ?? 0];
      allReads[row] = (allReads[row] ?? 0) + weight;
      if (now >= from) reads[row] = (reads[row] ?? 0) + weight;
      for (const side of sides) side.read(key, now, writes.isStored[key] === 1);
    } else if (kind[at] === accessKinds.remove) for (const side of sides) side.end(key, now);
    else if (kind[at] === accessKinds.write)
      for (const side of sides) side.write(key, now, writes.refills[at] === 1);
    else if ((ttlMillisOf[at] ?? 0) > 0) for (const side of sides) side.renew(key, now);
  }
  for (const side of sides) side.close(terms.windowMillis);
  return {
    ...{ reads, allReads, lookedMillis: terms.windowMillis - from },
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
    private readonly storedAt: number[],
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

function pointOf(
  ttlSeconds: number,
  whole: TtlRun | null,
  parts: readonly TtlRun[],
  over: readonly number[],
  totals: WindowTotals,
  { windowMillis }: TtlTerms,
  rate: number,
): TtlPoint {
  const sum = (column: Float64Array) => over.reduce((total, row) => total + (column[row] ?? 0), 0);
  const reads = over.reduce((total, row) => total + (totals.reads[row] ?? 0), 0);
  if (whole === null || sum(whole.reads) * rate < fewestReads)
    return { ttlSeconds, hitRate: null, interval: null, heldBytes: null, heldInterval: null };
  // Of all reads, for those that hit always need not be in the sample.
  const looked = reads * (sum(whole.reads) / sum(whole.allReads));
  const rates = (run: TtlRun) => run.misses.map((misses) => 1 - sum(misses) / looked);
  const bytes = (run: TtlRun) => run.held.map((held) => sum(held) / run.lookedMillis);
  const around = (of: (run: TtlRun) => number[], most: number) => {
    const sides = of(whole);
    const ofParts = parts.map(of);
    const ends = sides.map((value, side) => {
      const error = errorOfGroups(
        ofParts.map((each) => each[side] ?? 0),
        rate,
      );
      return [value - error, value + error].map((end) => Math.min(most, Math.max(0, end)));
    });
    const interval = [Math.min(...ends.flat()), Math.max(...ends.flat())] as const;
    const spread = Math.max(...sides) - Math.min(...sides);
    return { likely: Math.min(most, Math.max(0, sides[2] ?? 0)), spread, interval };
  };
  const hits = around(rates, 1);
  const held = around(bytes, Number.POSITIVE_INFINITY);
  const isShown = ttlSeconds * 1000 <= windowMillis * waitShare || hits.spread <= closeBounds;
  return {
    ttlSeconds,
    hitRate: isShown ? hits.likely : null,
    interval: hits.interval,
    heldBytes: isShown ? held.likely : null,
    heldInterval: held.interval,
  };
}
