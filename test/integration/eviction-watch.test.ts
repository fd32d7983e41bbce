import { expect, test } from 'vitest';
import { EvictionWatch } from '../../src/records/fixtures/evictions.ts';
import { send } from '../server/redis.ts';
import { startServer } from '../server/own.ts';
import { until } from '../server/until.ts';

test('evictions are counted on after a connection was lost', async () => {
  const { server } = await startServer({ args: ['--maxmemory-policy', 'allkeys-random'] });
  const fill = `for i = 1, 1000 do redis.call('SET', KEYS[1] .. i, string.rep('v', 1000)) end`;
  await send(server, 'EVAL', fill, 1, 'key:');
  const watch = await EvictionWatch.start(server);
  expect(await send(server, 'CLIENT', 'KILL', 'TYPE', 'normal', 'SKIPME', 'yes')).toBeGreaterThan(0);
  await send(server, 'CONFIG', 'SET', 'maxmemory', 1);
  await until('all keys are evicted', async () => (await send(server, 'DBSIZE')) === 0);

  await watch.look();
  await watch.end();

  expect(watch.evictedKeys).toBe(1000);
});
