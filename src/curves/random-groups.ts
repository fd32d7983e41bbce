import { standardDeviationOf, t95 } from '../support/intervals.ts';
import { type AccessTrace, groups } from './access-sample.ts';

/** The sample in parts by the random groups of its keys: each part is a smaller sample of its own. Of all keys there are none. */
export function* partsOf(trace: AccessTrace): Generator<AccessTrace> {
  const { keys, key: accessed, length, rate } = trace;
  for (let group = 0; rate < 1 && group < groups; group++) {
    const places = new Int32Array(keys.group.length).fill(-1);
    const own = keys.group.flatMap((each, key) => (each === group ? [key] : []));
    own.forEach((key, place) => (places[key] = place));
    const isOwn = (_: number, at: number) => at < length && (places[accessed[at] ?? 0] ?? -1) >= 0;
    const take = (column: readonly number[]) => own.map((key) => column[key] ?? 0);
    const ownKeys = accessed.filter(isOwn).map((key) => places[key] ?? 0);
    yield {
      ...{ rate: rate / groups, length: ownKeys.length, key: ownKeys },
      kind: trace.kind.filter(isOwn),
      atMillis: trace.atMillis.filter(isOwn),
      ttlMillis: trace.ttlMillis.filter(isOwn),
      keys: {
        position: take(keys.position),
        group: take(keys.group),
        row: take(keys.row),
        bytes: take(keys.bytes),
        absentAtStart: take(keys.absentAtStart),
      },
    };
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
