import { describe, expect, it } from 'vitest';
import { AccessSample, accessKinds } from '../../../src/curves/access-sample.ts';
import { classOfUses, KeyCensus } from '../../../src/curves/key-census.ts';
import { keyWeights } from '../../../src/curves/key-weights.ts';
import { sumOf } from '../../../src/support/collections.ts';
import { SeededRandom } from '../../../src/support/random.ts';

const limits = { rate: 1, maxKeys: 2 ** 20, maxAccesses: 2 ** 24 };

/** Keys of two rows, each used between once and 40 times. */
function pass(sample: AccessSample, keys: number): { readonly row: number; readonly uses: number }[] {
  const random = new SeededRandom(5, 'keys');
  return Array.from({ length: keys }, () => {
    const key = { high: random.uint32() | 0, low: random.uint32() | 0, row: random.chance(0.1) ? 1 : 0 };
    const uses = 1 + random.below(40);
    for (let use = 0; use < uses; use++)
      sample.pass(use === 0 ? accessKinds.write : accessKinds.read, key, use);
    sample.pass(accessKinds.alter, key, uses, 1000);
    return { row: key.row, uses };
  });
}

describe('the weights of sampled keys', () => {
  it('add up to all keys, to those of each row, and to those that were used as often', () => {
    const sample = new AccessSample({ ...limits, rate: 0.02 });
    const all = pass(sample, 20_000);
    const trace = sample.trace();
    const weights = keyWeights(trace, sample.population) ?? new Float64Array();
    expect(sample.distinctKeys).toBeGreaterThan(19_980);
    expect(sumOf([...weights]) / 20_000).toBeCloseTo(1, 2);
    const ofRow = sumOf([...weights].filter((_, key) => trace.keys.row[key] === 1));
    expect(ofRow / all.filter(({ row }) => row === 1).length).toBeCloseTo(1, 1);
    const uses = new Map<number, number>();
    trace.accesses.key.forEach((key, at) => {
      if (trace.accesses.kind[at] !== accessKinds.alter) uses.set(key, (uses.get(key) ?? 0) + 1);
    });
    const isOften = (count = 0) => classOfUses(count) === classOfUses(40);
    const often = sumOf([...weights].filter((_, key) => isOften(uses.get(key))));
    expect(often / all.filter((each) => isOften(each.uses)).length).toBeCloseTo(1, 1);
  });

  it('are the same whether the share fell in the window or was so from the start', () => {
    const falling = new AccessSample({ ...limits, maxKeys: 500 });
    pass(falling, 5000);
    const constant = new AccessSample({ ...limits, rate: falling.rate });
    pass(constant, 5000);
    expect(falling.population).toEqual(constant.population);
    expect(keyWeights(falling.trace(), falling.population)).toEqual(
      keyWeights(constant.trace(), constant.population),
    );
  });

  it('are one where all keys are in the sample', () => {
    const sample = new AccessSample(limits);
    pass(sample, 50);
    expect(new Set(keyWeights(sample.trace(), sample.population))).toEqual(new Set([1]));
    expect(sample.distinctKeys).toBe(50);
  });
});

describe('a census of keys', () => {
  it('says nothing beyond as many keys as it can tell apart', () => {
    const census = new KeyCensus();
    const random = new SeededRandom(6, 'census');
    for (let key = 0; key < 340_000; key++) census.add(random.uint32() | 0, random.uint32() | 0, 0);
    expect(sumOf(census.population?.byUses ?? []) / 340_000).toBeGreaterThan(0.995);
    for (let key = 0; key < 20_000; key++) census.add(random.uint32() | 0, random.uint32() | 0, 0);
    expect(census.population).toBeNull();
  });
});
