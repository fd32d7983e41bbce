import { standardDeviationOf, t95 } from '../support/intervals.ts';
import { type AccessTrace, groups } from './access-sample.ts';
import { copyAt, indexesWhere } from './columns.ts';
import type { Population } from './key-census.ts';
import { keyWeights } from './key-weights.ts';

/** A trace, and how many keys each of its own stands for. */
export interface Sample {
  readonly trace: AccessTrace;
  readonly weights: Float64Array;
}

/**
 * The whole sample, and then its parts by the random groups of its keys, each of which is a smaller sample of its own; those without
 * keys that were read or written are left out. Of a sample of all keys there are no parts.
 */
export function* samplesOf(trace: AccessTrace, population: Population | null): Generator<Sample> {
  for (const part of wholeAndParts(trace)) {
    const weights = keyWeights(part, population);
    if (weights !== null) yield { trace: part, weights };
  }
}

function* wholeAndParts(trace: AccessTrace): Generator<AccessTrace> {
  yield trace;
  const { rate, keys, accesses } = trace;
  for (let group = 0; rate < 1 && group < groups; group++) {
    const own = indexesWhere(keys.group.length, (key) => keys.group[key] === group);
    const places = new Uint32Array(keys.group.length);
    own.forEach((key, place) => (places[key] = place));
    const ofOwn = indexesWhere(accesses.key.length, (at) => keys.group[accesses.key[at] ?? 0] === group);
    const part = copyAt(accesses, ofOwn);
    part.key.forEach((key, at) => (part.key[at] = places[key] ?? 0));
    yield { rate: rate / groups, keys: copyAt(keys, own), accesses: part };
  }
}

/**
 * Half of the 95 % interval of what was estimated from a sample of keys, by random groups: each group is a sample of its own, and
 * the spread of what they give is the error of their mean, with Student's t. Of a sample of all keys there is no error.
 * @param values of each group @param rate share of the keys in the sample
 * @see Wolter: Introduction to Variance Estimation (2007), chapter 2
 */
export function errorOfGroups(values: readonly number[], rate: number): number {
  if (rate >= 1) return 0;
  if (values.length < 2) return 1;
  const spread = standardDeviationOf(values) / Math.sqrt(values.length);
  return t95(values.length - 1) * spread * Math.sqrt(1 - rate);
}
