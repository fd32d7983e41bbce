import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { asBytes } from '../../../src/support/bytes.ts';
import { FrequentKeys } from '../../../src/traffic/keys/frequent-keys.ts';
import { rounds } from '../../server/effort.ts';

interface Addition {
  readonly key: string;
  readonly database: number;
  readonly weight: number;
}

const additionsOf = (keys: number): fc.Arbitrary<Addition[]> =>
  fc.array(
    fc.record({
      // Some keys are frequent, and most are not.
      key: fc.oneof(fc.nat(3), fc.nat(keys - 1)).map((number) => `key:${number}`),
      database: fc.constantFrom(0, 0, 1),
      weight: fc.constantFrom(1, 1, 1, 2, 20),
    }),
    { maxLength: 600, size: 'max' },
  );
const nameOf = ({ key, database }: { key: string; database: number }) => `${database} ${key}`;

function trueWeights(additions: readonly Addition[]): Map<string, number> {
  const weights = new Map<string, number>();
  for (const addition of additions) {
    weights.set(nameOf(addition), (weights.get(nameOf(addition)) ?? 0) + addition.weight);
  }
  return weights;
}

function frequentOf(additions: readonly Addition[], capacity: number) {
  const frequent = new FrequentKeys<number>(capacity);
  additions.forEach(({ key, database, weight }, index) => {
    for (let time = 0; time < weight; time++) frequent.add(asBytes(key), database, index);
  });
  return frequent;
}

test('is exact while there are no more keys than it holds', () => {
  fc.assert(
    fc.property(additionsOf(20), (additions) => {
      const listed = frequentOf(additions, 40).list().keys;
      expect(new Map(listed.map((entry) => [nameOf(entry), entry.count]))).toEqual(trueWeights(additions));
      expect(listed.every(({ error, variance }) => error === 0 && variance === 0)).toBe(true);
      const counts = listed.map(({ count }) => count);
      expect(counts).toEqual(counts.toSorted((left, right) => right - left));
    }),
  );
});

test('bounds the true weight of each key from both sides, and holds every key above the mean', () => {
  fc.assert(
    fc.property(additionsOf(200), fc.integer({ min: 1, max: 30 }), (additions, capacity) => {
      const frequent = frequentOf(additions, capacity);
      const weights = trueWeights(additions);
      const { keys: listed, unheldAtMost } = frequent.list();
      expect(listed.length).toBe(Math.min(capacity, weights.size));
      for (const entry of listed) {
        const weight = weights.get(nameOf(entry)) ?? 0;
        expect(entry.count).toBeGreaterThanOrEqual(weight);
        expect(entry.count - entry.error).toBeLessThanOrEqual(weight);
      }
      const total = additions.reduce((sum, { weight }) => sum + weight, 0);
      const held = new Set(listed.map(nameOf));
      for (const [name, weight] of weights) {
        if (weight > total / capacity) expect(held.has(name)).toBe(true);
        if (!held.has(name)) expect(weight).toBeLessThanOrEqual(unheldAtMost);
      }
      expect(listed.reduce((sum, { count }) => sum + count, 0)).toBe(total);
    }),
    { numRuns: rounds(300) },
  );
});

test('gives each key with what was handed in with it last', () => {
  fc.assert(
    fc.property(additionsOf(100), (additions) => {
      for (const entry of frequentOf(additions, 10).list().keys) {
        expect(entry.payload).toBe(additions.findLastIndex((addition) => nameOf(addition) === nameOf(entry)));
      }
    }),
  );
});

test('tells equal keys of two databases apart', () => {
  const frequent = new FrequentKeys<null>(2);
  frequent.add(asBytes('k'), 0, null);
  frequent.add(asBytes('k'), 7, null);
  frequent.add(asBytes('k'), 7, null);
  expect(frequent.list().keys.map(({ database, count }) => [database, count])).toEqual([
    [7, 2],
    [0, 1],
  ]);
});

test('leaves keys out that are too long', () => {
  const frequent = new FrequentKeys<null>(2);
  frequent.add(asBytes('x'.repeat(4096)), 0, null);
  frequent.add(asBytes('x'.repeat(4097)), 0, null);
  expect(frequent.list().keys.map(({ key }) => key.length)).toEqual([4096]);
});

test('does not keep the long texts alive that its keys were cut from', () => {
  setFlagsFromString('--expose-gc');
  const collectGarbage = runInNewContext('gc') as () => void;
  const frequent = new FrequentKeys<null>(1000);
  collectGarbage();
  const before = process.memoryUsage().heapUsed;
  for (let index = 0; index < 1000; index++) {
    const text = `a-key-of-some-length-${index} ${'x'.repeat(65_536)}`;
    // `indexOf` makes it one flat text, as those are that come from a socket.
    frequent.add(asBytes(text.slice(0, text.indexOf(' '))), 0, null);
  }
  collectGarbage();
  // The texts have 65 MB together.
  expect(process.memoryUsage().heapUsed - before).toBeLessThan(10e6);
  expect(frequent.list().keys.length).toBe(1000);
});
