import type { ColumnName } from '../redis/account.ts';
import { type IdleTime, noOwnIdleTime } from '../redis/idle-times.ts';
import { SizeBuckets, type SizeBucketsFields } from './size-buckets.ts';
import { Breakdown, type BreakdownFields, type SamplePlace, Tally, type TallyFields } from './tally.ts';
import type { TtlVerdict } from './ttl.ts';

/** What is read of one key; null or left out: not read, not permitted, or gone. */
export interface KeyReading {
  readonly memoryBytes?: number | null;
  /** The part of `memoryBytes` that is not the value, see keyOverheadBytes. */
  readonly overheadBytes?: number;
  /** Left out: not counted. */
  readonly nameBytes?: number;
  readonly type?: string | null;
  /** -1 without TTL. */
  readonly ttlMillis: number | null;
  readonly encoding?: string | null;
  readonly idleSeconds?: IdleTime | null;
  readonly frequency?: number | null;
  /** Where all but the memory was read of chosen keys: one over the chance that this one had. */
  readonly weight?: number | null;
}

/** The label of keys without an idle time of their own among the spans of idle times: see `noOwnIdleTime`. */
export const noIdleTime = 'none';

/** The label of keys without TTL among the spans of TTLs. */
export const noTtl = 'none';

/** What keys are grouped by: a column, or what the rule of the map says of their TTL. */
export type BreakdownName = Exclude<ColumnName, 'memory'> | 'verdict';

/** Sums over a set of keys, in constant memory. */
export class KeyStatistics {
  readonly total = new Tally();
  overheadBytes = 0;
  readonly sizes = new SizeBuckets();
  readonly names = new SizeBuckets();
  /** Times by span; `ttl` is the time left. Both have `none`. */
  readonly by: Readonly<Record<BreakdownName, Breakdown>> = {
    type: new Breakdown(),
    ttl: new Breakdown(),
    encoding: new Breakdown(),
    idle: new Breakdown(),
    frequency: new Breakdown(),
    verdict: new Breakdown(),
  };
  /** Of the keys that have a TTL. */
  ttlMinSeconds = Number.POSITIVE_INFINITY;
  ttlMaxSeconds = 0;
  /** Most and least of time left and idle time together, where both were read: the TTL that keys had at their last use. */
  ttlWithIdleMaxSeconds = 0;
  ttlWithIdleMinSeconds = Number.POSITIVE_INFINITY;
  ttlSumSeconds = 0;

  constructor(readings: Iterable<KeyReading> = []) {
    for (const reading of readings) this.add(reading);
  }

  /**
   * @param verdict what the map's rule says of the TTL; null where there is no rule, or no TTL was read
   * @param place the place of the key in a sample; null where every key is read
   */
  add(reading: KeyReading, verdict: TtlVerdict | null = null, place: SamplePlace | null = null): void {
    const { memoryBytes = null, type = null, ttlMillis, overheadBytes = 0, nameBytes } = reading;
    const { encoding = null, idleSeconds = null, frequency = null, weight = null } = reading;
    this.total.add(memoryBytes, place);
    if (memoryBytes !== null) {
      this.overheadBytes += Math.min(memoryBytes, overheadBytes);
      this.sizes.add(memoryBytes);
    }
    if (nameBytes !== undefined) this.names.add(nameBytes);
    const count = (name: BreakdownName, label: string | null) => {
      if (label !== null) this.by[name].add(label, memoryBytes, place, weight);
    };
    count('type', type);
    count('encoding', encoding);
    if (idleSeconds !== null)
      count('idle', idleSeconds === noOwnIdleTime ? noIdleTime : spanOfSeconds(idleSeconds));
    count('frequency', frequency === null ? null : spanOfFrequency(frequency));
    count('verdict', verdict);
    if (ttlMillis === null) return;
    const seconds = ttlMillis / 1000;
    count('ttl', ttlMillis < 0 ? noTtl : spanOfSeconds(seconds));
    if (ttlMillis < 0) return;
    this.ttlSumSeconds += seconds * (weight ?? 1);
    this.ttlMinSeconds = Math.min(this.ttlMinSeconds, seconds);
    this.ttlMaxSeconds = Math.max(this.ttlMaxSeconds, seconds);
    if (typeof idleSeconds !== 'number') return;
    this.ttlWithIdleMaxSeconds = Math.max(this.ttlWithIdleMaxSeconds, seconds + idleSeconds);
    this.ttlWithIdleMinSeconds = Math.min(this.ttlWithIdleMinSeconds, seconds + idleSeconds);
  }

  merge(other: KeyStatisticsFields): void {
    this.total.merge(other.total);
    this.overheadBytes += other.overheadBytes;
    this.sizes.merge(other.sizes);
    this.names.merge(other.names);
    for (const name of Object.keys(this.by) as BreakdownName[]) this.by[name].merge(other.by[name]);
    this.ttlSumSeconds += other.ttlSumSeconds;
    this.ttlMinSeconds = Math.min(this.ttlMinSeconds, other.ttlMinSeconds ?? Number.POSITIVE_INFINITY);
    this.ttlMaxSeconds = Math.max(this.ttlMaxSeconds, other.ttlMaxSeconds);
    this.ttlWithIdleMaxSeconds = Math.max(this.ttlWithIdleMaxSeconds, other.ttlWithIdleMaxSeconds);
    this.ttlWithIdleMinSeconds = Math.min(
      this.ttlWithIdleMinSeconds,
      other.ttlWithIdleMinSeconds ?? Number.POSITIVE_INFINITY,
    );
  }

  /** Keys that were read, whatever was read of them. */
  get keys(): number {
    return this.total.keys;
  }

  get memoryBytes(): number {
    return this.total.memoryBytes;
  }

  /** Keys whose TTL was read. */
  get ttlKnown(): number {
    return this.by.ttl.whole.keys;
  }

  /** Keys without TTL, among those. */
  get withoutTtl(): number {
    return this.by.ttl.part(noTtl).keys;
  }

  /** Of the keys that have a TTL, in seconds: shortest and longest of those that were read. Null where there is none. */
  get ttlSummary(): { minSeconds: number; meanSeconds: number; maxSeconds: number } | null {
    const { chosen } = this.by.ttl.whole;
    const count = this.ttlKnown - this.withoutTtl;
    if (count === 0) return null;
    const weight = chosen ? chosen[0] - (this.by.ttl.part(noTtl).chosen?.[0] ?? 0) : count;
    return {
      minSeconds: this.ttlMinSeconds,
      meanSeconds: this.ttlSumSeconds / weight,
      maxSeconds: this.ttlMaxSeconds,
    };
  }
}

export function sumOfStatistics(parts: Iterable<KeyStatistics>): KeyStatistics {
  const sum = new KeyStatistics();
  for (const part of parts) sum.merge(part);
  return sum;
}

/** What statistics hold, also as JSON gives those back that are of no sample: it has null for an infinity. */
export interface KeyStatisticsFields extends Pick<
  KeyStatistics,
  'overheadBytes' | 'ttlSumSeconds' | 'ttlMaxSeconds' | 'ttlWithIdleMaxSeconds'
> {
  readonly total: TallyFields;
  readonly sizes: SizeBucketsFields;
  readonly names: SizeBucketsFields;
  readonly by: Readonly<Record<BreakdownName, BreakdownFields>>;
  readonly ttlMinSeconds: number | null;
  readonly ttlWithIdleMinSeconds: number | null;
}

/** Upper bounds of the histograms of times, in seconds; the last is open. */
export const spanBoundsSeconds: readonly number[] = [60, 300, 3600, 86400, 604800, Number.POSITIVE_INFINITY];

/** Upper bounds of the histogram of LFU counters (0 to 255): a new key starts at 5, and decays to 0. */
export const frequencyBounds: readonly number[] = [0, 1, 5, 10, 50, 255];

/** The labels of the histogram's spans: their upper bounds. */
export const labelsOf = (bounds: readonly number[]): readonly string[] => bounds.map(String);

/** The label of the span that a time belongs to. */
export const spanOfSeconds = (seconds: number): string => labelAt(spanBoundsSeconds, seconds);

/** The label of the span that an LFU counter belongs to. */
export const spanOfFrequency = (frequency: number): string => labelAt(frequencyBounds, frequency);

function labelAt(bounds: readonly number[], value: number): string {
  return String(bounds.find((bound) => value <= bound) ?? bounds.at(-1));
}
