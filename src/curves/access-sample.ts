import { sumOf } from '../support/collections.ts';
import { KeyCensus, type Population } from './key-census.ts';
import type { SampleLimits } from './sample-limits.ts';

/**
 * What a line of MONITOR does to a key. `alter`: it may lose its value or be given another time to live, and where there is no key none
 * is stored.
 */
export const accessKinds = { read: 0, write: 1, alter: 2, remove: 3 } as const;
export type AccessKind = (typeof accessKinds)[keyof typeof accessKinds];

/** The time to live of a key that has none. */
export const forever = Number.POSITIVE_INFINITY;

/** What is known of each key of a sample, in parallel columns. */
export interface SampledKeys {
  /** Of 2^32: a key is in a sample of rate r where this is below r × 2^32. */
  readonly position: number[];
  /** From 0 to `groups` - 1, independent of the position. */
  readonly group: number[];
  readonly row: number[];
  /** Not a number where it is not known. */
  readonly bytes: number[];
  /** 1 where the key was not there when the window began. */
  readonly absentAtStart: number[];
}

/** All accesses of the sampled keys in their order, in parallel columns. */
export interface AccessTrace {
  /** Share of all keys that are sampled. */
  readonly rate: number;
  readonly length: number;
  readonly key: Uint32Array;
  readonly kind: Uint8Array;
  /** Since the window began. */
  readonly atMillis: Float64Array;
  /** What the key is given; 0: it keeps what it has, `forever`: none. */
  readonly ttlMillis: Float64Array;
  readonly keys: SampledKeys;
}

/** A key as it goes by: the hash of it, and the row that it is counted in. */
export interface PassingKey {
  readonly high: number;
  readonly low: number;
  readonly row: number;
}

/** Random groups: each is a smaller sample of its own, and how much they differ tells the error of the whole. */
export const groups = 16;

const firstAccesses = 2 ** 12;

/** Events and commands come on two ways, and are this far apart at most where nothing lags. */
const lateMillis = 1000;

/** An event and a line of the same removal are closer: later, another removal is as likely. */
const closeMillis = 250;

const allKeys = 2 ** 32;

/** What is known of a key that was not seen before. */
const newFacts = {
  /** When it was first written; not a number: it was not. */
  writtenAt: Number.NaN,
  /** Of reads that came before: how many there were, and how many missed. */
  readsBefore: 0,
  missesBefore: 0,
  /** 1 once an event said that the key came into being. */
  cameToBe: 0,
  /** What was done last, but for reads and what had no effect; -1: only reads came. Not a number: no line had it. */
  lastKind: Number.NaN,
  /** When a line took the key away whose event is still to come. */
  removedAt: Number.NaN,
  /** When an event said that it is gone of which no line has told yet. */
  goneAt: Number.NaN,
};

const factEntries = Object.entries(newFacts) as [keyof typeof newFacts, number][];

/**
 * A spatially hashed sample: the keys whose hash is below a threshold, each with all of its accesses, so that what happens
 * between two accesses of a key is sampled too. The threshold falls when the bounds are reached, and what is above it is dropped
 * with its past: at the end the sample is what it would have been had the last rate held from the start.
 * @see Waldspurger, Park, Garthwaite, Ahmad: Efficient MRC Construction with SHARDS (FAST 2015)
 */
export class AccessSample {
  private threshold: number;
  /** Null while all keys are in the sample. */
  private census: KeyCensus | null = null;
  private length = 0;
  private key = new Uint32Array(firstAccesses);
  private kind = new Uint8Array(firstAccesses);
  private atMillis = new Float64Array(firstAccesses);
  private ttlMillis = new Float64Array(firstAccesses);
  private keys: Omit<SampledKeys, 'absentAtStart'> = { position: [], group: [], row: [], bytes: [] };
  /** As the caller calls each key; null where it has no name for it. */
  private names: (string | null)[] = [];
  /** What else is known of each key, in parallel columns. */
  private facts: Record<keyof typeof newFacts, number[]> = {
    ...{
      writtenAt: [],
      readsBefore: [],
      missesBefore: [],
      cameToBe: [],
      lastKind: [],
      removedAt: [],
      goneAt: [],
    },
  };
  private readonly indexes = new Map<number, number>();
  private digests: number[] = [];

  constructor(private readonly limits: SampleLimits) {
    this.threshold = Math.max(1, Math.round(limits.rate * allKeys));
    if (this.threshold < allKeys) this.census = new KeyCensus();
  }

  get rate(): number {
    return this.threshold / allKeys;
  }

  /** All keys that were read or written; null where there were too many to tell, or all are in the sample. */
  get population(): Population | null {
    return this.census === null ? null : this.census.population;
  }

  /** Different keys that were read or written, sampled or not; null where there were too many to tell. */
  get distinctKeys(): number | null {
    if (this.census === null) return this.digests.length;
    const { population } = this;
    return population && sumOf(population.byUses);
  }

  /**
   * Takes note of an access, and keeps it where its key is in the sample.
   * @returns the index of the key where it is in the sample, without a name, and its size not known; else -1. It holds until the next
   *   call
   */
  pass(kind: AccessKind, { high, low, row }: PassingKey, atMillis: number, ttlMillis = 0): number {
    if (this.census !== null && isUse(kind)) this.census.add(high, low, row);
    if (high >>> 0 >= this.threshold) return -1;
    const index = this.indexOf(high, low, row);
    this.append(index, this.noted(index, kind, atMillis), atMillis, ttlMillis);
    // The bounds may have dropped it, and others have taken its place.
    const isKept = this.digests[index] === digestOf(high, low);
    return isKept && this.names[index] === null && Number.isNaN(this.keys.bytes[index]) ? index : -1;
  }

  /** Index of a key of the sample that was seen before, or -1. */
  find(high: number, low: number): number {
    return high >>> 0 >= this.threshold ? -1 : (this.indexes.get(digestOf(high, low)) ?? -1);
  }

  /**
   * A read missed a key. Where every read before its first write missed, it was not there: it was gone before the window began, or
   * before it was read in it.
   */
  missed({ high, low, row }: PassingKey, atMillis: number): void {
    if (high >>> 0 >= this.threshold) return;
    const index = this.indexOf(high, low, row);
    const { cameToBe, writtenAt, missesBefore } = this.facts;
    if (cameToBe[index] === 1) return;
    // What a read missed may be reported a moment after the line of the write that follows.
    if (atMillis - (writtenAt[index] ?? 0) > lateMillis) return;
    missesBefore[index] = (missesBefore[index] ?? 0) + 1;
  }

  /** The server reports that a key came into being: what reads missed before is known. */
  stored(high: number, low: number): void {
    const index = this.find(high, low);
    if (index >= 0) this.facts.cameToBe[index] = 1;
  }

  /**
   * The server reports that a key is gone. That is new of one that no line of the window has written, and of one that the last line may
   * have emptied; of the others the lines tell, which come on another way and a moment sooner or later.
   */
  gone(high: number, low: number, atMillis: number): void {
    const index = this.find(high, low);
    const { lastKind, writtenAt, removedAt, goneAt } = this.facts;
    if (index < 0 || Number.isNaN(lastKind[index])) return;
    if (atMillis - (removedAt[index] ?? 0) <= closeMillis) removedAt[index] = Number.NaN;
    else if (Number.isNaN(writtenAt[index]) || lastKind[index] === accessKinds.alter) {
      lastKind[index] = accessKinds.remove;
      this.append(index, accessKinds.remove, atMillis, 0);
    } else goneAt[index] = atMillis;
  }

  /** All keys are gone. */
  flush(atMillis: number): void {
    for (let index = 0; index < this.digests.length; index++)
      this.append(index, accessKinds.remove, atMillis, 0);
  }

  setName(index: number, name: string): void {
    this.names[index] = name;
  }

  /** Its size is not to be had. */
  forgetName(index: number): void {
    this.names[index] = null;
  }

  /** Keys with a name whose size is not known yet, at most so many. */
  unsized(most: number): { readonly name: string; readonly high: number; readonly low: number }[] {
    const found: { name: string; high: number; low: number }[] = [];
    for (let index = 0; index < this.names.length && found.length < most; index++) {
      const name = this.names[index] ?? null;
      if (name === null || !Number.isNaN(this.keys.bytes[index])) continue;
      const digest = this.digests[index] ?? 0;
      found.push({ name, high: this.keys.position[index] ?? 0, low: digest % 2 ** 32 });
    }
    return found;
  }

  setBytes(index: number, bytes: number): void {
    this.keys.bytes[index] = bytes;
  }

  /** What is known so far. It changes with the next access. */
  trace(): AccessTrace {
    const { rate, length, key, kind, atMillis, ttlMillis, facts } = this;
    const absentAtStart = facts.missesBefore.map((misses, index) =>
      misses > 0 && misses >= (facts.readsBefore[index] ?? 0) ? 1 : 0,
    );
    const keys = { ...this.keys, absentAtStart };
    return { rate, length, key, kind, atMillis, ttlMillis, keys };
  }

  /** @returns what it does, seen together with what events said before */
  private noted(index: number, kind: AccessKind, atMillis: number): AccessKind {
    const { writtenAt, readsBefore, lastKind, removedAt, goneAt } = this.facts;
    const isWritten = !Number.isNaN(writtenAt[index]);
    if (kind === accessKinds.read) {
      if (Number.isNaN(lastKind[index])) lastKind[index] = -1;
      if (!isWritten) readsBefore[index] = (readsBefore[index] ?? 0) + 1;
      return kind;
    }
    const wasGone = atMillis - (goneAt[index] ?? 0) <= closeMillis;
    if (kind === accessKinds.write && !isWritten) writtenAt[index] = atMillis;
    const isRemoved = lastKind[index] === accessKinds.remove;
    // No event will come of what is not there.
    if (kind === accessKinds.remove && !wasGone && !isRemoved) removedAt[index] = atMillis;
    goneAt[index] = Number.NaN;
    // The event of what an altering line took away may have come before it.
    const done = kind === accessKinds.alter && wasGone ? accessKinds.remove : kind;
    if (!isRemoved || done === accessKinds.write) lastKind[index] = done;
    return done;
  }

  private indexOf(high: number, low: number, row: number): number {
    const digest = digestOf(high, low);
    const known = this.indexes.get(digest);
    if (known !== undefined) return known;
    const index = this.digests.length;
    this.indexes.set(digest, index);
    this.digests.push(digest);
    this.names.push(null);
    for (const [name, value] of factEntries) this.facts[name].push(value);
    this.keys.position.push(high >>> 0);
    this.keys.group.push((low >>> 24) % groups);
    this.keys.row.push(row);
    this.keys.bytes.push(Number.NaN);
    return index;
  }

  private append(index: number, kind: AccessKind, atMillis: number, ttlMillis: number): void {
    const at = this.length++;
    if (at >= this.key.length) this.enlarge();
    this.key[at] = index;
    this.kind[at] = kind;
    this.atMillis[at] = atMillis;
    this.ttlMillis[at] = ttlMillis;
    if (this.digests.length > this.limits.maxKeys || this.length >= this.limits.maxAccesses) this.lower();
  }

  private enlarge(): void {
    const longer = <Column extends Uint8Array | Uint32Array | Float64Array>(column: Column): Column => {
      const larger = new (column.constructor as new (length: number) => Column)(2 * column.length);
      larger.set(column);
      return larger;
    };
    this.key = longer(this.key);
    this.kind = longer(this.kind);
    this.atMillis = longer(this.atMillis);
    this.ttlMillis = longer(this.ttlMillis);
  }

  /** Drops the keys with the highest hashes: an eighth of them, or as many more as their accesses need. */
  private lower(): void {
    const { maxKeys, maxAccesses } = this.limits;
    while (this.digests.length > 0.9 * maxKeys || this.length > 0.9 * maxAccesses) {
      const sorted = Float64Array.from(this.keys.position).sort();
      const next = sorted[Math.floor(sorted.length * 0.875)] ?? 0;
      // One key with all the accesses is as much of a sample as there can be.
      if (sorted.length < 2 || next >= this.threshold) break;
      this.census ??= this.countAll();
      this.threshold = next;
      this.drop();
    }
  }

  private countAll(): KeyCensus {
    const census = new KeyCensus();
    const { position, row } = this.keys;
    for (let at = 0; at < this.length; at++) {
      const key = this.key[at] ?? 0;
      const low = (this.digests[key] ?? 0) % 2 ** 32;
      if (isUse(this.kind[at])) census.add((position[key] ?? 0) | 0, low | 0, row[key] ?? 0);
    }
    return census;
  }

  private drop(): void {
    const { position } = this.keys;
    const kept = position.flatMap((each, index) => (each < this.threshold ? [index] : []));
    const places = new Int32Array(position.length).fill(-1);
    kept.forEach((index, place) => (places[index] = place));
    const take = (column: readonly number[]) => kept.map((index) => column[index] ?? 0);
    const { group, row, bytes } = this.keys;
    this.keys = { position: take(position), group: take(group), row: take(row), bytes: take(bytes) };
    this.names = kept.map((index) => this.names[index] ?? null);
    for (const [name] of factEntries) this.facts[name] = take(this.facts[name]);
    this.digests = take(this.digests);
    this.indexes.clear();
    this.digests.forEach((digest, index) => this.indexes.set(digest, index));
    let length = 0;
    for (let at = 0; at < this.length; at++) {
      const place = places[this.key[at] ?? 0] ?? -1;
      if (place < 0) continue;
      this.key[length] = place;
      this.kind[length] = this.kind[at] ?? 0;
      this.atMillis[length] = this.atMillis[at] ?? 0;
      this.ttlMillis[length] = this.ttlMillis[at] ?? 0;
      length++;
    }
    this.length = length;
  }
}

const isUse = (kind: number | undefined) => kind === accessKinds.read || kind === accessKinds.write;

/** 53 bits of the hash, as a number that a Map finds. */
const digestOf = (high: number, low: number) => (high & 0x1fffff) * 2 ** 32 + (low >>> 0);
