import type { TtlRule } from '../../keyspace/ttl.ts';
import type { Remedy } from '../report.ts';
import type { RowDetails } from '../keys/row-details.ts';

const ttlAssumption =
  'keys are read at random times, at the rate that the time from the end of their TTL to the next read shows, and ' +
  'nothing else removes them; a key counts as over from its deadline where that was seen, else from when the server ' +
  'removed it';
const memoryAssumption =
  'keys are evicted in the order of their last use, so that a memory larger by the keys evicted between would have kept a ' +
  'key (Mattson and others, 1970), or a smaller one where some of these were evicted twice; sizes are those of keys that ' +
  'are there now';

/**
 * What longer TTLs would have saved; null where no miss came by the end of a TTL, or the TTL is not known.
 *
 * A key that is stored at its miss, lives for T and is read again after a further gap g is missed once in T + g. With a
 * TTL of T' it would have been missed once in T' + g, and so (T + g) / (T' + g) times as often: the mean of an alternating
 * renewal process, exact where reads are independent of each other. T' is found by bisection of the mean over all gaps.
 */
export function ttlRemedy(details: RowDetails, misses: number, rule: TtlRule | null): Remedy['ttl'] {
  const current = currentMillis(details, rule);
  if (misses === 0 || current === null || details.expiredForMillis.count === 0) return null;
  return {
    misses,
    currentSeconds: current / 1000,
    saveHalfSeconds: ttlFor(details, current, 0.5) / 1000,
    saveNineTenthsSeconds: ttlFor(details, current, 0.1) / 1000,
    assumption: ttlAssumption,
  };
}

/** The TTL that writes in the window have set, else that of the map, else how long keys were seen to live. */
function currentMillis({ ttlMillis, lifeMillis }: RowDetails, rule: TtlRule | null): number | null {
  const seen = ttlMillis.quantile(0.5);
  if (seen !== null) return seen;
  if (rule?.kind === 'fixed') return rule.seconds * 1000;
  if (rule?.kind === 'range') return (rule.minSeconds + rule.maxSeconds) * 500;
  return lifeMillis.quantile(0.5);
}

/** The TTL with which this share of the misses would have been left, in milliseconds. */
function ttlFor({ expiredForMillis }: RowDetails, current: number, share: number): number {
  const left = (ttl: number) => expiredForMillis.meanOf((gap) => (current + gap) / (ttl + gap)) ?? 0;
  let [low, high] = [current, 2 * current];
  while (left(high) > share) high *= 2;
  while (high - low > 0.001 * high) {
    const middle = (low + high) / 2;
    if (left(middle) > share) low = middle;
    else high = middle;
  }
  return high;
}

/**
 * What more memory would have kept. Null where no miss came by an eviction.
 * @param bytesPerKey of this namespace
 * @param bytesPerEvictedKey over all namespaces that lose keys, for it is theirs that come and go between
 */
export function memoryRemedy(
  details: RowDetails,
  misses: number,
  bytesPerKey: number | null,
  bytesPerEvictedKey: number | null,
): Remedy['memory'] {
  const half = details.evictionDistance.quantile(0.5);
  const most = details.evictionDistance.quantile(0.9);
  if (misses === 0 || half === null || most === null) return null;
  const bytes = (keys: number) =>
    bytesPerEvictedKey === null ? null : Math.round(keys * bytesPerEvictedKey);
  return {
    misses,
    bytesPerKey,
    extraForHalfBytes: bytes(half),
    extraForNineTenthsBytes: bytes(most),
    assumption: memoryAssumption,
  };
}
