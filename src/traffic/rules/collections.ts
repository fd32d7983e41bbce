import type { CountingRule } from './counting.ts';
import {
  countedAt,
  irregular,
  keyAt,
  keysFrom,
  reading,
  readingAndWriting,
  stopsAtWrongType,
  storingNothing,
  takesFromOne,
  writing,
} from './places.ts';

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
  ...irregular('Valkey 9 counts a lookup of its key', storingNothing(writing(keyAt(1), 'HGETEX'))),

  ...reading(keyAt(1), 'LLEN', 'LINDEX', 'LRANGE', 'LPOS'),
  ...writing(keyAt(1), 'LPUSH', 'RPUSH', 'LPUSHX', 'RPUSHX', 'LPOP', 'RPOP'),
  ...writing(keyAt(1), 'LSET', 'LINSERT', 'LREM', 'LTRIM'),
  ...writing(keysFrom(1, 2), 'LMOVE', 'BLMOVE', 'RPOPLPUSH', 'BRPOPLPUSH'),
  ...irregular(takesFromOne, [
    ...writing(keysFrom(1, -2), 'BLPOP', 'BRPOP'),
    ...writing(countedAt(1), 'LMPOP'),
    ...writing(countedAt(2), 'BLMPOP'),
  ]),

  ...reading(keyAt(1), 'SCARD', 'SISMEMBER', 'SMISMEMBER', 'SMEMBERS', 'SRANDMEMBER', 'SSCAN'),
  ...writing(keyAt(1), 'SADD', 'SREM', 'SPOP'),
  ...writing(keysFrom(1, 2), 'SMOVE'),
  ...irregular(stopsAtWrongType, [
    ...reading(keysFrom(1), 'SINTER', 'SUNION', 'SDIFF'),
    ...reading(countedAt(1), 'SINTERCARD'),
    ...readingAndWriting(keysFrom(2), keyAt(1), 'SINTERSTORE', 'SUNIONSTORE', 'SDIFFSTORE'),
  ]),
];
