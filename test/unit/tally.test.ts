import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import {
  frequencyBounds,
  labelsOf,
  spanBoundsSeconds,
  spanOfFrequency,
  spanOfSeconds,
} from '../../src/keyspace/key-statistics.ts';
import {
  Breakdown,
  type BreakdownFields,
  sampleGroups,
  sumOf,
  Tally,
  type TallyFields,
} from '../../src/keyspace/tally.ts';

interface Entry {
  readonly label: string;
  readonly memoryBytes: number | null;
  readonly place: { readonly group: number; readonly weight: number } | null;
}

/** Weights are powers of two, so that sums do not depend on their order. */
const weights = fc.constantFrom(1, 0.5, 0.25, 0.125);
const entryOf = (place: fc.Arbitrary<Entry['place']>): fc.Arbitrary<Entry> =>
  fc.record({
    label: fc.constantFrom('string', 'hash', 'zset', ''),
    memoryBytes: fc.option(fc.nat(1_000_000)),
    place,
  });
const sampled = entryOf(fc.record({ group: fc.nat(sampleGroups - 1), weight: weights }));
const whole = entryOf(fc.constant(null));
const lists = fc.oneof(fc.array(sampled), fc.array(whole));

/** One list, and the same in another order, cut at some places. */
const dealt = lists.chain((list) =>
  fc.tuple(
    fc.constant(list),
    fc.shuffledSubarray(list, { minLength: list.length, maxLength: list.length }),
    fc.array(fc.nat(list.length), { maxLength: 4 }),
  ),
);

const tallyOf = (entries: readonly Entry[]) => {
  const tally = new Tally();
  for (const { memoryBytes, place } of entries) tally.add(memoryBytes, place);
  return tally;
};
const breakdownOf = (entries: readonly Entry[]) => {
  const breakdown = new Breakdown();
  for (const { label, memoryBytes, place } of entries) breakdown.add(label, memoryBytes, place);
  return breakdown;
};
const cutAt = (list: readonly Entry[], places: readonly number[]) => {
  const bounds = [0, ...[...places].sort((a, b) => a - b), list.length];
  return bounds.slice(1).map((end, index) => list.slice(bounds[index], end));
};

describe('a tally', () => {
  test('is the same whether keys are added one by one or in parts that are merged, in any order', () => {
    fc.assert(
      fc.property(dealt, ([list, shuffled, places]) => {
        const parts = cutAt(shuffled, places).map(tallyOf);
        const merged = new Tally();
        for (const part of parts) merged.merge(part);
        expect(merged).toEqual(tallyOf(list));
        expect(sumOf(parts)).toEqual(tallyOf(list));
      }),
    );
  });

  test('adds up keys, bytes, squares and the largest, and knows of a key without bytes', () => {
    const tally = tallyOf([
      { label: '', memoryBytes: 10, place: null },
      { label: '', memoryBytes: 30, place: null },
      { label: '', memoryBytes: null, place: null },
    ]);
    expect(tally).toMatchObject({ keys: 3, memoryBytes: 40, bytesSquared: 1000, largestBytes: 30 });
    expect(tally.groups).toBeUndefined();
  });

  test('weighs keys and bytes of a sample by group', () => {
    const tally = tallyOf([
      { label: '', memoryBytes: 10, place: { group: 0, weight: 0.5 } },
      { label: '', memoryBytes: 30, place: { group: 31, weight: 0.25 } },
      { label: '', memoryBytes: null, place: { group: 31, weight: 0.25 } },
    ]);
    const groups = [...(tally.groups ?? [])];
    expect(groups).toHaveLength(2 * sampleGroups);
    expect([groups[0], groups[31], groups[sampleGroups], groups[sampleGroups + 31]]).toEqual([
      0.5, 0.5, 5, 7.5,
    ]);
    expect(groups.filter((sum) => sum !== 0)).toHaveLength(4);
  });

  test('is not changed by what is merged with it later', () => {
    const [first, second] = [new Breakdown(), new Breakdown()];
    second.add('string', 10, { group: 0, weight: 1 });
    first.merge(second);
    first.add('string', 20, { group: 0, weight: 1 });
    expect(second.part('string')).toMatchObject({ keys: 1, memoryBytes: 10 });
    expect(second.part('string').groups?.[0]).toBe(1);
  });

  test('of every key comes back from JSON as it was', () => {
    fc.assert(
      fc.property(fc.array(whole), (list) => {
        const loaded = new Tally();
        loaded.merge(JSON.parse(JSON.stringify(tallyOf(list))) as TallyFields);
        expect(loaded).toEqual(tallyOf(list));
      }),
    );
  });
});

describe('a breakdown', () => {
  test('is the same in parts, in any order, and its parts make up the whole', () => {
    fc.assert(
      fc.property(dealt, ([list, shuffled, places]) => {
        const merged = new Breakdown();
        for (const part of cutAt(shuffled, places)) merged.merge(breakdownOf(part));
        const one = breakdownOf(list);
        expect(new Map([...merged.parts].sort())).toEqual(new Map([...one.parts].sort()));
        expect(one.whole).toEqual(tallyOf(list));
        for (const label of new Set(list.map((entry) => entry.label)))
          expect(one.part(label)).toEqual(tallyOf(list.filter((entry) => entry.label === label)));
      }),
    );
  });

  test('has an empty part for a label that no key had, and keeps none for it', () => {
    const breakdown = new Breakdown();
    expect(breakdown.part('hash')).toEqual(new Tally());
    expect(breakdown.parts.size).toBe(0);
  });

  test('of every key comes back from JSON as it was', () => {
    fc.assert(
      fc.property(fc.array(whole), (list) => {
        const loaded = new Breakdown();
        loaded.merge(JSON.parse(JSON.stringify(breakdownOf(list))) as BreakdownFields);
        expect(loaded).toEqual(breakdownOf(list));
      }),
    );
  });
});

describe('the spans of a histogram', () => {
  test.each([
    [0, '60'],
    [60, '60'],
    [60.001, '300'],
    [300, '300'],
    [3600, '3600'],
    [86_400, '86400'],
    [86_401, '604800'],
    [604_801, 'Infinity'],
    [1e12, 'Infinity'],
  ])('put %d seconds up to %s', (seconds, label) => {
    expect(spanOfSeconds(seconds)).toBe(label);
  });

  test.each([
    [0, '0'],
    [1, '1'],
    [2, '5'],
    [5, '5'],
    [6, '10'],
    [50, '50'],
    [51, '255'],
    [255, '255'],
  ])('put a counter of %i up to %s', (frequency, label) => {
    expect(spanOfFrequency(frequency)).toBe(label);
  });

  test('have the first bound that is not exceeded, whatever the value', () => {
    fc.assert(
      fc.property(fc.double({ min: 0, max: 1e9, noNaN: true }), fc.nat(255), (seconds, frequency) => {
        for (const [bounds, label, value] of [
          [spanBoundsSeconds, spanOfSeconds(seconds), seconds],
          [frequencyBounds, spanOfFrequency(frequency), frequency],
        ] as const) {
          const at = labelsOf(bounds).indexOf(label);
          expect(value).toBeLessThanOrEqual(bounds[at] ?? Number.NaN);
          if (at > 0) expect(value).toBeGreaterThan(bounds[at - 1] ?? Number.NaN);
        }
      }),
    );
  });
});
