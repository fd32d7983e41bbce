import { expect, test } from 'vitest';
import { asBytes } from '../../src/support/bytes.ts';
import { countsScanType, readInfo } from '../../src/redis/info.ts';
import type { RedisCommand, RedisServer } from '../../src/redis/server.ts';
import { send } from '../server/redis.ts';
import { expectOneWindow } from '../traffic/one-window.ts';
import { lineOf, readPieces } from '../unit/traffic/monitor-lines.ts';
import { during, observeFor, startTraffic } from './observed-traffic.ts';
import { open, startRedis } from '../server/own.ts';

const keysOfNamespace = 5000;

/** What `keyv.clear()` of @keyv/redis does: pages of SCAN with TYPE, and UNLINK of what they hold. */
async function clearNamespace(server: RedisServer): Promise<number> {
  let [cursor, calls] = ['0', 0];
  do {
    const reply = await send(server, 'SCAN', cursor, 'MATCH', 'keyv:*', 'COUNT', '1000', 'TYPE', 'string');
    const [next, keys] = reply as unknown as [string, string[]];
    if (keys.length > 0) await send(server, 'UNLINK', ...keys);
    [cursor, calls] = [next, calls + 1];
  } while (cursor !== '0');
  return calls;
}

async function filled() {
  const { url } = await startRedis();
  const [server, client] = [await open(url), await open(url)];
  await client.nodes[0].batch(
    Array.from({ length: keysOfNamespace }, (_, index) => ['SET', asBytes(`keyv:${index}`), 1] as const),
  );
  return { server, client, scanTypeLooksUp: countsScanType(await readInfo(server.nodes[0])) };
}

test('a namespace that is cleared by SCAN with TYPE is named where it counts, taken off, and leaves its window valid', async () => {
  const { server, client, scanTypeLooksUp } = await filled();
  await startTraffic(client);
  let calls = 0;
  const { report } = await observeFor(
    server,
    during(async () => (calls = await clearNamespace(client))),
  );
  expect(report).toMatchObject({ valid: true, invalidReasons: [] });
  expect(report.residual).toEqual({ reads: 0, hits: 0, misses: 0 });
  const remark = `^${calls} calls of SCAN with TYPE counted ${keysOfNamespace} hits, which are no reads of data`;
  expect(report.remarks).toEqual(scanTypeLooksUp ? [expect.stringMatching(new RegExp(remark))] : []);
  expectOneWindow(report);
});

test('the hits of more than SCAN can have counted make the window invalid as before', async () => {
  const { server, client } = await filled();
  const { report } = await observeFor(server, {
    // SORT … GET looks up keys that no argument names.
    ...during(async () => {
      await send(client, 'SCAN', '0', 'COUNT', '1', 'TYPE', 'string');
      await send(client, 'RPUSH', 'list', ...Array.from({ length: 2000 }, (_, index) => String(index)));
      await send(client, 'SORT', 'list', 'BY', 'nosort', 'GET', 'keyv:*');
    }),
  });
  expect(report.valid).toBe(false);
});

test('in mode sampled the misses stay, and the hits are not reported where SCAN counts some, with the mode that takes these off', async () => {
  const { server, client, scanTypeLooksUp } = await filled();
  const { report } = await observeFor(server, {
    ...{ mode: 'sampled', duty: 0.9 },
    ...during(async () => {
      await clearNamespace(client);
      await client.nodes[0].batch(
        Array.from({ length: 20 }, (_, index) => ['GET', asBytes(`keyv:${index}`)] as const),
      );
    }),
  });
  const figures = scanTypeLooksUp
    ? { reads: null, hits: null, hitRate: null }
    : { reads: 20, hits: 0, hitRate: 0 };
  expect(report).toMatchObject({ valid: true, invalidReasons: [], ...figures, misses: 20 });
  expect(report.namespaces).toMatchObject([{ ...figures, misses: 20, causes: { invalidated: 20 } }]);
  if (!scanTypeLooksUp) {
    expect(report.remarks).toEqual([]);
    return;
  }
  expect(report.residual).toEqual({ reads: null, hits: null, misses: 0 });
  expect(report.remarks.join()).toMatch(
    /^hits and reads are not reported: \d+ calls of SCAN with TYPE were seen/,
  );
});

test('reads of XREADGROUP that failed are named, taken off, and leave their window valid', async () => {
  const { url } = await startRedis();
  const [server, client] = [await open(url), await open(url)];
  const node = client.nodes[0];
  const poll = (group: string, ...streams: string[]) =>
    ['XREADGROUP', 'GROUP', group, 'c', 'STREAMS', ...streams, ...streams.map(() => '>')].map(asBytes);
  await send(client, 'XADD', 'user:stream', '1-1', 'f', 'v');
  await send(client, 'XGROUP', 'CREATE', 'user:stream', 'g', '0');
  await startTraffic(client);
  const commands = [
    ...Array.from({ length: 200 }, () => poll('absent', 'user:stream')),
    // One hit of the first, one miss of the second, and none of the third.
    ...Array.from({ length: 50 }, () => poll('g', 'user:stream', 'user:absent', 'user:stream')),
    poll('g', 'user:stream'),
  ] as RedisCommand[];
  const { report } = await observeFor(
    server,
    during(() => node.batch(commands)),
  );
  expect(report).toMatchObject({ valid: true, invalidReasons: [] });
  expect(report.residual).toEqual({ reads: 0, hits: 0, misses: 0 });
  expect(report.remarks).toEqual([
    '400 reads that MONITOR showed were not made by the server, and are taken off; calls that failed: `XREADGROUP` 250',
  ]);
  expectOneWindow(report);
});

test.each([
  [['SCAN', '0'], []],
  [['SCAN', '0', 'MATCH', 'type', 'COUNT', '50'], []],
  [['scan', '17', 'type', 'string'], ['scan 164']],
  [['SCAN', '0', 'TYPE', 'hash', 'MATCH', 'a b"c*', 'COUNT', '1000'], ['scan 10064']],
])('a line of MONITOR says whether SCAN asks for a type: %j', (argv, told) => {
  expect(readPieces(lineOf(argv), [7]).told.all).toEqual(told);
});
