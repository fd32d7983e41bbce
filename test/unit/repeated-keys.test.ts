import { expect, test } from 'vitest';
import { asBytes } from '../../src/support/bytes.ts';
import { Figures } from '../../src/keyspace/figures.ts';
import { RepeatedKeys } from '../../src/keyspace/repeated-keys.ts';
import { Tally } from '../../src/keyspace/tally.ts';

const keysOf = (count: number) =>
  Array.from({ length: count }, (_, index) => asBytes(`user:${index}:profile`));

test('of few keys each that comes again is known, and none counts as a repeat', () => {
  const repeated = new RepeatedKeys(1000);
  expect(keysOf(900).filter((key) => repeated.isRepeated(key))).toEqual([]);
  expect(keysOf(200).filter((key) => repeated.isRepeated(key))).toHaveLength(200);
  expect(repeated.repeats).toBe(200);
  expect(repeated.mostRepeats).toBe(0);
});

test.each([
  [20_000, 0],
  [20_000, 2000],
  [50_000, 25_000],
])('of %i keys, of which %i come again, a thousand remembered ones bound the repeats', (count, again) => {
  const repeated = new RepeatedKeys(1000);
  for (const key of [...keysOf(count), ...keysOf(again)]) repeated.isRepeated(key);
  expect(repeated.mostRepeats).toBeGreaterThanOrEqual(again);
  expect(repeated.mostRepeats).toBeLessThanOrEqual(again * 1.5);
});

test('keys that may have been counted again widen the figures of a whole walk downwards', () => {
  const tally = new Tally();
  tally.keys = 1000;
  tally.memoryBytes = 50_000;
  expect(new Figures(null, new Map(), 100).keys(tally)).toEqual({ value: 1000, interval: [900, 1000] });
  expect(new Figures(null, new Map(), 100).memoryBytes(tally)).toEqual({
    value: 50_000,
    interval: [45_000, 50_000],
  });
  expect(new Figures(null).keys(tally)).toEqual({ value: 1000, interval: null });
});
