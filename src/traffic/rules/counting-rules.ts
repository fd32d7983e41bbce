/**
 * Where the keys of a command stand. Arguments are numbered as MONITOR shows them: 0 is the command's name, and the
 * subcommand of a container (`OBJECT ENCODING`) is argument 1.
 */
export type KeyPlaces =
  /** `last` may count from the end: -1 is the last argument. */
  | { readonly kind: 'range'; readonly first: number; readonly last: number; readonly step: number }
  /** Argument `countAt` says how many keys follow from `first` on. */
  | { readonly kind: 'counted'; readonly countAt: number; readonly first: number }
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
}
const keyAt = (at: number): KeyPlaces => ({ kind: 'range', first: at, last: at, step: 1 });

/** @param last may count from the end: -1 is the last argument */
const keysFrom = (first: number, last = -1, step = 1): KeyPlaces => ({
  kind: 'range',
  first,
  last,
  step,
});

/** The keys stand behind the argument that says how many they are. */
const countedAt = (countAt: number): KeyPlaces => ({ kind: 'counted', countAt, first: countAt + 1 });

/** The argument behind the option STORE, or its like. */
const storedAfter = (from: number, ...words: readonly string[]): KeyPlaces => ({
  kind: 'after',
  from,
  words,
});

/** One rule for commands that look up keys in the same places, and write none. */
function reading(reads: KeyPlaces, ...commands: readonly string[]): CountingRule[] {
  return commands.map((command) => ({ command, reads, writes: null }));
}

/** One rule for commands that write keys in the same places, and whose lookups are not counted. */
function writing(writes: KeyPlaces, ...commands: readonly string[]): CountingRule[] {
  return commands.map((command) => ({ command, reads: null, writes }));
}

/** One rule for commands that look up some keys, and write the same or others. */
function readingAndWriting(
  reads: KeyPlaces,
  writes: KeyPlaces,
  ...commands: readonly string[]
): CountingRule[] {
  return commands.map((command) => ({ command, reads, writes }));
}

/** The same for commands that take values away, or change how long they live. */
function storingNothing(rules: readonly CountingRule[]): CountingRule[] {
  return rules.map((rule) => ({ ...rule, stores: null }));
}

/** The same for commands over several keys that look up no further one behind an error. */
function stoppingAtError(rules: readonly CountingRule[]): CountingRule[] {
  return rules.map((rule) => ({ ...rule, stopsAtError: true }));
}

const bitfieldWrites: KeyPlaces = { kind: 'conditional', at: 1, from: 2, words: ['SET', 'INCRBY'] };

/** Strings, bit maps and HyperLogLogs. */
export const stringRules: readonly CountingRule[] = [
  ...reading(keysFrom(1), 'MGET'),
  ...reading(keysFrom(1, 2), 'LCS'),
  ...reading(keyAt(1), 'GET', 'GETRANGE', 'SUBSTR', 'STRLEN'),
  ...reading(keyAt(1), 'GETBIT', 'BITCOUNT', 'BITPOS', 'BITFIELD_RO'),
  ...readingAndWriting(keyAt(1), keyAt(1), 'GETSET'),
  ...storingNothing(readingAndWriting(keyAt(1), keyAt(1), 'GETDEL')),
  {
    command: 'GETEX',
    reads: keyAt(1),
    writes: { kind: 'conditional', at: 1, from: 2, words: ['EX', 'PX', 'EXAT', 'PXAT', 'PERSIST'] },
    stores: null,
  },
  { command: 'SET', reads: keyAt(1), readsWith: 'GET', writes: keyAt(1) },
  ...writing(keyAt(1), 'SETEX', 'PSETEX', 'SETNX', 'SETRANGE', 'APPEND', 'SETBIT'),
  ...writing(keyAt(1), 'INCR', 'DECR', 'INCRBY', 'DECRBY', 'INCRBYFLOAT'),
  ...writing(keysFrom(1, -1, 2), 'MSET', 'MSETNX'),
  { command: 'BITFIELD', reads: { ...bitfieldWrites, without: true }, writes: bitfieldWrites },
  ...stoppingAtError(readingAndWriting(keysFrom(3), keyAt(2), 'BITOP')),
  // Of one key it may store the count with the key, which is not taken for a write.
  ...stoppingAtError(reading(keysFrom(1), 'PFCOUNT')),
  ...stoppingAtError(readingAndWriting(keysFrom(1), keyAt(1), 'PFMERGE')),
  ...writing(keyAt(1), 'PFADD'),
];

/** Hashes, lists and sets. */
export const collectionRules: readonly CountingRule[] = [
  ...reading(keyAt(1), 'HGET', 'HMGET', 'HGETALL', 'HKEYS', 'HVALS', 'HLEN', 'HEXISTS', 'HSTRLEN'),
  ...reading(keyAt(1), 'HSCAN', 'HRANDFIELD'),
  ...reading(keyAt(1), 'HTTL', 'HPTTL', 'HEXPIRETIME', 'HPEXPIRETIME'),
  ...writing(keyAt(1), 'HSET', 'HMSET', 'HSETNX', 'HDEL', 'HINCRBY', 'HINCRBYFLOAT'),
  ...writing(keyAt(1), 'HSETEX'),
  ...storingNothing(
    writing(keyAt(1), 'HEXPIRE', 'HPEXPIRE', 'HEXPIREAT', 'HPEXPIREAT', 'HPERSIST', 'HGETDEL'),
  ),
  // Valkey 9 counts a lookup of its key.
  ...storingNothing(writing(keyAt(1), 'HGETEX')),

  ...reading(keyAt(1), 'LLEN', 'LINDEX', 'LRANGE', 'LPOS'),
  ...writing(keyAt(1), 'LPUSH', 'RPUSH', 'LPUSHX', 'RPUSHX', 'LPOP', 'RPOP'),
  ...writing(keyAt(1), 'LSET', 'LINSERT', 'LREM', 'LTRIM'),
  ...writing(keysFrom(1, 2), 'LMOVE', 'BLMOVE', 'RPOPLPUSH', 'BRPOPLPUSH'),
  // These write only the first of the keys that holds something.
  ...writing(keysFrom(1, -2), 'BLPOP', 'BRPOP'),
  ...writing(countedAt(1), 'LMPOP'),
  ...writing(countedAt(2), 'BLMPOP'),

  ...reading(keyAt(1), 'SCARD', 'SISMEMBER', 'SMISMEMBER', 'SMEMBERS', 'SRANDMEMBER', 'SSCAN'),
  ...writing(keyAt(1), 'SADD', 'SREM', 'SPOP'),
  ...writing(keysFrom(1, 2), 'SMOVE'),
  ...stoppingAtError([
    ...reading(keysFrom(1), 'SINTER', 'SUNION', 'SDIFF'),
    ...reading(countedAt(1), 'SINTERCARD'),
    ...readingAndWriting(keysFrom(2), keyAt(1), 'SINTERSTORE', 'SUNIONSTORE', 'SDIFFSTORE'),
  ]),
];

/** Sorted sets, and the places on earth that are kept in them. */
export const sortedSetRules: readonly CountingRule[] = [
  ...reading(keyAt(1), 'ZCARD', 'ZCOUNT', 'ZLEXCOUNT', 'ZSCORE', 'ZMSCORE', 'ZRANK', 'ZREVRANK'),
  ...reading(keyAt(1), 'ZRANGE', 'ZRANGEBYLEX', 'ZRANGEBYSCORE', 'ZRANDMEMBER', 'ZSCAN'),
  ...reading(keyAt(1), 'ZREVRANGE', 'ZREVRANGEBYLEX', 'ZREVRANGEBYSCORE'),
  ...readingAndWriting(keyAt(2), keyAt(1), 'ZRANGESTORE'),
  ...writing(keyAt(1), 'ZADD', 'ZINCRBY', 'ZREM', 'ZPOPMIN', 'ZPOPMAX'),
  ...writing(keyAt(1), 'ZREMRANGEBYLEX', 'ZREMRANGEBYRANK', 'ZREMRANGEBYSCORE'),
  // These write only the first of the keys that holds something.
  ...writing(keysFrom(1, -2), 'BZPOPMIN', 'BZPOPMAX'),
  ...writing(countedAt(1), 'ZMPOP'),
  ...writing(countedAt(2), 'BZMPOP'),
  ...stoppingAtError([
    ...reading(countedAt(1), 'ZINTER', 'ZUNION', 'ZDIFF', 'ZINTERCARD'),
    ...readingAndWriting(countedAt(2), keyAt(1), 'ZINTERSTORE', 'ZUNIONSTORE', 'ZDIFFSTORE'),
  ]),

  ...reading(keyAt(1), 'GEODIST', 'GEOHASH', 'GEOPOS', 'GEOSEARCH'),
  ...reading(keyAt(1), 'GEORADIUS_RO', 'GEORADIUSBYMEMBER_RO'),
  ...readingAndWriting(keyAt(1), storedAfter(6, 'STORE', 'STOREDIST'), 'GEORADIUS'),
  ...readingAndWriting(keyAt(1), storedAfter(5, 'STORE', 'STOREDIST'), 'GEORADIUSBYMEMBER'),
  ...readingAndWriting(keyAt(2), keyAt(1), 'GEOSEARCHSTORE'),
  ...writing(keyAt(1), 'GEOADD'),
];

const streams: KeyPlaces = { kind: 'streams' };

/**
 * XREAD and XREADGROUP look each stream up twice: to resolve its ID or group, and to read it. From 7.2 on, one that waited looks
 * its keys up again when it is served. Where a stream or the group of an XREADGROUP does not exist, that stream and those before
 * it are looked up once, and those behind it not at all.
 */
export const streamRules: readonly CountingRule[] = [
  ...stoppingAtError([
    { command: 'XREAD', reads: streams, lookups: 2, writes: null },
    { command: 'XREADGROUP', reads: streams, lookups: 2, writes: streams },
  ]),
  ...reading(keyAt(1), 'XLEN', 'XRANGE', 'XREVRANGE', 'XPENDING'),
  ...reading(keyAt(2), 'XINFO STREAM', 'XINFO GROUPS', 'XINFO CONSUMERS'),
  ...readingAndWriting(keyAt(1), keyAt(1), 'XACK', 'XCLAIM', 'XAUTOCLAIM'),
  ...writing(keyAt(1), 'XADD', 'XDEL', 'XTRIM', 'XSETID'),
  ...writing(keyAt(2), 'XGROUP CREATE', 'XGROUP SETID', 'XGROUP DESTROY'),
  ...writing(keyAt(2), 'XGROUP CREATECONSUMER', 'XGROUP DELCONSUMER'),
];

/** Commands for keys of any type. */
export const anyTypeRules: readonly CountingRule[] = [
  ...reading(keysFrom(1), 'EXISTS', 'TOUCH'),
  ...reading(keyAt(1), 'TYPE', 'TTL', 'PTTL', 'EXPIRETIME', 'PEXPIRETIME', 'DUMP'),
  ...reading(keyAt(2), 'OBJECT ENCODING', 'OBJECT FREQ', 'OBJECT IDLETIME', 'OBJECT REFCOUNT').map(
    (rule): CountingRule => ({ ...rule, silentMiss: true }),
  ),
  ...storingNothing(writing(keysFrom(1), 'DEL', 'UNLINK')),
  ...storingNothing(writing(keyAt(1), 'EXPIRE', 'EXPIREAT', 'PEXPIRE', 'PEXPIREAT', 'PERSIST')),
  ...writing(keyAt(1), 'RESTORE', 'RESTORE-ASKING'),
  ...writing(keysFrom(1, 2), 'RENAME', 'RENAMENX').map((rule) => ({ ...rule, stores: keyAt(2) })),
  // The key that MOVE makes, and COPY with DB, is in another database, which is not seen.
  ...storingNothing(writing(keyAt(1), 'MOVE')),
  ...readingAndWriting(keyAt(1), keyAt(2), 'COPY'),
  // With COPY, and where no key exists or the other server fails, it writes nothing.
  ...storingNothing(
    readingAndWriting({ kind: 'key or KEYS', at: 3 }, { kind: 'key or KEYS', at: 3 }, 'MIGRATE'),
  ),
  // BY and GET with a `*` look up one key more for each element.
  ...readingAndWriting(keyAt(1), storedAfter(2, 'STORE'), 'SORT'),
  ...reading(keyAt(1), 'SORT_RO'),
  // With TYPE, before Redis 8.0 and Valkey 8.0, it counts a hit for each key that MATCH lets through.
  { command: 'SCAN', reads: null, writes: null },
];

/**
 * How Redis from 7.0 on and Valkey count each command that reads or writes keys; a command without a rule does neither.
 * Measured, row by row, by test/integration/counting-rules.test.ts; docs/counting-rules.md says it in words.
 */
export const countingRules: readonly CountingRule[] = [
  ...anyTypeRules,
  ...stringRules,
  ...collectionRules,
  ...sortedSetRules,
  ...streamRules,
];
