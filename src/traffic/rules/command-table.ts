import { fnvBasis, fnvStep } from '../../support/hash.ts';
import type { CountingRule, KeyPlaces } from './counting-rules.ts';

/** Keys at every so many arguments, the first one's name being argument 0; `last` -1 is the end. */
export type KeyRange = Extract<KeyPlaces, { readonly kind: 'range' }>;

/** Among the options, or as an argument: from now on, as an instant, or for as long as the server runs. */
export type TtlPlace = 'options' | 'seconds' | 'millis' | 'at seconds' | 'at millis' | 'forever';

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
  /** Keys that may lose their value, or another of its parts, and get none where they have none. */
  readonly alters: KeyRange | null;
  /** Whether what it alters counts as written, as what it stores does. */
  readonly alteringWrites: boolean;
  /** What it stores has no time to live then, whatever the key had before. */
  readonly overwrites: boolean;
  /** Where the command says how long its first key lives. */
  readonly ttl: TtlPlace | null;
  /** SCAN, which before 8.0 looks up keys that it does not name. */
  readonly scans: boolean;
  /** FLUSHALL and FLUSHDB, after which keys are gone without an event. */
  readonly flushes: 'all' | 'database' | null;
}

/** The hash of a name with one more letter, whose bit 5 is off: the same for both cases. It starts at `fnvBasis`. */
export const nextNameHash = (hash: number, byte: number) => fnvStep(hash, byte & 0xdf);

const ttlPlaces: Readonly<Record<string, TtlPlace>> = {
  ...{ SET: 'options', GETEX: 'options', SETEX: 'seconds', PSETEX: 'millis', RESTORE: 'millis' },
  ...{
    EXPIRE: 'seconds',
    PEXPIRE: 'millis',
    EXPIREAT: 'at seconds',
    PEXPIREAT: 'at millis',
    PERSIST: 'forever',
  },
};

/** Commands that take away all the keys that they write. */
const removing: ReadonlySet<string> = new Set(['DEL', 'UNLINK', 'GETDEL', 'RENAME']);

/** Commands that store nothing where there is no key, and may leave none behind. */
const altering: ReadonlySet<string> = new Set([
  ...[
    'LPOP',
    'RPOP',
    'LPUSHX',
    'RPUSHX',
    'LSET',
    'LINSERT',
    'LREM',
    'LTRIM',
    'BLPOP',
    'BRPOP',
    'LMPOP',
    'BLMPOP',
  ],
  ...['HDEL', 'SREM', 'SPOP', 'ZREM', 'ZPOPMIN', 'ZPOPMAX', 'BZPOPMIN', 'BZPOPMAX', 'ZMPOP', 'BZMPOP'],
  ...['ZREMRANGEBYLEX', 'ZREMRANGEBYRANK', 'ZREMRANGEBYSCORE', 'VREM', 'VSETATTR'],
  ...['XACK', 'XCLAIM', 'XAUTOCLAIM', 'XDEL', 'XTRIM', 'XSETID', 'XREADGROUP', 'XGROUP'],
]);

/** Commands that store a result, or take the key away where that is empty. */
const resulting: ReadonlySet<string> = new Set([
  ...['SORT', 'BITOP', 'SINTERSTORE', 'SUNIONSTORE', 'SDIFFSTORE', 'ZRANGESTORE'],
  ...['ZINTERSTORE', 'ZUNIONSTORE', 'ZDIFFSTORE', 'GEORADIUS', 'GEORADIUSBYMEMBER', 'GEOSEARCHSTORE'],
]);

/** What these store has no time to live, whatever the key had before. */
const overwriting: ReadonlySet<string> = new Set([...resulting, 'GETSET', 'MSET', 'MSETNX']);

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
      add({ ...blank, name, alteringWrites: altering.has(name) });
    }
  }
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
  alters: null,
  alteringWrites: false,
  overwrites: false,
  ttl: null,
  scans: false,
  flushes: null,
};

function entryOf(rule: CountingRule): TableEntry {
  const { command: name, reads, writes, stores = writes, lookups = 1 } = rule;
  const isSet = name === 'SET';
  const isAltering = altering.has(name);
  const alters =
    isAltering || resulting.has(name) ? stores : stores === writes || removing.has(name) ? null : writes;
  const streams = canStream(reads) && canStream(stores) && (rule.readsWith === undefined || isSet);
  return {
    ...blank,
    ...{ name, rule, streams, lookups, ttl: ttlPlaces[name] ?? null, scans: name === 'SCAN' },
    ...{ alteringWrites: isAltering, overwrites: overwriting.has(name) },
    reads: streams && !isSet ? reads : null,
    stores: streams && !isAltering ? stores : null,
    removes: streams && removing.has(name) ? keysTaken(rule) : null,
    alters: streams && canStream(alters) ? alters : null,
  };
}

/** RENAME takes the first of its keys away. */
const keysTaken = ({ command, writes }: CountingRule): KeyRange | null =>
  command === 'RENAME' ? { kind: 'range', first: 1, last: 1, step: 1 } : canStream(writes) ? writes : null;

/** True for keys that are known as the arguments go by, without knowing how many there are. */
const canStream = (places: KeyPlaces | null): places is KeyRange | null =>
  places === null || (places.kind === 'range' && (places.last > 0 || places.last === -1));

function hashOfName(name: string): number {
  let hash = fnvBasis;
  for (let at = 0; at < name.length; at++) hash = nextNameHash(hash, name.charCodeAt(at));
  return hash;
}
