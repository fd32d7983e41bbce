import { setTimeout as sleep } from 'node:timers/promises';
import fc from 'fast-check';
import { describe, expect, onTestFinished, test } from 'vitest';
import { asBytes, bytesOf } from '../../../src/support/bytes.ts';
import { encodeCommand, Connection } from '../../../src/redis/connection.ts';
import { productOf, survivesNoTouch } from '../../../src/redis/info.ts';
import { ReplyError, replyText } from '../../../src/redis/reply.ts';
import { makeIdle, send, targetOf, testUrl } from '../../server/redis.ts';
import { emptyServer, proxyTo, startRedis, startServer } from '../../server/own.ts';
import { until } from '../../server/until.ts';

const server = await emptyServer();

async function openConnection(timeoutMillis?: number): Promise<Connection> {
  const connection = await Connection.open(
    targetOf(testUrl(), timeoutMillis === undefined ? {} : { timeoutMillis }),
  );
  onTestFinished(() => connection.close());
  return connection;
}

/** A connection to the shared server through a relay that can fail. */
async function openRelayedConnection(timeoutMillis = 5000) {
  const direct = new URL(testUrl());
  const proxy = await proxyTo(Number(direct.port));
  const connection = await Connection.open(targetOf(`${proxy.url}${direct.pathname}`, { timeoutMillis }));
  onTestFinished(() => connection.close());
  return { connection, proxy };
}

describe('a connection', () => {
  test('answers in order, also when batches are sent before the first is answered', async () => {
    const connection = await openConnection();
    const batches = Array.from({ length: 50 }, (_, batch) =>
      Array.from({ length: 1 + (batch % 7) }, (_unused, index) => bytesOf(`${batch}.${index}`)),
    );
    const replies = await Promise.all(
      batches.map((batch) => connection.exchange(batch.map((word) => ['ECHO', word]))),
    );
    expect(replies).toEqual(batches);
  });

  test('keeps batches apart that were sent in one go by the thousand', async () => {
    const connection = await openConnection();
    const replies = await Promise.all(
      Array.from({ length: 3000 }, (_, index) => connection.exchange([['ECHO', bytesOf(String(index))]])),
    );
    expect(replies.flat()).toEqual(Array.from({ length: 3000 }, (_, index) => String(index)));
  });

  test('works in the database of its target', async () => {
    const connection = await openConnection();
    await connection.exchange([['SET', bytesOf('connection:database'), bytesOf('here')]]);
    expect(await send(server, 'GET', 'connection:database')).toBe('here');
  });

  test('carries keys and values of any bytes', async () => {
    const connection = await openConnection();
    const bytes = fc
      .uint8Array({ maxLength: 200 })
      .map((array) => asBytes(Buffer.from(array).toString('latin1')));
    await fc.assert(
      fc.asyncProperty(bytes, bytes, async (key, value) => {
        const replies = await connection.exchange([
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
    const connection = await openConnection();
    const value = asBytes(Buffer.alloc(20 * 2 ** 20, 'cachectl\r\n\0ÿ', 'latin1').toString('latin1'));
    const replies = await connection.exchange([
      ['SET', bytesOf('connection:big'), value],
      ['GET', bytesOf('connection:big')],
      ['UNLINK', bytesOf('connection:big')],
    ]);
    expect(replies[1] === value).toBe(true);
    expect(replies[2]).toBe(1);
  });

  test('gives an error reply as a value in its place', async () => {
    const connection = await openConnection();
    const replies = await connection.exchange([
      ['SET', bytesOf('connection:text'), bytesOf('text')],
      ['LLEN', bytesOf('connection:text')],
      ['GET', bytesOf('connection:text')],
    ]);
    expect(replies).toEqual(['OK', expect.any(ReplyError), 'text']);
    expect((replies[1] as ReplyError).code).toBe('WRONGTYPE');
  });

  test('answers an empty batch without asking the server', async () => {
    const connection = await openConnection();
    expect(await connection.exchange([])).toEqual([]);
    expect(connection.commandsSent).toBe(0);
  });

  test('counts the commands of its user, and none of its own login', async () => {
    const connection = await openConnection();
    await connection.exchange([['PING'], ['PING']]);
    await connection.send(encodeCommand(['PING']), 1);
    expect(connection.commandsSent).toBe(3);
  });

  test('leaves the LRU clock of the keys it reads alone, where the server can', async () => {
    const connection = await openConnection();
    await send(server, 'SET', 'connection:idle', 'x');
    await makeIdle(server, ['connection:idle'], 100);
    const [, idle] = await connection.exchange([
      ['GET', bytesOf('connection:idle')],
      ['OBJECT', 'IDLETIME', bytesOf('connection:idle')],
    ]);
    expect(Number(idle) >= 100).toBe(survivesNoTouch(productOf(connection.serverInfo)));
    expect(connection.leavesNoTouch).toBe(Number(idle) >= 100);
  });

  test('may write what another client waits for', async () => {
    const { redis, server: waiting } = await startServer();
    const popped = send(waiting, 'BLPOP', 'list', 0);
    const connection = await Connection.open(targetOf(redis.url));
    onTestFinished(() => connection.close());
    const clients = async () =>
      replyText((await connection.exchange([['CLIENT', bytesOf('LIST')]]))[0] ?? null);
    await until('a client waits', async () => / flags=b.* cmd=blpop /.test(await clients()));
    expect(await connection.exchange([['RPUSH', bytesOf('list'), bytesOf('x')], ['PING']])).toEqual([
      1,
      'PONG',
    ]);
    expect(await popped).toEqual(['list', 'x']);
  });

  test.each([
    ['redis', [false, '7.0.15'], [true, '7.2.0'], [true, '7.4.6'], [false, '7.9.227'], [false, '8.0.6']],
    ['redis', [false, '8.2.3'], [true, '8.4.0'], [true, '10.0.0'], [false, 'unknown']],
    [
      'valkey',
      [false, '7.2.8'],
      [false, '8.0.5'],
      [true, '8.0.6'],
      [false, '8.1.3'],
      [true, '8.1.4'],
      [true, '9.0.0'],
    ],
  ] as [string, ...[boolean, string][]][])(
    'asks to leave them alone no version that crashes then: %s',
    (product, ...versions) => {
      for (const [survives, version] of versions)
        expect([version, survivesNoTouch({ product, version })]).toEqual([version, survives]);
    },
  );

  test('fails every batch in hand and every later one when the connection is cut', async () => {
    const { connection, proxy } = await openRelayedConnection();
    proxy.stall();
    const pending = [connection.exchange([['PING']]), connection.exchange([['PING'], ['PING']])];
    for (const batch of pending) batch.catch(() => undefined);
    await sleep(30);
    proxy.cut();

    for (const batch of pending) {
      await expect(batch).rejects.toMatchObject({ name: 'RedisError', failure: 'lost', code: 'ECONNRESET' });
    }
    await expect(connection.exchange([['PING']])).rejects.toMatchObject({ failure: 'lost' });
  });

  test('gives what was answered before a cut', async () => {
    const { connection, proxy } = await openRelayedConnection();
    expect(await connection.exchange([['PING']])).toEqual(['PONG']);
    proxy.stall();
    const lost = connection.exchange([['PING']]);
    lost.catch(() => undefined);
    await sleep(30);
    proxy.cut();
    await expect(lost).rejects.toThrow(/^lost the connection to 127\.0\.0\.1:\d+/);
  });

  test('gives up when no answer comes within the time limit', async () => {
    const { connection, proxy } = await openRelayedConnection(300);
    proxy.stall();
    const before = performance.now();
    await expect(connection.exchange([['PING']])).rejects.toMatchObject({
      failure: 'lost',
      code: 'ETIMEDOUT',
    });
    expect(performance.now() - before).toBeGreaterThan(290);
  });

  test('does not count the time it had nothing to do against the time limit', async () => {
    const { connection, proxy } = await openRelayedConnection(1000);
    await sleep(1500);
    expect(await connection.exchange([['PING']])).toEqual(['PONG']);
    proxy.stall();
    await expect(connection.exchange([['PING']])).rejects.toMatchObject({ code: 'ETIMEDOUT' });
  });

  test('waits beyond the time limit as long as the answer keeps coming', async () => {
    const { connection, proxy } = await openRelayedConnection(2000);
    proxy.delay(1200);
    const replies = await Promise.all([
      connection.exchange([['PING']]),
      sleep(900).then(() => connection.exchange([['PING']])),
      sleep(1800).then(() => connection.exchange([['PING']])),
    ]);
    expect(replies.flat()).toEqual(['PONG', 'PONG', 'PONG']);
  });

  test('fails what is in hand when it is closed here', async () => {
    const { connection, proxy } = await openRelayedConnection();
    proxy.stall();
    const pending = connection.exchange([['PING']]);
    pending.catch(() => undefined);
    connection.close();
    await expect(pending).rejects.toMatchObject({ failure: 'lost', code: 'ECLOSED' });
  });

  test('ends when the server crashes', async () => {
    const redis = await startRedis();
    const connection = await Connection.open(targetOf(redis.url));
    const pending = connection.exchange([['BLPOP', bytesOf('nothing'), 0]]);
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
