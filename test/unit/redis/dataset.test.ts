import { expect, test } from 'vitest';
import { datasetBoundsOf } from '../../../src/redis/node-facts.ts';
import { type Info, readInfo } from '../../../src/redis/info.ts';
import { connect } from '../../../src/redis/connect.ts';
import { send, sendAll, startPrivateServer, targetOf } from '../../server/redis.ts';

const info = (fields: Record<string, string>): Info => ({
  redis_version: '7.0.15',
  mem_allocator: 'jemalloc-5.2.1',
  used_memory: '300000000',
  used_memory_dataset: '100000000',
  db0: 'keys=900000,expires=0,avg_ttl=0',
  db3: 'keys=100000,expires=50000,avg_ttl=0',
  ...fields,
});
const own = 512 * 1024;

test.each([
  ['the allocator that it comes with', {}, 131_600_000 - own, 140_000_000],
  ['the allocator of the system', { mem_allocator: 'jemalloc-5.3.0' }, 131_600_000 - own, 131_600_000],
  [
    'a Redis of which that is not known',
    { redis_version: '7.2.4', mem_allocator: 'jemalloc-5.3.0' },
    131_600_000 - own,
    140_000_000,
  ],
  ['malloc of the C library', { mem_allocator: 'libc' }, 131_600_000 - own, 140_000_000],
  ['Valkey from 8.1 on', { valkey_version: '9.1.2' }, 80_000_000 - own, 116_000_000],
])('bounds of what all keys take, with %s', (_name, fields, lowBytes, highBytes) => {
  expect(datasetBoundsOf(info(fields))).toEqual({ lowBytes, highBytes });
});

test('the histograms of latencies that a server keeps of its commands are not of its keys', () => {
  const commands = Object.fromEntries(
    Array.from({ length: 100 }, (_, index) => [`cmdstat_command${index}`, 'calls=1']),
  );
  const lowBytes = (fields: Record<string, string>) => datasetBoundsOf(info(fields))?.lowBytes;
  expect(lowBytes(commands)).toBe(131_600_000 - own - 2_480_000);
  expect(lowBytes({ ...commands, redis_version: '6.2.14', mem_allocator: 'libc' })).toBe(131_600_000 - own);
});

test('a server that reports none, or less than nothing, or has accounts of its own has no bounds', () => {
  const without = { ...info({}) };
  delete (without as Record<string, string>)['used_memory_dataset'];
  expect(datasetBoundsOf(without)).toBeNull();
  expect(datasetBoundsOf(info({ used_memory_dataset: '18446744073709533312' }))).toBeNull();
  expect(datasetBoundsOf(info({ dragonfly_version: 'df-v1.20.0' }))).toBeNull();
});

test('the bounds hold what MEMORY USAGE of every key comes to', async () => {
  const redis = await startPrivateServer();
  const server = await connect(targetOf(redis.url));
  await sendAll(
    server,
    Array.from({ length: 8000 }, (_, index) => [
      ['SET', `page:${index}`, 'x'.repeat(20 + (index % 700))],
      ['SET', `count:${index}`, index, 'EX', 1000],
      ['HSET', `user:${index}`, 'name', 'x'.repeat(index % 50), 'age', index],
    ]).flat(),
  );
  await send(server, 'SET', 'large', 'x'.repeat(3_000_000));
  const names = Array.from({ length: 8000 }, (_, index) =>
    ['page', 'count', 'user'].map((name) => `${name}:${index}`),
  ).flat();
  const sizes = await sendAll(
    server,
    [...names, 'large'].map((name) => ['MEMORY', 'USAGE', name]),
  );
  const sum = sizes.reduce<number>((total, size) => total + Number(size), 0);
  const bounds = datasetBoundsOf(await readInfo(server.nodes[0]));
  // The buckets of small tables and the buffers of clients are accounted for in steps: an empty Redis 8.0 reports 30 kB less
  // than nothing.
  expect(bounds?.lowBytes).toBeLessThan(sum);
  expect(bounds?.highBytes).toBeGreaterThan(sum * 0.99);
  expect(bounds?.highBytes).toBeLessThan(sum * 1.15);
  server.close();
  await redis.stop();
});
