import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { keyNames, KeySet, ttlSecondsOf } from '../../src/bench/keys.ts';
import type { BenchOptions, WorkloadName } from '../../src/bench/options.ts';
import { commandSource } from '../../src/bench/workload.ts';
import { asBytes } from '../../src/support/bytes.ts';
import { encodeCommand } from '../../src/redis/connection.ts';
import { type Reply, ReplyParser } from '../../src/redis/reply.ts';
import type { RedisNode } from '../../src/redis/server.ts';
import { SeededRandom } from '../../src/support/random.ts';

const noNode = {} as RedisNode;

/** The commands in the bytes: a command has the form of a reply that is a list. */
function decoded(payload: string): Reply[] {
  const commands: Reply[] = [];
  new ReplyParser((command) => commands.push(command)).push(Buffer.from(payload, 'latin1'));
  return commands;
}

function source(workload: WorkloadName, getRatio = 0.8, keyCount = 10, seed = 1) {
  const keys = new KeySet(noNode, keyNames('0badcafe', keyCount), [], asBytes('value'), 600);
  const random = new SeededRandom(seed, workload);
  return commandSource(workload, keys, { getRatio, hitRatio: 1 }, random, () => random.below(keyCount));
}

describe('the commands of a workload', () => {
  test('are what their names say', () => {
    expect(decoded(source('ping').encode(2))).toEqual([['PING'], ['PING']]);
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
          const keys = new KeySet(noNode, names, [], value, 600);

          names.forEach((name, index) => {
            expect((keys.setHeads[index] ?? '') + keys.setTail).toBe(
              encodeCommand(['SET', name, value, 'EX', 600]),
            );
          });
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
