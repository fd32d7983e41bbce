import type { CountingRule, KeyPlaces } from './counting.ts';
import { keyAt, reading, readingAndWriting, writing } from './places.ts';

const streams: KeyPlaces = { kind: 'streams' };
const looksUpAgain =
  'from 7.2 on, one that waited looks its keys up again when it is served; one with a key of a wrong type stops there';

/** XREAD and XREADGROUP look each stream up twice: to resolve its ID or group, and to read it. */
export const streamRules: readonly CountingRule[] = [
  { command: 'XREAD', reads: streams, lookups: 2, writes: null, irregular: looksUpAgain },
  {
    command: 'XREADGROUP',
    reads: streams,
    lookups: 2,
    writes: streams,
    irregular: `${looksUpAgain}; where a stream or its group does not exist, it and those before it are looked up once, and those behind it not at all`,
  },
  ...reading(keyAt(1), 'XLEN', 'XRANGE', 'XREVRANGE', 'XPENDING'),
  ...reading(keyAt(2), 'XINFO STREAM', 'XINFO GROUPS', 'XINFO CONSUMERS'),
  ...readingAndWriting(keyAt(1), keyAt(1), 'XACK', 'XCLAIM', 'XAUTOCLAIM'),
  ...writing(keyAt(1), 'XADD', 'XDEL', 'XTRIM', 'XSETID'),
  ...writing(keyAt(2), 'XGROUP CREATE', 'XGROUP SETID', 'XGROUP DESTROY'),
  ...writing(keyAt(2), 'XGROUP CREATECONSUMER', 'XGROUP DELCONSUMER'),
];
