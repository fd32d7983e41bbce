import { expect, test } from 'vitest';
import type { RedisServer } from '../../src/redis/server.ts';
import { send } from '../server/redis.ts';
import { watchWhile } from './watch-records.ts';
import { startServer } from '../server/own.ts';

const fill = (server: RedisServer, prefix: string, count: number) =>
  send(
    server,
    'EVAL',
    "for i = 1, tonumber(ARGV[2]) do redis.call('SET', ARGV[1] .. i, string.rep('x', i % 40)) end",
    '0',
    prefix,
    String(count),
  );

/** An interval with sizes. */
async function intervalWithSizes(url: string) {
  const { intervals } = await watchWhile([], { url }, (untilInterval) =>
    untilInterval('the sizes are read', ({ namespacesReadAt }) => namespacesReadAt !== null),
  );
  const last = intervals.findLast(({ namespacesReadAt }) => namespacesReadAt !== null);
  if (last === undefined) throw new Error('no sizes were read');
  return last;
}

test('of 45,000 keys every one is read: sizes are exact, also those of a namespace of one key', async () => {
  const { redis, server } = await startServer();
  await fill(server, 'page:', 44_699);
  await fill(server, 'app:user:', 300);
  await send(server, 'SET', 'flags', 'x');
  const last = await intervalWithSizes(redis.url);
  expect(last).toMatchObject({ namespacesExact: true, namespacesMostUnseenKeys: null });
  const sizes = last.namespaces.map(
    ({ namespace, keys, keysInterval, memoryBytesInterval, memoryShareInterval }) => ({
      ...{ namespace, keys, keysInterval, memoryBytesInterval, memoryShareInterval },
    }),
  );
  const exact = { keysInterval: null, memoryBytesInterval: null, memoryShareInterval: null };
  expect(sizes).toEqual(
    expect.arrayContaining([
      { namespace: 'page:<id>', keys: 44_699, ...exact },
      { namespace: 'app:user:<id>', keys: 300, ...exact },
      { namespace: 'flags', keys: 1, ...exact },
    ]),
  );
});

test('of more than 100,000 keys a sample is read, and each size has its interval', async () => {
  const { redis, server } = await startServer();
  await fill(server, 'page:', 90_000);
  await fill(server, 'user:', 30_000);
  const last = await intervalWithSizes(redis.url);
  expect(last.namespacesExact).toBe(false);
  expect(last.namespacesMostUnseenKeys).toBeGreaterThan(0);
  for (const [name, truth] of [
    ['page:<id>', 90_000],
    ['user:<id>', 30_000],
  ] as const) {
    const row = last.namespaces.find(({ namespace }) => namespace === name);
    const [low = Number.NaN, high = Number.NaN] = row?.keysInterval ?? [];
    // Wider than the 95 % that it promises: a test that fails one time in twenty is none.
    expect(truth).toBeGreaterThan(low - (high - low));
    expect(truth).toBeLessThan(high + (high - low));
    expect(row?.memoryBytesInterval?.[1]).toBeGreaterThan(row?.memoryBytes ?? Number.NaN);
    expect(row?.memoryShareInterval?.[0]).toBeLessThan(row?.memoryShare ?? Number.NaN);
  }
});
