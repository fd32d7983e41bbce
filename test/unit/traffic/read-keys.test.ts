import { expect, test } from 'vitest';
import { z95 } from '../../../src/support/intervals.ts';
import { SeededRandom } from '../../../src/support/random.ts';
import { ReadKeys } from '../../../src/traffic/keys/read-keys.ts';

/** Reads of keys `0`, `1`, … with these shares, and for the rest each of a key of its own. */
function readsOf(shares: readonly number[], reads: number, seed: number) {
  const random = new SeededRandom(seed, 'reads');
  const keys = new ReadKeys();
  const truth = shares.map(() => 0);
  for (let read = 0; read < reads; read++) {
    let left = random.fraction();
    const hot = shares.findIndex((share) => (left -= share) < 0);
    if (hot >= 0) truth[hot] = (truth[hot] ?? 0) + 1;
    const bytes = Buffer.from(hot >= 0 ? String(hot) : `rare:${read}`);
    if (keys.pass()) keys.add(bytes, 0, bytes.length, { database: 0, row: 1 }, 1);
  }
  return { truth, list: keys.list() };
}

test('counts every one of the first reads', () => {
  const { truth, list } = readsOf([0.5, 0.5], 16_000, 1);
  expect(list.keys.map(({ key, count }) => [key, count]).toSorted()).toEqual([
    ['0', truth[0]],
    ['1', truth[1]],
  ]);
  expect(list.keys.every(({ error, variance }) => error === 0 && variance === 0)).toBe(true);
});

test('counts a sample of many, with an interval that mostly has the truth, and finds what is read often', () => {
  let inside = 0;
  for (let seed = 1; seed <= 20; seed++) {
    const { truth, list } = readsOf([0.1, 0.05, 0.02, 0.01], 200_000, seed);
    expect(list.keys.reduce((sum, { count }) => sum + count, 0)).toBeGreaterThan(199_000);
    truth.forEach((reads, hot) => {
      const found = list.keys.find(({ key }) => key === String(hot));
      expect(found).toBeDefined();
      const { count = 0, error = 0, variance = 0 } = found ?? {};
      const reach = z95 * Math.sqrt(variance);
      if (reads >= count - error - reach && reads <= count + reach) inside++;
    });
  }
  expect(inside).toBeGreaterThanOrEqual(72);
});
