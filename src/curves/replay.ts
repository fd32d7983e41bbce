import { NumberHeap } from '../support/number-heap.ts';
import { type AccessTrace, accessKinds, forever, type SampledAccesses } from './access-sample.ts';

/** What happens to a cache when a trace is run again. Keys by their index, accesses by their place in the trace. */
export interface CacheVisitor {
  /** A read of a key that no expiry and no removal has taken: it hits where the memory still holds it, and is stored where not. */
  read(key: number, at: number): void;
  /** The first access of a key in the window is a read: whether memory held it depends on what was before. It hit on the server. */
  coldHit(key: number, at: number): void;
  /** The same of a key that was not there: it may have been evicted, or never stored. */
  coldMiss(key: number, at: number): void;
  /** A read of a key that has expired or was removed: a miss whatever the memory. */
  miss(key: number, at: number): void;
  write(key: number, at: number): void;
  /** The key expires or is removed. */
  leave(key: number, at: number): void;
}

/** Time of an access in milliseconds, from the beginning of the first turn on. */
export function timeOf({ atMillis }: SampledAccesses, at: number): number {
  const { length } = atMillis;
  return (atMillis[at % length] ?? 0) + Math.floor(at / length) * (atMillis[length - 1] ?? 0);
}

const [unseen, present, absent, absentFromStart] = [0, 1, 2, 3];

/**
 * Runs the accesses in their order, with the expiry of keys between them. What eviction took away on the server is not taken away
 * here: the visitor decides that for the memory that it stands for.
 * @param turns how often all of them are run, one time behind the other; places in the trace count on
 */
export function replay(trace: AccessTrace, visitor: CacheVisitor, turns = 1): void {
  const { keys, accesses } = trace;
  const { key: accessedKeys, kind: kinds, ttlMillis } = accesses;
  const states = new Uint8Array(keys.row.length);
  const deadlines = new Float64Array(keys.row.length);
  const expiries = new NumberHeap();
  const { length } = accessedKeys;
  for (let at = 0; at < turns * length; at++) {
    const index = at % length;
    const key = accessedKeys[index] ?? 0;
    const now = timeOf(accesses, at);
    while (expiries.least <= now) {
      const deadline = expiries.least;
      const expiring = expiries.pop();
      // A later write may have given it another time to live.
      if (deadlines[expiring] !== deadline || states[expiring] !== present) continue;
      states[expiring] = absent;
      visitor.leave(expiring, at);
    }
    const kind = kinds[index];
    const ttl = ttlMillis[index] ?? 0;
    if (kind === accessKinds.read) {
      const state = states[key];
      if (state === present) visitor.read(key, at);
      else if (state === absent) visitor.miss(key, at);
      else if (state === absentFromStart || keys.absentAtStart[key] === 1) {
        states[key] = absentFromStart;
        visitor.coldMiss(key, at);
      } else {
        states[key] = present;
        visitor.coldHit(key, at);
      }
    } else if (kind === accessKinds.remove) {
      if (states[key] === present) visitor.leave(key, at);
      states[key] = absent;
      deadlines[key] = 0;
    } else if (kind === accessKinds.write) {
      // A write that gives no time to live leaves the one that the key has, as those of fields and members do, or takes it away.
      if (states[key] !== present) deadlines[key] = 0;
      states[key] = present;
      visitor.write(key, at);
    } else if (states[key] === unseen) continue;
    if (ttl === forever) deadlines[key] = 0;
    else if (ttl > 0) {
      deadlines[key] = now + ttl;
      expiries.push(now + ttl, key);
    }
  }
}
