import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { keyNames, ttlSecondsOf } from '../../src/bench/keys.ts';
import { ownKeysOn } from '../../src/bench/node-keys.ts';
import type { BenchOptions, WorkloadName } from '../../src/bench/options.ts';
import { commandSource, pingSource } from '../../src/bench/workload.ts';
import { asBytes } from '../../src/support/bytes.ts';
import { encodeCommand } from '../../src/redis/connection.ts';
import { type Reply, ReplyParser } from '../../src/redis/reply.ts';
import type { RedisNode } from '../../src/redis/server.ts';
import { SeededRandom } from '../../src/support/random.ts';

const noNode = {} as RedisNode;

/** One after the other. */
function numbers(...all: number[]): () => number {
  return () => all.shift() ?? 0;
}

/** The commands in the bytes: a command has the form of a reply that is a list. */
function decoded(payload: string): Reply[] {
  const commands: Reply[] = [];
  new ReplyParser((command) => commands.push(command)).push(Buffer.from(payload, 'latin1'));
  return commands;
}

function keysOf(count: number, options: Partial<BenchOptions> = {}, value = asBytes('value')) {
  const all = { group: null, getRatio: 0.8, hitRatio: 1, ...options };
  const names = (runId: string) => keyNames(runId, count, all.group);
  const keys = names('0badcafe').map((name) => ({
    ...{ name, bytes: value.length, ttlSeconds: 600, fields: null },
  }));
  return ownKeysOn(noNode, keys, names('absent'), all, value);
}

function source(workload: WorkloadName, getRatio = 0.8, keyCount = 10, seed = 1) {
  const random = new SeededRandom(seed, workload);
  return commandSource(keysOf(keyCount, { getRatio }).trafficOf(workload), random, () =>
    random.below(keyCount),
  );
}

describe('the commands of a workload', () => {
  test('are what their names say', () => {
    expect(decoded(pingSource().encode(2))).toEqual([['PING'], ['PING']]);
    expect(decoded(source('get', 0, 1).encode(1))).toEqual([['GET', 'cachectl:bench:0badcafe:0']]);
    expect(decoded(source('set', 1, 1).encode(1))).toEqual([
      ['SET', 'cachectl:bench:0badcafe:0', 'value', 'EX', '600'],
    ]);
  });

  test('carry any value unchanged, also one that looks like the protocol or like a key', () => {
    fc.assert(
      fc.property(
        fc.uint8Array({ maxLength: 200 }),
        fc.integer({ min: 1, max: 12 }),
        fc.constantFrom('', '\r\n$3\r\nGET\r\n', 'cachectl:bench:0badcafe:0'),
        (bytes, count, start) => {
          const value = asBytes(start + Buffer.from(bytes).toString('latin1'));
          const names = keyNames('0badcafe', count);
          const set = commandSource(
            keysOf(count, {}, value).trafficOf('set'),
            new SeededRandom(1, ''),
            numbers(...names.keys()),
          );

          for (const name of names)
            expect(set.encode(1)).toBe(encodeCommand(['SET', name, value, 'EX', 600]));
        },
      ),
    );
  });

  test('are the same in every run', () => {
    expect(source('mixed').encode(500)).toBe(source('mixed').encode(500));
    expect(source('mixed').encode(500)).not.toBe(source('mixed', 0.8, 10, 2).encode(500));
  });

  test('mix in the ratio asked for, and count their lookups', () => {
    const mixed = source('mixed', 0.8);
    const commands = decoded(mixed.encode(10_000)) as string[][];
    const gets = commands.filter(([name]) => name === 'GET').length;

    expect(mixed.lookups).toBe(gets);
    // Five standard deviations of a binomial distribution.
    expect(Math.abs(gets - 8000)).toBeLessThan(200);
  });

  test('read groups of keys with one MGET, the last as large as it is, and look each of them up', () => {
    const keys = keysOf(5, { group: 2 });
    const mget = commandSource(keys.trafficOf('mget'), new SeededRandom(1, ''), numbers(1, 2, 4));
    const name = (tag: number, index: number) => `cachectl:bench:0badcafe:{${tag}}:${index}`;

    expect(decoded(mget.encode(3))).toEqual([
      ['MGET', name(0, 0), name(0, 1)],
      ['MGET', name(1, 2), name(1, 3)],
      ['MGET', name(2, 4)],
    ]);
    expect(mget.lookups).toBe(5);
  });

  test('read the fields of hashes, and those of hashes that were never written', () => {
    const traffic = keysOf(5, { group: 2, hitRatio: 0.5 }).trafficOf('hget');
    const fractions = numbers(0.4, 0.6);
    const hget = commandSource(traffic, { fraction: fractions }, numbers(4, 3));

    expect(decoded(hget.encode(2))).toEqual([
      ['HGET', 'cachectl:bench:0badcafe:{2}:hash', '0'],
      ['HGET', 'cachectl:bench:absent:{1}:hash', '1'],
    ]);
    expect(hget).toMatchObject({ lookups: 2, absent: 1 });
  });

  test('leave out of an MGET so many keys as are to be missed', () => {
    const traffic = keysOf(100, { group: 10, hitRatio: 0.7 }).trafficOf('mget');
    const random = new SeededRandom(1, '');
    const mget = commandSource(traffic, random, () => random.below(100));
    const keys = (decoded(mget.encode(1000)) as string[][]).flatMap(([, ...each]) => each);

    expect(mget).toMatchObject({
      lookups: 10_000,
      absent: keys.filter((key) => key.includes('absent')).length,
    });
    // Five standard deviations of a binomial distribution.
    expect(Math.abs(mget.absent - 3000)).toBeLessThan(230);
  });

  test('reach every key', () => {
    const keys = (decoded(source('get', 1, 50).encode(2000)) as string[][]).map(([, key]) => key);

    expect(new Set(keys).size).toBe(50);
  });
});

describe('the keys of a run', () => {
  test('have names of the same length, all different, under the prefix of the run', () => {
    const names = keyNames('0badcafe', 1001);

    expect(new Set(names).size).toBe(1001);
    expect(new Set(names.map((name) => name.length)).size).toBe(1);
    expect(names[7]).toBe('cachectl:bench:0badcafe:0007');
  });

  test('live longer than the run', () => {
    const options = {
      workloads: ['ping', 'get', 'set'],
      limit: { kind: 'duration', seconds: 3600 },
      warmupSeconds: 0.5,
      rounds: 1,
    } as unknown as BenchOptions;

    expect(ttlSecondsOf(options, 1)).toBe(600 + 2 * 3600 + 1);
    expect(ttlSecondsOf({ ...options, rounds: 10 }, 2)).toBe(600 + 20 * (2 * 3600 + 1));
  });
});
