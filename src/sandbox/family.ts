import { buildMap } from '../config/build-map.ts';
import type { ConfigFile } from '../config/schema.ts';
import type { Namespace } from '../keyspace/map.ts';
import type { KeyPattern } from '../keyspace/pattern.ts';
import { secondsUntilMidnight, ttlSecondsFor } from '../keyspace/ttl.ts';
import { asBytes, type ByteString, bytesOf } from '../support/bytes.ts';
import { SeededRandom } from '../support/random.ts';

/** One key of a sandbox. */
export interface SandboxRecord {
  readonly key: ByteString;
  readonly value: ByteString;
  /** Milliseconds left to live; null: never expires. */
  readonly ttlMillis: number | null;
}

/** Keys of one shape and meaning, and how the application uses them. Records are made one by one, from their index. */
export interface Family {
  /** Unique within its system; the random numbers of its records depend on it. */
  readonly name: string;
  readonly namespace: string;
  /** Share of the keys, relative to the other families. */
  readonly keys: number;
  /** How many different keys there can be; undefined: no limit. */
  readonly limit?: number;
  /** Share of the traffic, relative to the other families; 0: written, and never read again. */
  readonly reads: number;
  /** Ratio from 0 to 1 of the reads that the application finds in the cache. */
  readonly hitRate: number;
  /** True where the TTL runs to a fixed moment, however old the key is. */
  readonly endsAtMidnight: boolean;
  /** True for sessions, unlocks and the like, which exist or do not: nothing computes them after a miss. */
  readonly state: boolean;
  /** True for counters: the application increments them, and reads them on the way. */
  readonly counter?: boolean;
  /** The TTL that the application writes it with. Null: none. */
  ttlSeconds(record: RecordContext): number | null;
  key(record: RecordContext): ByteString;
  value(record: RecordContext): ByteString;
}

export interface RecordContext {
  /** From 0 upwards within the family; low indexes are the ones most used. */
  readonly index: number;
  readonly draw: SeededRandom;
  readonly clock: Clock;
}

type Word = string | ((record: RecordContext) => string | number);

/** What keys have in place of placeholders, and of `*`: a list has a word for each place of a pattern. */
type Words = Readonly<Record<string, Word | readonly Word[]>>;

/** What the map does not have of a family. */
interface FamilyPlan
  extends
    Pick<Family, 'keys' | 'hitRate' | 'value'>,
    Partial<Pick<Family, 'reads' | 'limit' | 'state' | 'counter'>> {
  /** Default: the family's name. */
  readonly namespace?: string;
  /** Which of the namespace's patterns its keys have. Default: the first. */
  readonly pattern?: number | ((record: RecordContext) => number);
  /** In place of the system's. */
  readonly words?: Words;
  /** Where the application does not keep the map's rule, or the rule is a range. */
  readonly ttlSeconds?: number | null | ((record: RecordContext) => number);
}

/**
 * The families of a system. Patterns, TTL rules and kinds are those of its map.
 * @param config an example's map, which tests validate
 */
export function familiesFrom(
  config: object,
  words: Words,
  plans: Readonly<Record<string, FamilyPlan>>,
): readonly Family[] {
  const namespaces = new Map(buildMap(config as ConfigFile).namespaces.map((each) => [each.name, each]));
  return Object.entries(plans).map(([name, plan]) => {
    const namespace = namespaces.get(plan.namespace ?? name);
    if (namespace === undefined) throw new Error(`the map has no namespace for the family \`${name}\``);
    return familyOf(name, namespace, { reads: plan.keys, ...plan, words: { ...words, ...plan.words } });
  });
}

function familyOf(
  name: string,
  { name: namespace, patterns, kind, ttl }: Namespace,
  { pattern = 0, words, ttlSeconds, ...plan }: FamilyPlan & { readonly reads: number; readonly words: Words },
): Family {
  const keys = patterns.map(({ parts }) => writersOf(parts, words));
  return {
    state: kind === 'state',
    ...plan,
    ...{ name, namespace },
    endsAtMidnight: ttl?.kind === 'untilMidnight',
    ttlSeconds(record) {
      if (ttlSeconds !== undefined) return typeof ttlSeconds === 'function' ? ttlSeconds(record) : ttlSeconds;
      if (ttl === null) return null;
      const { clock, draw } = record;
      // The clock computes it once.
      return ttl.kind === 'untilMidnight'
        ? clock.secondsLeftToday
        : ttlSecondsFor(ttl, 0, clock.now, () => draw.fraction());
    },
    key(record) {
      const writers = keys[typeof pattern === 'function' ? pattern(record) : pattern] ?? [];
      return asBytes(writers.map((write) => write(record)).join(''));
    },
  };
}

/** What gives the parts of a key, one after the other. */
function writersOf(parts: KeyPattern['parts'], words: Words): ((record: RecordContext) => ByteString)[] {
  const places = new Map<string, number>();
  return parts.map((part) => {
    if (part.kind === 'literal') return () => part.bytes;
    const name = part.kind === 'placeholder' ? part.name : '*';
    const place = places.get(name) ?? 0;
    places.set(name, place + 1);
    const given = words[name];
    const word = typeof given === 'object' ? given[place] : given;
    return (record) => bytesOf(String(typeof word === 'function' ? word(record) : word));
  });
}

const timeZone = 'Europe/Prague';

/** Dates as the applications put them into keys. */
export class Clock {
  // To format a date in a time zone takes as long as to make a whole record.
  private readonly pragueDates = new Map<number, string>();
  private secondsLeft: number | undefined;

  /** @param now milliseconds since the epoch */
  constructor(readonly now: number) {}

  /** `YYYY-MM-DD` in Prague, `daysAgo` days before today. */
  pragueDate(daysAgo = 0): string {
    const known = this.pragueDates.get(daysAgo);
    if (known !== undefined) return known;
    const format = new Intl.DateTimeFormat('en-CA', { timeZone, dateStyle: 'short' });
    const date = format.format(this.dayBefore(daysAgo));
    this.pragueDates.set(daysAgo, date);
    return date;
  }

  utcDate(daysAgo = 0): string {
    return new Date(this.dayBefore(daysAgo)).toISOString().slice(0, 10);
  }

  /** Seconds until midnight in Prague. */
  get secondsLeftToday(): number {
    return (this.secondsLeft ??= secondsUntilMidnight(timeZone, this.now));
  }

  private dayBefore(daysAgo: number): number {
    return this.now - daysAgo * 86_400_000;
  }
}

/** What a record depends on in addition to its family and index. */
export interface Origin {
  /** The name of the system, so that equal families of two systems differ. */
  readonly system: string;
  readonly seed: number;
  readonly clock: Clock;
}

/** The record as the application has just written it. */
export function freshRecord(family: Family, index: number, origin: Origin): SandboxRecord {
  const context = contextOf(family, index, origin);
  // In this order, for each takes its random numbers from the same stream.
  const key = family.key(context);
  const value = family.value(context);
  const seconds = family.ttlSeconds(context);
  return { key, value, ttlMillis: seconds === null ? null : seconds * 1000 };
}

/** The key alone. */
export function keyOf(family: Family, index: number, origin: Origin): ByteString {
  return family.key(contextOf(family, index, origin));
}

/** A stream of its own for one purpose of one record. */
export function drawFor(family: Family, index: number, { system, seed }: Origin, purpose = ''): SeededRandom {
  return new SeededRandom(seed, `${system}/${family.name}/${purpose}`, index);
}

function contextOf(family: Family, index: number, origin: Origin): RecordContext {
  return { index, draw: drawFor(family, index, origin), clock: origin.clock };
}
