import { describe, expect, test } from 'vitest';
import { countersBetween, readCounters, serverSideOf } from '../../src/bench/server-side.ts';
import { type Reply, ReplyError } from '../../src/redis/reply.ts';
import { asBytes } from '../../src/support/bytes.ts';
import type { RedisNode } from '../../src/redis/server.ts';

const node = (...replies: unknown[]) =>
  ({ batch: () => Promise.resolve(replies as Reply[]) }) as unknown as RedisNode;

const statsOf = (calls: number, usec: number) =>
  asBytes(`# Commandstats\r\ncmdstat_get:calls=${calls},usec=${usec},usec_per_call=1.00\r\n`);
const cpuOf = (seconds: number) =>
  asBytes(`# CPU\r\nused_cpu_sys:${seconds}\r\nused_cpu_user:${seconds}\r\n`);
const histogramOf = (...buckets: number[]): unknown => [
  asBytes('get'),
  [asBytes('calls'), 0, asBytes('histogram_usec'), buckets],
];

describe('what the server says of its own work', () => {
  test('is the difference of its counters, over all nodes', async () => {
    const before = await readCounters(
      [
        node(statsOf(100, 200), cpuOf(1), histogramOf(1, 90, 4, 100), [[7, 0, 0, []]]),
        node(statsOf(10, 20), cpuOf(1), [], []),
      ],
      ['GET'],
    );
    const after = await readCounters(
      [
        node(statsOf(1100, 1200), cpuOf(1.5), histogramOf(1, 590, 2, 1050, 4, 1100), [[9, 0, 0, []]]),
        node(statsOf(10, 20), cpuOf(1), [], []),
      ],
      ['GET'],
    );

    expect(serverSideOf(countersBetween(before, after, undefined), 2)).toEqual({
      ...{ calls: 1000, meanMicros: 1, p50Micros: 1, p99Micros: 4 },
      ...{ slowCommands: 2, cpuRatio: 0.5 },
    });
  });

  test('adds up over rounds', async () => {
    const at = (calls: number) =>
      readCounters([node(statsOf(calls, 3 * calls), cpuOf(0), null, null)], ['GET']);
    const first = countersBetween(await at(0), await at(10), undefined);
    const both = countersBetween(await at(10), await at(40), first);

    expect(serverSideOf(both, 1)).toMatchObject({
      calls: 40,
      meanMicros: 3,
      p99Micros: null,
      slowCommands: null,
    });
  });

  test('is not known where INFO is refused, or the counters began anew', async () => {
    const refused = await readCounters([node(new ReplyError('NOPERM'), null, null, null)], ['GET']);
    const at = (calls: number) => readCounters([node(statsOf(calls, calls), cpuOf(0), null, null)], ['GET']);

    expect(refused).toBeNull();
    expect(serverSideOf(countersBetween(refused, await at(1), undefined), 1)).toBeNull();
    expect(serverSideOf(countersBetween(await at(100), await at(3), undefined), 1)).toBeNull();
  });
});
