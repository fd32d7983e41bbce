import { Redis } from 'ioredis';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { cli } from '../run-cli.ts';
import { type Proxy, startProxy } from '../server/proxy.ts';
import type { RedisProcess } from '../server/redis-process.ts';
import { startPrivateServer } from '../server/redis.ts';

const keys = 10_000;
let redis: RedisProcess;
let proxy: Proxy;
let client: Redis;

beforeAll(async () => {
  redis = await startPrivateServer();
  proxy = await startProxy(redis.port);
  client = new Redis(redis.url);
  await client.eval(`for i = 1, ${keys} do redis.call('set', 'page:' .. i, 'x') end`, 0);
  proxy.delay(100);
});
afterAll(async () => {
  client.disconnect();
  await proxy.stop();
  await redis.stop();
});

/** How often the server was asked for a page. */
async function scansOf(url: string, args: readonly string[]): Promise<number> {
  await client.config('RESETSTAT');
  const { exitCode, stderr } = await cli(args, { url });
  expect(exitCode, stderr).toBe(0);
  const statistics = await client.info('commandstats');
  return Number(/cmdstat_scan:calls=(\d+)/.exec(statistics)?.[1]);
}

describe('over a link where an answer takes 100 ms', () => {
  test.each([['keys'], ['inspect', '--exact'], ['invalidate', '--pattern', 'page:*', '--dry-run']])(
    '%s reads the keyspace in few large pages',
    async (...command) => {
      expect(await scansOf(proxy.url, command)).toBeLessThanOrEqual(4);
    },
  );

  test('a page is as large as --count says', async () => {
    expect(await scansOf(proxy.url, ['keys', '--count', '2500'])).toBeGreaterThanOrEqual(4);
  });
});
