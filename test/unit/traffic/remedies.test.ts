import { describe, expect, it } from 'vitest';
import { Draw } from '../../../src/random.ts';
import { memoryRemedy, ttlRemedy } from '../../../src/traffic/figures/remedies.ts';
import { RowDetails } from '../../../src/traffic/keys/row-details.ts';

const windowMillis = 1e6;

/** Reads at random times; a miss stores the key for `ttl`. Tells each gap from the end of a TTL to the miss. */
function simulate(seed: string, readsPerMilli: number, ttl: number, onMiss: (gap: number) => void): number {
  const draw = new Draw(1, seed);
  let [at, end, misses] = [0, 0, 0];
  while (at < windowMillis) {
    at += -Math.log(1 - draw.fraction()) / readsPerMilli;
    if (at < end) continue;
    if (end > 0) {
      misses++;
      onMiss(at - end);
    }
    end = at + ttl;
  }
  return misses;
}

/** Keys that are read all the time, and others that are read less often than their TTL ends. */
const rates = [1, 0.1, 0.01, 0.002, 0.0005];

function missesWith(ttl: number, details = new RowDetails()): number {
  return rates.reduce(
    (sum, rate) => sum + simulate(`rate ${rate}`, rate, ttl, (gap) => details.expiredForMillis.record(gap)),
    0,
  );
}

describe('the TTL that would have saved misses', () => {
  it('saves half and nine tenths of them when the same traffic runs with it', () => {
    const details = new RowDetails();
    const misses = missesWith(500, details);
    details.ttlMillis.record(500);
    const remedy = ttlRemedy(details, misses, null);
    expect(remedy?.currentSeconds).toBe(0.5);
    expect(missesWith(1000 * (remedy?.saveHalfSeconds ?? 0)) / misses).toBeCloseTo(0.5, 1);
    expect(missesWith(1000 * (remedy?.saveNineTenthsSeconds ?? 0)) / misses).toBeCloseTo(0.1, 1);
  });

  it('is twice the TTL for a key that is read all the time', () => {
    const details = new RowDetails();
    for (let miss = 0; miss < 100; miss++) details.expiredForMillis.record(1);
    const remedy = ttlRemedy(details, 100, { kind: 'fixed', seconds: 60 });
    expect(remedy?.saveHalfSeconds).toBeCloseTo(120, 0);
    expect(remedy?.saveNineTenthsSeconds).toBeCloseTo(600, -1);
  });

  it('is not told where nothing says how long keys live', () => {
    const details = new RowDetails();
    details.expiredForMillis.record(10);
    expect(ttlRemedy(details, 1, null)).toBeNull();
    details.lifeMillis.record(1000);
    expect(ttlRemedy(details, 1, null)?.currentSeconds).toBe(1);
  });

  it('is not told where no key expired', () => {
    const details = new RowDetails();
    details.ttlMillis.record(1000);
    expect(ttlRemedy(details, 0, null)).toBeNull();
  });
});

describe('the memory that would have saved misses', () => {
  /** Misses of keys that a cache of so many keys gave up, the one used longest ago first. */
  function missesOf(capacity: number, details = new RowDetails()): number {
    const draw = new Draw(7, 'keys');
    const keys = new Set<number>();
    const evictedAt = new Map<number, number>();
    let [evictions, misses] = [0, 0];
    for (let read = 0; read < 200_000; read++) {
      const key = draw.rank(50) % 3000;
      if (!keys.delete(key)) {
        const mark = evictedAt.get(key);
        if (mark !== undefined) {
          misses++;
          details.evictionDistance.record(evictions - mark);
        }
        if (keys.size >= capacity) {
          const [oldest = -1] = keys;
          keys.delete(oldest);
          evictedAt.set(oldest, evictions++);
        }
      }
      keys.add(key);
    }
    return misses;
  }

  it('saves at least half and nine tenths of them when the same traffic runs with it', () => {
    const details = new RowDetails();
    const capacity = 200;
    const misses = missesOf(capacity, details);
    const remedy = memoryRemedy(details, misses, 100, 100);
    const keysWith = (bytes: number | null | undefined) => capacity + (bytes ?? 0) / 100;
    expect(misses).toBeGreaterThan(10_000);
    expect(missesOf(keysWith(remedy?.extraForHalfBytes))).toBeLessThan(0.55 * misses);
    expect(missesOf(keysWith(remedy?.extraForNineTenthsBytes))).toBeLessThan(0.15 * misses);
  });

  it('is not told where no size is known', () => {
    const details = new RowDetails();
    details.evictionDistance.record(10);
    expect(memoryRemedy(details, 1, null, null)).toMatchObject({ extraForHalfBytes: null });
    expect(memoryRemedy(details, 0, 100, 100)).toBeNull();
  });
});
