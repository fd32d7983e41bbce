import { fnvBasis, fnvStep } from '../../support/hash.ts';
import type { CountingRule, KeyPlaces } from './counting-rules.ts';

/** Keys at every so many arguments, the first one's name being argument 0; `last` -1 is the end. */
export type KeyRange = Extract<KeyPlaces, { readonly kind: 'range' }>;

export type TtlPlace = 'options' | 'seconds' | 'millis';

/** What MONITOR's reader has to do with a command. */
export interface TableEntry {
  /** The name's bytes, in capitals. */
  readonly name: string;
  /** Null for a container, whose subcommands have the rules, and for a flush. */
  readonly rule: CountingRule | null;
  /** False: the whole line is taken apart, and the rule applied to its arguments. */
  readonly streams: boolean;
  readonly lookups: number;
  /** Keys that are known as the arguments go by; null: none. */
  readonly reads: KeyRange | null;
  readonly stores: KeyRange | null;
  /** Keys that are gone then, whatever they held. */
  readonly removes: KeyRange | null;
  /** Where the command says how long a key lives: among SET's options, or as an argument in (milli)seconds. */
  readonly ttl: TtlPlace | null;
  /** SCAN, which before 8.0 looks up keys that it does not name. */
  readonly scans: boolean;
  /** FLUSHALL and FLUSHDB, after which keys are gone without an event. */
  readonly flushes: 'all' | 'database' | null;
}

/** The hash of a name with one more letter, whose bit 5 is off: the same for both cases. It starts at `fnvBasis`. */
export const nextNameHash = (hash: number, byte: number) => fnvStep(hash, byte & 0xdf);

const ttlPlaces: Readonly<Record<string, TtlPlace>> = {
  SET: 'options',
  SETEX: 'seconds',
  EXPIRE: 'seconds',
  PSETEX: 'millis',
  PEXPIRE: 'millis',
};

/** Commands that take away all the keys that they write. */
const removing: ReadonlySet<string> = new Set(['DEL', 'UNLINK', 'GETDEL']);

/** The rules by the hash of the command's name, and those of containers by `OBJECT ENCODING`. */
export interface CommandTable {
  readonly byHash: ReadonlyMap<number, TableEntry>;
  readonly subcommands: ReadonlyMap<string, CountingRule>;
}

/** @throws Error where two names share a hash, which is a matter of the rules alone */
export function commandTable(rules: readonly CountingRule[]): CommandTable {
  const byHash = new Map<number, TableEntry>();
  const subcommands = new Map<string, CountingRule>();
  const add = (entry: TableEntry) => {
    const hash = hashOfName(entry.name);
    const other = byHash.get(hash);
    if (other !== undefined && other.name !== entry.name)
      throw new Error(`${entry.name} and ${other.name} share a hash`);
    byHash.set(hash, entry);
  };
  for (const rule of rules) {
    const [name = '', subcommand] = rule.command.split(' ');
    if (subcommand === undefined) add(entryOf(rule));
    else {
      subcommands.set(rule.command, rule);
      add({ ...blank, name });
    }
  }
  // Commands that change how long a key lives count nothing, and need no rule.
  for (const name of Object.keys(ttlPlaces))
    if (!byHash.has(hashOfName(name))) add({ ...blank, name, streams: true, ttl: ttlPlaces[name] ?? null });
  add({ ...blank, name: 'FLUSHALL', flushes: 'all' });
  add({ ...blank, name: 'FLUSHDB', flushes: 'database' });
  return { byHash, subcommands };
}

const blank: TableEntry = {
  name: '',
  rule: null,
  streams: false,
  lookups: 0,
  reads: null,
  stores: null,
  removes: null,
  ttl: null,
  scans: false,
  flushes: null,
};

function entryOf(rule: CountingRule): TableEntry {
  const { command: name, reads, writes, stores = writes, lookups = 1 } = rule;
  const isSet = name === 'SET';
  const streams = canStream(reads) && canStream(stores) && (rule.readsWith === undefined || isSet);
  return {
    ...blank,
    ...{ name, rule, streams, lookups, ttl: ttlPlaces[name] ?? null, scans: name === 'SCAN' },
    reads: streams && !isSet ? reads : null,
    stores: streams ? stores : null,
    removes: streams && removing.has(name) && canStream(writes) ? writes : null,
  };
}

/** True for keys that are known as the arguments go by, without knowing how many there are. */
const canStream = (places: KeyPlaces | null): places is KeyRange | null =>
  places === null || (places.kind === 'range' && (places.last > 0 || places.last === -1));

function hashOfName(name: string): number {
  let hash = fnvBasis;
  for (let at = 0; at < name.length; at++) hash = nextNameHash(hash, name.charCodeAt(at));
  return hash;
}
