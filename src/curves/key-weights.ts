import { type AccessTrace, accessKinds } from './access-sample.ts';
import { addTo } from './columns.ts';
import { classOfUses, type Population } from './key-census.ts';

/** Classes with fewer keys in the sample are joined with the next. */
const fewestKeys = 5;

const rounds = 10;

/**
 * How many keys each sampled one stands for, so that the sample has as many keys of each row, and as many that are used so often, as
 * were counted in the whole window. What memory does for a key has most to do with how often it is used, so that this takes away most of
 * what the choice of keys would move.
 * @param population null: not known @returns null where no key was read or written
 * @see Deming, Stephan: On a Least Squares Adjustment of a Sampled Frequency Table (1940), "raking"
 */
export function keyWeights(trace: AccessTrace, population: Population | null): Float64Array | null {
  const { keys, rate } = trace;
  const uses = usesOfKeys(trace);
  const weights = Float64Array.from(uses, (count) => (count > 0 ? 1 / rate : 0));
  if (!weights.some((weight) => weight > 0)) return null;
  if (rate >= 1 || population === null) return weights;
  const margins = [
    marginOf(weights, population.byRow, (key) => keys.row[key] ?? 0),
    marginOf(weights, population.byUses, (key) => classOfUses(uses[key] ?? 0)),
  ];
  for (let round = 0; round < rounds; round++)
    for (const { classOf, counts } of margins) rake(weights, classOf, counts);
  return weights;
}

/** Keys that were read or written, by how often. */
function usesOfKeys({ keys, accesses: { key: accessed, kind } }: AccessTrace): Uint32Array {
  const uses = new Uint32Array(keys.row.length);
  accessed.forEach((key, at) => {
    if (kind[at] === accessKinds.read || kind[at] === accessKinds.write) addTo(uses, key, 1);
  });
  return uses;
}

interface Margin {
  readonly classOf: (key: number) => number;
  /** Keys of the population, by class. */
  readonly counts: Float64Array;
}

/** Classes in their order, joined until each has keys enough in the sample. */
function marginOf(
  weights: Float64Array,
  population: readonly number[],
  classOf: (key: number) => number,
): Margin {
  const sampled = new Uint32Array(population.length);
  weights.forEach((weight, key) => addTo(sampled, classOf(key), weight > 0 ? 1 : 0));
  let left = sampled.reduce((sum, count) => sum + count, 0);
  let [joined, inJoined] = [0, 0];
  const place = Array.from(sampled, (count) => {
    if (inJoined >= fewestKeys && left >= fewestKeys) [joined, inJoined] = [joined + 1, 0];
    inJoined += count;
    left -= count;
    return joined;
  });
  const counts = new Float64Array(joined + 1);
  population.forEach((count, each) => addTo(counts, place[each] ?? 0, count));
  return { classOf: (key) => place[classOf(key)] ?? 0, counts };
}

function rake(weights: Float64Array, classOf: (key: number) => number, counts: Float64Array): void {
  const sums = new Float64Array(counts.length);
  weights.forEach((weight, key) => addTo(sums, classOf(key), weight));
  weights.forEach((weight, key) => {
    const [count = 0, sum = 0] = [counts[classOf(key)], sums[classOf(key)]];
    if (sum > 0) weights[key] = (weight * count) / sum;
  });
}
