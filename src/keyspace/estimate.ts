import { type Drift, driftedBytes, driftedKeys, driftedShare, noDrift } from './drift.ts';
import { type Interval, proportionInterval, t95, z95 } from '../support/intervals.ts';
import { type MemoryCheck, splitTally, unmetKeysOf, unmetStringBytes, type UnmetKeys } from './large-keys.ts';
import { sampleGroups, sumOf, Tally } from './tally.ts';

/** A figure with its 95 % interval; null where the figure is exact. */
export interface Figure {
  readonly value: number;
  readonly interval: Interval | null;
}

/** What a sample was drawn from, and how. */
export interface SampleFrame {
  /** Keys that the database held: the mean over the pages, each by the keys that there were when it was read. */
  readonly population: number;
  /** Keys that were looked at, wanted or not. */
  readonly scannedKeys: number;
  /** Share of the population's pages that were drawn without replacement; 0 where they were drawn with it. */
  readonly fraction: number;
  /** The weights of all keys that were looked at, by random group: the sum over its pages. */
  readonly groupWeights: readonly number[];
  /** How far the database changed meanwhile; left out: not at all. */
  readonly drift?: Drift;
  /** What all keys take together by the server's own accounts; left out: it did not report that, or other keys are in it. */
  readonly memory?: MemoryCheck | undefined;
}

/** With fewer keys the sizes of a namespace alone tell too little of their spread. */
const fewestForSpread = 100;

/**
 * Estimates from pages drawn at random with equal chances for every key: the share of a namespace is the mean of its
 * shares of the pages (Hansen and Hurwitz 1943), its keys are that share of the keys in the database. Variances come
 * from random groups of pages, so they hold also where keys lie together that belong together.
 *
 * Intervals of counts and shares are those of Clopper and Pearson for the effective size of the sample (Korn and
 * Graubard 1998), those of bytes join the intervals of the count and of the mean size on a logarithmic scale (Zou and
 * Donner 2008). docs/inspection.md has the formulas and how often the intervals hold.
 */
export class SampleEstimator {
  private readonly weight: number;
  /** One minus the share of the population that was read. */
  private readonly unread: number;
  private readonly quantile = t95(sampleGroups - 1);
  private readonly drift: Drift;
  private readonly unmet: UnmetKeys;
  /** Of the bytes that decisive keys would stand for, the share that the server's accounts leave room for. */
  private readonly room: number = 0;
  private readonly pooledSpread: number;
  private readonly namespaceKeys: number;

  /** @param namespaces the sets that sizes are alike in: for the spread of those with few keys, and what may have changed */
  constructor(
    private readonly frame: SampleFrame,
    private readonly namespaces: readonly Tally[],
  ) {
    this.weight = sum(frame.groupWeights);
    this.pooledSpread = pooledSpreadOf(namespaces.map((tally) => this.split(tally).rest));
    this.namespaceKeys = sum(namespaces.map(({ keys }) => keys));
    this.unread = Math.max(0, 1 - frame.fraction);
    this.drift = frame.drift ?? noDrift;
    this.unmet = { mostBytes: 0, certain: false };
    if (frame.memory !== undefined) {
      const whole = sumOf(namespaces);
      const { rest, decisiveKeys, decisiveBytes, projectedBytes } = this.split(whole);
      this.unmet = unmetKeysOf(this.restBytes(rest).interval, decisiveBytes, frame.memory);
      const projected = projectedBytes - decisiveBytes;
      this.room = projected <= 0 ? 0 : Math.min(1, this.unmet.mostBytes / projected);
      // Decisive keys that were met widen the intervals by more.
      if (!this.unmet.certain && decisiveKeys === 0 && this.weight > 0) {
        const expansion = frame.population / this.weight;
        const byLength = unmetStringBytes(whole.large ?? [], expansion, frame.memory);
        if (byLength > 0) this.unmet = { mostBytes: Math.min(byLength, this.unmet.mostBytes), certain: true };
      }
    }
  }

  /** Keys of the whole database that belong to the set. */
  keys(tally: Tally): Figure {
    const { value, interval } = this.meanKeys(tally);
    return { value, interval: driftedKeys(interval, this.drift) };
  }

  /** Over the time of the sample. */
  private meanKeys(tally: Tally): SampledFigure {
    const { population, scannedKeys } = this.frame;
    const share = this.weight === 0 ? 0 : weightedKeys(tally) / this.weight;
    const effective = this.effectiveSize(scannedKeys, share, this.varianceOf(tally, 0, share));
    const [low, high] = proportionInterval(share * effective, effective);
    return { value: population * share, interval: [population * low, population * high] };
  }

  /** Bytes of the whole database that belong to the set. */
  memoryBytes(tally: Tally): Figure {
    const { value, interval } = this.meanMemoryBytes(tally);
    const { fewer, more } = this.drift;
    if (fewer === 0 && more === 0) return { value, interval };
    // Of all keys it may be those of the namespaces with the largest that came or went.
    const perKey =
      tally.keys === this.namespaceKeys ? this.meanOfLargest(fewer + more) : this.largestMeanOf(tally);
    return { value, interval: driftedBytes(interval, perKey, this.drift) };
  }

  /** The most bytes that keys hold of which the sample met none; 0 where the server's accounts do not speak of any. */
  get mostUnmetBytes(): number {
    return this.unmet.certain ? this.unmet.mostBytes : 0;
  }

  private split(tally: Tally) {
    const { memory, population } = this.frame;
    return memory === undefined || tally.large === undefined || this.weight === 0
      ? { rest: tally, decisiveKeys: 0, decisiveBytes: 0, projectedBytes: 0 }
      : splitTally(tally, population / this.weight, memory);
  }

  /**
   * Over the time of the sample. Decisive keys count for themselves, and those that were not met for no more than the
   * server's accounts leave room for: in any namespace, where there are such keys for certain.
   */
  private meanMemoryBytes(tally: Tally): SampledFigure {
    const { rest, decisiveKeys, decisiveBytes, projectedBytes } = this.split(tally);
    const { value, interval } = this.restBytes(rest);
    const [low, high] = interval;
    const unmet = this.unmet.certain || decisiveKeys > 0 ? this.unmet.mostBytes : 0;
    return {
      value: value + decisiveBytes + this.room * (projectedBytes - decisiveBytes),
      interval: [low + decisiveBytes, high + decisiveBytes + unmet],
    };
  }

  /** Of keys none of which is decisive. */
  private restBytes(tally: Tally): SampledFigure {
    const { population } = this.frame;
    const bytes = this.weight === 0 ? 0 : weightedBytes(tally) / this.weight;
    const value = population * bytes;
    const keys = this.meanKeys(tally);
    const [low, high] = keys.interval;
    if (tally.keys === 0 || value === 0)
      return { value, interval: [0, tally.large === undefined ? high : 0] };
    const meanSpread = z95 * Math.sqrt((this.spreadOf(tally) / tally.keys) * this.unread);
    const groupSpread =
      (this.quantile * Math.sqrt(this.varianceOf(tally, sampleGroups, bytes))) / Math.max(bytes, 1e-300);
    const up = Math.max(Math.hypot(Math.log(high / keys.value), meanSpread), groupSpread);
    const down = Math.max(Math.hypot(Math.log(keys.value / Math.max(low, 1e-9)), meanSpread), groupSpread);
    return { value, interval: [value * Math.exp(-down), value * Math.exp(up)] };
  }

  /** Share of the keys of `whole` that are in its part, from 0 to 1. */
  share(part: Tally, whole: Tally): Figure {
    const { value, interval } = this.meanShare(part, whole);
    return { value, interval: driftedShare(interval, this.meanKeys(whole).value, 1, this.drift) };
  }

  private meanShare(part: Tally, whole: Tally): SampledFigure {
    const value = ratioOf(weightedKeys(part), weightedKeys(whole));
    const variance = this.ratioVariance(part, whole, 0, value);
    const effective = this.effectiveSize(whole.keys, value, variance);
    return { value, interval: proportionInterval(value * effective, effective) };
  }

  /** Share of the bytes of `whole` that are in its part, from 0 to 1. */
  byteShare(part: Tally, whole: Tally): Figure {
    const [partSplit, wholeSplit] = [this.split(part), this.split(whole)];
    const rest = this.restByteShare(partSplit.rest, wholeSplit.rest);
    if (!this.unmet.certain && wholeSplit.decisiveKeys === 0) return rest;
    // With the decisive keys, and the unmet ones all in the part, or all in what is not.
    const [of, all] = [this.meanMemoryBytes(part), this.meanMemoryBytes(whole)];
    const unmet = this.unmet.mostBytes;
    const least = Math.max(0, all.interval[0] - Math.max(0, of.interval[1] - unmet));
    const value = ratioOf(of.value, all.value);
    return {
      value,
      interval: [
        Math.min(value, rest.interval[0], ratioOf(of.interval[0], all.interval[1])),
        Math.max(value, rest.interval[1], ratioOf(of.interval[1], of.interval[1] + least)),
      ],
    };
  }

  /** Of keys none of which is decisive. */
  private restByteShare(part: Tally, whole: Tally): SampledFigure {
    const value = ratioOf(weightedBytes(part), weightedBytes(whole));
    const half = this.quantile * Math.sqrt(Math.max(this.ratioVariance(part, whole, sampleGroups, value), 0));
    const [low, high] = this.byteOddsInterval(part, whole, value);
    const interval: Interval = [
      Math.max(0, Math.min(low, value - half)),
      Math.min(1, Math.max(high, value + half)),
    ];
    const perKey = Math.max(meanSizeOf(part), meanSizeOf(differenceOf(whole, part)));
    const bytes = this.restBytes(whole).value;
    return { value, interval: driftedShare(interval, bytes, perKey, this.drift) };
  }

  /**
   * A share of bytes from the share of keys and the two mean sizes, joined on the scale of log odds: it holds where few
   * keys were seen, also where all or none of them are in the part.
   */
  private byteOddsInterval(part: Tally, whole: Tally, value: number): Interval {
    const keys = this.meanShare(part, whole);
    const [low, high] = keys.interval;
    const rest = differenceOf(whole, part);
    const meanSpread =
      z95 *
      Math.sqrt(
        (this.spreadOf(part) / Math.max(1, part.keys) + this.spreadOf(rest) / Math.max(1, rest.keys)) *
          this.unread,
      );
    const known = value > 0 && value < 1;
    const [at, from] = known ? [logOdds(value), logOdds(keys.value)] : [0, 0];
    const up = known ? Math.hypot(logOdds(high) - from, meanSpread) : logOdds(high) + meanSpread;
    const down = known ? Math.hypot(from - logOdds(low), meanSpread) : meanSpread - logOdds(low);
    return [value === 0 ? 0 : ofLogOdds(at - down), value === 1 ? 1 : ofLogOdds(at + up)];
  }

  /** The most keys (with 95 % certainty) of a namespace of which not one was seen. */
  get mostUnseenKeys(): number {
    const { population, scannedKeys } = this.frame;
    if (scannedKeys === 0) return population;
    const unseen = population * (1 - 0.05 ** (1 / scannedKeys)) * this.unread;
    return driftedKeys([0, unseen], this.drift)[1];
  }

  /** The mean size of a set at the upper end of its interval. */
  private largestMeanOf(tally: Tally): number {
    return this.restBytes(this.split(tally).rest).interval[1] / Math.max(1, this.meanKeys(tally).value);
  }

  /** The same of so many keys, were they those of the namespaces with the largest. */
  private meanOfLargest(count: number): number {
    const sizes = this.namespaces.map((tally) => ({
      keys: driftedKeys(this.meanKeys(tally).interval, this.drift)[1],
      bytes: this.largestMeanOf(tally),
    }));
    let [left, bytes] = [count, 0];
    for (const size of sizes.sort((one, other) => other.bytes - one.bytes)) {
      const keys = Math.min(left, size.keys);
      bytes += keys * size.bytes;
      left -= keys;
    }
    return count === 0 ? 0 : bytes / count;
  }

  /** Squared coefficient of variation of the sizes, as if one more key had been seen of twice the largest size. */
  private spreadOf({ keys, memoryBytes, bytesSquared, largestBytes }: Tally): number {
    const mean = (memoryBytes + 2 * largestBytes) / (keys + 1);
    const squares = (bytesSquared + 4 * largestBytes ** 2) / (keys + 1);
    const own = mean === 0 ? 0 : Math.max(0, squares / mean ** 2 - 1);
    return keys < fewestForSpread ? Math.max(own, this.pooledSpread) : own;
  }

  /** Size of the simple random sample that would tell a share as closely, after Korn and Graubard. */
  private effectiveSize(keys: number, share: number, variance: number): number {
    const simple = keys / Math.max(this.unread, 1e-9);
    const degrees = (z95 / this.quantile) ** 2;
    if (variance <= 0 || share <= 0 || share >= 1) return simple * degrees;
    return Math.min(simple, (share * (1 - share)) / variance) * degrees;
  }

  /** Variance of a mean over pages, from the means of the random groups. @param offset of its sums in the groups */
  private varianceOf({ groups }: Tally, offset: number, mean: number): number {
    if (groups === undefined) return 0;
    let squares = 0;
    this.frame.groupWeights.forEach((weight, group) => {
      if (weight > 0)
        squares += (weight / this.weight) * ((groups[offset + group] ?? 0) / weight - mean) ** 2;
    });
    return (squares / (sampleGroups - 1)) * this.unread;
  }

  /** Variance of a ratio of two sums, linearized. @see Cochran, Sampling Techniques (1977), section 6.4 */
  private ratioVariance(part: Tally, whole: Tally, offset: number, ratio: number): number {
    if (part.groups === undefined || whole.groups === undefined) return 0;
    let [squares, total] = [0, 0];
    for (let group = 0; group < sampleGroups; group++) {
      const base = whole.groups[offset + group] ?? 0;
      squares += ((part.groups[offset + group] ?? 0) - ratio * base) ** 2;
      total += base;
    }
    return total === 0 ? 0 : (squares / total ** 2) * (sampleGroups / (sampleGroups - 1)) * this.unread;
  }
}

type SampledFigure = Figure & { readonly interval: Interval };

function meanSizeOf({ keys, memoryBytes }: Tally): number {
  return keys === 0 ? 0 : memoryBytes / keys;
}

/** A part of a count, both with their intervals. @see Zou and Donner, Statistics in Medicine 27 (2008) */
export function partOf(whole: Figure, share: Figure): Figure {
  const value = whole.value * share.value;
  if (whole.interval === null && share.interval === null) return { value, interval: null };
  const [lowWhole, highWhole] = whole.interval ?? [whole.value, whole.value];
  const [lowShare, highShare] = share.interval ?? [share.value, share.value];
  const down = Math.hypot(whole.value * (share.value - lowShare), share.value * (whole.value - lowWhole));
  const up = Math.hypot(whole.value * (highShare - share.value), share.value * (highWhole - whole.value));
  return { value, interval: [Math.max(0, value - down), Math.min(value + up, highWhole)] };
}

/**
 * Squared coefficient of variation of sizes within namespaces: of those with enough keys to tell, weighted by them.
 */
export function pooledSpreadOf(tallies: Iterable<Tally>): number {
  let [keys, spread] = [0, 0];
  for (const tally of tallies) {
    if (tally.keys < fewestForSpread || tally.memoryBytes === 0) continue;
    spread += tally.keys * ((tally.bytesSquared * tally.keys) / tally.memoryBytes ** 2 - 1);
    keys += tally.keys;
  }
  return keys === 0 ? 1 : spread / keys;
}

function weightedKeys({ groups, keys }: Tally): number {
  return groups === undefined ? keys : sum(groups.subarray(0, sampleGroups));
}

function weightedBytes({ groups, memoryBytes }: Tally): number {
  return groups === undefined ? memoryBytes : sum(groups.subarray(sampleGroups));
}

function differenceOf(whole: Tally, part: Tally): Tally {
  const difference = new Tally();
  difference.keys = whole.keys - part.keys;
  difference.memoryBytes = whole.memoryBytes - part.memoryBytes;
  difference.bytesSquared = whole.bytesSquared - part.bytesSquared;
  difference.largestBytes = difference.keys === 0 ? 0 : whole.largestBytes;
  return difference;
}

function logOdds(share: number): number {
  return Math.log(share / (1 - share));
}

function ofLogOdds(odds: number): number {
  return 1 / (1 + Math.exp(-odds));
}

function ratioOf(part: number, whole: number): number {
  return whole === 0 ? 0 : Math.min(1, part / whole);
}

function sum(values: Iterable<number>): number {
  let total = 0;
  for (const value of values) total += value;
  return total;
}
