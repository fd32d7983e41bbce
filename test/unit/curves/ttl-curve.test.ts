import { describe, expect, it } from 'vitest';
import { AccessSample, accessKinds, forever } from '../../../src/curves/access-sample.ts';
import { replay } from '../../../src/curves/replay.ts';
import { currentTtls, ttlCurves } from '../../../src/curves/ttl-curve.ts';
import { finished } from '../../../src/support/in-parts.ts';
import { SeededRandom } from '../../../src/support/random.ts';

const { read, write, remove } = accessKinds;
const limits = { rate: 1, maxKeys: 2 ** 20, maxAccesses: 2 ** 24 };
const keyOf = (key: number) => {
  const random = new SeededRandom(key, 'key');
  return { high: random.uint32() | 0, low: random.uint32() | 0, row: 0 };
};

/** Reads at random times by an application that stores what it misses, with one TTL for all keys; what hit, and what was held. */
function cacheAside(
  ttlMillis: number,
  { keys, meanGapMillis, windowMillis }: Record<'keys' | 'meanGapMillis' | 'windowMillis', number>,
) {
  const sample = new AccessSample(limits);
  const random = new SeededRandom(3, 'reads');
  const storedAt = new Map<number, number>();
  // What happened before the window began is not seen.
  const before = 2 * ttlMillis + windowMillis;
  let [reads, misses] = [0, 0];
  for (
    let now = -before;
    now < windowMillis;
    now += (meanGapMillis / keys) * -Math.log(1 - random.fraction())
  ) {
    const key = random.below(keys);
    const isHit = now - (storedAt.get(key) ?? Number.NEGATIVE_INFINITY) < ttlMillis;
    if (!isHit) storedAt.set(key, now);
    if (now < 0) continue;
    const seen = keyOf(key);
    if (!isHit) sample.missed(seen, now);
    sample.pass(read, seen, now);
    if (!isHit) sample.pass(write, seen, now, ttlMillis);
    reads++;
    if (!isHit) misses++;
  }
  for (let index = 0; index < keys; index++) sample.setBytes(index, 100);
  return { trace: sample.trace(), reads, misses, hitRate: 1 - misses / reads };
}

describe('the hit rate as a function of the TTL', () => {
  it('is what the application gets with that TTL, shorter or longer than today', () => {
    const load = { keys: 300, meanGapMillis: 2000, windowMillis: 60_000 };
    const { trace, reads, misses } = cacheAside(4000, load);
    const totals = { reads: [reads], misses: [misses], population: null, distinctBytes: null };
    const ttls = [1, 4, 12];
    const terms = {
      ttls,
      windowMillis: load.windowMillis,
      hasEvicted: false,
    };
    const { whole } = finished(ttlCurves(trace, totals, terms));
    for (const [index, seconds] of ttls.entries()) {
      const { hitRate } = cacheAside(seconds * 1000, load);
      expect(Math.abs((whole[index]?.hitRate ?? 0) - hitRate), `${seconds} s`).toBeLessThan(0.01);
      // A key lives for its TTL and then waits for a read, of which there is one in two seconds.
      const held = (load.keys * 100 * seconds) / (seconds + 2);
      expect(Math.abs((whole[index]?.heldBytes ?? 0) / held - 1), `${seconds} s`).toBeLessThan(0.03);
    }
    expect(currentTtls(trace, 1)).toEqual([4]);
  });

  it('has bounds alone for a TTL that is longer than half of the window', () => {
    const load = { keys: 300, meanGapMillis: 20_000, windowMillis: 20_000 };
    const { trace, reads, misses } = cacheAside(4000, load);
    const totals = { reads: [reads], misses: [misses], population: null, distinctBytes: null };
    const terms = {
      ttls: [60],
      windowMillis: load.windowMillis,
      hasEvicted: false,
    };
    const [point] = finished(ttlCurves(trace, totals, terms)).whole;
    expect(point?.hitRate).toBeNull();
    const { hitRate } = cacheAside(60_000, load);
    expect(point?.hitRateInterval?.[0]).toBeLessThan(hitRate);
    expect(point?.hitRateInterval?.[1]).toBeGreaterThan(hitRate);
  });

  it('counts a write that no miss asked for as a new life of the key', () => {
    const sample = new AccessSample(limits);
    for (let at = 0; at < 1000; at++) {
      sample.pass(write, keyOf(1), at * 100, 150);
      sample.pass(read, keyOf(1), at * 100 + 50);
    }
    const trace = sample.trace();
    const totals = { reads: [1000], misses: [0], population: null, distinctBytes: null };
    const { whole } = finished(
      ttlCurves(trace, totals, {
        ttls: [0.04, 0.06],
        windowMillis: 100_000,
        hasEvicted: false,
      }),
    );
    expect(whole.map(({ hitRate }) => hitRate)).toEqual([0, 1]);
  });
});

describe('a replay', () => {
  const events = (sample: AccessSample) => {
    const seen: string[] = [];
    const say = (word: string) => () => seen.push(word);
    const [leave, miss] = [say('leave'), say('miss')];
    replay(sample.trace(), {
      read: say('read'),
      coldHit: say('cold hit'),
      coldMiss: say('cold miss'),
      write: say('write'),
      leave,
      miss,
    });
    return seen;
  };

  it('lets keys expire between the accesses, and reads of what is gone miss until it is written', () => {
    const sample = new AccessSample(limits);
    sample.pass(write, keyOf(1), 0, 100);
    sample.pass(read, keyOf(1), 50);
    sample.pass(read, keyOf(1), 100);
    sample.pass(write, keyOf(1), 110, 100);
    sample.pass(remove, keyOf(1), 120);
    sample.pass(read, keyOf(1), 130);
    expect(events(sample)).toEqual(['write', 'read', 'leave', 'miss', 'write', 'leave', 'miss']);
  });

  it('tells a key that was there when the window began from one that was not, or is never stored', () => {
    const sample = new AccessSample(limits);
    sample.pass(read, keyOf(1), 0);
    for (const at of [0, 1]) {
      sample.missed(keyOf(2), at);
      sample.pass(read, keyOf(2), at);
    }
    sample.gone(keyOf(1).high, keyOf(1).low, 2);
    sample.pass(read, keyOf(1), 3);
    expect(events(sample)).toEqual(['cold hit', 'cold miss', 'cold miss', 'leave', 'miss']);
  });

  it('knows keys that were emptied by what is no removal, on whichever way that is heard first', () => {
    const { alter } = accessKinds;
    const { high, low } = keyOf(1);
    const popped = (isEventFirst: boolean) => {
      const sample = new AccessSample(limits);
      sample.pass(write, keyOf(1), 0);
      if (isEventFirst) sample.gone(high, low, 10);
      sample.pass(alter, keyOf(1), 10);
      if (!isEventFirst) sample.gone(high, low, 10);
      sample.pass(read, keyOf(1), 20);
      return events(sample);
    };
    for (const isEventFirst of [false, true])
      expect(popped(isEventFirst)).toEqual(['write', 'leave', 'miss']);
    // The event of a removal that comes behind the line of the next write is of what was there before.
    const again = new AccessSample(limits);
    again.pass(write, keyOf(1), 0);
    again.pass(remove, keyOf(1), 1);
    again.pass(write, keyOf(1), 2);
    again.pass(alter, keyOf(1), 3, 1000);
    again.gone(high, low, 4);
    again.pass(read, keyOf(1), 5);
    expect(events(again)).toEqual(['write', 'leave', 'write', 'read']);
    // Nothing is stored where there is nothing.
    const none = new AccessSample(limits);
    none.pass(remove, keyOf(1), 0);
    none.pass(alter, keyOf(1), 1);
    none.pass(read, keyOf(1), 2);
    expect(events(none)).toEqual(['miss']);
  });

  it('lets a write take a time to live away, or leave it', () => {
    const seen = (ttlMillis: number) => {
      const sample = new AccessSample(limits);
      sample.pass(write, keyOf(1), 0, 100);
      sample.pass(write, keyOf(1), 50, ttlMillis);
      sample.pass(read, keyOf(1), 200);
      return events(sample);
    };
    expect(seen(0)).toEqual(['write', 'write', 'leave', 'miss']);
    expect(seen(forever)).toEqual(['write', 'write', 'read']);
  });
});
