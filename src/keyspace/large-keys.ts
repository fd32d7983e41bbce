import type { ByteString } from '../support/bytes.ts';
import { type LargeSample, sampleGroups, sumOf, type Tally } from './tally.ts';

/** What the keys of a database take together by the server's own accounts, to hold a sample against. */
export interface MemoryCheck {
  readonly lowBytes: number;
  readonly highBytes: number;
  /** From how many bytes on the sample remembers keys one by one. */
  readonly largeFrom: number;
  /** Strings by their length, see stringSizesOf; null: not reported. */
  readonly stringSizes?: ReadonlyMap<number, number> | null;
}

/** A key that would stand for so much of the data with all the keys that it speaks for is known by itself only. */
const decisiveShare = 0.03;

/** From how many bytes on a key may be decisive in a sample of so many keys, or of more; pages differ in size. */
export function largeFromOf(highBytes: number, population: number, fewestKeys: number): number {
  return (decisiveShare * highBytes * Math.min(1, fewestKeys / population)) / 4;
}

/** A tally without its decisive keys, and those by themselves. */
export interface SplitTally {
  readonly rest: Tally;
  readonly decisiveKeys: number;
  readonly decisiveBytes: number;
  /** Bytes of the decisive keys and of those that they would stand for. */
  readonly projectedBytes: number;
}

/** @param expansion what a weight of one counts for: keys of the database over the sum of weights */
export function splitTally(
  tally: Tally,
  expansion: number,
  { highBytes, largeFrom }: MemoryCheck,
): SplitTally {
  const isDecisive = ({ memoryBytes, weight }: LargeSample) =>
    expansion * weight * memoryBytes > decisiveShare * highBytes;
  const decisive = tally.large?.filter(isDecisive) ?? [];
  if (decisive.length === 0) return { rest: tally, decisiveKeys: 0, decisiveBytes: 0, projectedBytes: 0 };
  const rest = sumOf([tally]);
  rest.large = tally.large?.filter((key) => !isDecisive(key));
  const groups = (rest.groups ??= new Float64Array(2 * sampleGroups));
  let [decisiveBytes, projectedBytes] = [0, 0];
  const counted = new Set<ByteString>();
  let decisiveKeys = 0;
  for (const { memoryBytes, group, weight, key } of decisive) {
    rest.keys--;
    rest.memoryBytes -= memoryBytes;
    rest.bytesSquared -= memoryBytes ** 2;
    groups[group] = Math.max(0, (groups[group] ?? 0) - weight);
    groups[sampleGroups + group] = Math.max(0, (groups[sampleGroups + group] ?? 0) - weight * memoryBytes);
    // Known by itself, it is one key however often it was drawn.
    if (key !== undefined && counted.has(key)) continue;
    if (key !== undefined) counted.add(key);
    decisiveKeys++;
    decisiveBytes += memoryBytes;
    projectedBytes += expansion * weight * memoryBytes;
  }
  rest.largestBytes =
    rest.keys === 0 ? 0 : Math.max(largeFrom, ...(rest.large ?? []).map(({ memoryBytes }) => memoryBytes));
  // What is left of sums whose parts were far larger is rounding.
  if (rest.keys === 0) groups.fill(0);
  return { rest, decisiveKeys, decisiveBytes, projectedBytes };
}

/** What the server holds beyond what the sample accounts for. */
export interface UnmetKeys {
  /** The most bytes that keys may hold that the sample did not meet. */
  readonly mostBytes: number;
  /** True where more is missing than the error of the sample: such keys do exist. */
  readonly certain: boolean;
}

/** @param rest bytes of all keys but the decisive ones, with the interval; `decisiveBytes` of those that were met */
export function unmetKeysOf(
  rest: readonly [low: number, high: number],
  decisiveBytes: number,
  { lowBytes, highBytes }: MemoryCheck,
): UnmetKeys {
  const [low, high] = rest;
  return {
    mostBytes: Math.max(0, highBytes - low - decisiveBytes),
    certain: lowBytes > high + decisiveBytes,
  };
}

/** Of so many large keys that were met the spread of the sizes speaks. */
const fewestMet = 5;

/** What MEMORY USAGE adds to a string of a length: sizes of the allocator, and room to grow, of 1 MiB at most. */
const mostMemoryOf = (bytes: number) => 1.25 * bytes + Math.min(bytes, 2 ** 20);

/**
 * The most bytes of strings that the sample did not meet, by the server's histogram of lengths: of those that are longer than
 * `largeFrom`, where the sample met next to none as long.
 * @param expansion what a weight of one counts for
 */
export function unmetStringBytes(
  large: readonly LargeSample[],
  expansion: number,
  { stringSizes, largeFrom }: MemoryCheck,
): number {
  const longestFirst = [...(stringSizes ?? [])]
    .filter(([bytes]) => bytes >= largeFrom)
    .sort(([one], [other]) => other - one);
  let [strings, unmet, unmetBytes] = [0, 0, 0];
  for (const [bytes, count] of longestFirst) {
    strings += count;
    const met = large.filter(({ memoryBytes }) => memoryBytes >= bytes);
    if (met.length >= fewestMet) break;
    const spokenFor = met.reduce((sum, { weight }) => sum + expansion * weight, 0);
    const more = Math.max(0, strings - spokenFor - unmet);
    unmet += more;
    unmetBytes += more * mostMemoryOf(2 * bytes);
  }
  return unmetBytes;
}
