import { type Interval, proportionInterval, t95 } from '../../support/intervals.ts';
import type { TtlRule } from '../../keyspace/ttl.ts';
import type { RowDetails } from '../keys/namespace-rows.ts';
import { fewestMisses, type MemoryRemedy, type TtlRemedy } from '../report.ts';
import { ReadGaps } from './read-gaps.ts';
import type { Estimate } from './window.ts';
import type { LogHistogram } from '../../support/log-histogram.ts';

const ttlAssumption =
  'keys are stored when they are missed, and read at random times, at the rate that the time from the end of their TTL to the ' +
  'next read shows; nothing else removes them. Seen are keys that got their TTL in the window; what it is too short to show is ' +
  'in the interval';
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
 * mean over the curve of `ReadGaps`. Its bounds are where the mean, less or plus its own error, is the share that is asked for;
 * gaps that are longer than the window shows are taken for as long as the longest it shows for the one, and for endless for the other.
 *
 * A TTL is not reported where its upper bound is longer than the present one by more than the window.
 * @param window `showsTtls`: whether what writes keys is seen
 */
export function ttlRemedy(
  details: RowDetails,
  misses: number,
  rule: TtlRule | null,
  window: { readonly seconds: number; readonly showsTtls: boolean },
): TtlRemedy | null {
  const current = currentMillis(details, rule);
  if (misses < fewestMisses || current === null) return null;
  const gaps = new ReadGaps(details.expiredForMillis, details.unreadForMillis);
  const most = current.value + window.seconds * 1000;
  const half = ttlFor(gaps, current, 0.5, most);
  const nineTenths = ttlFor(gaps, current, 0.1, most);
  return {
    ...{ misses, currentSeconds: current.value / 1000 },
    ...{ saveHalfSeconds: half && half.value / 1000, saveHalfInterval: half && secondsOf(half.interval) },
    saveNineTenthsSeconds: nineTenths && nineTenths.value / 1000,
    saveNineTenthsInterval: nineTenths && secondsOf(nineTenths.interval),
    neededWindowSeconds: window.showsTtls ? neededSeconds(gaps, current.value, half, window.seconds) : null,
    assumption: ttlAssumption,
  };
}

const secondsOf = ([low, high]: Interval): Interval => [low / 1000, high / 1000];

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

/** The TTL with which this share of the misses would have been left, in milliseconds; null where it may be longer than `most`. */
function ttlFor(gaps: ReadGaps, current: Estimate, share: number, most: number): Estimate | null {
  const [shortest, longest] = current.interval;
  if (gaps.ended < fewestMisses || leftWith(gaps, longest, most, 1) > share) return null;
  return {
    value: ttlWith(gaps, current.value, share, 0),
    interval: [ttlWith(gaps, shortest, share, -1), ttlWith(gaps, longest, share, 1)],
  };
}

/** @param side 1: at most, with the error of the mean added; -1: at least, 0: likely */
function ttlWith(gaps: ReadGaps, current: number, share: number, side: -1 | 0 | 1): number {
  let [low, high] = [current, 2 * current];
  while (leftWith(gaps, current, high, side) > share) high *= 2;
  while (high - low > 0.001 * high) {
    const middle = (low + high) / 2;
    if (leftWith(gaps, current, middle, side) > share) low = middle;
    else high = middle;
  }
  return high;
}

/** The share of the misses that is left with a TTL. */
function leftWith(gaps: ReadGaps, current: number, ttl: number, side: -1 | 0 | 1): number {
  const leftOf = (gap: number) => 1 - (1 - current / ttl) * Math.exp(-gap / ttl);
  const { longest, meanRest } = gaps;
  // What is left of gaps whose rest is exponential.
  const likely = 1 - ((1 - leftOf(longest)) * ttl) / (ttl + meanRest);
  const { mean, error } = gaps.mean(leftOf, side === 0 ? likely : side < 0 ? leftOf(longest) : 1);
  return mean + side * t95(gaps.ended - 1) * error;
}

/**
 * A window in which a key is stored, and shows gaps as long as the TTL that saves half: that is twice the present one at least. One
 * that did not show it has to be twice as long at least.
 */
function neededSeconds(
  gaps: ReadGaps,
  current: number,
  half: Estimate | null,
  windowSeconds: number,
): number {
  const ttl = half?.value ?? (gaps.ended < fewestMisses ? 2 * current : ttlWith(gaps, current, 0.5, 0));
  return Math.max((current + ttl) / 1000, half === null ? 2 * windowSeconds : 0);
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
