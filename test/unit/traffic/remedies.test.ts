import { describe, expect, it } from 'vitest';
import { SeededRandom } from '../../../src/support/random.ts';
import { memoryRemedy, ttlRemedy } from '../../../src/traffic/figures/remedies.ts';
import { LogHistogram } from '../../../src/support/log-histogram.ts';
import { KeyHistory, type SeenKey } from '../../../src/traffic/keys/key-history.ts';
import { KeyTable } from '../../../src/traffic/keys/key-table.ts';
import { RowDetails, WindowDetails } from '../../../src/traffic/keys/namespace-rows.ts';
import { hashOf } from './text-hash.ts';

const windowMillis = 1e6;
const lasting = (seconds: number) => ({ seconds, showsTtls: true });

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
    const remedy = ttlRemedy(details, misses, null, lasting(windowMillis / 1000));
    expect(remedy?.currentSeconds).toBe(0.5);
    expect(missesWith(1000 * (remedy?.saveHalfSeconds ?? 0)) / misses).toBeCloseTo(0.5, 1);
    expect(missesWith(1000 * (remedy?.saveNineTenthsSeconds ?? 0)) / misses).toBeCloseTo(0.1, 1);
  });

  it('saves as many where the keys are read about once in their TTL, all alike or not', () => {
    for (const readsPerMilli of [[0.002], [0.0008, 0.0008, 0.0008], [0.01, 0.002, 0.0004]]) {
      const details = new RowDetails();
      const misses = missesWith(500, details, readsPerMilli);
      details.ttlMillis.record(500, 100);
      const remedy = ttlRemedy(details, misses, null, lasting(windowMillis / 1000));
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
    const remedy = ttlRemedy(soonMissed(100), 100, minute, lasting(3600));
    expect(remedy?.saveHalfSeconds).toBeCloseTo(120, 0);
    expect(remedy?.saveNineTenthsSeconds).toBeCloseTo(600, -1);
  });

  it('is not told where it would be longer by more than the window, which shows no reads so late', () => {
    const week = { kind: 'fixed', seconds: 7 * 86_400 } as const;
    const fiveSeconds = ttlRemedy(soonMissed(1000), 1000, week, lasting(5));
    expect(fiveSeconds).toMatchObject({
      ...{ currentSeconds: 7 * 86_400, saveHalfSeconds: null, saveHalfInterval: null },
      ...{ saveNineTenthsSeconds: null, saveNineTenthsInterval: null },
    });
    expect(fiveSeconds?.neededWindowSeconds).toBeGreaterThan(6.9 * 86_400);
    const half = ttlRemedy(soonMissed(1000), 1000, minute, lasting(70));
    expect(half?.saveHalfSeconds).toBeCloseTo(120, 0);
    expect(half?.saveNineTenthsSeconds).toBeNull();
    expect(half?.neededWindowSeconds).toBeCloseTo(180, 0);
    expect(ttlRemedy(soonMissed(1000), 1000, minute, lasting(59))?.saveHalfSeconds).toBeNull();
  });

  it('is not told of fewer than 100 misses, or where fewer of them show their gap', () => {
    expect(ttlRemedy(soonMissed(100), 100, minute, lasting(3600))?.saveHalfSeconds).not.toBeNull();
    expect(ttlRemedy(soonMissed(99), 99, minute, lasting(3600))).toBeNull();
    expect(ttlRemedy(soonMissed(99), 100, minute, lasting(3600))).toMatchObject({
      ...{ currentSeconds: 60, saveHalfSeconds: null, neededWindowSeconds: 7200 },
    });
  });

  it('asks for no longer window in a mode that sees no TTLs', () => {
    const unseen = ttlRemedy(new RowDetails(), 100, minute, { seconds: 10, showsTtls: false });
    expect(unseen).toMatchObject({ saveHalfSeconds: null, neededWindowSeconds: null });
  });

  it('has an interval that holds the TTL that more misses show, narrower with more of them', () => {
    const draw = new SeededRandom(3, 'gaps');
    const gapsOf = (count: number) => {
      const details = new RowDetails();
      details.ttlMillis.record(30_000, 100);
      for (let miss = 0; miss < count; miss++)
        details.expiredForMillis.record(-60_000 * Math.log(1 - draw.fraction()));
      return ttlRemedy(details, count, null, lasting(1e9));
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
    expect(ttlRemedy(details, 100, null, lasting(3600))).toBeNull();
    details.lifeMillis.record(1000, 19);
    expect(ttlRemedy(details, 100, null, lasting(3600))).toBeNull();
    details.lifeMillis.record(1000);
    expect(ttlRemedy(details, 100, null, lasting(3600))?.currentSeconds).toBe(1);
  });

  it('is not told where no key expired', () => {
    const details = new RowDetails();
    details.ttlMillis.record(1000, 100);
    expect(ttlRemedy(details, 0, null, lasting(3600))).toBeNull();
  });
});

describe('the interval of the TTL that saves half', () => {
  const ttl = 1000;
  const meanGap = 1500;

  /** What a window shows of keys that were in use long before it, and are read at their rates; the server notes an end when it is read. */
  function observe(seed: string, gaps: readonly number[], windowMillis: number) {
    const draw = new SeededRandom(1, seed);
    const history = new KeyHistory(new KeyTable(), 0, false);
    const details = new WindowDetails();
    gaps.forEach((gapMillis, key) => {
      const seen = (nowMillis: number): SeenKey => ({
        ...hashOf(`key:${key}`),
        ...{ database: 0, row: 1, nowMillis, details },
      });
      // Anywhere in its cycle.
      let end = -20 * (ttl + gapMillis) - draw.fraction() * (ttl + gapMillis);
      for (;;) {
        const at = end - gapMillis * Math.log(1 - draw.fraction());
        if (at >= windowMillis) return;
        if (at > 0) {
          history.gone(seen(at), 'expired');
          history.miss(seen(at));
          history.stored(seen(at));
          history.lives(seen(at), ttl);
        }
        end = at + ttl;
      }
    });
    const row = details.of(1);
    row.unreadForMillis.merge(history.openGaps(0, windowMillis).get(1) ?? new LogHistogram());
    return ttlRemedy(row, 1000, null, lasting(windowMillis / 1000));
  }

  /** Where the misses of all keys together are half of what they are. */
  function truthOf(gaps: readonly number[]): number {
    const missesWith = (each: number) => gaps.reduce((sum, gap) => sum + 1 / (each + gap), 0);
    let [low, high] = [ttl, 1e9];
    while (high - low > 1e-6 * high) {
      const middle = (low + high) / 2;
      if (missesWith(middle) > missesWith(ttl) / 2) low = middle;
      else high = middle;
    }
    return low / 1000;
  }

  const mixture = [100, 1000, 3400];

  it.each([2, 5, 20, 100])('holds the truth in a window of %d mean gaps, or is not told', (gapsInWindow) => {
    const keys = Array.from({ length: gapsInWindow > 10 ? 60 : 300 }, (_, key) => key);
    for (const gaps of [keys.map(() => meanGap), keys.map((key) => mixture[key % 3] ?? 0)]) {
      const truth = truthOf(gaps);
      const runs = gapsInWindow > 20 ? 15 : 40;
      let [shown, covered] = [0, 0];
      for (let run = 0; run < runs; run++) {
        const remedy = observe(`run ${run}`, gaps, gapsInWindow * meanGap);
        const [low, high] = remedy?.saveHalfInterval ?? [0, Number.POSITIVE_INFINITY];
        if (remedy?.saveHalfSeconds != null) shown++;
        if (low <= truth && truth <= high) covered++;
      }
      expect(covered).toBeGreaterThanOrEqual(0.9 * runs);
      if (gapsInWindow >= 5) expect(shown).toBe(runs);
    }
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
