import { setTimeout as sleep } from 'node:timers/promises';
import { describe, expect, test } from 'vitest';
import { removeKeys } from '../../src/changes/apply.ts';
import { type Progress, silentProgress } from '../../src/support/progress.ts';
import type { RedisError } from '../../src/redis/errors.ts';
import { asBytes } from '../../src/support/bytes.ts';
import type { RedisServer } from '../../src/redis/server.ts';
import { freePort, type RedisProcessOptions } from '../server/redis-process.ts';
import { send, sendAll } from '../server/redis.ts';
import { emptyServer, open, proxyTo, startRedis } from '../server/own.ts';

const keysNamed = (name: string, count: number) =>
  Array.from({ length: count }, (_, index) => asBytes(`${name}:${index}`));

const store = (server: RedisServer, keys: readonly string[]) =>
  sendAll(
    server,
    keys.map((key) => ['SET', key, 'x']),
  );

async function remove(
  server: RedisServer,
  keys: readonly string[],
  { signal = new AbortController().signal, progress = silentProgress } = {},
) {
  const { changed, unchanged, ...rest } = await removeKeys(server, keys.map(asBytes), {
    ...{ signal, progress, now: Date.now },
  });
  return { ...rest, changed: changed.removed ?? 0, gone: unchanged };
}

const accountedFor = ({ changed, gone, failed, notAttempted }: Awaited<ReturnType<typeof remove>>) =>
  changed + gone + failed + notAttempted;

async function privateServer(options: RedisProcessOptions = {}) {
  const redis = await startRedis(options);
  return { redis, admin: await open(redis.url) };
}

describe('a removal', () => {
  test('takes the keys it is given and leaves every other', async () => {
    const server = await emptyServer();
    const keys = keysNamed('user', 2345);
    await store(server, [...keys, 'user:late', 'other']);

    const result = await remove(server, keys);

    expect(result).toMatchObject({
      changed: 2345,
      gone: 0,
      failed: 0,
      notAttempted: 0,
      problems: [],
      stoppedBy: null,
    });
    expect(await send(server, 'DBSIZE')).toBe(2);
  });

  test('counts what vanished since the plan was made', async () => {
    const server = await emptyServer();
    const keys = keysNamed('user', 1200);
    await store(server, keys.slice(0, 700));

    expect(await remove(server, keys)).toMatchObject({ changed: 700, gone: 500, failed: 0, notAttempted: 0 });
    expect(await remove(server, keys)).toMatchObject({ changed: 0, gone: 1200, failed: 0, notAttempted: 0 });
  });

  test('takes keys of any bytes and of any length', async () => {
    const server = await emptyServer();
    const keys = [
      '\xff\x00\r\n',
      '*3\r\n',
      '',
      'k'.repeat(700_000),
      'l'.repeat(700_000),
      'm'.repeat(700_000),
    ];
    await store(server, keys);

    expect(await remove(server, keys)).toMatchObject({ changed: keys.length });
    expect(await send(server, 'DBSIZE')).toBe(0);
  });

  test('tells how it goes on', async () => {
    const server = await emptyServer();
    const keys = keysNamed('user', 1500);
    await store(server, keys);
    const told: number[] = [];
    const progress: Progress = { ...silentProgress, update: (done) => told.push(done) };

    await remove(server, keys, { progress });

    expect(told.at(-1)).toBe(1500);
    expect(told).toEqual([...told].sort((a, b) => a - b));
  });

  test('finishes the batches on their way when it is interrupted, and counts the rest', async () => {
    const server = await emptyServer();
    const keys = keysNamed('user', 5000);
    await store(server, keys);
    const controller = new AbortController();
    const progress: Progress = { ...silentProgress, update: () => controller.abort('SIGINT') };

    const result = await remove(server, keys, { signal: controller.signal, progress });

    expect(result.changed).toBeGreaterThan(0);
    expect(result.notAttempted).toBeGreaterThan(0);
    expect(result.stoppedBy).toBeNull();
    expect(accountedFor(result)).toBe(5000);
    expect(await send(server, 'DBSIZE')).toBe(5000 - result.changed);
  });
});

describe('a removal that the server refuses', () => {
  const limited = 'user ann on >secret resetkeys ~user:* resetchannels -@all +ping +select +unlink';

  test('for some keys takes the others, also those of the same batch', async () => {
    const { redis, admin } = await privateServer({ config: [limited] });
    const [users, others] = [keysNamed('user', 900), keysNamed('other', 30)];
    await store(admin, [...users, ...others]);
    const server = await open(redis.url, { username: 'ann', password: 'secret' });

    const result = await remove(server, [...users.slice(0, 450), ...others, ...users.slice(450)]);

    expect(result).toMatchObject({ changed: 900, gone: 0, failed: 30, notAttempted: 0, stoppedBy: null });
    expect(result.problems).toEqual([
      { reason: expect.stringContaining('NOPERM') as string, keys: 30, example: { key: 'other:0' } },
    ]);
    expect(await send(admin, 'DBSIZE')).toBe(30);
  });

  test('altogether stops at once', async () => {
    const { redis, admin } = await privateServer({ config: [limited.replace('+unlink', '')] });
    const keys = keysNamed('user', 5000);
    await store(admin, keys);
    const server = await open(redis.url, { username: 'ann', password: 'secret' });

    const result = await remove(server, keys);

    expect(result.stoppedBy).toMatchObject({ failure: 'refused', code: 'NOPERM' });
    expect(result.changed).toBe(0);
    expect(result.failed).toBeLessThanOrEqual(1000);
    expect(accountedFor(result)).toBe(5000);
    expect(await send(admin, 'DBSIZE')).toBe(5000);
  });

  test('because it is a replica stops at once', async () => {
    const { redis: primary, admin } = await privateServer();
    const keys = keysNamed('user', 3000);
    await store(admin, keys);
    const { admin: replica } = await privateServer({
      args: ['--replicaof', '127.0.0.1', String(primary.port)],
    });
    await expect.poll(() => send(replica, 'DBSIZE'), { timeout: 45_000 }).toBe(3000);

    const result = await remove(replica, keys);

    expect(result.stoppedBy).toMatchObject({ failure: 'refused', code: 'READONLY' });
    expect(result).toMatchObject({ changed: 0, gone: 0 });
    expect(accountedFor(result)).toBe(3000);
    expect(await send(admin, 'DBSIZE')).toBe(3000);
  });

  test('as one command for keys of many slots goes on key by key, and tells which live elsewhere', async () => {
    const node = async () =>
      privateServer({ args: ['--cluster-enabled', 'yes', '--cluster-port', String(await freePort())] });
    const [{ admin: here }, { redis: there, admin: elsewhere }] = [await node(), await node()];
    const busPort = Number(((await send(elsewhere, 'CONFIG', 'GET', 'cluster-port')) as string[])[1]);
    await send(here, 'CLUSTER', 'ADDSLOTSRANGE', 0, 8000);
    await send(elsewhere, 'CLUSTER', 'ADDSLOTSRANGE', 8001, 16_383);
    await send(here, 'CLUSTER', 'MEET', '127.0.0.1', there.port, busPort);
    for (const each of [here, elsewhere])
      await expect
        .poll(() => send(each, 'CLUSTER', 'INFO'), { timeout: 45_000 })
        .toContain('cluster_state:ok');
    const keys = keysNamed('user', 1700);
    const own: string[] = [];
    for (const key of keys) if (Number(await send(here, 'CLUSTER', 'KEYSLOT', key)) <= 8000) own.push(key);
    await store(here, own);

    const result = await remove(here, keys);

    expect(result).toMatchObject({
      changed: own.length,
      gone: 0,
      failed: 1700 - own.length,
      stoppedBy: null,
    });
    expect(result.problems).toMatchObject([{ reason: expect.stringMatching(/^MOVED/) as string }]);
    expect(await send(here, 'DBSIZE')).toBe(0);
  });
});

describe('a removal that loses its connection', () => {
  test('counts the batches without an answer as failed, and the rest as not attempted', async () => {
    const { redis, admin } = await privateServer();
    const keys = keysNamed('user', 20_000);
    await store(admin, keys);
    const proxy = await proxyTo(redis.port);
    const server = await open(proxy.url, { retryMillis: 0 });
    let batches = 0;
    const progress: Progress = {
      ...silentProgress,
      update: () => {
        batches++;
        if (batches === 5) proxy.cut();
      },
    };

    const result = await remove(server, keys, { progress });
    await sleep(50);

    expect(result.stoppedBy).toMatchObject({ failure: 'lost' });
    expect(result.changed).toBeGreaterThanOrEqual(2500);
    expect(result.failed).toBeGreaterThan(0);
    expect(result.notAttempted).toBeGreaterThan(0);
    expect(accountedFor(result)).toBe(20_000);
    expect(result.problems).toEqual([
      {
        reason: expect.stringContaining('no answer') as string,
        keys: result.failed,
        example: { key: expect.any(String) as string },
      },
    ]);
    const left = Number(await send(admin, 'DBSIZE'));
    expect(left).toBeLessThanOrEqual(20_000 - result.changed);
    expect(left).toBeGreaterThanOrEqual(result.notAttempted);

    expect(await remove(admin, keys)).toMatchObject({ changed: left, gone: 20_000 - left });
  });

  test('before it began has attempted nothing', async () => {
    const { redis, admin } = await privateServer();
    const keys = keysNamed('user', 10);
    await store(admin, keys);
    const proxy = await proxyTo(redis.port);
    const server = await open(proxy.url, { retryMillis: 0 });
    await proxy.refuse();

    const result = await remove(server, keys);

    expect(result).toMatchObject({ changed: 0, gone: 0, failed: 0, notAttempted: 10 });
    expect((result.stoppedBy as RedisError | null)?.failure).toMatch(/connect|lost/);
    expect(await send(admin, 'DBSIZE')).toBe(10);
  });
});
