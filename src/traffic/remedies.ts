import type { TtlRule } from '../keyspace/ttl.ts';
import type { Remedy } from './report.ts';
import type { RowDetails } from './row-details.ts';

const ttlAssumption =
  'every key had lived longer by as much, and nothing else had removed it; a key counts as over from its deadline where ' +
  'that was seen, else from when the server removed it';
const memoryAssumption =
  'keys are evicted in the order of their last use, so a larger memory would have kept a key for as long as the keys ' +
  'evicted after it fill what was added (Mattson and others, 1970); sizes are those of the keys that are there now';

/** What longer TTLs would have saved. Null where no miss came by the end of a TTL. */
export function ttlRemedy(details: RowDetails, misses: number, rule: TtlRule | null): Remedy['ttl'] {
  const half = details.expiredForMillis.quantile(0.5);
  const most = details.expiredForMillis.quantile(0.9);
  if (misses === 0 || half === null || most === null) return null;
  const seen = details.ttlMillis.quantile(0.5);
  return {
    misses,
    currentSeconds: seen !== null ? seen / 1000 : rule?.kind === 'fixed' ? rule.seconds : null,
    extraForHalfSeconds: half / 1000,
    extraForNineTenthsSeconds: most / 1000,
    assumption: ttlAssumption,
  };
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
