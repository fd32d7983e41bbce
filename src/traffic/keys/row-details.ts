import type { ByteString } from '../../support/bytes.ts';
import { LogHistogram } from '../../support/log-histogram.ts';

/** Keys of a namespace that are kept to ask their size. */
const sampleKeys = 32;

/** What is known of a namespace's misses beyond their number. Times in milliseconds. */
export class RowDetails {
  readonly refillMillis = new LogHistogram();
  /** From the end of a key's TTL to each miss of it. */
  readonly expiredForMillis = new LogHistogram();
  /** TTLs that keys were written with. */
  readonly ttlMillis = new LogHistogram();
  /** From the time that a key was stored until it expired. */
  readonly lifeMillis = new LogHistogram();
  /** Keys evicted between the eviction of a key and each miss of it, itself included. */
  readonly evictionDistance = new LogHistogram();
  stampedes = 0;
  extraMisses = 0;
  largestStampede = 0;
  /** Keys that came into being lately, the oldest overwritten. */
  readonly recentKeys: ByteString[] = [];
  private nextKey = 0;

  keep(key: ByteString): void {
    this.recentKeys[this.nextKey] = key;
    this.nextKey = (this.nextKey + 1) % sampleKeys;
  }

  copy(): RowDetails {
    const copy = new RowDetails();
    copy.merge(this);
    copy.nextKey = this.nextKey;
    return copy;
  }

  merge(other: RowDetails): void {
    this.refillMillis.merge(other.refillMillis);
    this.expiredForMillis.merge(other.expiredForMillis);
    this.ttlMillis.merge(other.ttlMillis);
    this.lifeMillis.merge(other.lifeMillis);
    this.evictionDistance.merge(other.evictionDistance);
    this.stampedes += other.stampedes;
    this.extraMisses += other.extraMisses;
    this.largestStampede = Math.max(this.largestStampede, other.largestStampede);
    this.recentKeys.push(...other.recentKeys);
  }
}
