import type { CountingRule } from './counting.ts';
import {
  countedAt,
  irregular,
  keyAt,
  keysFrom,
  reading,
  readingAndWriting,
  stopsAtWrongType,
  storedAfter,
  takesFromOne,
  writing,
} from './places.ts';

/** Sorted sets, and the places on earth that are kept in them. */
export const sortedSetRules: readonly CountingRule[] = [
  ...reading(keyAt(1), 'ZCARD', 'ZCOUNT', 'ZLEXCOUNT', 'ZSCORE', 'ZMSCORE', 'ZRANK', 'ZREVRANK'),
  ...reading(keyAt(1), 'ZRANGE', 'ZRANGEBYLEX', 'ZRANGEBYSCORE', 'ZRANDMEMBER', 'ZSCAN'),
  ...reading(keyAt(1), 'ZREVRANGE', 'ZREVRANGEBYLEX', 'ZREVRANGEBYSCORE'),
  ...readingAndWriting(keyAt(2), keyAt(1), 'ZRANGESTORE'),
  ...writing(keyAt(1), 'ZADD', 'ZINCRBY', 'ZREM', 'ZPOPMIN', 'ZPOPMAX'),
  ...writing(keyAt(1), 'ZREMRANGEBYLEX', 'ZREMRANGEBYRANK', 'ZREMRANGEBYSCORE'),
  ...irregular(takesFromOne, [
    ...writing(keysFrom(1, -2), 'BZPOPMIN', 'BZPOPMAX'),
    ...writing(countedAt(1), 'ZMPOP'),
    ...writing(countedAt(2), 'BZMPOP'),
  ]),
  ...irregular(stopsAtWrongType, [
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
