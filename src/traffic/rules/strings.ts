import type { CountingRule, KeyPlaces } from './counting.ts';
import {
  irregular,
  keyAt,
  keysFrom,
  reading,
  readingAndWriting,
  stopsAtWrongType,
  storingNothing,
  writing,
} from './places.ts';

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
  ...irregular(stopsAtWrongType, readingAndWriting(keysFrom(3), keyAt(2), 'BITOP')),
  {
    command: 'PFCOUNT',
    reads: keysFrom(1),
    writes: null,
    irregular: `${stopsAtWrongType}; of one key it may store the count with the key, which is not taken for a write`,
  },
  ...irregular(stopsAtWrongType, readingAndWriting(keysFrom(1), keyAt(1), 'PFMERGE')),
  ...writing(keyAt(1), 'PFADD'),
];
