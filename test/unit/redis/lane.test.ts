import { setTimeout as sleep } from 'node:timers/promises';
import fc from 'fast-check';
import { describe, expect, onTestFinished, test } from 'vitest';
import { asBytes, bytesOf } from '../../../src/support/bytes.ts';
import { encodeCommand, Lane } from '../../../src/redis/lane.ts';
import { ReplyError } from '../../../src/redis/reply.ts';
import { makeIdle, send, targetOf, testUrl } from '../../server/redis.ts';
import { emptyServer, proxyTo, startRedis } from '../../server/own.ts';

const server = await emptyServer();

async function openLane(timeoutMillis?: number): Promise<Lane> {
  const lane = await Lane.open(targetOf(testUrl(), timeoutMillis === undefined ? {} : { timeoutMillis }));
  onTestFinished(() => lane.close());
  return lane;
}

/** A lane to the shared server through a relay that can fail. */
async function openRelayedLane(timeoutMillis = 5000) {
  const direct = new URL(testUrl());
  const proxy = await proxyTo(Number(direct.port));
  const lane = await Lane.open(targetOf(`${proxy.url}${direct.pathname}`, { timeoutMillis }));
  onTestFinished(() => lane.close());
  return { lane, proxy };
}

describe('a lane', () => {
  test('answers in order, also when batches are sent before the first is answered', async () => {
    const lane = await openLane();
    const batches = Array.from({ length: 50 }, (_, batch) =>
      Array.from({ length: 1 + (batch % 7) }, (_unused, index) => bytesOf(`${batch}.${index}`)),
    );
    const replies = await Promise.all(
      batches.map((batch) => lane.exchange(batch.map((word) => ['ECHO', word]))),
    );
    expect(replies).toEqual(batches);
  });

  test('keeps batches apart that were sent in one go by the thousand', async () => {
    const lane = await openLane();
    const replies = await Promise.all(
      Array.from({ length: 3000 }, (_, index) => lane.exchange([['ECHO', bytesOf(String(index))]])),
    );
    expect(replies.flat()).toEqual(Array.from({ length: 3000 }, (_, index) => String(index)));
  });

  test('works in the database of its target', async () => {
    const lane = await openLane();
    await lane.exchange([['SET', bytesOf('lane:database'), bytesOf('here')]]);
    expect(await send(server, 'GET', 'lane:database')).toBe('here');
  });

  test('carries keys and values of any bytes', async () => {
    const lane = await openLane();
    const bytes = fc
      .uint8Array({ maxLength: 200 })
      .map((array) => asBytes(Buffer.from(array).toString('latin1')));
    await fc.assert(
      fc.asyncProperty(bytes, bytes, async (key, value) => {
        const replies = await lane.exchange([
          ['SET', key, value],
          ['GET', key],
          ['STRLEN', key],
          ['UNLINK', key],
        ]);
        expect(replies).toEqual(['OK', value, value.length, 1]);
      }),
    );
  });

  test('carries a value of 20 MB there and back', async () => {
    const lane = await openLane();
    const value = asBytes(Buffer.alloc(20 * 2 ** 20, 'cachectl\r\n\0ÿ', 'latin1').toString('latin1'));
    const replies = await lane.exchange([
      ['SET', bytesOf('lane:big'), value],
      ['GET', bytesOf('lane:big')],
      ['UNLINK', bytesOf('lane:big')],
    ]);
    expect(replies[1] === value).toBe(true);
    expect(replies[2]).toBe(1);
  });

  test('gives an error reply as a value in its place', async () => {
    const lane = await openLane();
    const replies = await lane.exchange([
      ['SET', bytesOf('lane:text'), bytesOf('text')],
      ['LLEN', bytesOf('lane:text')],
      ['GET', bytesOf('lane:text')],
    ]);
    expect(replies).toEqual(['OK', expect.any(ReplyError), 'text']);
    expect((replies[1] as ReplyError).code).toBe('WRONGTYPE');
  });

  test('answers an empty batch without asking the server', async () => {
    const lane = await openLane();
    expect(await lane.exchange([])).toEqual([]);
    expect(lane.commandsSent).toBe(0);
  });

  test('counts the commands of its user, and none of its own login', async () => {
    const lane = await openLane();
    await lane.exchange([['PING'], ['PING']]);
    await lane.send(encodeCommand(['PING']), 1);
    expect(lane.commandsSent).toBe(3);
  });

  test('leaves the LRU clock of the keys it reads alone, where the server can', async () => {
    const lane = await openLane();
    await send(server, 'SET', 'lane:idle', 'x');
    await makeIdle(server, ['lane:idle'], 100);
    const [, idle] = await lane.exchange([
      ['GET', bytesOf('lane:idle')],
      ['OBJECT', 'IDLETIME', bytesOf('lane:idle')],
    ]);
    const [noTouch] = await lane.exchange([['CLIENT', 'NO-TOUCH', 'ON']]);
    // Redis 7.2 and later know NO-TOUCH.
    if (noTouch === 'OK') expect(idle).toBeGreaterThanOrEqual(100);
    else expect(noTouch).toBeInstanceOf(ReplyError);
  });

  test('fails every batch in hand and every later one when the connection is cut', async () => {
    const { lane, proxy } = await openRelayedLane();
    proxy.stall();
    const pending = [lane.exchange([['PING']]), lane.exchange([['PING'], ['PING']])];
    for (const batch of pending) batch.catch(() => undefined);
    await sleep(30);
    proxy.cut();

    for (const batch of pending) {
      await expect(batch).rejects.toMatchObject({ name: 'RedisError', failure: 'lost', code: 'ECONNRESET' });
    }
    await expect(lane.exchange([['PING']])).rejects.toMatchObject({ failure: 'lost' });
  });

  test('gives what was answered before a cut', async () => {
    const { lane, proxy } = await openRelayedLane();
    expect(await lane.exchange([['PING']])).toEqual(['PONG']);
    proxy.stall();
    const lost = lane.exchange([['PING']]);
    lost.catch(() => undefined);
    await sleep(30);
    proxy.cut();
    await expect(lost).rejects.toThrow(/^lost the connection to 127\.0\.0\.1:\d+/);
  });

  test('gives up when no answer comes within the time limit', async () => {
    const { lane, proxy } = await openRelayedLane(300);
    proxy.stall();
    const before = performance.now();
    await expect(lane.exchange([['PING']])).rejects.toMatchObject({ failure: 'lost', code: 'ETIMEDOUT' });
    expect(performance.now() - before).toBeGreaterThan(290);
  });

  test('does not count the time it had nothing to do against the time limit', async () => {
    const { lane, proxy } = await openRelayedLane(1000);
    await sleep(1500);
    expect(await lane.exchange([['PING']])).toEqual(['PONG']);
    proxy.stall();
    await expect(lane.exchange([['PING']])).rejects.toMatchObject({ code: 'ETIMEDOUT' });
  });

  test('waits beyond the time limit as long as the answer keeps coming', async () => {
    const { lane, proxy } = await openRelayedLane(2000);
    proxy.delay(1200);
    const replies = await Promise.all([
      lane.exchange([['PING']]),
      sleep(900).then(() => lane.exchange([['PING']])),
      sleep(1800).then(() => lane.exchange([['PING']])),
    ]);
    expect(replies.flat()).toEqual(['PONG', 'PONG', 'PONG']);
  });

  test('fails what is in hand when it is closed here', async () => {
    const { lane, proxy } = await openRelayedLane();
    proxy.stall();
    const pending = lane.exchange([['PING']]);
    pending.catch(() => undefined);
    lane.close();
    await expect(pending).rejects.toMatchObject({ failure: 'lost', code: 'ECLOSED' });
  });

  test('ends when the server crashes', async () => {
    const redis = await startRedis();
    const lane = await Lane.open(targetOf(redis.url));
    const pending = lane.exchange([['BLPOP', bytesOf('nothing'), 0]]);
    pending.catch(() => undefined);
    await sleep(30);
    redis.kill('SIGKILL');
    await expect(pending).rejects.toMatchObject({ failure: 'lost', code: 'ECONNRESET' });
  });
});

test('a command is encoded with its lengths in bytes', () => {
  expect(encodeCommand(['SET', bytesOf('klíč'), 12])).toBe(
    '*3\r\n$3\r\nSET\r\n$6\r\nkl\u00c3\u00ad\u00c4\u008d\r\n$2\r\n12\r\n',
  );
});
