/**
 * Where the keys of a command stand. Arguments are numbered as MONITOR shows them: 0 is the command's name, and the
 * subcommand of a container (`OBJECT ENCODING`) is argument 1.
 */
export type KeyPlaces =
  /** Each `step`th argument; `last` may count from the end: -1 is the last argument. */
  | { readonly kind: 'range'; readonly first: number; readonly last: number; readonly step: number }
  /** Argument `countAt` says how many keys follow from `first` on: each `step`th argument. */
  | { readonly kind: 'counted'; readonly countAt: number; readonly first: number; readonly step: number }
  /** The first half of what follows the word STREAMS. */
  | { readonly kind: 'streams' }
  /** Argument `at`, where one of these words is at `from` or behind it; with `without`, where none does. */
  | {
      readonly kind: 'conditional';
      readonly at: number;
      readonly from: number;
      readonly words: readonly string[];
      readonly without?: true;
    }
  /** The argument behind the last of these words that is at `from` or behind it: STORE. */
  | { readonly kind: 'after'; readonly from: number; readonly words: readonly string[] }
  /** Argument `at`; where it is empty, what follows the word KEYS. */
  | { readonly kind: 'key or KEYS'; readonly at: number };

/** How the server counts one command in `keyspace_hits` and `keyspace_misses`. */
export interface CountingRule {
  /** In capitals; of a container with its subcommand: `OBJECT ENCODING`. */
  readonly command: string;
  /** Keys that are looked up for reading: each adds `lookups` hits, or as many misses. Null: nothing is counted. */
  readonly reads: KeyPlaces | null;
  /** Lookups of each key; 1 unless said. */
  readonly lookups?: number;
  /** The reads are counted only where this word is among the options: `GET` in `SET key value GET`. */
  readonly readsWith?: string;
  /**
   * The keys are looked up one after the other until one makes the command fail. Only the first lookup of the first key is
   * certain then, for MONITOR shows the command, and not that it failed.
   */
  readonly stopsAtError?: true;
  /** True where a miss is counted and no `keymiss` event reports it. */
  readonly silentMiss?: true;
  /** Keys that are written: given a value, removed, or given another time to live. Null: none. */
  readonly writes: KeyPlaces | null;
  /** Keys that are given a value, where these are not all that are written. Null: none. */
  readonly stores?: KeyPlaces | null;
  /** The product that counts it so, where another counts it in another way. Left out: all do. */
  readonly product?: 'redis' | 'valkey';
}

const keysFrom = (first: number, last = -1, step = 1): KeyPlaces => ({ kind: 'range', first, last, step });
const keyAt = (at: number) => keysFrom(at, at);
const countedAt = (countAt: number, step = 1): KeyPlaces => ({
  ...{ kind: 'counted', countAt, first: countAt + 1, step },
});
const words = (from: number, ...these: readonly string[]) => ({ from, words: these });
const bitfieldWrites = { kind: 'conditional', at: 1, ...words(2, 'SET', 'INCRBY') } as const;
const streams: KeyPlaces = { kind: 'streams' };
const migrated: KeyPlaces = { kind: 'key or KEYS', at: 3 };
/** Commands that take values away, or change how long they live. */
const storingNothing = { stores: null };
/** Commands over several keys that look up no further one behind an error. */
const stopping = { stopsAtError: true } as const;

type Terms = Omit<CountingRule, 'command' | 'reads' | 'writes'>;
/** The same rule for commands that look up keys in the same places, and write keys in the same places. */
const both = (reads: KeyPlaces | null, writes: KeyPlaces | null, terms: Terms, ...commands: string[]) =>
  commands.map((command): CountingRule => ({ command, reads, writes, ...terms }));
const reading = (reads: KeyPlaces, ...commands: string[]) => both(reads, null, {}, ...commands);
/** Their lookups are not counted. */
const writing = (writes: KeyPlaces, ...commands: string[]) => both(null, writes, {}, ...commands);
const changing = (writes: KeyPlaces, ...commands: string[]) =>
  both(null, writes, storingNothing, ...commands);

/**
 * How Redis from 7.0 on and Valkey count each command that reads or writes keys; a command without a rule does neither.
 * Measured, row by row, by test/integration/counting-rules.test.ts; docs/counting-rules.md says it in words.
 */
export const countingRules: readonly CountingRule[] = [
  // Keys of any type.
  ...reading(keysFrom(1), 'EXISTS', 'TOUCH'),
  ...reading(keyAt(1), 'TYPE', 'TTL', 'PTTL', 'EXPIRETIME', 'PEXPIRETIME', 'DUMP'),
  ...both(keyAt(2), null, { silentMiss: true }, 'OBJECT ENCODING', 'OBJECT FREQ', 'OBJECT IDLETIME'),
  ...both(keyAt(2), null, { silentMiss: true }, 'OBJECT REFCOUNT'),
  ...changing(keysFrom(1), 'DEL', 'UNLINK'),
  ...changing(keyAt(1), 'EXPIRE', 'EXPIREAT', 'PEXPIRE', 'PEXPIREAT', 'PERSIST'),
  ...writing(keyAt(1), 'RESTORE', 'RESTORE-ASKING'),
  ...both(null, keysFrom(1, 2), { stores: keyAt(2) }, 'RENAME', 'RENAMENX'),
  // The key that MOVE makes, and COPY with DB, is in another database, which is not seen.
  ...changing(keyAt(1), 'MOVE'),
  ...both(keyAt(1), keyAt(2), {}, 'COPY'),
  // With COPY, and where no key exists or the other server fails, it writes nothing.
  ...both(migrated, migrated, storingNothing, 'MIGRATE'),
  // BY and GET with a `*` look up one key more for each element.
  ...both(keyAt(1), { kind: 'after', ...words(2, 'STORE') }, {}, 'SORT'),
  ...reading(keyAt(1), 'SORT_RO'),
  // With TYPE, it counts a hit for each key that MATCH lets through, but on Valkey from 8.0 on.
  { command: 'SCAN', reads: null, writes: null },

  // Strings, bit maps and HyperLogLogs.
  ...reading(keysFrom(1), 'MGET'),
  ...reading(keysFrom(1, 2), 'LCS'),
  ...reading(keyAt(1), 'GET', 'GETRANGE', 'SUBSTR', 'STRLEN'),
  ...reading(keyAt(1), 'GETBIT', 'BITCOUNT', 'BITPOS', 'BITFIELD_RO'),
  ...both(keyAt(1), keyAt(1), {}, 'GETSET'),
  ...both(keyAt(1), keyAt(1), storingNothing, 'GETDEL'),
  {
    command: 'GETEX',
    reads: keyAt(1),
    writes: { kind: 'conditional', at: 1, ...words(2, 'EX', 'PX', 'EXAT', 'PXAT', 'PERSIST') },
    stores: null,
  },
  { command: 'SET', reads: keyAt(1), readsWith: 'GET', writes: keyAt(1) },
  ...writing(keyAt(1), 'SETEX', 'PSETEX', 'SETNX', 'SETRANGE', 'APPEND', 'SETBIT'),
  ...writing(keyAt(1), 'INCR', 'DECR', 'INCRBY', 'DECRBY', 'INCRBYFLOAT'),
  ...writing(keysFrom(1, -1, 2), 'MSET', 'MSETNX'),
  ...writing(countedAt(1, 2), 'MSETEX'),
  ...changing(keyAt(1), 'DELIFEQ'),
  ...both({ ...bitfieldWrites, without: true }, bitfieldWrites, {}, 'BITFIELD'),
  ...both(keysFrom(3), keyAt(2), stopping, 'BITOP'),
  // Of one key it may store the count with the key, which is not taken for a write.
  ...both(keysFrom(1), null, stopping, 'PFCOUNT'),
  ...both(keysFrom(1), keyAt(1), stopping, 'PFMERGE'),
  ...writing(keyAt(1), 'PFADD'),

  // Hashes, lists and sets.
  ...reading(keyAt(1), 'HGET', 'HMGET', 'HGETALL', 'HKEYS', 'HVALS', 'HLEN', 'HEXISTS', 'HSTRLEN'),
  ...reading(keyAt(1), 'HSCAN', 'HRANDFIELD'),
  ...reading(keyAt(1), 'HTTL', 'HPTTL', 'HEXPIRETIME', 'HPEXPIRETIME'),
  ...writing(keyAt(1), 'HSET', 'HMSET', 'HSETNX', 'HDEL', 'HINCRBY', 'HINCRBYFLOAT'),
  ...writing(keyAt(1), 'HSETEX'),
  ...changing(keyAt(1), 'HEXPIRE', 'HPEXPIRE', 'HEXPIREAT', 'HPEXPIREAT', 'HPERSIST', 'HGETDEL'),
  ...both(null, keyAt(1), { stores: null, product: 'redis' }, 'HGETEX'),
  ...both(keyAt(1), keyAt(1), { stores: null, product: 'valkey' }, 'HGETEX'),
  ...reading(keyAt(1), 'LLEN', 'LINDEX', 'LRANGE', 'LPOS'),
  ...writing(keyAt(1), 'LPUSH', 'RPUSH', 'LPUSHX', 'RPUSHX', 'LPOP', 'RPOP'),
  ...writing(keyAt(1), 'LSET', 'LINSERT', 'LREM', 'LTRIM'),
  ...both(null, keysFrom(1, 2), { stores: keyAt(2) }, 'LMOVE', 'BLMOVE', 'RPOPLPUSH', 'BRPOPLPUSH'),
  // These write only the first of the keys that holds something.
  ...writing(keysFrom(1, -2), 'BLPOP', 'BRPOP'),
  ...writing(countedAt(1), 'LMPOP'),
  ...writing(countedAt(2), 'BLMPOP'),
  ...reading(keyAt(1), 'SCARD', 'SISMEMBER', 'SMISMEMBER', 'SMEMBERS', 'SRANDMEMBER', 'SSCAN'),
  ...writing(keyAt(1), 'SADD', 'SREM', 'SPOP'),
  ...both(null, keysFrom(1, 2), { stores: keyAt(2) }, 'SMOVE'),
  ...both(keysFrom(1), null, stopping, 'SINTER', 'SUNION', 'SDIFF'),
  ...both(countedAt(1), null, stopping, 'SINTERCARD'),
  ...both(keysFrom(2), keyAt(1), stopping, 'SINTERSTORE', 'SUNIONSTORE', 'SDIFFSTORE'),

  // Sorted sets, and the places on earth that are kept in them.
  ...reading(keyAt(1), 'ZCARD', 'ZCOUNT', 'ZLEXCOUNT', 'ZSCORE', 'ZMSCORE', 'ZRANK', 'ZREVRANK'),
  ...reading(keyAt(1), 'ZRANGE', 'ZRANGEBYLEX', 'ZRANGEBYSCORE', 'ZRANDMEMBER', 'ZSCAN'),
  ...reading(keyAt(1), 'ZREVRANGE', 'ZREVRANGEBYLEX', 'ZREVRANGEBYSCORE'),
  ...both(keyAt(2), keyAt(1), {}, 'ZRANGESTORE'),
  ...writing(keyAt(1), 'ZADD', 'ZINCRBY', 'ZREM', 'ZPOPMIN', 'ZPOPMAX'),
  ...writing(keyAt(1), 'ZREMRANGEBYLEX', 'ZREMRANGEBYRANK', 'ZREMRANGEBYSCORE'),
  // These write only the first of the keys that holds something.
  ...writing(keysFrom(1, -2), 'BZPOPMIN', 'BZPOPMAX'),
  ...writing(countedAt(1), 'ZMPOP'),
  ...writing(countedAt(2), 'BZMPOP'),
  ...both(countedAt(1), null, stopping, 'ZINTER', 'ZUNION', 'ZDIFF', 'ZINTERCARD'),
  ...both(countedAt(2), keyAt(1), stopping, 'ZINTERSTORE', 'ZUNIONSTORE', 'ZDIFFSTORE'),
  ...reading(keyAt(1), 'GEODIST', 'GEOHASH', 'GEOPOS', 'GEOSEARCH'),
  ...reading(keyAt(1), 'GEORADIUS_RO', 'GEORADIUSBYMEMBER_RO'),
  ...both(keyAt(1), { kind: 'after', ...words(6, 'STORE', 'STOREDIST') }, {}, 'GEORADIUS'),
  ...both(keyAt(1), { kind: 'after', ...words(5, 'STORE', 'STOREDIST') }, {}, 'GEORADIUSBYMEMBER'),
  ...both(keyAt(2), keyAt(1), {}, 'GEOSEARCHSTORE'),
  ...writing(keyAt(1), 'GEOADD'),

  // Vector sets.
  ...reading(keyAt(1), 'VCARD', 'VDIM', 'VEMB', 'VGETATTR', 'VINFO', 'VISMEMBER', 'VLINKS'),
  ...reading(keyAt(1), 'VRANDMEMBER', 'VSIM'),
  ...writing(keyAt(1), 'VADD', 'VREM', 'VSETATTR'),

  // Each stream is looked up twice: to resolve its ID or group, and to read it. From 7.2 on, a command that waited looks its
  // keys up again when it is served. Where a stream or the group of an XREADGROUP does not exist, that stream and those
  // before it are looked up once, and those behind it not at all.
  ...both(streams, null, { ...stopping, lookups: 2 }, 'XREAD'),
  ...both(streams, streams, { ...stopping, lookups: 2 }, 'XREADGROUP'),
  ...reading(keyAt(1), 'XLEN', 'XRANGE', 'XREVRANGE', 'XPENDING'),
  ...reading(keyAt(2), 'XINFO STREAM', 'XINFO GROUPS', 'XINFO CONSUMERS'),
  ...both(keyAt(1), keyAt(1), {}, 'XACK', 'XCLAIM', 'XAUTOCLAIM'),
  ...writing(keyAt(1), 'XADD', 'XDEL', 'XTRIM', 'XSETID'),
  ...writing(keyAt(2), 'XGROUP CREATE', 'XGROUP SETID', 'XGROUP DESTROY'),
  ...writing(keyAt(2), 'XGROUP CREATECONSUMER', 'XGROUP DELCONSUMER'),
];

/** The rules by which a product counts; one that is not known counts as Redis does. */
export function rulesOf(product: string): readonly CountingRule[] {
  const own = product === 'valkey' ? 'valkey' : 'redis';
  return countingRules.filter(({ product: only = own }) => only === own);
}

/** Commands that take keys and count nothing, as the commands that a script calls do. */
export const uncountedCommands: ReadonlySet<string> = new Set([
  ...['MEMORY', 'WATCH', 'CLUSTERSCAN', 'PFDEBUG'],
  ...['EVAL', 'EVALSHA', 'FCALL', 'EVAL_RO', 'EVALSHA_RO', 'FCALL_RO'],
]);

const ruledCommands: ReadonlySet<string> = new Set(
  countingRules.map(({ command }) => command.split(' ')[0] ?? ''),
);

/** False where nothing is known of how the server counts it. */
export const isKnownCommand = (name: string) => ruledCommands.has(name) || uncountedCommands.has(name);
