import type { SeededRandom } from '../support/random.ts';
import type { EvictionTerms } from './policy.ts';

/** `EVPOOL_SIZE`: candidates that are kept from one eviction to the next. */
const poolSize = 16;
/** `LRU_CLOCK_RESOLUTION`: a server knows idle times to the second. */
const lruClockMillis = 1000;
/** `LFU_INIT_VAL`: new keys begin with it, so that they live long enough to be used again. */
const lfuFirst = 5;
const lfuMost = 255;

/** What a cache of this size knows of keys. */
export interface MiniCacheTerms extends EvictionTerms {
  readonly capacityBytes: number;
  readonly keys: number;
  readonly random: SeededRandom;
}

/**
 * A cache as small as its sample of keys, that evicts as a Redis server does: `maxmemory-samples` keys at random for each
 * eviction into a pool of sixteen, of which the best goes. LRU by a clock of seconds; LFU by a logarithmic counter of 8 bits that
 * decays with the minutes.
 * @see evict.c of Redis 7; Waldspurger, Saemundsson, Ahmad, Park: Cache Modeling and Optimization using Miniature Simulations
 *   (USENIX ATC 2017)
 */
export class MiniCache {
  usedBytes = 0;
  /** True once something was evicted: what was not seen before is not in this cache. */
  wasFull = false;
  /** Keys that are held, in any order, and where each is in the list; all of them, and those with a time to live. */
  private readonly all: KeyList;
  private readonly volatile: KeyList;
  private readonly bytes: Float64Array;
  /** LRU: seconds; LFU: minutes. */
  private readonly clocks: Float64Array;
  private readonly counters: Uint8Array;
  private readonly deadlines: Float64Array;
  private readonly poolKeys = new Int32Array(poolSize);
  private readonly poolScores = new Float64Array(poolSize);
  private pooled = 0;

  constructor(private readonly terms: MiniCacheTerms) {
    const { keys } = terms;
    this.all = new KeyList(keys);
    this.volatile = new KeyList(keys);
    this.bytes = new Float64Array(keys);
    this.clocks = new Float64Array(keys);
    this.counters = new Uint8Array(keys);
    this.deadlines = new Float64Array(keys);
  }

  has(key: number): boolean {
    return this.all.has(key);
  }

  /** The key is used. @returns false where it is not held */
  use(key: number, nowMillis: number): boolean {
    if (!this.has(key)) return false;
    if (this.isLfu) {
      this.counters[key] = this.raised(this.decayed(key, nowMillis));
      this.clocks[key] = Math.floor(nowMillis / 60_000);
    } else this.clocks[key] = Math.floor(nowMillis / lruClockMillis);
    return true;
  }

  /** Puts a key in that is not held, and evicts what is too much then. @param deadlineMillis 0: it has no time to live */
  store(key: number, bytes: number, nowMillis: number, deadlineMillis: number): void {
    this.all.add(key);
    if (deadlineMillis > 0) this.volatile.add(key);
    this.bytes[key] = bytes;
    this.usedBytes += bytes;
    this.deadlines[key] = deadlineMillis;
    this.counters[key] = lfuFirst;
    this.clocks[key] = Math.floor(nowMillis / (this.isLfu ? 60_000 : lruClockMillis));
    this.evict(nowMillis);
  }

  remove(key: number): void {
    if (!this.has(key)) return;
    this.all.remove(key);
    this.volatile.remove(key);
    this.usedBytes -= this.bytes[key] ?? 0;
  }

  private get isLfu(): boolean {
    const { policy } = this.terms;
    return policy === 'allkeys-lfu' || policy === 'volatile-lfu';
  }

  private evict(nowMillis: number): void {
    const { capacityBytes, policy } = this.terms;
    const candidates = policy.startsWith('volatile') ? this.volatile : this.all;
    while (this.usedBytes > capacityBytes) {
      this.wasFull = true;
      if (candidates.size === 0) return;
      const isRandom = policy === 'allkeys-random' || policy === 'volatile-random';
      const key = isRandom
        ? candidates.at(this.terms.random.below(candidates.size))
        : this.best(candidates, nowMillis);
      if (key >= 0) this.remove(key);
    }
  }

  /** The best of the pool that is still there, which is taken out; -1 where none is. */
  private best(candidates: KeyList, nowMillis: number): number {
    for (let drawn = 0; drawn < this.terms.samples; drawn++) {
      const key = candidates.at(this.terms.random.below(candidates.size));
      this.offer(key, this.scoreOf(key, nowMillis));
    }
    while (this.pooled > 0) {
      const key = this.poolKeys[--this.pooled] ?? -1;
      if (candidates.has(key)) return key;
    }
    return -1;
  }

  /** The higher, the sooner it goes. */
  private scoreOf(key: number, nowMillis: number): number {
    if (this.terms.policy === 'volatile-ttl') return -(this.deadlines[key] ?? 0);
    if (this.isLfu) return lfuMost - this.decayed(key, nowMillis);
    return Math.floor(nowMillis / lruClockMillis) - (this.clocks[key] ?? 0);
  }

  /** Into the pool, which is in the order of scores, where it is better than one that is there or there is room. */
  private offer(key: number, score: number): void {
    const { poolKeys, poolScores } = this;
    for (let place = 0; place < this.pooled; place++) if (poolKeys[place] === key) return;
    let place = 0;
    while (place < this.pooled && (poolScores[place] ?? 0) < score) place++;
    if (this.pooled < poolSize) {
      poolKeys.copyWithin(place + 1, place, this.pooled);
      poolScores.copyWithin(place + 1, place, this.pooled);
      this.pooled++;
    } else {
      if (place === 0) return;
      place--;
      poolKeys.copyWithin(0, 1, place + 1);
      poolScores.copyWithin(0, 1, place + 1);
    }
    poolKeys[place] = key;
    poolScores[place] = score;
  }

  private decayed(key: number, nowMillis: number): number {
    const { lfuDecayMinutes } = this.terms;
    const counter = this.counters[key] ?? 0;
    if (lfuDecayMinutes === 0) return counter;
    const minutes = Math.floor(nowMillis / 60_000) - (this.clocks[key] ?? 0);
    return Math.max(0, counter - Math.floor(minutes / lfuDecayMinutes));
  }

  /** One more, with a probability that falls with the counter. */
  private raised(counter: number): number {
    if (counter >= lfuMost) return counter;
    const above = Math.max(0, counter - lfuFirst);
    return this.terms.random.chance(1 / (above * this.terms.lfuLogFactor + 1)) ? counter + 1 : counter;
  }
}

/** A set of keys of which one can be drawn at random. */
class KeyList {
  size = 0;
  private readonly list: Int32Array;
  /** Plus one; 0: not in the list. */
  private readonly places: Int32Array;

  constructor(keys: number) {
    this.list = new Int32Array(keys);
    this.places = new Int32Array(keys);
  }

  has(key: number): boolean {
    return (this.places[key] ?? 0) > 0;
  }

  at(index: number): number {
    return this.list[index] ?? -1;
  }

  add(key: number): void {
    this.list[this.size++] = key;
    this.places[key] = this.size;
  }

  remove(key: number): void {
    const place = this.places[key] ?? 0;
    if (place === 0) return;
    const last = this.list[--this.size] ?? 0;
    this.list[place - 1] = last;
    this.places[last] = place;
    this.places[key] = 0;
  }
}
