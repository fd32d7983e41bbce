/** One argument line; `""` is an empty argument and `<dump>` what DUMP says of a string. */
export interface CountingSample {
  readonly line: string;
  /** The command fails behind its lookups, or may write fewer keys than it names: the keys it wrote are not compared. */
  readonly writesLess?: true;
  /** What the server counts where it is not what the rule says, by which of the keys are missing: hits, misses. */
  readonly counts?: Partial<Record<MissingKeys, readonly [hits: number, misses: number]>>;
}

/** Which of the keys that a sample names do not exist when it runs. */
export type MissingKeys = 'none' | 'first' | 'last' | 'all';

/** The keys that exist, and the commands that make them. `new:1` and `new:2` never exist. */
export const sampleKeys: readonly string[] = [
  'SET str:1 foobar',
  'SET str:2 foobaz EX 1000',
  'SET num:1 10',
  'SET dest:1 old',
  'HSET hash:1 f 1 g x',
  'RPUSH list:1 a b c',
  'RPUSH list:2 d e',
  'SADD set:1 a b c',
  'SADD set:2 b c d',
  'ZADD zset:1 1 a 2 b 3 c',
  'ZADD zset:2 1 b 2 c 3 d',
  'GEOADD geo:1 13.36 38.11 p 15.08 37.50 c',
  'PFADD hll:1 a b c',
  'PFADD hll:2 c d e',
  'PFCOUNT hll:1',
  'PFCOUNT hll:2',
  'XADD stream:1 1-1 f v',
  'XADD stream:1 1-2 f v',
  'XADD stream:1 1-3 f v',
  'XGROUP CREATE stream:1 g 0',
  'XREADGROUP GROUP g c COUNT 2 STREAMS stream:1 >',
  'XADD stream:2 1-1 f v',
  'XGROUP CREATE stream:2 g 0',
  'VADD vector:1 VALUES 2 0.1 0.2 a',
  'VADD vector:1 VALUES 2 0.3 0.1 b',
];

const lines = (...all: readonly string[]): CountingSample[] => all.map((line) => ({ line }));
const partly = (...all: readonly string[]): CountingSample[] =>
  all.map((line) => ({ line, writesLess: true }));

/** Each rule has at least one. */
export const countingSamples: readonly CountingSample[] = [
  ...lines('EXISTS str:1', 'EXISTS str:1 hash:1 str:1', 'TOUCH str:1 list:1', 'TYPE str:1', 'TYPE stream:1'),
  ...lines('TTL str:2', 'PTTL str:1', 'EXPIRETIME str:2', 'PEXPIRETIME str:2', 'DUMP zset:1'),
  ...lines('OBJECT ENCODING list:1', 'OBJECT FREQ str:1', 'OBJECT IDLETIME str:1', 'OBJECT REFCOUNT str:1'),
  ...lines('DEL str:1', 'DEL str:1 hash:1 list:1', 'UNLINK str:1 set:1'),
  ...lines('EXPIRE str:1 100', 'EXPIREAT str:1 9999999999', 'PEXPIRE str:1 100000', 'PERSIST str:2'),
  ...lines('PEXPIREAT str:1 9999999999999', 'EXPIRE str:2 500 XX'),
  ...lines('RESTORE num:1 0 <dump> REPLACE', 'RESTORE-ASKING num:1 0 <dump> REPLACE'),
  ...lines('RENAME str:1 dest:1', 'RENAMENX str:1 new:1', 'MOVE str:1 5'),
  ...lines('COPY str:1 dest:1 REPLACE', 'COPY list:1 new:1'),
  ...partly('COPY str:1 dest:1', 'COPY str:1 new:1 DB 5'),
  ...partly('MIGRATE 127.0.0.1 1 str:1 0 100', 'MIGRATE 127.0.0.1 1 "" 0 100 KEYS str:1 list:1'),
  ...lines('SORT list:1 ALPHA', 'SORT list:1 ALPHA LIMIT 0 2 STORE dest:1', 'SORT list:1 BY nosort GET #'),
  ...lines('SORT_RO set:1 ALPHA DESC'),
  { line: 'SORT list:1 BY w:* GET v:* GET #', counts: { none: [1, 6] } },
  { line: 'SORT_RO list:1 BY nosort GET v:*', counts: { none: [1, 3] } },
  ...lines('SCAN 0', 'SCAN 0 MATCH str:*'),

  ...lines('GET str:1', 'GET hash:1', 'MGET str:1', 'MGET str:1 hash:1 str:2', 'MGET str:1 str:1 str:1'),
  ...lines(
    'GETRANGE str:1 0 2',
    'SUBSTR str:1 0 2',
    'STRLEN str:1',
    'LCS str:1 str:2',
    'LCS str:1 str:2 LEN',
  ),
  ...lines(
    'GETBIT str:1 3',
    'BITCOUNT str:1',
    'BITCOUNT str:1 0 1 BIT',
    'BITPOS str:1 1',
    'BITPOS str:1 0 1 2',
  ),
  ...lines('GETDEL str:1', 'GETSET str:1 v', 'GETEX str:1', 'GETEX str:1 EX 100', 'GETEX str:2 PERSIST'),
  ...lines(
    'SET str:1 v',
    'SET str:1 v GET',
    'SET str:1 v EX 10 GET',
    'SET str:1 GET',
    'SET str:1 v XX KEEPTTL GET',
  ),
  ...partly('SET str:1 v NX', 'SET str:1 v NX GET', 'SET hash:1 v GET'),
  ...lines(
    'SETEX str:1 10 v',
    'PSETEX str:1 10000 v',
    'SETNX new:1 v',
    'SETRANGE str:1 1 xx',
    'APPEND str:1 x',
  ),
  ...lines('SETBIT str:1 5 0', 'INCR num:1', 'DECR num:1', 'INCRBY num:1 2', 'DECRBY num:1 2'),
  ...lines('INCRBYFLOAT num:1 1.5', 'MSET str:1 v str:2 w', 'MSETNX new:1 v new:2 w'),
  ...lines('MSETEX 2 str:1 v str:2 w EX 100', 'DELIFEQ str:1 foobar'),
  ...lines('BITFIELD str:1 GET u8 0', 'BITFIELD str:1', 'BITFIELD str:1 SET u8 0 1 GET u8 0'),
  ...lines('BITFIELD str:1 OVERFLOW SAT INCRBY u8 0 1', 'BITFIELD_RO str:1 GET u8 0 GET u8 8'),
  ...lines('BITOP AND dest:1 str:1 str:2', 'BITOP NOT dest:1 str:1', 'BITOP OR str:1 str:1 str:2'),
  ...lines(
    'PFADD hll:1 x y z',
    'PFCOUNT hll:1',
    'PFCOUNT hll:1 hll:2',
    'PFMERGE hll:1 hll:2',
    'PFMERGE hll:1',
  ),
  ...lines('PFMERGE new:1 hll:1 hll:2'),
  {
    line: 'BITOP AND dest:1 hash:1 str:1',
    writesLess: true,
    counts: { none: [1, 0], first: [1, 0], last: [1, 0] },
  },
  { line: 'PFCOUNT str:1 hll:1', counts: { none: [1, 0], last: [1, 0] } },
  { line: 'PFMERGE str:1 hll:1', writesLess: true, counts: { none: [1, 0], last: [1, 0] } },

  ...lines(
    'HGET hash:1 f',
    'HGET hash:1 absent',
    'HMGET hash:1 f g absent',
    'HGETALL hash:1',
    'HKEYS hash:1',
  ),
  ...lines('HVALS hash:1', 'HLEN hash:1', 'HEXISTS hash:1 f', 'HSTRLEN hash:1 f', 'HSCAN hash:1 0'),
  ...lines('HRANDFIELD hash:1', 'HRANDFIELD hash:1 2 WITHVALUES', 'HRANDFIELD hash:1 0', 'HGET str:1 f'),
  ...lines('HTTL hash:1 FIELDS 1 f', 'HPTTL hash:1 FIELDS 1 f', 'HEXPIRETIME hash:1 FIELDS 1 f'),
  ...lines('HPEXPIRETIME hash:1 FIELDS 1 f'),
  ...lines('HSET hash:1 f 2', 'HMSET hash:1 f 2', 'HSETNX hash:1 h 1', 'HDEL hash:1 f', 'HINCRBY hash:1 f 1'),
  ...lines('HINCRBYFLOAT hash:1 f 1.5'),
  ...lines('HEXPIRE hash:1 100 FIELDS 1 f', 'HPEXPIRE hash:1 100000 FIELDS 1 f'),
  ...lines('HEXPIREAT hash:1 9999999999 FIELDS 1 f', 'HPEXPIREAT hash:1 9999999999999 FIELDS 1 f'),
  ...partly('HPERSIST hash:1 FIELDS 1 f', 'HSETEX hash:1 EX 100 FIELDS 1 f v', 'HGETDEL hash:1 FIELDS 1 f'),
  ...partly('HGETEX hash:1 FIELDS 1 f', 'HGETEX hash:1 EX 100 FIELDS 2 f absent'),

  ...lines('LLEN list:1', 'LINDEX list:1 0', 'LRANGE list:1 0 -1', 'LPOS list:1 b'),
  ...lines('LPUSH list:1 x', 'RPUSH list:1 x', 'LPUSHX list:1 x', 'RPUSHX list:1 x', 'LPOP list:1'),
  ...lines(
    'RPOP list:1 2',
    'LSET list:1 0 x',
    'LINSERT list:1 BEFORE b x',
    'LREM list:1 0 a',
    'LTRIM list:1 1 1',
  ),
  ...lines('LMOVE list:1 list:2 LEFT RIGHT', 'RPOPLPUSH list:1 list:2'),
  ...lines('BLMOVE list:1 list:2 LEFT RIGHT 0.01', 'BRPOPLPUSH list:1 list:2 0.01'),
  ...lines('BLPOP list:1 0.01', 'BRPOP list:1 0.01', 'LMPOP 1 list:1 LEFT', 'BLMPOP 0.01 1 list:1 LEFT'),
  ...partly('BLPOP list:1 list:2 0.01', 'LMPOP 2 list:1 list:2 LEFT', 'BLMPOP 0.01 2 list:1 list:2 LEFT'),

  ...lines('SCARD set:1', 'SISMEMBER set:1 a', 'SMISMEMBER set:1 a z', 'SMEMBERS set:1', 'SRANDMEMBER set:1'),
  ...lines('SRANDMEMBER set:1 0', 'SRANDMEMBER set:1 2', 'SSCAN set:1 0'),
  ...lines('SADD set:1 x', 'SREM set:1 a', 'SPOP set:1', 'SPOP set:1 2', 'SMOVE set:1 set:2 a'),
  ...lines(
    'SINTER set:1 set:2',
    'SUNION set:1 set:2',
    'SDIFF set:1 set:2',
    'SINTERCARD 2 set:1 set:2 LIMIT 1',
  ),
  ...lines(
    'SINTERSTORE dest:1 set:1 set:2',
    'SUNIONSTORE dest:1 set:1 set:2',
    'SDIFFSTORE dest:1 set:1 set:2',
  ),
  ...lines('SINTERSTORE set:1 set:1 set:2', 'SINTER set:1 set:1'),
  { line: 'SINTER set:1 str:1 set:2', counts: { none: [2, 0], first: [1, 1], last: [2, 0] } },
  { line: 'SUNION set:1 str:1 set:2', counts: { none: [2, 0], first: [1, 1], last: [2, 0] } },

  ...lines(
    'ZCARD zset:1',
    'ZCOUNT zset:1 1 2',
    'ZLEXCOUNT zset:1 - +',
    'ZSCORE zset:1 a',
    'ZMSCORE zset:1 a z',
  ),
  ...lines(
    'ZRANK zset:1 a',
    'ZREVRANK zset:1 a',
    'ZRANGE zset:1 0 -1',
    'ZRANGE zset:1 1 2 BYSCORE LIMIT 0 1',
  ),
  ...lines(
    'ZRANGEBYLEX zset:1 - +',
    'ZRANGEBYSCORE zset:1 1 2',
    'ZRANDMEMBER zset:1',
    'ZRANDMEMBER zset:1 0',
  ),
  ...lines(
    'ZSCAN zset:1 0',
    'ZREVRANGE zset:1 0 -1',
    'ZREVRANGEBYLEX zset:1 + -',
    'ZREVRANGEBYSCORE zset:1 2 1',
  ),
  ...lines('ZRANGESTORE dest:1 zset:1 0 -1', 'ZADD zset:1 5 x', 'ZINCRBY zset:1 1 a', 'ZREM zset:1 a'),
  ...lines('ZPOPMIN zset:1', 'ZPOPMAX zset:1 2', 'ZREMRANGEBYLEX zset:1 - +', 'ZREMRANGEBYRANK zset:1 0 0'),
  ...lines(
    'ZREMRANGEBYSCORE zset:1 1 1',
    'BZPOPMIN zset:1 0.01',
    'BZPOPMAX zset:1 0.01',
    'ZMPOP 1 zset:1 MIN',
  ),
  ...lines('BZMPOP 0.01 1 zset:1 MIN'),
  ...partly('BZPOPMIN zset:1 zset:2 0.01', 'ZMPOP 2 zset:1 zset:2 MAX', 'BZMPOP 0.01 2 zset:1 zset:2 MAX'),
  ...lines('ZINTER 2 zset:1 zset:2', 'ZUNION 2 zset:1 set:1 WITHSCORES', 'ZDIFF 2 zset:1 zset:2'),
  ...lines('ZINTERCARD 2 zset:1 zset:2', 'ZUNIONSTORE dest:1 2 zset:1 zset:2 WEIGHTS 1 2'),
  ...lines('ZINTERSTORE dest:1 2 zset:1 zset:2', 'ZDIFFSTORE dest:1 2 zset:1 zset:2'),
  { line: 'ZUNION 3 zset:1 str:1 zset:2', counts: { none: [2, 0], first: [1, 1], last: [2, 0] } },

  ...lines('GEOADD geo:1 2 48 q', 'GEODIST geo:1 p c', 'GEOHASH geo:1 p', 'GEOPOS geo:1 p'),
  ...lines(
    'GEOSEARCH geo:1 FROMMEMBER p BYRADIUS 500 km',
    'GEOSEARCHSTORE dest:1 geo:1 FROMMEMBER p BYRADIUS 500 km',
  ),
  ...lines(
    'GEORADIUS geo:1 15 37 200 km',
    'GEORADIUS_RO geo:1 15 37 200 km',
    'GEORADIUSBYMEMBER geo:1 p 500 km',
  ),
  ...lines('GEORADIUSBYMEMBER_RO geo:1 p 500 km', 'GEORADIUS geo:1 15 37 200 km STORE dest:1'),
  ...lines('GEORADIUSBYMEMBER geo:1 p 500 km COUNT 1 STOREDIST dest:1'),

  ...lines('VCARD vector:1', 'VDIM vector:1', 'VEMB vector:1 a', 'VGETATTR vector:1 a', 'VINFO vector:1'),
  ...lines('VISMEMBER vector:1 a', 'VLINKS vector:1 a WITHSCORES', 'VRANDMEMBER vector:1 2'),
  ...lines('VSIM vector:1 VALUES 2 0.1 0.2', 'VSIM vector:1 ELE a', 'VSIM vector:1 ELE absent'),
  ...lines('VADD vector:1 VALUES 2 0.5 0.6 c', 'VREM vector:1 a', 'VSETATTR vector:1 a {}'),

  ...lines('XLEN stream:1', 'XRANGE stream:1 - +', 'XREVRANGE stream:1 + -', 'XPENDING stream:1 g'),
  ...lines(
    'XPENDING stream:1 g - + 10',
    'XINFO STREAM stream:1',
    'XINFO GROUPS stream:1',
    'XINFO CONSUMERS stream:1 g',
  ),
  ...lines('XACK stream:1 g 1-1', 'XCLAIM stream:1 g c2 0 1-1', 'XAUTOCLAIM stream:1 g c2 0 0'),
  ...lines('XADD stream:1 * f v', 'XDEL stream:1 1-1', 'XTRIM stream:1 MAXLEN 0', 'XSETID stream:1 9-9'),
  ...lines('XGROUP CREATE stream:1 g2 $', 'XGROUP SETID stream:1 g $', 'XGROUP DESTROY stream:1 g'),
  ...lines('XGROUP CREATECONSUMER stream:1 g c3', 'XGROUP DELCONSUMER stream:1 g c'),
  ...lines('XREAD STREAMS stream:1 0', 'XREAD COUNT 1 STREAMS stream:1 stream:2 0 $'),
  ...lines('XREAD BLOCK 10 STREAMS stream:1 $', 'XREAD BLOCK 10 COUNT 5 STREAMS stream:1 stream:2 $ $'),
  {
    line: 'XREAD STREAMS stream:1 str:1 stream:2 0 0 0',
    counts: { none: [2, 0], first: [1, 1], last: [2, 0] },
  },
  {
    line: 'XREADGROUP GROUP g c STREAMS stream:1 stream:2 > >',
    counts: { first: [0, 1], last: [1, 1], all: [0, 1] },
  },
  { line: 'XREADGROUP GROUP g c COUNT 1 STREAMS stream:1 >', counts: { all: [0, 1] } },
  {
    line: 'XREADGROUP GROUP g c BLOCK 10 NOACK STREAMS stream:1 stream:2 > >',
    counts: { first: [0, 1], last: [1, 1], all: [0, 1] },
  },
];
