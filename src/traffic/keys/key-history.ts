import { eventColumns as causeIndex } from '../streams/mark.ts';
import { LogHistogram } from '../../support/log-histogram.ts';
import type { KeyHash } from './key-hash.ts';
import type { KeyTable } from './key-table.ts';
import type { WindowDetails } from './namespace-rows.ts';

/** The state of a key that was seen to come into being; those of causes are their column, plus one. Zero: no event yet. */
const storedState = 20;

/** Further misses of a key within this time from its first, before it is stored again, are a stampede. */
const stampedeMillis = 1000;

/** Events may be ahead of MONITOR by so much: a deadline is known so late. */
const mostLagMillis = 100;

/** Added to a cause where the miss was the first word of its key. */
export const firstMiss = 16;

/** A key that a stream showed, with the hash of it in its database. */
export interface SeenKey extends KeyHash {
  database: number;
  row: number;
  nowMillis: number;
  /** Of the window of the stream. */
  details: WindowDetails;
}

/**
 * What happened to each key last, and so why a read of it finds nothing. Events of a key come in the order in which
 * they happened; a read that finds a key at the end of its TTL brings `expired` before the miss. It remembers keys from
 * one window to the next; what belongs to a window goes into the details that are handed in.
 */
export class KeyHistory {
  private evictions = 0;
  /** When a flush was seen, by database; `null` for one of all. */
  private readonly flushes = new Map<number | null, number>();

  /**
   * @param startMillis the clock at the start; times are kept from there
   * @param deletesAreOthers true on a replica, which learns of expiry and eviction as DEL
   */
  constructor(
    readonly table: KeyTable,
    private readonly startMillis: number,
    private readonly deletesAreOthers: boolean,
  ) {}

  /** The key is gone. */
  gone(seen: SeenKey, cause: 'expired' | 'evicted' | 'invalidated' | 'renamed'): void {
    const { table } = this;
    const at = table.enter(seen);
    const { young } = table;
    const since = this.sinceStart(seen.nowMillis);
    if (cause === 'expired' && young.state[at] === storedState)
      seen.details.of(seen.row).lifeMillis.record(since - (young.goneAtMillis[at] ?? 0));
    const known = cause === 'invalidated' && this.deletesAreOthers ? 'unknown' : cause;
    young.state[at] = causeIndex[known] + 1;
    young.goneAtMillis[at] = since;
    young.missedAtMillis[at] = 0;
    young.misses[at] = 0;
    if (cause === 'evicted') young.evictionMark[at] = this.evictions++;
    const deadline = young.deadlineMillis[at] ?? 0;
    if (cause !== 'expired') young.deadlineMillis[at] = young.overMillis[at] = 0;
    // A later deadline is of the next life, if MONITOR was faster than the events; else what MONITOR shows was not done.
    else if (deadline > 0 && deadline <= since + mostLagMillis) {
      young.overMillis[at] = Math.min(deadline, since);
      young.deadlineMillis[at] = 0;
    }
  }

  /** The key came into being. */
  stored(seen: SeenKey): void {
    const at = this.table.enter(seen);
    this.refill(at, seen);
    const { young } = this.table;
    const since = this.sinceStart(seen.nowMillis);
    this.recordGap(at, seen, 'unreadForMillis');
    young.state[at] = storedState;
    young.goneAtMillis[at] = since;
    // What MONITOR said of its TTL may have come before this event.
    if ((young.deadlineMillis[at] ?? 0) < since) young.deadlineMillis[at] = 0;
  }

  /** A write of the key was seen, on a server that does not report when keys come into being. */
  written(seen: SeenKey): void {
    const at = this.table.find(seen);
    if (at >= 0) this.refill(at, seen);
  }

  /** The key was given a time to live. This does not show its state: commands and events arrive by different ways. */
  lives(seen: SeenKey, ttlMillis: number): void {
    this.endLife(this.table.enter(seen), seen, this.sinceStart(seen.nowMillis) + ttlMillis);
    seen.details.of(seen.row).ttlMillis.record(ttlMillis);
  }

  /** The key was given a value without a time to live. */
  stays(seen: SeenKey): void {
    const at = this.table.find(seen);
    if (at >= 0) this.endLife(at, seen, 0);
  }

  /** Keys of the database, or of all, are gone without an event. */
  flushed(database: number | null, nowMillis: number): void {
    this.flushes.set(database, this.sinceStart(nowMillis));
  }

  /**
   * A read found nothing.
   * @returns the cause, by its index; with `firstMiss` added where this is the first word of the key in the window
   */
  miss(seen: SeenKey): number {
    const at = this.table.find(seen);
    const { young } = this.table;
    const state = at < 0 ? 0 : (young.state[at] ?? 0);
    if (state === 0) return this.firstWord(seen);
    const since = this.sinceStart(seen.nowMillis);
    const misses = young.misses[at] ?? 0;
    if (misses === 0) young.missedAtMillis[at] = since;
    if (since - (young.missedAtMillis[at] ?? 0) <= stampedeMillis) young.misses[at] = misses + 1;
    switch (state) {
      case causeIndex.expired + 1:
        this.recordGap(at, seen, 'expiredForMillis');
        return causeIndex.expired;
      case causeIndex.evicted + 1:
        seen.details.of(seen.row).evictionDistance.record(this.evictions - (young.evictionMark[at] ?? 0));
        return causeIndex.evicted;
      case storedState:
        return this.flushOf(seen.database) >= (young.goneAtMillis[at] ?? 0)
          ? causeIndex.invalidated
          : causeIndex.unknown;
      default:
        return state - 1;
    }
  }

  /** How long keys are over at the end of a window that have not been read since, by row: those whose TTL ended in the window. */
  openGaps(fromMillis: number, toMillis: number): ReadonlyMap<number, LogHistogram> {
    const gaps = new Map<number, LogHistogram>();
    const [from, to] = [this.sinceStart(fromMillis), this.sinceStart(toMillis)];
    for (const [{ deadlineMillis, overMillis, row: rows }, at] of this.table.withTtl()) {
      // A server reports late that a key is over.
      const over = overMillis[at] || (deadlineMillis[at] ?? 0);
      if (over === 0 || over < from || over >= to) continue;
      const row = rows[at] ?? 0;
      const known = gaps.get(row) ?? new LogHistogram();
      known.record(to - over);
      gaps.set(row, known);
    }
    return gaps;
  }

  private firstWord(seen: SeenKey): number {
    const { table } = this;
    const unknown = table.mayBeForgotten(seen) || this.flushOf(seen.database) > 0;
    const at = table.enter(seen);
    const { young } = table;
    // A further miss shows that the first did not have it stored.
    young.state[at] = (unknown ? causeIndex.unknown : causeIndex.neverCached) + 1;
    young.missedAtMillis[at] = this.sinceStart(seen.nowMillis);
    young.misses[at] = 1;
    return (unknown ? causeIndex.unknown : causeIndex.goneOrNew) + firstMiss;
  }

  /** Counts in the window in which it ends; a stampede only where all of its misses are of that window too. */
  private refill(at: number, { row, nowMillis, details: window }: SeenKey): void {
    const { young } = this.table;
    const missedAt = young.missedAtMillis[at] ?? 0;
    const misses = young.misses[at] ?? 0;
    young.missedAtMillis[at] = 0;
    young.misses[at] = 0;
    if (missedAt === 0) return;
    const details = window.of(row);
    details.refillMillis.record(Math.max(1, this.sinceStart(nowMillis) - missedAt));
    const { beganMillis } = window;
    if (misses < 2 || (beganMillis !== null && missedAt <= this.sinceStart(beganMillis))) return;
    details.stampedes++;
    details.extraMisses += misses - 1;
    details.largestStampede = Math.max(details.largestStampede, misses);
  }

  /** The next deadline of the key; the miss after the last one may be still to come, for the events may be behind. */
  private endLife(at: number, { row, nowMillis }: SeenKey, nextDeadline: number): void {
    const { young } = this.table;
    const deadline = young.deadlineMillis[at] ?? 0;
    if (deadline > 0 && deadline <= this.sinceStart(nowMillis)) young.overMillis[at] = deadline;
    young.deadlineMillis[at] = Math.min(0xffffffff, nextDeadline);
    young.row[at] = row;
  }

  /** How long the key was over, which it is no more; where that is not known, or began before the window, nothing. */
  private recordGap(at: number, seen: SeenKey, as: 'expiredForMillis' | 'unreadForMillis'): void {
    const { young } = this.table;
    const over = young.overMillis[at] ?? 0;
    young.overMillis[at] = 0;
    const { row, nowMillis, details } = seen;
    if (over === 0 || (details.beganMillis !== null && over < this.sinceStart(details.beganMillis))) return;
    details.of(row)[as].record(Math.max(1, this.sinceStart(nowMillis) - over));
  }

  private flushOf(database: number): number {
    return Math.max(this.flushes.get(database) ?? 0, this.flushes.get(null) ?? 0);
  }

  /** Never 0, which means no time. */
  private sinceStart(now: number): number {
    return Math.max(1, Math.min(0xffffffff, Math.round(now - this.startMillis)));
  }
}
