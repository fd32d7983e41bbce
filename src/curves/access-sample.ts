import { sumOf } from '../support/collections.ts';
import { enlarged, firstOf, indexesWhere, moveToFront } from './columns.ts';
import { KeyCensus, type Population } from './key-census.ts';
import type { SampleLimits } from './sample-limits.ts';

/**
 * What a line of MONITOR does to a key. `alter`: it may lose its value or be given another time to live, and where there is no key none
 * is stored.
 */
export const accessKinds = { read: 0, write: 1, alter: 2, remove: 3 } as const;
export type AccessKind = (typeof accessKinds)[keyof typeof accessKinds];

/** The time to live of a key that has none, in milliseconds; 49 days and more are as good as that. */
export const forever = 2 ** 32 - 1;

/** What is known of each key of a sample, in parallel columns. */
export interface SampledKeys {
  /** Of 2^32: a key is in a sample of rate r where this is below r × 2^32. */
  readonly position: Uint32Array;
  /** From 0 to `groups` - 1, independent of the position. */
  readonly group: Uint8Array;
  readonly row: Uint32Array;
  /** Not a number where it is not known. */
  readonly bytes: Float64Array;
  /** 1 where the key was not there when the window began. */
  readonly absentAtStart: Uint8Array;
}

/** All accesses of the sampled keys in their order, in parallel columns. */
export interface SampledAccesses {
  /** Index of the key. */
  readonly key: Uint32Array;
  readonly kind: Uint8Array;
  /** Since the window began. */
  readonly atMillis: Uint32Array;
  /** What the key is given; 0: it keeps what it has, `forever`: none. */
  readonly ttlMillis: Uint32Array;
}

export interface AccessTrace {
  /** Share of all keys that are sampled. */
  readonly rate: number;
  readonly keys: SampledKeys;
  readonly accesses: SampledAccesses;
}

/** A key as it goes by: the hash of it, and the row that it is counted in. */
export interface PassingKey {
  readonly high: number;
  readonly low: number;
  readonly row: number;
}

/** Random groups: each is a smaller sample of its own, and how much they differ tells the error of the whole. */
export const groups = 16;

const [firstKeys, firstAccesses] = [2 ** 10, 2 ** 12];

/** Events and commands come on two ways, and are this far apart at most where nothing lags. */
const lateMillis = 1000;

/** An event and a line of the same removal are closer: later, another removal is as likely. */
const closeMillis = 250;

const allKeys = 2 ** 32;

/** In place of a kind: no line had the key, and only reads had it. */
const [noLine, readsOnly] = [4, 5];

/** Times are not a number where nothing of the kind was seen. */
const newKeys = (places: number) => ({
  /** Both halves of the hash. */
  ...{ position: new Uint32Array(places), low: new Uint32Array(places) },
  ...{ row: new Uint32Array(places), bytes: new Float64Array(places) },
  /** When it was first written. */
  writtenAt: new Float64Array(places),
  /** Of reads that came before: how many there were, and how many missed. */
  ...{ readsBefore: new Uint32Array(places), missesBefore: new Uint32Array(places) },
  /** 1 once an event said that the key came into being. */
  cameToBe: new Uint8Array(places),
  /** What was done last, but for reads and what had no effect. */
  lastKind: new Uint8Array(places),
  /** When a line took the key away whose event is still to come. */
  removedAt: new Float64Array(places),
  /** When an event said that it is gone of which no line has told yet. */
  goneAt: new Float64Array(places),
});

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
  private accesses: SampledAccesses = {
    ...{ key: new Uint32Array(firstAccesses), kind: new Uint8Array(firstAccesses) },
    ...{ atMillis: new Uint32Array(firstAccesses), ttlMillis: new Uint32Array(firstAccesses) },
  };
  private size = 0;
  private keys = newKeys(firstKeys);
  /** Open addressing by hash: the index of a key plus one, 0 where there is none. */
  private places = new Uint32Array(2 * firstKeys);
  /** As the caller calls each key whose size is not known; null where it has no name for it. */
  private names: (string | null)[] = [];

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
    if (this.census === null) return this.size;
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
    const index = this.enter(high, low, row);
    if (index < 0) return -1;
    this.append(index, this.noted(index, kind, atMillis), atMillis, ttlMillis);
    return this.names[index] === null && Number.isNaN(this.keys.bytes[index]) ? index : -1;
  }

  /** Index of a key of the sample that was seen before, or -1. */
  find(high: number, low: number): number {
    return (this.places[this.placeOf(high >>> 0, low >>> 0)] ?? 0) - 1;
  }

  /**
   * A read missed a key. Where every read before its first write missed, it was not there: it was gone before the window began, or
   * before it was read in it.
   */
  missed({ high, low, row }: PassingKey, atMillis: number): void {
    const index = this.enter(high, low, row);
    const { cameToBe, writtenAt, missesBefore } = this.keys;
    if (index < 0 || cameToBe[index] === 1) return;
    // What a read missed may be reported a moment after the line of the write that follows.
    if (atMillis - (writtenAt[index] ?? 0) > lateMillis) return;
    missesBefore[index] = (missesBefore[index] ?? 0) + 1;
  }

  /** The server reports that a key came into being: what reads missed before is known. */
  stored(high: number, low: number): void {
    const index = this.find(high, low);
    if (index >= 0) this.keys.cameToBe[index] = 1;
  }

  /**
   * The server reports that a key is gone. That is new of one that no line of the window has written, and of one that the last line may
   * have emptied; of the others the lines tell, which come on another way and a moment sooner or later.
   */
  gone(high: number, low: number, atMillis: number): void {
    const index = this.find(high, low);
    const { lastKind, writtenAt, removedAt, goneAt } = this.keys;
    if (index < 0 || lastKind[index] === noLine) return;
    if (atMillis - (removedAt[index] ?? 0) <= closeMillis) removedAt[index] = Number.NaN;
    else if (Number.isNaN(writtenAt[index]) || lastKind[index] === accessKinds.alter) {
      lastKind[index] = accessKinds.remove;
      this.append(index, accessKinds.remove, atMillis, 0);
    } else goneAt[index] = atMillis;
  }

  /** All keys are gone. */
  flush(atMillis: number): void {
    for (let index = 0; index < this.size; index++) this.append(index, accessKinds.remove, atMillis, 0);
  }

  setName(index: number, name: string): void {
    this.names[index] = name;
  }

  /** Its size is not to be had. */
  forgetName(index: number): void {
    this.names[index] = null;
  }

  /** Keys with a name, whose size is not known yet, at most so many. */
  unsized(most: number): { readonly name: string; readonly high: number; readonly low: number }[] {
    const found: { name: string; high: number; low: number }[] = [];
    const { position, low } = this.keys;
    for (let index = 0; index < this.size && found.length < most; index++) {
      const name = this.names[index] ?? null;
      if (name !== null) found.push({ name, high: position[index] ?? 0, low: low[index] ?? 0 });
    }
    return found;
  }

  setBytes(index: number, bytes: number): void {
    this.keys.bytes[index] = bytes;
    this.names[index] = null;
  }

  /** What is known so far. It changes with the next access. */
  trace(): AccessTrace {
    const { position, low, row, bytes, readsBefore, missesBefore } = firstOf(this.keys, this.size);
    return {
      rate: this.rate,
      keys: {
        ...{ position, row, bytes, group: Uint8Array.from(low, (half) => (half >>> 24) % groups) },
        absentAtStart: Uint8Array.from(missesBefore, (misses, index) =>
          misses > 0 && misses >= (readsBefore[index] ?? 0) ? 1 : 0,
        ),
      },
      accesses: firstOf(this.accesses, this.length),
    };
  }

  /** @returns what it does, seen together with what events said before */
  private noted(index: number, kind: AccessKind, atMillis: number): AccessKind {
    const { writtenAt, readsBefore, lastKind, removedAt, goneAt } = this.keys;
    const isWritten = !Number.isNaN(writtenAt[index]);
    if (kind === accessKinds.read) {
      if (lastKind[index] === noLine) lastKind[index] = readsOnly;
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

  /** Index of a key, a new one where it was not seen before; -1 where it is not in the sample. */
  private enter(high: number, low: number, row: number): number {
    const { maxKeys, maxAccesses } = this.limits;
    if (this.size >= maxKeys || this.length >= maxAccesses) this.lower();
    const position = high >>> 0;
    if (position >= this.threshold) return -1;
    const known = this.find(high, low);
    if (known >= 0) return known;
    const index = this.size++;
    if (index >= this.keys.row.length) this.keys = enlarged(this.keys);
    const { keys } = this;
    keys.position[index] = position;
    keys.low[index] = low >>> 0;
    keys.row[index] = row;
    keys.readsBefore[index] = keys.missesBefore[index] = keys.cameToBe[index] = 0;
    keys.lastKind[index] = noLine;
    keys.bytes[index] = keys.writtenAt[index] = keys.removedAt[index] = keys.goneAt[index] = Number.NaN;
    this.names[index] = null;
    if (2 * this.size > this.places.length) this.findPlaces(2 * this.places.length);
    else this.places[this.placeOf(position, low >>> 0)] = index + 1;
    return index;
  }

  /** Where the index of a key is, or the free place where it would be. */
  private placeOf(position: number, low: number): number {
    const { places, keys } = this;
    const last = places.length - 1;
    for (let place = low & last; ; place = (place + 1) & last) {
      const index = (places[place] ?? 0) - 1;
      if (index < 0 || (keys.low[index] === low && keys.position[index] === position)) return place;
    }
  }

  private findPlaces(count: number): void {
    this.places = new Uint32Array(count);
    const { position, low } = this.keys;
    for (let index = 0; index < this.size; index++)
      this.places[this.placeOf(position[index] ?? 0, low[index] ?? 0)] = index + 1;
  }

  private append(index: number, kind: AccessKind, atMillis: number, ttlMillis: number): void {
    const at = this.length++;
    if (at >= this.accesses.key.length) this.accesses = enlarged(this.accesses);
    const { accesses } = this;
    accesses.key[at] = index;
    accesses.kind[at] = kind;
    accesses.atMillis[at] = atMillis;
    accesses.ttlMillis[at] = Math.min(forever, Math.ceil(ttlMillis));
  }

  /** Drops the keys with the highest hashes: an eighth of them, or as many more as their accesses need. */
  private lower(): void {
    const { maxKeys, maxAccesses } = this.limits;
    while (this.size > 0.9 * maxKeys || this.length > 0.9 * maxAccesses) {
      const sorted = this.keys.position.slice(0, this.size).sort();
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
    const { keys, accesses } = this;
    for (let at = 0; at < this.length; at++) {
      const key = accesses.key[at] ?? 0;
      if (isUse(accesses.kind[at]))
        census.add((keys.position[key] ?? 0) | 0, (keys.low[key] ?? 0) | 0, keys.row[key] ?? 0);
    }
    return census;
  }

  private drop(): void {
    const { keys, accesses } = this;
    const kept = indexesWhere(this.size, (index) => (keys.position[index] ?? 0) < this.threshold);
    const moved = new Int32Array(this.size).fill(-1);
    kept.forEach((index, to) => (moved[index] = to));
    this.names = Array.from(kept, (index) => this.names[index] ?? null);
    moveToFront(keys, kept);
    this.size = kept.length;
    this.findPlaces(this.places.length);
    const left = indexesWhere(this.length, (at) => (moved[accesses.key[at] ?? 0] ?? -1) >= 0);
    moveToFront(accesses, left);
    this.length = left.length;
    for (let at = 0; at < this.length; at++) accesses.key[at] = moved[accesses.key[at] ?? 0] ?? 0;
  }
}

const isUse = (kind: number | undefined) => kind === accessKinds.read || kind === accessKinds.write;
