import { SeededRandom } from '../support/random.ts';
import type { InParts } from '../support/in-parts.ts';
import { type AccessTrace, forever } from './access-sample.ts';
import { addTo } from './columns.ts';
import { MiniCache } from './mini-cache.ts';
import type { EvictionTerms } from './policy.ts';
import type { Sample } from './random-groups.ts';
import { cold, type ReplayTerms } from './read-outcomes.ts';
import { type CacheVisitor, replay, timeOf } from './replay.ts';

/** A write so soon after a read of the same key fills in what the read missed. */
const refillMillis = 1000;

/**
 * Runs one sample against small caches, next to what LRU caches of their sizes do. Their difference is far less a matter of which keys
 * are in the sample than the misses of either, for both see the same. The window is run twice, for the first time fills the cache and
 * tells it what is used often.
 * @param hitsFrom of the reads, by access: index of the smallest size in which LRU hits @param simulated indexes of sizes
 * @returns misses of the policy less those of LRU, by size and by row
 */
export function* comparePolicy(
  { trace, weights }: Sample,
  { bytes, sizes, rows }: ReplayTerms,
  hitsFrom: Uint16Array,
  eviction: EvictionTerms,
  simulated: readonly number[],
): InParts<Float64Array[]> {
  const { keys, accesses } = trace;
  const cache = new MiniCache(eviction, bytes);
  const timeToLive = timesToLive(trace, rows);
  const readAt = new Float64Array(keys.row.length);
  const { length } = accesses.key;
  const now = (at: number) => timeOf(accesses, at);
  const store = (key: number, at: number) => {
    const ttl = timeToLive[key] ?? 0;
    cache.store(key, now(at), ttl === 0 ? 0 : now(at) + ttl);
  };
  const found: Float64Array[] = [];
  for (const index of simulated) {
    const moreMisses = new Float64Array(rows);
    cache.clear(sizes[index] ?? 0, new SeededRandom(1, 'mini cache', length));
    readAt.fill(Number.NEGATIVE_INFINITY);
    const read = (key: number, at: number) => {
      const isHit = cache.use(key, now(at));
      const from = hitsFrom[at - length] ?? cold;
      if (from !== cold && isHit !== from <= index)
        addTo(moreMisses, keys.row[key] ?? 0, (isHit ? -1 : 1) * (weights[key] ?? 0));
      if (!isHit) store(key, at);
      readAt[key] = now(at);
    };
    const visitor: CacheVisitor = {
      ...{ read, coldHit: read, coldMiss: () => undefined, miss: () => undefined },
      write(key, at) {
        const isRefill = now(at) - (readAt[key] ?? 0) <= refillMillis;
        if (!cache.has(key)) store(key, at);
        else if (!isRefill) cache.use(key, now(at));
        readAt[key] = Number.NEGATIVE_INFINITY;
      },
      leave: (key) => cache.remove(key),
    };
    replay(trace, visitor, 2);
    found.push(moreMisses);
    yield;
  }
  return found;
}

/**
 * The last time to live that the window showed of each key, in milliseconds; 0: none. A key that was not written in it has one
 * where others of its row have, for one can be read of it only by a lookup.
 */
function timesToLive({ keys, accesses }: AccessTrace, rows: number): Float64Array {
  const times = new Float64Array(keys.row.length);
  const ofRow = new Float64Array(rows);
  accesses.ttlMillis.forEach((ttl, at) => {
    if (ttl === 0) return;
    const key = accesses.key[at] ?? 0;
    times[key] = ttl;
    ofRow[keys.row[key] ?? 0] = ttl;
  });
  return times
    .map((ttl, key) => ttl || (ofRow[keys.row[key] ?? 0] ?? 0))
    .map((ttl) => (ttl === forever ? 0 : ttl));
}
