import { setTimeout as sleep } from 'node:timers/promises';
import { expect, test } from 'vitest';
import { sendAll } from '../server/redis.ts';
import { hitsJson, runHits } from './hits-runs.ts';
import { folderWith } from './reading.ts';
import { startServer } from '../server/own.ts';

const { redis, server } = await startServer();

/** Keys that are written for a week, mostly, and read soon after an early end. */
const expireAndRead = (keys: number) => async () => {
  const names = Array.from({ length: keys }, (_, index) => `user:${index}`);
  await sendAll(
    server,
    names.flatMap((name) => [
      ...[week, week].map((ttl) => ['SET', name, 'x', 'EX', ttl]),
      ['SET', name, 'x', 'PXAT', String(Date.now() + 50)],
    ]),
  );
  await sleep(100);
  await sendAll(
    server,
    names.map((name) => ['GET', name]),
  );
};

const week = String(7 * 86_400);

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
      ...{ rule: 'expires-too-soon', namespace: 'user', misses: 150, share: 1 },
      currentSeconds: expect.closeTo(600_000, -5) as number,
      ...{ shareInterval: [expect.closeTo(0.976, 3), 1], saveHalfSeconds: null, saveNineTenthsSeconds: null },
    },
  ]);
  const table = await runHits(server, redis.url, args, {
    ...{ cwd: cwd(), terminal: true, env: { NO_COLOR: '1' } },
    during: expireAndRead(150),
  });
  const text = table.stdout.replaceAll(/\s+/g, ' ');
  // A quantile of what was seen is right to 4 %.
  expect(text).toContain(
    'user: 100.0 % (97.6 % to 100.0 %) of its 150 misses came after the end of the TTL of 6d 22h; a window of 20d 18h',
  );
  expect(text).not.toMatch(/would halve|a tenth/);
});
