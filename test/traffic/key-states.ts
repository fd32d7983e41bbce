import { type LoadCause, loadCauses, type NamespaceTruth } from './truth.ts';

/** Whether the server may evict at the moment: only then may a key be gone that was not removed. */
export interface EvictionPhase {
  evicting: boolean;
}

const stored = 100;
/** Added to the end of a TTL before the key is read again, for two clocks. */
const expiryMarginMillis = 5;

/**
 * What the load knows of the keys of one namespace, by their number, and what it counts of them. A key belongs to one
 * connection, so what happens to it has one order.
 */
export class KeyStates {
  /** `stored`, or the place of the cause among `loadCauses`, plus one; 0: nothing was seen of it. */
  private readonly states: Uint8Array;
  /** No command may name the key before this time, in milliseconds: whether it has expired is not sure. */
  private readonly quietUntil: Float64Array;
  /** Keys that a read missed, until they are stored again. */
  private readonly missed = new Set<number>();
  /** Keys whose end by TTL no read has seen yet. */
  private readonly expiring = new Set<number>();

  constructor(
    readonly keys: number,
    private readonly counts: NamespaceTruth,
    private readonly phase: EvictionPhase,
  ) {
    this.states = new Uint8Array(keys);
    this.quietUntil = new Float64Array(keys);
  }

  isStored(key: number): boolean {
    return this.states[key] === stored;
  }

  isQuiet(key: number): boolean {
    return (this.quietUntil[key] ?? 0) > performance.now();
  }

  /** A lookup of the key found it, or not. @throws Error where the server answers what cannot be */
  read(key: number, found: boolean): void {
    this.counts.reads++;
    if (found) {
      if (!this.isStored(key)) throw new Error('a read found a key that is not stored');
      this.counts.hits++;
      return;
    }
    if (this.isStored(key)) this.evict(key);
    this.miss(key);
    this.missed.add(key);
    this.expiring.delete(key);
  }

  /** A lookup of several keys found so many of them. Those that are not stored are sure to be missed. */
  readSeveral(keys: readonly number[], found: number): void {
    let missed = keys.length - found;
    this.counts.reads += keys.length;
    this.counts.hits += found;
    for (const key of keys) {
      if (this.isStored(key)) continue;
      this.miss(key);
      this.expiring.delete(key);
      missed--;
    }
    if (missed < 0 || (missed > 0 && !this.phase.evicting))
      throw new Error(`of ${keys.length} keys ${found} were found, which cannot be`);
    // Which of the stored ones they are shows when they are read alone.
    for (; missed > 0; missed--) this.countMiss('evicted');
  }

  write(keys = 1): void {
    this.counts.writes += keys;
  }

  store(key: number): void {
    this.states[key] = stored;
    this.missed.delete(key);
  }

  /** Before a command that gives the key a TTL is sent. */
  beQuiet(key: number): void {
    this.quietUntil[key] = Number.POSITIVE_INFINITY;
  }

  /** The key was stored with a TTL, and no read of it comes before its end. */
  expire(key: number, ttlMillis: number): void {
    this.states[key] = placeOf('expired');
    this.missed.delete(key);
    this.expiring.add(key);
    this.quietUntil[key] = performance.now() + ttlMillis + expiryMarginMillis;
  }

  /** The server removed so many of the keys on command. */
  remove(keys: readonly number[], removed: number): void {
    const held = keys.filter((key) => this.isStored(key));
    if (removed > held.length || (removed < held.length && !(this.phase.evicting && keys.length === 1)))
      throw new Error(`of ${held.length} stored keys ${removed} were removed, which cannot be`);
    for (const key of held) {
      if (removed === 0) this.evict(key);
      else this.states[key] = placeOf('invalidated');
    }
  }

  rename(from: number, to: number): void {
    if (!this.isStored(from)) throw new Error('a key that is not stored was renamed');
    this.states[from] = placeOf('renamed');
    this.store(to);
  }

  /** Takes up to so many of the keys that were missed, to store them again. */
  takeMissed(most: number): number[] {
    const taken: number[] = [];
    for (const key of this.missed) {
      if (taken.length >= most) break;
      this.missed.delete(key);
      taken.push(key);
    }
    return taken;
  }

  /** Keys that are at the end of their TTL, or will soon be, and whose expiry no read has seen. */
  unreadExpired(): number[] {
    return [...this.expiring];
  }

  private evict(key: number): void {
    if (!this.phase.evicting) throw new Error('a key is gone that nobody removed');
    this.states[key] = placeOf('evicted');
  }

  private countMiss(cause: LoadCause): void {
    this.counts.misses++;
    this.counts.causes[cause]++;
  }

  private miss(key: number): void {
    this.countMiss(loadCauses[(this.states[key] ?? 0) - 1] ?? 'goneOrNew');
    if (this.states[key] === 0) this.states[key] = placeOf('neverCached');
  }
}

const placeOf = (cause: LoadCause) => loadCauses.indexOf(cause) + 1;
