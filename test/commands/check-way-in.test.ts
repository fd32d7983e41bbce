import { setTimeout as sleep } from 'node:timers/promises';
import { describe, expect, test } from 'vitest';
import { checks as allChecks } from '../../src/health/report.ts';
import { cli, jsonOf } from '../run-cli.ts';
import { freePort, type RedisProcess } from '../server/redis-process.ts';
import { send, startPrivateServer } from '../server/redis.ts';
import { checkJson, rowsOf, unreachable, withStatus } from './check-rows.ts';
import { open, proxyTo, startRedis, temporaryFolder } from '../server/own.ts';

describe('check of the way in', () => {
  test('exits 3 where nothing listens, and names the check that failed', async () => {
    const result = await checkJson([], { url: await unreachable() });

    expect(result.exitCode).toBe(3);
    expect(withStatus(result, 'fail')).toEqual(['connect']);
    expect(withStatus(result, 'skip')).toHaveLength(allChecks.length - 1);
    expect(jsonOf(result)).toMatchObject({ ok: false, status: 'fail', error: { code: 'ECONNREFUSED' } });
    expect(result.stderr).toMatch(
      /^error: cannot connect to 127\.0\.0\.1:\d+: nothing listens there\nhint: /,
    );
  });

  test.each(['', '/3'])(
    'exits 3 without the password a server asks for (URL ending in "%s")',
    async (path) => {
      const redis = await startRedis({ args: ['--requirepass', 'secret'] });
      const result = await checkJson([], { url: redis.url + path });

      expect(result.exitCode).toBe(3);
      expect(rowsOf(result)).toMatchObject({
        connect: { status: 'pass' },
        login: { status: 'fail', message: expect.stringContaining('NOAUTH') as string },
        'round-trip': { status: 'skip', message: 'not logged in' },
      });
    },
  );

  test('exits 3 with a wrong password, and shows it nowhere', async () => {
    const redis = await startRedis({ args: ['--requirepass', 'secret'] });
    for (const output of ['table', 'json', 'junit', 'github']) {
      const result = await cli(['check', '--output', output], {
        url: redis.url.replace('//', '//:hunter2@'),
      });

      expect(result.exitCode).toBe(3);
      expect(result.stdout).toContain('WRONGPASS invalid username-password pair');
      expect(result.stdout + result.stderr).not.toMatch(/hunter2|secret/);
    }
  });

  test('passes with the right password', async () => {
    const redis = await startRedis({ args: ['--requirepass', 'secret'] });

    expect(await cli(['check'], { url: redis.url, env: { REDISCLI_AUTH: 'secret' } })).toMatchObject({
      exitCode: 0,
    });
  });

  test('exits 1 where the database does not exist', async () => {
    const redis = await startRedis({ args: ['--databases', '2'] });
    const result = await checkJson([], { url: `${redis.url}/2` });

    expect(result.exitCode).toBe(1);
    expect(withStatus(result, 'pass')).toEqual(['connect', 'login']);
    expect(rowsOf(result)['database']).toMatchObject({
      status: 'fail',
      message: expect.stringContaining('out of range') as string,
    });
  });

  test('exits 3 where the server hangs, and tells that the connection did not hold', async () => {
    const redis = await startRedis();
    const proxy = await proxyTo(redis.port);
    proxy.stall();
    const result = await checkJson(['--timeout', '200ms'], { url: proxy.url });

    expect(result.exitCode).toBe(3);
    expect(withStatus(result, 'fail')).toEqual(['connect']);
  });
});

describe('check --wait', () => {
  test('waits for a server that is still to come', async () => {
    const port = await freePort();
    const running = checkJson(['--wait', '15s'], { url: `redis://127.0.0.1:${port}` });
    await sleep(150);
    await startRedis({ args: ['--port', String(port)] });
    const result = await running;

    expect(result.exitCode).toBe(0);
    expect(jsonOf(result)['waitedSeconds']).toBeGreaterThan(0.1);
    expect(rowsOf(result)['connect']?.message).toMatch(/^open after .*, and a wait of .* before$/);
  });

  test('gives up after its time, and not before', async () => {
    const startedAt = performance.now();
    const result = await checkJson(['--wait', '400ms'], { url: await unreachable() });

    expect(result.exitCode).toBe(3);
    expect(performance.now() - startedAt).toBeGreaterThan(390);
    expect(withStatus(result, 'fail')).toEqual(['connect']);
  });

  test('does not wait for a password to become right', async () => {
    const redis = await startRedis({ args: ['--requirepass', 'secret'] });
    const result = await checkJson(['--wait', '1h'], { url: redis.url });

    expect(result.exitCode).toBe(3);
  });

  test('ends at once when it is interrupted, and still reports', async () => {
    const controller = new AbortController();
    const running = checkJson(['--wait', '1h'], { url: await unreachable(), signal: controller.signal });
    setTimeout(() => controller.abort('SIGINT'), 300);
    const result = await running;

    expect(result.exitCode).toBe(130);
    expect(withStatus(result, 'fail')).toEqual(['connect']);
    expect(result.stderr).toMatch(/^error: interrupted while /);
    expect(rowsOf(result)['connect']?.message).toMatch(/^interrupted while /);
  });
});

describe('check of a server that is loading', () => {
  /** A server that reads 3,000 keys, each with a pause. */
  async function startLoading(pauseMicros: number): Promise<RedisProcess> {
    const directory = temporaryFolder();
    const first = await startPrivateServer({ directory });
    const server = await open(first.url);
    await send(server, 'DEBUG', 'POPULATE', '3000');
    await send(server, 'SAVE');
    await first.stop();
    return startRedis({
      directory,
      until: 'listening',
      args: ['--key-load-delay', String(pauseMicros), '--loading-process-events-interval-bytes', '1024'],
    });
  }

  test('exits 1: loading fails, and what rests on the dataset is skipped', async () => {
    const redis = await startLoading(3000);
    const result = await checkJson([], { url: redis.url });

    expect(result.exitCode).toBe(1);
    expect(withStatus(result, 'fail')).toEqual(['loading']);
    expect(withStatus(result, 'pass')).toEqual(['connect', 'login', 'database', 'permissions']);
    expect(rowsOf(result)).toMatchObject({
      loading: { remedy: expect.stringContaining('--wait') as string },
      memory: { message: 'the server is still loading its dataset' },
    });
  });

  test('passes with --wait once it is done', async () => {
    const redis = await startLoading(300);
    const result = await checkJson(['--wait', '15s'], { url: redis.url });

    expect(result.exitCode).toBe(0);
    expect(rowsOf(result)['database']?.message).toBe('database 0 holds 3,000 keys');
  });
});
