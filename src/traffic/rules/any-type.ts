import type { CountingRule } from './counting.ts';
import {
  irregular,
  keyAt,
  keysFrom,
  reading,
  readingAndWriting,
  storedAfter,
  storingNothing,
  writing,
} from './places.ts';

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
  ...irregular(
    'the key that it makes is in another database, which is not seen',
    storingNothing(writing(keyAt(1), 'MOVE')),
  ),
  ...irregular(
    'with DB, the key that it makes is in another database',
    readingAndWriting(keyAt(1), keyAt(2), 'COPY'),
  ),
  {
    command: 'MIGRATE',
    reads: { kind: 'key or KEYS', at: 3 },
    writes: { kind: 'key or KEYS', at: 3 },
    stores: null,
    irregular: 'with COPY, and where no key exists or the other server fails, it writes nothing',
  },
  ...irregular('BY and GET with a `*` look up one key more for each element', [
    { command: 'SORT', reads: keyAt(1), writes: storedAfter(2, 'STORE') },
    ...reading(keyAt(1), 'SORT_RO'),
  ]),
  {
    command: 'SCAN',
    reads: null,
    writes: null,
    irregular: 'with TYPE, before Redis 8.0 and Valkey 8.0: a hit for each key that MATCH lets through',
  },
];
