import { setTimeout as sleep } from 'node:timers/promises';
import { describe, expect, test } from 'vitest';
import type { BenchResult } from '../../src/commands/bench/view.ts';
import { parseInfo } from '../../src/redis/info.ts';
import { replyText } from '../../src/redis/reply.ts';
import { startBinary } from '../server/binary.ts';
import { send, testUrl } from '../server/redis.ts';
import { bench, benchKeys, brief, keysAppear, resultOf } from './bench-runs.ts';
import { emptyServer, proxyTo, startServer } from '../server/own.ts';

describe('bench that the server refuses', () => {
  test('stops with exit code 4 where memory has run out, and removes what it wrote', async () => {
    const { redis, server } = await startServer({});
    // Unlike SET, it fills no buffers of a client, which would make room a moment later.
    await send(server, 'DEBUG', 'POPULATE', 20_000, 'ballast', 800);
    const used = parseInfo(replyText(await send(server, 'INFO', 'memory')))['used_memory'];
    await send(server, 'CONFIG', 'SET', 'maxmemory', Number(used) + 400_000);
    const run = await bench(
      [
        'ping',
        'set',
        '--allow-evictions',
        '--operations',
        '100',
        '--warmup',
        '0',
        '--keys',
        '3000',
        '-o',
        'json',
      ],
      { url: redis.url },
    );

    expect(run.exitCode).toBe(4);
    expect(run.stderr).toContain('the server answered `OOM');
    expect(resultOf(run)).toMatchObject({ ok: false, error: { code: 'OOM' }, keysLeft: 0 });
    expect(resultOf(run).results.map(({ name }) => name)).toEqual(['ping']);
    expect(await send(server, 'DBSIZE')).toBe(20_000);
  });

  test('writes nothing where it could not remove it again', async () => {
    const { redis, server } = await startServer({
      config: ['user ann on >secret ~* -@all +ping +get +set +info'],
    });
    const run = await bench(['set', ...brief], {
      url: redis.url,
      env: { REDIS_URL: redis.url.replace('//', '//ann@'), REDISCLI_AUTH: 'secret' },
    });

    expect(run.exitCode).toBe(4);
    expect(run.stderr).toContain('`UNLINK`');
    expect(run.stderr).toContain('NOPERM');
    expect(await send(server, 'DBSIZE')).toBe(0);
  });

  test('stops with exit code 4 on a replica, where PING can still be measured', async () => {
    const { redis } = await startServer({ args: ['--replicaof', '127.0.0.1', '1'] });
    const set = await bench(['set', ...brief], { url: redis.url });
    const ping = await bench(['ping', ...brief], { url: redis.url });

    expect(set.exitCode).toBe(4);
    expect(set.stderr).toContain('READONLY');
    expect(ping.exitCode).toBe(0);
  });

  test('works without INFO, and then knows no version', async () => {
    const { redis } = await startServer({
      config: ['user ann on >secret ~cachectl:bench:* -@all +ping +get +set +unlink'],
    });
    const run = await bench([...brief, '--output', 'json'], {
      env: { REDIS_URL: redis.url.replace('//', '//ann@'), REDISCLI_AUTH: 'secret' },
    });

    expect(run.exitCode).toBe(0);
    expect(resultOf(run).server).toMatchObject({ product: null, version: null });
    expect(resultOf(run).keysRemoved).toBe(50);
  });

  test('stops with exit code 3 where the server goes away, and tells what is left', async () => {
    const proxy = await proxyTo(Number(new URL(testUrl()).port));
    const server = await emptyServer();
    const url = new URL(testUrl());
    url.port = String(proxy.port);
    const running = bench(['set', '--duration', '20s', '--keys', '20', '--warmup', '0', '--output', 'json'], {
      url: url.href,
    });
    const keys = await keysAppear(server);
    await sleep(200);
    await proxy.refuse();
    const run = await running;

    expect(run.exitCode).toBe(3);
    expect(resultOf(run)).toMatchObject({ keysRemoved: 0, keysLeft: 20, results: [{ complete: false }] });
    expect(resultOf(run).warnings).toContainEqual(
      expect.objectContaining({ kind: 'keys-left', keysLeft: 20, keyTtlSeconds: 620 }),
    );
    expect(Number(await send(server, 'TTL', keys[0] ?? ''))).toBeGreaterThan(600);
  });
});

describe('bench that is interrupted', () => {
  test('by Ctrl-C gives what it measured, removes its keys and exits with 130', async () => {
    const { redis, server } = await startServer({});
    await send(server, 'SET', 'cachectl:benchmark', 'not ours');
    const { child, outcome } = startBinary(
      ['bench', 'set', 'get', '--duration', '60s', '--warmup', '0', '--keys', '2000', '--output', 'json'],
      { env: { REDIS_URL: redis.url } },
    );
    const keys = await keysAppear(server);
    expect(Number(await send(server, 'TTL', keys[0] ?? ''))).toBeGreaterThan(0);
    await sleep(500);
    child.kill('SIGINT');
    const run = await outcome;
    const result = JSON.parse(run.stdout) as BenchResult;

    expect(run.exitCode).toBe(130);
    expect(result).toMatchObject({
      keysRemoved: 2000,
      keysLeft: 0,
      results: [{ name: 'set', complete: false, errors: 0 }],
    });
    expect(result.results[0]?.operations).toBeGreaterThan(0);
    expect(await benchKeys(server)).toEqual([]);
    expect(await send(server, 'DBSIZE')).toBe(1);
  });
});

test('bench that is killed leaves keys that expire, and the next run touches none of them', async () => {
  const { redis, server } = await startServer({});
  const { child, outcome } = startBinary(
    ['bench', 'set', '--duration', '60s', '--warmup', '0', '--keys', '300', '--output', 'json'],
    { env: { REDIS_URL: redis.url } },
  );
  const keys = await keysAppear(server);
  child.kill('SIGKILL');
  await outcome;
  const left = await benchKeys(server);
  const next = await bench(['set', ...brief, '--output', 'json'], { url: redis.url });

  expect(left.length).toBeGreaterThanOrEqual(keys.length);
  expect(resultOf(next)).toMatchObject({ keysRemoved: 50, keysLeft: 0 });
  expect((await benchKeys(server)).sort()).toEqual(left.sort());
  for (const key of left.slice(0, 20)) {
    const ttl = Number(await send(server, 'TTL', key));
    expect(ttl).toBeGreaterThan(0);
    expect(ttl).toBeLessThanOrEqual(600 + 60);
  }
});
