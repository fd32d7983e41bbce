import { secondsUntilMidnight } from '../keyspace/ttl.ts';
import { type ByteString, bytesOf } from '../support/bytes.ts';
import { Draw } from '../support/random.ts';

/** One key of a sandbox. */
export interface SandboxRecord {
  readonly key: ByteString;
  readonly value: ByteString;
  /** Milliseconds left to live; null: never expires. */
  readonly ttlMillis: number | null;
}

/** Keys of one shape and meaning, and how the application uses them. Records are made one by one, from their index. */
export interface Family {
  /** Unique within its system. */
  readonly name: string;
  /** Share of the keys, relative to the other families. */
  readonly keys: number;
  /** How many different keys there can be; undefined: no limit. */
  readonly limit?: number;
  /** Share of the traffic, relative to the other families; 0: written, and never read again. */
  readonly reads: number;
  /** Ratio from 0 to 1 of the reads that the application finds in the cache. */
  readonly hitRate: number;
  /** True where the TTL runs to a fixed moment, however old the key is. */
  readonly endsAtMidnight?: boolean;
  /** True for sessions, unlocks and the like, which exist or do not: nobody computes them after a miss. */
  readonly state?: boolean;
  /** True for counters: the application increments them, and reads them on the way. */
  readonly counter?: boolean;
  /** The TTL that the application writes it with. Null: none. */
  ttlSeconds(record: RecordContext): number | null;
  key(record: RecordContext): string;
  value(record: RecordContext): ByteString;
}

export interface RecordContext {
  /** From 0 upwards within the family; low indexes are the ones most used. */
  readonly index: number;
  readonly draw: Draw;
  readonly clock: Clock;
}

/** Dates as the applications put them into keys. */
export interface Clock {
  /** Milliseconds since the epoch. */
  readonly now: number;
  /** `YYYY-MM-DD` in Prague, `daysAgo` days before today. */
  pragueDate(daysAgo?: number): string;
  utcDate(daysAgo?: number): string;
  /** Seconds until midnight in Prague. */
  readonly secondsLeftToday: number;
}

export function clockAt(now: number): Clock {
  let secondsLeft: number | undefined;
  const dayBefore = (daysAgo: number) => now - daysAgo * 86_400_000;
  // To format a date in a time zone takes as long as to make a whole record.
  const pragueDates = new Map<number, string>();
  return {
    now,
    pragueDate(daysAgo = 0) {
      const known = pragueDates.get(daysAgo);
      if (known !== undefined) return known;
      const format = new Intl.DateTimeFormat('en-CA', { timeZone: 'Europe/Prague', dateStyle: 'short' });
      const date = format.format(dayBefore(daysAgo));
      pragueDates.set(daysAgo, date);
      return date;
    },
    utcDate: (daysAgo = 0) => new Date(dayBefore(daysAgo)).toISOString().slice(0, 10),
    get secondsLeftToday() {
      return (secondsLeft ??= secondsUntilMidnight('Europe/Prague', now));
    },
  };
}

/** What a record depends on beside its family and index. */
export interface Origin {
  /** The name of the system, so that equal families of two systems differ. */
  readonly system: string;
  readonly seed: number;
  readonly clock: Clock;
}

/** The record as the application has just written it. */
export function freshRecord(family: Family, index: number, origin: Origin): SandboxRecord {
  const context = contextOf(family, index, origin);
  const key = bytesOf(family.key(context));
  const value = family.value(context);
  const seconds = family.ttlSeconds(context);
  return { key, value, ttlMillis: seconds === null ? null : seconds * 1000 };
}

/** The key alone. */
export function keyOf(family: Family, index: number, origin: Origin): ByteString {
  return bytesOf(family.key(contextOf(family, index, origin)));
}

/** A stream of its own for one purpose of one record. */
export function drawFor(family: Family, index: number, { system, seed }: Origin, purpose = ''): Draw {
  return new Draw(seed, `${system}/${family.name}/${purpose}`, index);
}

function contextOf(family: Family, index: number, origin: Origin): RecordContext {
  return { index, draw: drawFor(family, index, origin), clock: origin.clock };
}

/** A fixed TTL, or none. */
export function ttl(seconds: number | null): () => number | null {
  return () => seconds;
}
