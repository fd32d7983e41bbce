import { describe, expect, it } from 'vitest';
import { SeededRandom } from '../../../src/support/random.ts';
import { memoryRemedy, ttlRemedy } from '../../../src/traffic/figures/remedies.ts';
import { RowDetails } from '../../../src/traffic/keys/namespace-rows.ts';

const windowMillis = 1e6;

/** Reads at random times; a miss stores the key for `ttl`. Tells each gap from the end of a TTL to the miss. */
function simulate(seed: string, readsPerMilli: number, ttl: number, onMiss: (gap: number) => void): number {
  const draw = new SeededRandom(1, seed);
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

function missesWith(ttl: number, details = new RowDetails(), readsPerMilli = rates): number {
  return readsPerMilli.reduce(
    (sum, rate) => sum + simulate(`rate ${rate}`, rate, ttl, (gap) => details.expiredForMillis.record(gap)),
    0,
  );
}

describe('the TTL that would have saved misses', () => {
  it('saves half and nine tenths of them when the same traffic runs with it', () => {
    const details = new RowDetails();
    const misses = missesWith(500, details);
    details.ttlMillis.record(500, 100);
    const remedy = ttlRemedy(details, misses, null, windowMillis / 1000);
    expect(remedy?.currentSeconds).toBe(0.5);
    expect(missesWith(1000 * (remedy?.saveHalfSeconds ?? 0)) / misses).toBeCloseTo(0.5, 1);
    expect(missesWith(1000 * (remedy?.saveNineTenthsSeconds ?? 0)) / misses).toBeCloseTo(0.1, 1);
  });

  it('saves as many where the keys are read about once in their TTL, all alike or not', () => {
    for (const readsPerMilli of [[0.002], [0.0008, 0.0008, 0.0008], [0.01, 0.002, 0.0004]]) {
      const details = new RowDetails();
      const misses = missesWith(500, details, readsPerMilli);
      details.ttlMillis.record(500, 100);
      const remedy = ttlRemedy(details, misses, null, windowMillis / 1000);
      const leftWith = (seconds = 0) => missesWith(1000 * seconds, undefined, readsPerMilli) / misses;
      expect(leftWith(remedy?.saveHalfSeconds ?? undefined)).toBeCloseTo(0.5, 1);
      expect(leftWith(remedy?.saveNineTenthsSeconds ?? undefined)).toBeCloseTo(0.1, 1);
      const [low = 0, high = 0] = remedy?.saveHalfInterval ?? [];
      expect(leftWith(low)).toBeGreaterThan(0.47);
      expect(leftWith(high)).toBeLessThan(0.53);
    }
  });

  /** Misses a moment after the end of a TTL. */
  const soonMissed = (misses: number) => {
    const details = new RowDetails();
    details.expiredForMillis.record(1, misses);
    return details;
  };
  const minute = { kind: 'fixed', seconds: 60 } as const;

  it('is twice the TTL for a key that is read all the time', () => {
    const remedy = ttlRemedy(soonMissed(100), 100, minute, 3600);
    expect(remedy?.saveHalfSeconds).toBeCloseTo(120, 0);
    expect(remedy?.saveNineTenthsSeconds).toBeCloseTo(600, -1);
  });

  it('is not told where it would be longer by more than the window, which shows no reads so late', () => {
    const week = { kind: 'fixed', seconds: 7 * 86_400 } as const;
    const fiveSeconds = ttlRemedy(soonMissed(1000), 1000, week, 5);
    expect(fiveSeconds).toMatchObject({
      ...{ currentSeconds: 7 * 86_400, saveHalfSeconds: null, saveHalfInterval: null },
      ...{ saveNineTenthsSeconds: null, saveNineTenthsInterval: null },
    });
    expect(fiveSeconds?.neededWindowSeconds).toBeGreaterThan(6.9 * 86_400);
    const half = ttlRemedy(soonMissed(1000), 1000, minute, 70);
    expect(half?.saveHalfSeconds).toBeCloseTo(120, 0);
    expect(half?.saveNineTenthsSeconds).toBeNull();
    const needed = half?.neededWindowSeconds ?? Number.NaN;
    expect(ttlRemedy(soonMissed(1000), 1000, minute, needed - 0.01)?.saveHalfSeconds).toBeNull();
  });

  it('is not told of fewer than 100 misses', () => {
    expect(ttlRemedy(soonMissed(100), 100, minute, 3600)).not.toBeNull();
    expect(ttlRemedy(soonMissed(99), 99, minute, 3600)).toBeNull();
  });

  it('has an interval that holds the TTL that more misses show, narrower with more of them', () => {
    const draw = new SeededRandom(3, 'gaps');
    const gapsOf = (count: number) => {
      const details = new RowDetails();
      details.ttlMillis.record(30_000, 100);
      for (let miss = 0; miss < count; miss++)
        details.expiredForMillis.record(-60_000 * Math.log(1 - draw.fraction()));
      return ttlRemedy(details, count, null, 1e9);
    };
    const truth = gapsOf(200_000)?.saveHalfSeconds ?? Number.NaN;
    let covered = 0;
    for (let run = 0; run < 100; run++) {
      const [low, high] = gapsOf(150)?.saveHalfInterval ?? [Number.NaN, Number.NaN];
      if (low <= truth && truth <= high) covered++;
    }
    expect(covered).toBeGreaterThan(88);
    const widthOf = ([low, high]: readonly [number, number] = [0, 0]) => high - low;
    expect(widthOf(gapsOf(10_000)?.saveHalfInterval ?? undefined)).toBeLessThan(
      widthOf(gapsOf(150)?.saveHalfInterval ?? undefined) / 4,
    );
  });

  it('is not told where nothing says how long keys live, or too few say it', () => {
    const details = soonMissed(100);
    expect(ttlRemedy(details, 100, null, 3600)).toBeNull();
    details.lifeMillis.record(1000, 19);
    expect(ttlRemedy(details, 100, null, 3600)).toBeNull();
    details.lifeMillis.record(1000);
    expect(ttlRemedy(details, 100, null, 3600)?.currentSeconds).toBe(1);
  });

  it('is not told where no key expired', () => {
    const details = new RowDetails();
    details.ttlMillis.record(1000, 100);
    expect(ttlRemedy(details, 0, null, 3600)).toBeNull();
  });
});

describe('the memory that would have saved misses', () => {
  /** Misses of keys that a cache of so many keys gave up, the one used longest ago first. */
  function missesOf(capacity: number, details = new RowDetails()): number {
    const draw = new SeededRandom(7, 'keys');
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
    const remedy = memoryRemedy(details, misses, 100, { value: 100, interval: [90, 110] });
    const keysWith = (bytes: number | null | undefined) => capacity + (bytes ?? 0) / 100;
    expect(misses).toBeGreaterThan(10_000);
    expect(missesOf(keysWith(remedy?.extraForHalfBytes))).toBeLessThan(0.55 * misses);
    expect(missesOf(keysWith(remedy?.extraForNineTenthsBytes))).toBeLessThan(0.15 * misses);
  });

  it('has the errors of the distance and of the sizes in its interval', () => {
    const details = new RowDetails();
    for (let distance = 1; distance <= 200; distance++) details.evictionDistance.record(distance);
    const remedy = memoryRemedy(details, 200, 100, { value: 100, interval: [80, 120] });
    const [low, high] = remedy?.extraForHalfInterval ?? [Number.NaN, Number.NaN];
    expect(low).toBeLessThan(0.85 * (remedy?.extraForHalfBytes ?? Number.NaN));
    expect(high).toBeGreaterThan(1.15 * (remedy?.extraForHalfBytes ?? Number.NaN));
  });

  it('is not told where no size is known, or of fewer than 100 misses', () => {
    const details = new RowDetails();
    details.evictionDistance.record(10, 100);
    const size = { value: 100, interval: [90, 110] } as const;
    expect(memoryRemedy(details, 100, null, null)).toMatchObject({ extraForHalfBytes: null });
    expect(memoryRemedy(details, 100, 100, size)).toMatchObject({ extraForHalfBytes: 1000 });
    expect(memoryRemedy(details, 99, 100, size)).toBeNull();
  });
});
