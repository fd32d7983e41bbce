import { standardDeviationOf, t95 } from '../support/intervals.ts';

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
