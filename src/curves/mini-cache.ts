import { SeededRandom } from '../support/random.ts';
import type { EvictionTerms } from './policy.ts';

/** `EVPOOL_SIZE`: candidates that are kept from one eviction to the next. */
const poolSize = 16;
/** `LRU_CLOCK_RESOLUTION`: a server knows idle times to the second. */
const lruClockMillis = 1000;
/** `LFU_INIT_VAL`: new keys begin with it, so that they live long enough to be used again. */
const lfuFirst = 5;
const lfuMost = 255;

/**
 * A cache as small as its sample of keys, that evicts as a Redis server does: `maxmemory-samples` keys at random for each
 * eviction into a pool of sixteen, of which the best goes. LRU by a clock of seconds; LFU by a logarithmic counter of 8 bits that
 * decays with the minutes.
 * @see evict.c of Redis 7; Waldspurger, Saemundsson, Ahmad, Park: Cache Modeling and Optimization using Miniature Simulations
 *   (USENIX ATC 2017)
 */
export class MiniCache {
  private usedBytes = 0;
  private capacityBytes = 0;
  private random = new SeededRandom(0, '');
  /** By key: 1 where it is held. */
  private readonly held: Uint8Array;
  /** Keys that may be evicted. */
  private readonly candidates: KeyList;
  /** LRU: seconds; LFU: minutes. */
  private readonly clocks: Uint32Array;
  private readonly counters: Uint8Array;
  private readonly deadlines: Float64Array;
  private readonly poolKeys = new Int32Array(poolSize);
  private readonly poolScores = new Float64Array(poolSize);
  private pooled = 0;
  private readonly isLfu: boolean;
  private readonly isRandom: boolean;
  private readonly isVolatile: boolean;
  private readonly clockMillis: number;

  /** @param bytes of each key */
  constructor(
    private readonly terms: EvictionTerms,
    private readonly bytes: ArrayLike<number>,
  ) {
    const { length } = bytes;
    this.held = new Uint8Array(length);
    this.candidates = new KeyList(length);
    this.clocks = new Uint32Array(length);
    this.counters = new Uint8Array(length);
    this.deadlines = new Float64Array(length);
    this.isLfu = terms.policy.endsWith('-lfu');
    this.isRandom = terms.policy.endsWith('-random');
    this.isVolatile = terms.policy.startsWith('volatile');
    this.clockMillis = this.isLfu ? 60_000 : lruClockMillis;
  }

  /** Begins anew, empty. */
  clear(capacityBytes: number, random: SeededRandom): void {
    [this.capacityBytes, this.random, this.usedBytes, this.pooled] = [capacityBytes, random, 0, 0];
    this.held.fill(0);
    this.candidates.clear();
  }

  has(key: number): boolean {
    return this.held[key] === 1;
  }

  /** The key is used. @returns false where it is not held */
  use(key: number, nowMillis: number): boolean {
    if (!this.has(key)) return false;
    if (this.isLfu) this.counters[key] = this.raised(this.decayed(key, nowMillis));
    this.clocks[key] = this.clock(nowMillis);
    return true;
  }

  /** Puts a key in that is not held, and evicts what is too much then. @param deadlineMillis 0: it has no time to live */
  store(key: number, nowMillis: number, deadlineMillis: number): void {
    const { candidates, random } = this;
    this.held[key] = 1;
    if (deadlineMillis > 0 || !this.isVolatile) candidates.add(key);
    this.usedBytes += this.bytes[key] ?? 0;
    this.deadlines[key] = deadlineMillis;
    this.counters[key] = lfuFirst;
    this.clocks[key] = this.clock(nowMillis);
    while (this.usedBytes > this.capacityBytes && candidates.size > 0) {
      const evicted = this.isRandom ? candidates.draw(random) : this.best(nowMillis);
      if (evicted >= 0) this.remove(evicted);
    }
  }

  remove(key: number): void {
    if (!this.has(key)) return;
    this.held[key] = 0;
    this.candidates.remove(key);
    this.usedBytes -= this.bytes[key] ?? 0;
  }

  private clock(nowMillis: number): number {
    return Math.floor(nowMillis / this.clockMillis);
  }

  /** The best of the pool that is still there, which is taken out; -1 where none is. */
  private best(nowMillis: number): number {
    for (let drawn = 0; drawn < this.terms.samples; drawn++) {
      const key = this.candidates.draw(this.random);
      this.offer(key, this.scoreOf(key, nowMillis));
    }
    while (this.pooled > 0) {
      const key = this.poolKeys[--this.pooled] ?? -1;
      if (this.has(key)) return key;
    }
    return -1;
  }

  /** The higher, the sooner it goes. */
  private scoreOf(key: number, nowMillis: number): number {
    if (this.terms.policy === 'volatile-ttl') return -(this.deadlines[key] ?? 0);
    if (this.isLfu) return lfuMost - this.decayed(key, nowMillis);
    return this.clock(nowMillis) - (this.clocks[key] ?? 0);
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
    const minutes = this.clock(nowMillis) - (this.clocks[key] ?? 0);
    return Math.max(0, counter - Math.floor(minutes / lfuDecayMinutes));
  }

  /** One more, with a probability that falls with the counter. */
  private raised(counter: number): number {
    if (counter >= lfuMost) return counter;
    const above = Math.max(0, counter - lfuFirst);
    return this.random.chance(1 / (above * this.terms.lfuLogFactor + 1)) ? counter + 1 : counter;
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

  clear(): void {
    this.size = 0;
    this.places.fill(0);
  }

  draw(random: SeededRandom): number {
    return this.list[random.below(this.size)] ?? -1;
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
