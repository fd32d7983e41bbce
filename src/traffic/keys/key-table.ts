import { BloomFilter } from '../../support/bloom-filter.ts';
import type { KeyHash } from './key-hash.ts';

/** What is remembered of each key, in parallel columns. Times count from the start of the window. */
const newMemory = (slots: number) => ({
  /** An entry with state 0 leaves no trace when it is dropped. */
  state: new Uint8Array(slots),
  goneAtMillis: new Uint32Array(slots),
  missedAtMillis: new Uint32Array(slots),
  misses: new Uint32Array(slots),
  deadlineMillis: new Uint32Array(slots),
  /** Since when the key is over without a miss; 0: it is not, or this is not known. */
  overMillis: new Uint32Array(slots),
  /** The namespace of a key with a TTL. */
  row: new Uint32Array(slots),
  evictionMark: new Uint32Array(slots),
});
export type KeyMemory = ReturnType<typeof newMemory>;

/** Share of the slots of a generation that are used before it is full; beyond it, searching gets slow. */
const fullLoad = 0.7;

/** Of the filter, for each slot of a generation: less than 1 % false answers for six forgotten keys per slot. */
const filterBits = 64;

/** Slots of the first generation: it grows to its full size, for most windows are of few keys. */
const firstSlots = 2 ** 14;

/**
 * What is remembered of keys, by the hash of the key, in memory of a fixed size at most: 44 MB unless another is given. There are
 * two generations. A full young one becomes the old one, and of the old one's keys that were not asked for meanwhile
 * only a trace is left, which distinguishes them from keys that were never seen.
 */
export class KeyTable {
  /** Entries that were dropped. */
  forgotten = 0;
  /** Most entries that are remembered at a time; keys of the last `bound / 2` entries surely are. */
  readonly bound: number;
  private current: Generation;
  private previous = new Generation(1);
  private traces: BloomFilter | null = null;

  /** @param slotsPerGeneration a power of two */
  constructor(private readonly slotsPerGeneration = 2 ** 19) {
    this.current = new Generation(Math.min(firstSlots, slotsPerGeneration));
    this.bound = 2 * limitOf(slotsPerGeneration);
  }

  /** Where the entries stand that `find` and `enter` give the index of. It may be another object after the next call. */
  get young(): KeyMemory {
    return this.current.memory;
  }

  /** Entries that are remembered. */
  get remembered(): number {
    return this.current.used + this.previous.used - this.previous.moved;
  }

  /** Index of the entry of a key in `young`, or -1. Good until the next call of `find` or `enter`. */
  find({ high, low }: KeyHash): number {
    const half = lowHalf(high, low);
    const slot = this.slotOf(high, half);
    return this.current.isTaken(slot) || this.moveFromOld(high, half, slot) ? slot : -1;
  }

  /** Index of the entry of a key in `young`; a new one, of zeros, where there is none. Good until the next call. */
  enter({ high, low }: KeyHash): number {
    const half = lowHalf(high, low);
    const slot = this.slotOf(high, half);
    if (!this.current.isTaken(slot) && !this.moveFromOld(high, half, slot))
      this.current.take(slot, high, half);
    return slot;
  }

  /** Of a key that is not found: true where it may have been forgotten, false where it was never entered. */
  mayBeForgotten({ high, low }: KeyHash): boolean {
    return this.traces?.mayHold(high, lowHalf(high, low)) ?? false;
  }

  /** Every entry that a TTL is known of. */
  *withTtl(): Iterable<readonly [memory: KeyMemory, at: number]> {
    for (const { memory, left } of [this.current, this.previous])
      for (let at = 0; at < left.length; at++)
        if ((memory.deadlineMillis[at] !== 0 || memory.overMillis[at] !== 0) && left[at] === 0)
          yield [memory, at];
  }

  private slotOf(high: number, low: number): number {
    // Before the search: afterwards, the entry that was found could be among those to be dropped.
    if (this.current.used >= this.current.limit) this.makeRoom();
    return this.current.slotOf(high, low);
  }

  private moveFromOld(high: number, low: number, slot: number): boolean {
    const { current, previous } = this;
    const source = previous.slotOf(high, low);
    if (!previous.isTaken(source)) return false;
    current.take(slot, high, low);
    current.copy(slot, previous, source);
    previous.leave(source);
    return true;
  }

  private makeRoom(): void {
    const { current, previous, slotsPerGeneration } = this;
    if (current.slots < slotsPerGeneration) {
      this.current = current.enlarged();
      return;
    }
    this.forgotten += previous.used - previous.moved;
    this.traces ??= new BloomFilter(slotsPerGeneration * filterBits);
    previous.trace(this.traces);
    this.previous = current;
    this.current = previous.slots < slotsPerGeneration ? new Generation(slotsPerGeneration) : previous;
    this.current.clear();
  }
}

const limitOf = (slots: number) => Math.floor(slots * fullLoad);

/** The halves are never both zero, which marks a free slot. */
const lowHalf = (high: number, low: number) => (high === 0 && low === 0 ? 1 : low);

/** A table with open addressing, from which no entry is taken out. */
class Generation {
  readonly memory: KeyMemory;
  readonly limit: number;
  used = 0;
  /** Entries that have a younger copy in the other generation, and count no more. */
  moved = 0;
  private readonly columns: readonly (Uint8Array | Uint32Array)[];
  private readonly high: Int32Array;
  private readonly low: Int32Array;
  /** 1 for an entry that the other generation has now. */
  readonly left: Uint8Array;

  constructor(readonly slots: number) {
    this.memory = newMemory(slots);
    this.columns = Object.values(this.memory);
    this.limit = limitOf(slots);
    this.high = new Int32Array(slots);
    this.low = new Int32Array(slots);
    this.left = new Uint8Array(slots);
  }

  /** Where the key is, or the free slot where it would. */
  slotOf(high: number, low: number): number {
    const mask = this.low.length - 1;
    let slot = low & mask;
    while ((this.low[slot] !== low || this.high[slot] !== high) && this.isTaken(slot))
      slot = (slot + 1) & mask;
    return slot;
  }

  isTaken(slot: number): boolean {
    return this.low[slot] !== 0 || this.high[slot] !== 0;
  }

  take(slot: number, high: number, low: number): void {
    this.high[slot] = high;
    this.low[slot] = low;
    this.used++;
  }

  /** Gives an entry up to the other generation. It stays in its slot, for the searches that pass over it. */
  leave(slot: number): void {
    this.left[slot] = 1;
    this.moved++;
  }

  copy(slot: number, from: Generation, source: number): void {
    this.columns.forEach((column, index) => (column[slot] = from.columns[index]?.[source] ?? 0));
  }

  /** The same entries in twice as many slots; none of them may have moved. */
  enlarged(): Generation {
    const larger = new Generation(2 * this.slots);
    for (let slot = 0; slot < this.slots; slot++) {
      if (!this.isTaken(slot)) continue;
      const [high = 0, low = 0] = [this.high[slot], this.low[slot]];
      const place = larger.slotOf(high, low);
      larger.take(place, high, low);
      larger.copy(place, this, slot);
    }
    return larger;
  }

  /** Leaves a trace of each entry that has not moved, and that says something. */
  trace(traces: BloomFilter): void {
    for (let slot = 0; slot < this.low.length; slot++) {
      if (this.memory.state[slot] !== 0 && this.left[slot] === 0)
        traces.add(this.high[slot] ?? 0, this.low[slot] ?? 0);
    }
  }

  clear(): void {
    this.used = 0;
    this.moved = 0;
    for (const column of [this.left, this.high, this.low, ...this.columns]) column.fill(0);
  }
}
