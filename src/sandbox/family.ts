import boardroomMap from '../../examples/boardroom/cachectl.config.json';
import boardroom from '../../examples/boardroom/sandbox.json';
import contentMap from '../../examples/content/cachectl.config.json';
import content from '../../examples/content/sandbox.json';
import educationMap from '../../examples/education/cachectl.config.json';
import education from '../../examples/education/sandbox.json';
import honzikMap from '../../examples/honzik/cachectl.config.json';
import honzik from '../../examples/honzik/sandbox.json';
import subjunctiveMap from '../../examples/subjunctive/cachectl.config.json';
import subjunctive from '../../examples/subjunctive/sandbox.json';
import { buildMap } from '../config/build-map.ts';
import type { Encoding, Namespace } from '../keyspace/map.ts';
import type { KeyPattern } from '../keyspace/pattern.ts';
import { ttlSecondsFor } from '../keyspace/ttl.ts';
import { asBytes, type ByteString, bytesOf } from '../support/bytes.ts';
import { SeededRandom } from '../support/random.ts';
import type { Clock } from './clock.ts';
import { combinations, type PickledObject, pickledObject } from './formats.ts';
import type { FaultName, SystemName } from './systems.ts';
import { compile, type Make, type RecordContext, type Scope } from './template.ts';

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
  /** How many different keys there can be. */
  readonly limit: number;
  /** Share of the traffic, relative to the other families; 0: written, and never read again. */
  readonly reads: number;
  /** Ratio from 0 to 1 of the reads that the application finds in the cache. */
  readonly hitRate: number;
  /** True where the TTL runs to a fixed moment, however old the key is. */
  readonly endsAtMidnight: boolean;
  /** True for sessions, unlocks and the like, which exist or do not: nothing computes them after a miss. */
  readonly state: boolean;
  /** True for counters: the application increments them, and reads them on the way. */
  readonly counter: boolean;
  /** The TTL that the application writes it with. Null: none. */
  ttlSeconds(record: RecordContext): number | null;
  key(record: RecordContext): ByteString;
  value(record: RecordContext): ByteString;
}

/** `sandbox.json` of an example: what its map does not have. */
interface SystemFile extends Omit<Scope, 'combine'> {
  /** One that has keys whatever the seed: its name in the map, and an id. */
  readonly entity: readonly string[];
  /** Templates for values of several families. `${size}` in one is what follows its name: `answer 300`. */
  readonly values: Readonly<Record<string, unknown>>;
  readonly families: Readonly<Record<string, FamilyFile>>;
  /** What each fault is in the words of this application, and the namespaces that it hits. */
  readonly faults: Readonly<Record<FaultName, readonly string[]>>;
}

interface FamilyFile
  extends Pick<Family, 'keys' | 'hitRate'>, Partial<Pick<Family, 'reads' | 'limit' | 'state' | 'counter'>> {
  /** Why it is as it is. */
  readonly note?: string;
  /** Default: the family's name. */
  readonly namespace?: string;
  /** Which of the namespace's patterns its keys have, the last of several for all that follow. Default: the first. */
  readonly pattern?: number | readonly number[];
  /** Lists of which each key has another combination, so that there are as many keys. */
  readonly combine?: readonly string[];
  /** What keys have in place of placeholders, and of `*`: a list has a word for each place. */
  readonly words?: Readonly<Record<string, unknown>>;
  /** Where the application does not keep the map's rule, or the rule is a range: one of these. */
  readonly ttlSeconds?: number | null | readonly number[];
  /** A template, or the name of one in `values`. */
  readonly value: unknown;
}

const files: Readonly<Record<SystemName, readonly [map: object, system: object]>> = {
  education: [educationMap, education],
  content: [contentMap, content],
  subjunctive: [subjunctiveMap, subjunctive],
  boardroom: [boardroomMap, boardroom],
  honzik: [honzikMap, honzik],
};

export const systemFileOf = (system: SystemName) => files[system][1] as SystemFile;

const built = new Map<SystemName, readonly Family[]>();

/** The families of a system. Patterns, TTL rules, kinds and encodings are those of its map. */
export function familiesOf(system: SystemName): readonly Family[] {
  let families = built.get(system);
  if (families === undefined) {
    const { namespaces } = buildMap(files[system][0]);
    const file = systemFileOf(system);
    families = Object.entries(file.families).map(([name, family]) => {
      const namespace = namespaces.find((each) => each.name === (family.namespace ?? name));
      if (namespace === undefined) throw new Error(`the map has no namespace for the family \`${name}\``);
      return familyOf(name, namespace, family, file);
    });
    built.set(system, families);
  }
  return families;
}

function familyOf(
  name: string,
  { name: namespace, patterns, kind, ttl, encoding }: Namespace,
  { pattern = 0, combine = [], words, ttlSeconds, value, ...family }: FamilyFile,
  { language, lists, values, ...system }: SystemFile,
): Family {
  const scope = { language, lists, combine, words: { ...system.words, ...words } };
  const keys = patterns.map(({ parts }) => compileKey(parts, scope));
  const [shape = '', size] = typeof value === 'string' ? value.split(' ') : [];
  const makeValue =
    shape in values
      ? compile(values[shape], { ...scope, words: { ...scope.words, size } })
      : compile(value, scope);
  const write = writers[encoding ?? 'text'];
  const ttls = typeof ttlSeconds === 'number' ? ([ttlSeconds] as const) : ttlSeconds;
  return {
    state: kind === 'state',
    counter: false,
    reads: family.keys,
    limit: combine.length === 0 ? Infinity : combinations(combine.map((each) => lists[each]?.length ?? 0)),
    ...family,
    ...{ name, namespace },
    endsAtMidnight: ttl?.kind === 'untilMidnight',
    ttlSeconds({ clock, draw }) {
      if (ttls !== undefined) return ttls && draw.pick(ttls as [number, ...number[]]);
      if (ttl === null) return null;
      // The clock computes it once.
      return ttl.kind === 'untilMidnight'
        ? clock.secondsLeftToday
        : ttlSecondsFor(ttl, 0, clock.now, () => draw.fraction());
    },
    key(record) {
      const place =
        typeof pattern === 'number' ? pattern : pattern[Math.min(record.index, pattern.length - 1)];
      return asBytes((keys[place ?? 0] ?? []).map((make) => make(record)).join(''));
    },
    value: (record) => write(makeValue(record)),
  };
}

/** What gives the parts of a key, one after the other. */
function compileKey(parts: KeyPattern['parts'], scope: Scope): ((record: RecordContext) => ByteString)[] {
  const places = new Map<string, number>();
  return parts.map((part) => {
    if (part.kind === 'literal') return () => part.bytes;
    const name = part.kind === 'placeholder' ? part.name : '*';
    const place = places.get(name) ?? 0;
    places.set(name, place + 1);
    const word = scope.words[name];
    const make: Make = compile(Array.isArray(word) ? word[place] : word, scope);
    return (record) => bytesOf(String(make(record)));
  });
}

const json = (value: unknown) => bytesOf(JSON.stringify(value));
const text = (value: unknown) => bytesOf(String(value));

const writers: Readonly<Record<Encoding, (value: unknown) => ByteString>> = {
  ...{ json, 'json-envelope': json, text, integer: text, fernet: text },
  binary: (value) => asBytes(String(value)),
  pickle: (value) => pickledObject(value as PickledObject),
};

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
