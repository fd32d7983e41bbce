import { type IdleTime, sharedValue } from '../redis/idle-times.ts';
import { Breakdown, loadTally, type SamplePlace, saveTally, Tally } from './tally.ts';
import type { TtlVerdict } from './ttl.ts';

/** What is read of one key; null or left out: not read, not permitted, or gone. */
export interface KeyReading {
  readonly memoryBytes: number | null;
  /** The part of `memoryBytes` that is not the value, see keyOverheadBytes. */
  readonly overheadBytes?: number;
  readonly type: string | null;
  /** -1 without TTL. */
  readonly ttlMillis: number | null;
  readonly encoding?: string | null;
  readonly idleSeconds?: IdleTime | null;
  readonly frequency?: number | null;
  /** Where all but the memory was read of chosen keys: one over the chance that this one had. */
  readonly weight?: number | null;
}

/** The label of keys without an idle time of their own among the spans of idle times: see `sharedValue`. */
export const noIdleTime = 'none';

/** The label of keys without TTL among the spans of TTLs. */
export const noTtl = 'none';

/** Sums over a set of keys, in constant memory. */
export class KeyStatistics {
  readonly total = new Tally();
  overheadBytes = 0;
  readonly types = new Breakdown();
  /** By span of the time left, and `none`. */
  readonly ttls = new Breakdown();
  readonly encodings = new Breakdown();
  /** By span of the time since the last access, and `none`. */
  readonly idleTimes = new Breakdown();
  readonly frequencies = new Breakdown();
  readonly ttlVerdicts = new Breakdown();
  /** Of the keys that have a TTL. */
  ttlMinSeconds = Number.POSITIVE_INFINITY;
  ttlMaxSeconds = 0;
  /** Most of time left and idle time together, of the keys of which both were read: the TTL they had at their last use. */
  ttlWithIdleMaxSeconds = 0;
  /** The least of the same. */
  ttlWithIdleMinSeconds = Number.POSITIVE_INFINITY;
  private ttlSumSeconds = 0;

  /**
   * @param ttlVerdict what the map's rule says of the TTL; null where there is no rule, or no TTL was read
   * @param place where the key stands in a sample; null where every key is read
   */
  add(reading: KeyReading, ttlVerdict: TtlVerdict | null = null, place: SamplePlace | null = null): void {
    const { memoryBytes, type, ttlMillis, overheadBytes = 0 } = reading;
    const { encoding = null, idleSeconds = null, frequency = null, weight = null } = reading;
    this.total.add(memoryBytes, place);
    if (memoryBytes !== null) this.overheadBytes += Math.min(memoryBytes, overheadBytes);
    if (type !== null) this.types.add(type, memoryBytes, place, weight);
    if (ttlMillis !== null) this.addTtl(ttlMillis, memoryBytes, place, weight);
    if (ttlVerdict !== null) this.ttlVerdicts.add(ttlVerdict, memoryBytes, place, weight);
    if (encoding !== null) this.encodings.add(encoding, memoryBytes, place, weight);
    if (typeof idleSeconds === 'number' && ttlMillis !== null && ttlMillis >= 0) {
      const both = ttlMillis / 1000 + idleSeconds;
      this.ttlWithIdleMaxSeconds = Math.max(this.ttlWithIdleMaxSeconds, both);
      this.ttlWithIdleMinSeconds = Math.min(this.ttlWithIdleMinSeconds, both);
    }
    if (idleSeconds !== null) {
      const span = idleSeconds === sharedValue ? noIdleTime : spanOfSeconds(idleSeconds);
      this.idleTimes.add(span, memoryBytes, place, weight);
    }
    if (frequency !== null) this.frequencies.add(spanOfFrequency(frequency), memoryBytes, place, weight);
  }

  merge(other: KeyStatistics): void {
    this.total.merge(other.total);
    this.overheadBytes += other.overheadBytes;
    for (const name of breakdowns) this[name].merge(other[name]);
    this.ttlSumSeconds += other.ttlSumSeconds;
    this.ttlMinSeconds = Math.min(this.ttlMinSeconds, other.ttlMinSeconds);
    this.ttlMaxSeconds = Math.max(this.ttlMaxSeconds, other.ttlMaxSeconds);
    this.ttlWithIdleMaxSeconds = Math.max(this.ttlWithIdleMaxSeconds, other.ttlWithIdleMaxSeconds);
    this.ttlWithIdleMinSeconds = Math.min(this.ttlWithIdleMinSeconds, other.ttlWithIdleMinSeconds);
  }

  /** What `load` makes the same sums from; of statistics that are no sample. */
  save() {
    return {
      total: saveTally(this.total),
      overheadBytes: this.overheadBytes,
      parts: breakdowns.map((name) => this[name].save()),
      ttlWithIdle: [
        this.ttlWithIdleMaxSeconds,
        ...(Number.isFinite(this.ttlWithIdleMinSeconds) ? [this.ttlWithIdleMinSeconds] : []),
      ],
      // JSON has no infinity.
      ttl: [
        this.ttlMaxSeconds,
        this.ttlSumSeconds,
        ...(Number.isFinite(this.ttlMinSeconds) ? [this.ttlMinSeconds] : []),
      ],
    };
  }

  load({ total, overheadBytes, parts, ttl, ttlWithIdle }: KeyStatisticsState): void {
    loadTally(this.total, total);
    this.overheadBytes = overheadBytes;
    [this.ttlWithIdleMaxSeconds = 0, this.ttlWithIdleMinSeconds = Number.POSITIVE_INFINITY] = ttlWithIdle;
    breakdowns.forEach((name, index) => this[name].load(parts[index] ?? []));
    [this.ttlMaxSeconds = 0, this.ttlSumSeconds = 0, this.ttlMinSeconds = Number.POSITIVE_INFINITY] = ttl;
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
    return this.ttls.whole.keys;
  }

  /** Keys without TTL, among those. */
  get withoutTtl(): number {
    return this.ttls.part(noTtl).keys;
  }

  /** Of the keys that have a TTL, in seconds: shortest and longest of those that were read. Null where there is none. */
  get ttlSummary(): { minSeconds: number; meanSeconds: number; maxSeconds: number } | null {
    const { chosen } = this.ttls.whole;
    const count = this.ttlKnown - this.withoutTtl;
    if (count === 0) return null;
    const weight = chosen ? chosen[0] - (this.ttls.part(noTtl).chosen?.[0] ?? 0) : count;
    return {
      minSeconds: this.ttlMinSeconds,
      meanSeconds: this.ttlSumSeconds / weight,
      maxSeconds: this.ttlMaxSeconds,
    };
  }

  private addTtl(
    ttlMillis: number,
    memoryBytes: number | null,
    place: SamplePlace | null,
    weight: number | null,
  ): void {
    if (ttlMillis < 0) {
      this.ttls.add(noTtl, memoryBytes, place, weight);
      return;
    }
    const seconds = ttlMillis / 1000;
    this.ttls.add(spanOfSeconds(seconds), memoryBytes, place, weight);
    this.ttlSumSeconds += seconds * (weight ?? 1);
    if (seconds < this.ttlMinSeconds) this.ttlMinSeconds = seconds;
    if (seconds > this.ttlMaxSeconds) this.ttlMaxSeconds = seconds;
  }
}

export type KeyStatisticsState = ReturnType<KeyStatistics['save']>;

const breakdowns = ['types', 'ttls', 'encodings', 'idleTimes', 'frequencies', 'ttlVerdicts'] as const;

/** Upper bounds of the histograms of times, in seconds; the last is open. */
export const spanBoundsSeconds: readonly number[] = [60, 300, 3600, 86400, 604800, Number.POSITIVE_INFINITY];

/** Upper bounds of the histogram of LFU counters (0 to 255): a new key starts at 5, and decays to 0. */
export const frequencyBounds: readonly number[] = [0, 1, 5, 10, 50, 255];

/** The labels of the histogram's spans: their upper bounds. */
export const labelsOf = (bounds: readonly number[]): readonly string[] => bounds.map(String);
const secondsLabels = labelsOf(spanBoundsSeconds);
const frequencyLabels = labelsOf(frequencyBounds);

/** The label of the span that a time belongs to. */
export function spanOfSeconds(seconds: number): string {
  return labelAt(spanBoundsSeconds, secondsLabels, seconds);
}

/** The label of the span that an LFU counter belongs to. */
export function spanOfFrequency(frequency: number): string {
  return labelAt(frequencyBounds, frequencyLabels, frequency);
}

function labelAt(bounds: readonly number[], labels: readonly string[], value: number): string {
  return labels[bounds.findIndex((bound) => value <= bound)] ?? labels[labels.length - 1] ?? '';
}
