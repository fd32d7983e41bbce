import { proportionInterval, t95 } from '../../support/intervals.ts';
import type { TtlRule } from '../../keyspace/ttl.ts';
import type { RowDetails } from '../keys/namespace-rows.ts';
import { type Bounds, fewestMisses, type MemoryRemedy, type TtlRemedy } from '../report.ts';
import type { Estimate } from './window.ts';
import type { LogHistogram } from '../../support/log-histogram.ts';

const ttlAssumption =
  'keys are read at random times, at the rate that the time from the end of their TTL to the next read shows, and ' +
  'nothing else removes them; a key counts as over from its deadline where that was seen, else from when the server ' +
  'removed it';
const memoryAssumption =
  'keys are evicted in the order of their last use, so that a memory larger by the keys evicted between would have kept a ' +
  'key (Mattson and others, 1970), or a smaller one where some of these were evicted twice; sizes are those of keys that ' +
  'are there now';

/** The mean size of keys, in bytes. */
export type MeanSize = Estimate;

/** Fewer TTLs that were seen do not show which one is usual. */
const fewestTtls = 20;

/**
 * What longer TTLs would have saved; null where too few misses came by the end of a TTL, or the TTL is not known.
 *
 * A key that is stored at its miss, lives for T and is read λ times a second on average is missed once in T + 1/λ. With a TTL of
 * T' it would have been missed once in T' + 1/λ, and so (λT + 1) / (λT' + 1) times as often: the mean of an alternating renewal
 * process, exact where reads are independent of each other. Then the gap g from the end of the TTL to the next read is
 * exponential, the mean of exp(-g/T') over the gaps of a key is λT' / (λT' + 1), and 1 - (1 - T/T') exp(-g/T') has the share that
 * is left for its mean: over the gaps of all keys together too, whatever λ each of them has. T' is found by bisection of this
 * mean; its bounds are where the mean, less or plus its own error, is the share that is asked for.
 *
 * A window shows gaps of up to its own length. A TTL that is longer than the present one by more than that is not reported.
 */
export function ttlRemedy(
  details: RowDetails,
  misses: number,
  rule: TtlRule | null,
  windowSeconds: number,
): TtlRemedy | null {
  const current = currentMillis(details, rule);
  if (misses < fewestMisses || current === null || details.expiredForMillis.count < fewestMisses) return null;
  const half = ttlFor(details, current, 0.5);
  const nineTenths = ttlFor(details, current, 0.1);
  const added = ({ interval }: Estimate) => (interval[1] - current.value) / 1000;
  const shown = (millis: Estimate): { seconds: number | null; bounds: Bounds } =>
    added(millis) <= windowSeconds
      ? { seconds: millis.value / 1000, bounds: [millis.interval[0] / 1000, millis.interval[1] / 1000] }
      : { seconds: null, bounds: null };
  return {
    ...{ misses, currentSeconds: current.value / 1000 },
    ...{ saveHalfSeconds: shown(half).seconds, saveHalfInterval: shown(half).bounds },
    ...{ saveNineTenthsSeconds: shown(nineTenths).seconds, saveNineTenthsInterval: shown(nineTenths).bounds },
    ...{ neededWindowSeconds: added(half), assumption: ttlAssumption },
  };
}

/** The TTL that writes in the window have set, else that of the map, else how long keys were seen to live. */
function currentMillis({ ttlMillis, lifeMillis }: RowDetails, rule: TtlRule | null): Estimate | null {
  const seen = ttlMillis.count < fewestTtls ? null : quantileOf(ttlMillis, 0.5);
  if (seen !== null) return seen;
  if (rule?.kind === 'fixed' || rule?.kind === 'range') {
    const [least, most] =
      rule.kind === 'fixed' ? [rule.seconds, rule.seconds] : [rule.minSeconds, rule.maxSeconds];
    return { value: (least + most) * 500, interval: [least * 1000, most * 1000] };
  }
  return lifeMillis.count < fewestTtls ? null : quantileOf(lifeMillis, 0.5);
}

/** A quantile between the order statistics that hold it: the ranks are those of a binomial proportion. */
function quantileOf(histogram: LogHistogram, share: number): Estimate | null {
  const value = histogram.quantile(share);
  if (value === null) return null;
  const [low, high] = proportionInterval(share * histogram.count, histogram.count);
  return { value, interval: [histogram.quantile(low) ?? value, histogram.quantile(high) ?? value] };
}

/** The TTL with which this share of the misses would have been left, in milliseconds. */
function ttlFor({ expiredForMillis: gaps }: RowDetails, current: Estimate, share: number): Estimate {
  const [shortest, longest] = current.interval;
  return {
    value: ttlWith(gaps, current.value, share, 0),
    interval: [ttlWith(gaps, shortest, share, -1), ttlWith(gaps, longest, share, 1)],
  };
}

/** @param side 1: with the error of the mean added, -1: taken off */
function ttlWith(gaps: LogHistogram, current: number, share: number, side: -1 | 0 | 1): number {
  const left = (ttl: number) => {
    const shareOf = (gap: number) => 1 - (1 - current / ttl) * Math.exp(-gap / ttl);
    const mean = gaps.meanOf(shareOf) ?? 0;
    const variance = Math.max(0, (gaps.meanOf((gap) => shareOf(gap) ** 2) ?? 0) - mean ** 2);
    return mean + side * t95(gaps.count - 1) * Math.sqrt(variance / gaps.count);
  };
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
 * What more memory would have kept. Null where too few misses came by an eviction.
 * @param bytesPerKey of this namespace
 * @param bytesPerEvictedKey over all namespaces that lose keys, for it is theirs that come and go between
 */
export function memoryRemedy(
  { evictionDistance }: RowDetails,
  misses: number,
  bytesPerKey: number | null,
  bytesPerEvictedKey: MeanSize | null,
): MemoryRemedy | null {
  if (misses < fewestMisses || evictionDistance.count < fewestMisses) return null;
  const bytes = (share: number): Estimate | null => {
    const keys = quantileOf(evictionDistance, share);
    if (keys === null || bytesPerEvictedKey === null) return null;
    const { value, interval } = bytesPerEvictedKey;
    return {
      value: Math.round(keys.value * value),
      interval: [Math.round(keys.interval[0] * interval[0]), Math.round(keys.interval[1] * interval[1])],
    };
  };
  const [half, nineTenths] = [bytes(0.5), bytes(0.9)];
  return {
    misses,
    bytesPerKey,
    extraForHalfBytes: half?.value ?? null,
    extraForHalfInterval: half?.interval ?? null,
    extraForNineTenthsBytes: nineTenths?.value ?? null,
    extraForNineTenthsInterval: nineTenths?.interval ?? null,
    assumption: memoryAssumption,
  };
}
