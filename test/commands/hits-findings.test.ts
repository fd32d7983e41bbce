import { setTimeout as sleep } from 'node:timers/promises';
import { expect, test } from 'vitest';
import { sendAll } from '../server/redis.ts';
import { hitsJson, runHits } from './hits-runs.ts';
import { folderWith } from './reading.ts';
import { startServer } from '../server/own.ts';

const { redis, server } = await startServer();

/** Keys that end, and are read soon after: what wrote them is no part of it, so their TTL is that of the map. */
const expireAndRead = (keys: number) => async () => {
  const names = Array.from({ length: keys }, (_, index) => `user:${index}`);
  await sendAll(
    server,
    names.map((name) => ['SET', name, 'x', 'PXAT', String(Date.now() + 50)]),
  );
  await sleep(100);
  await sendAll(
    server,
    names.map((name) => ['GET', name]),
  );
};

const cwd = () => folderWith({ namespaces: { user: { pattern: 'user:*', ttl: '7d' } } });

test('22 misses in a window are told with their cause, and no finding comes of them', async () => {
  const { result } = await hitsJson(server, redis.url, [], { cwd: cwd(), during: expireAndRead(22) });
  expect(result.namespaces).toMatchObject([{ misses: 22, causes: { expired: 22 }, remedy: { ttl: null } }]);
  expect(result.findings).toEqual([]);
});

test('a window of a second advises no TTL of weeks: it says how long a window would have to be', async () => {
  const args = ['--for', '1s'];
  const { result } = await hitsJson(server, redis.url, args, { cwd: cwd(), during: expireAndRead(150) });
  expect(result.findings).toMatchObject([
    {
      ...{ rule: 'expires-too-soon', namespace: 'user', misses: 150, share: 1, currentSeconds: 7 * 86_400 },
      ...{ shareInterval: [expect.closeTo(0.976, 3), 1], saveHalfSeconds: null, saveNineTenthsSeconds: null },
    },
  ]);
  const table = await runHits(server, redis.url, args, {
    ...{ cwd: cwd(), terminal: true, env: { NO_COLOR: '1' } },
    during: expireAndRead(150),
  });
  const text = table.stdout.replaceAll(/\s+/g, ' ');
  expect(text).toContain(
    'user: 100.0 % (97.6 % to 100.0 %) of its 150 misses came after the end of the TTL of 7d; a window of 7d',
  );
  expect(text).not.toMatch(/would halve|a tenth/);
});
