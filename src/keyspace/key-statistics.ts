/** Upper bounds of the TTL histogram, in seconds; the last is open. */
export const ttlBoundsSeconds: readonly number[] = [60, 300, 3600, 86_400, 604_800, Number.POSITIVE_INFINITY];

/** What is read of one key; null: not read, not permitted, or gone. */
export interface KeyReading {
  readonly memoryBytes: number | null;
  readonly type: string | null;
  /** -1 without TTL. */
  readonly ttlMillis: number | null;
}

/** Sums over a set of keys, in constant memory. */
export class KeyStatistics {
  keys = 0;
  memoryBytes = 0;
  /** Keys without TTL, among those whose TTL was read. */
  withoutTtl = 0;
  /** Keys whose TTL was read. */
  ttlKnown = 0;
  ttlMinSeconds = Number.POSITIVE_INFINITY;
  ttlMaxSeconds = 0;
  private ttlSumSeconds = 0;
  readonly ttlHistogram: number[] = ttlBoundsSeconds.map(() => 0);
  readonly types = new Map<string, number>();

  add({ memoryBytes, type, ttlMillis }: KeyReading): void {
    this.keys++;
    if (memoryBytes !== null) this.memoryBytes += memoryBytes;
    if (type !== null) this.types.set(type, (this.types.get(type) ?? 0) + 1);
    if (ttlMillis === null) return;
    this.ttlKnown++;
    if (ttlMillis < 0) {
      this.withoutTtl++;
      return;
    }
    const seconds = ttlMillis / 1000;
    this.ttlSumSeconds += seconds;
    if (seconds < this.ttlMinSeconds) this.ttlMinSeconds = seconds;
    if (seconds > this.ttlMaxSeconds) this.ttlMaxSeconds = seconds;
    const bucket = ttlBoundsSeconds.findIndex((bound) => seconds <= bound);
    this.ttlHistogram[bucket] = (this.ttlHistogram[bucket] ?? 0) + 1;
  }

  merge(other: KeyStatistics): void {
    this.keys += other.keys;
    this.memoryBytes += other.memoryBytes;
    this.withoutTtl += other.withoutTtl;
    this.ttlKnown += other.ttlKnown;
    this.ttlSumSeconds += other.ttlSumSeconds;
    this.ttlMinSeconds = Math.min(this.ttlMinSeconds, other.ttlMinSeconds);
    this.ttlMaxSeconds = Math.max(this.ttlMaxSeconds, other.ttlMaxSeconds);
    other.ttlHistogram.forEach(
      (count, bucket) => (this.ttlHistogram[bucket] = (this.ttlHistogram[bucket] ?? 0) + count),
    );
    for (const [type, count] of other.types) this.types.set(type, (this.types.get(type) ?? 0) + count);
  }

  /** Of the keys that have a TTL, in seconds; null where there is none. */
  get ttlSummary(): { minSeconds: number; meanSeconds: number; maxSeconds: number } | null {
    const count = this.ttlKnown - this.withoutTtl;
    if (count === 0) return null;
    return {
      minSeconds: this.ttlMinSeconds,
      meanSeconds: this.ttlSumSeconds / count,
      maxSeconds: this.ttlMaxSeconds,
    };
  }
}
