import { inferPattern } from '../../keyspace/infer.ts';
import type { ByteString } from '../../support/bytes.ts';
import type { FurtherColumns, WalkPage } from '../../redis/walk.ts';

/** Of the keys that seem to have been made from one template the first so many: SCAN gives them in random order. */
const mostOfOnePattern = 100;
/** Each costs a lookup that the server counts. */
const mostInAll = 20_000;

/** Chooses the keys with a TTL of which the idle time is read: some of every kind. */
export class IdleChoice {
  private readonly taken = new Map<string, number>();
  private left = mostInAll;
  private probed = false;

  /** To be read once TTLs are. Under an LFU policy the server refuses, and counts a lookup all the same: one key shows it. */
  columns(): FurtherColumns[] {
    const columns = { idle: true };
    return [
      { columns, of: (page) => (this.probed ? [] : this.choose(page, 1)) },
      { columns, of: (page) => this.choose(page, mostInAll) },
    ];
  }

  private choose({ keys, ttlMillis, idleSeconds }: WalkPage, most: number): number[] {
    const chosen: number[] = [];
    for (const [index, key] of keys.entries()) {
      if (chosen.length >= most) break;
      const asked = (ttlMillis[index] ?? -1) >= 0 && (idleSeconds[index] ?? null) === null;
      if (asked && this.takes(key)) chosen.push(index);
    }
    this.probed ||= chosen.length > 0;
    return chosen;
  }

  private takes(key: ByteString): boolean {
    if (this.left === 0) return false;
    const pattern = inferPattern(key, [':']);
    const taken = this.taken.get(pattern) ?? 0;
    if (taken >= mostOfOnePattern) return false;
    this.taken.set(pattern, taken + 1);
    this.left--;
    return true;
  }
}
