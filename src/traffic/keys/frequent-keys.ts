import { detached } from '../../keyspace/infer.ts';
import type { ByteString } from '../../support/bytes.ts';
import { pick } from '../../support/collections.ts';

/** A key that is among the most frequent. Its true count is between `count - error` and `count`. */
export interface FrequentKey<Payload> {
  readonly key: ByteString;
  readonly database: number;
  readonly count: number;
  /** 0 where no count of another key is in it. */
  readonly error: number;
  /** Of the count, where it was made from a sample; 0 where each time was counted. */
  readonly variance: number;
  /** What was handed in with the key last. */
  readonly payload: Payload;
}

/** The keys that are held, highest count first. */
export interface FrequentList<Payload> {
  readonly keys: readonly FrequentKey<Payload>[];
  /** A key that is not in the list came so often at most; 0 while all keys are. */
  readonly unheldAtMost: number;
}

export const emptyList: FrequentList<never> = { keys: [], unheldAtMost: 0 };

type Counter<Payload> = { -readonly [Field in keyof FrequentKey<Payload>]: FrequentKey<Payload>[Field] } & {
  /** Where it is in the heap. */
  place: number;
};

/** Longer keys are left out, so that the memory has a bound. */
const longestKeyBytes = 4096;

/**
 * The most frequent keys of a stream, in bounded memory: exact while there are no more different keys than the capacity,
 * and later every key is held that came more often than the total over the capacity.
 * Space-Saving: Metwally, Agrawal, El Abbadi, Efficient Computation of Frequent and Top-k Elements in Data Streams (2005).
 */
export class FrequentKeys<Payload> {
  private readonly databases = new Map<number, Map<ByteString, Counter<Payload>>>();
  /** A binary heap with the smallest count at its root. */
  private readonly heap: Counter<Payload>[] = [];
  private unheldAtMost = 0;

  /**
   * @param capacity keys that are held at a time
   * @param own makes a key one to keep: a part of a longer text would keep all of that
   */
  constructor(
    private readonly capacity: number,
    private readonly own: (key: ByteString) => string = detached,
  ) {}

  /** @param amount how many times this one stands for, with the variance of that in a sample */
  add(key: ByteString, database: number, payload: Payload, amount = 1, variance = 0): void {
    if (key.length > longestKeyBytes) return;
    const counters = this.countersOf(database);
    const counter = counters.get(key) ?? this.track(counters, key, database, payload);
    counter.payload = payload;
    counter.count += amount;
    counter.variance += variance;
    this.sink(counter);
  }

  list(): FrequentList<Payload> {
    const keys = [...this.heap]
      .sort((left, right) => right.count - left.count || left.error - right.error)
      .map((each) => pick(each, ['key', 'database', 'count', 'error', 'variance', 'payload']));
    return { keys, unheldAtMost: this.unheldAtMost };
  }

  private countersOf(database: number): Map<ByteString, Counter<Payload>> {
    const existing = this.databases.get(database);
    if (existing) return existing;
    const counters = new Map<ByteString, Counter<Payload>>();
    this.databases.set(database, counters);
    return counters;
  }

  /** A counter for a key that has none: a new one, or that of the least frequent key, whose count is kept as the error. */
  private track(
    counters: Map<ByteString, Counter<Payload>>,
    key: ByteString,
    database: number,
    payload: Payload,
  ): Counter<Payload> {
    const kept = this.own(key) as ByteString;
    let counter = this.heap.length < this.capacity ? undefined : this.heap[0];
    if (counter === undefined) {
      counter = { key: kept, database, count: 0, error: 0, variance: 0, payload, place: this.heap.length };
      this.heap.push(counter);
      this.rise(counter);
    } else {
      this.databases.get(counter.database)?.delete(counter.key);
      counter.key = kept;
      counter.database = database;
      counter.error = counter.count;
      counter.variance = 0;
      this.unheldAtMost = counter.count;
    }
    counters.set(kept, counter);
    return counter;
  }

  private rise(counter: Counter<Payload>): void {
    const { heap } = this;
    let { place } = counter;
    while (place > 0) {
      const above = (place - 1) >> 1;
      const parent = heap[above];
      if (parent === undefined || parent.count <= counter.count) break;
      heap[place] = parent;
      parent.place = place;
      place = above;
    }
    heap[place] = counter;
    counter.place = place;
  }

  private sink(counter: Counter<Payload>): void {
    const { heap } = this;
    let { place } = counter;
    for (;;) {
      const left = heap[2 * place + 1];
      const right = heap[2 * place + 2];
      const child = right !== undefined && left !== undefined && right.count < left.count ? right : left;
      if (child === undefined || child.count >= counter.count) break;
      const below = child.place;
      heap[place] = child;
      child.place = place;
      place = below;
    }
    heap[place] = counter;
    counter.place = place;
  }
}
