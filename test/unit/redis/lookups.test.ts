import { describe, expect, test } from 'vitest';
import { asBytes } from '../../../src/support/bytes.ts';
import { LookupTally } from '../../../src/redis/lookups.ts';
import { type Reply, ReplyError } from '../../../src/redis/reply.ts';
import type { RedisCommand } from '../../../src/redis/server.ts';

const key = asBytes('k');

function tallyOf(...exchanges: readonly (readonly [RedisCommand, Reply])[][]): LookupTally {
  const tally = new LookupTally();
  for (const pairs of exchanges)
    tally.note(
      pairs.map(([command]) => command),
      pairs.map(([, reply]) => reply),
    );
  return tally;
}

describe('a lookup', () => {
  test('that is refused before it is made counts nothing, and one of the wrong type is a hit', () => {
    const tally = tallyOf([
      [['GET', key], new ReplyError('NOPERM this user has no permissions')],
      [['GET', key], new ReplyError('WRONGTYPE Operation against a key holding the wrong kind of value')],
      [['OBJECT', 'IDLETIME', key], new ReplyError('ERR An LFU maxmemory policy is selected')],
      [['XINFO', 'GROUPS', key], new ReplyError('ERR no such key')],
    ]);
    expect(tally).toMatchObject({ hits: 2, misses: 1, metadata: { OBJECT: 1, XINFO: 1 } });
  });

  test('with an answer for empty and missing alike is what else is said of the key in the same moment', () => {
    const missing = tallyOf([
      [['XRANGE', key, asBytes('-'), asBytes('+')], []],
      [['PTTL', key], -2],
    ]);
    expect(missing).toMatchObject({ hits: 0, misses: 2 });
    const empty = tallyOf([
      [['STRLEN', key], 0],
      [['PTTL', key], -1],
    ]);
    expect(empty).toMatchObject({ hits: 2, misses: 0 });
  });

  test('behind the end of a list is a hit, and one of its start is a miss where nothing is there', () => {
    expect(tallyOf([[['LRANGE', key, 100, 199], []]])).toMatchObject({ hits: 1, misses: 0 });
    expect(tallyOf([[['LRANGE', key, 0, 99], []]])).toMatchObject({ hits: 0, misses: 1 });
  });

  test('in a transaction counts when it is executed', () => {
    const tally = tallyOf([
      [['MULTI'], asBytes('OK')],
      [['TTL', key], asBytes('QUEUED')],
      [['INFO'], asBytes('QUEUED')],
      [['EXEC'], [-2, asBytes('# Server')]],
    ]);
    expect(tally).toMatchObject({ hits: 0, misses: 1, metadata: { TTL: 1 } });
  });

  test('of several keys counts each', () => {
    const tally = tallyOf([
      [['EXISTS', key, asBytes('l'), asBytes('m')], 2],
      [
        ['MGET', key, asBytes('l')],
        [asBytes('v'), null],
      ],
    ]);
    expect(tally).toMatchObject({ hits: 3, misses: 2, metadata: {} });
  });

  test('without an answer is lost', () => {
    const tally = new LookupTally();
    tally.lose([
      ['GET', key],
      ['SET', key, asBytes('v')],
      ['EXISTS', key, key],
    ]);
    expect(tally).toMatchObject({ hits: 0, misses: 0, lost: 3 });
  });
});
