import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import type { RedisServer } from '../../src/redis/server.ts';
import { cli, jsonOf } from '../run-cli.ts';
import { send } from '../server/redis.ts';
import { countsOf, store, storedKeys, withMap } from './invalidate-setup.ts';
import { proxyTo, startServer, temporaryFolder } from '../server/own.ts';

const users = (count: number) => Array.from({ length: count }, (_, index) => `user:${index}:profile`);
const everyUser = ['invalidate', '--pattern', 'user:*', '--yes', '--output', 'json'];
const keysIn = async (server: RedisServer) => Number(await send(server, 'DBSIZE'));

/** A server behind a relay that answers slowly, so that something can happen while keys are removed. */
async function slowServer(keys: number) {
  const { redis, server: admin } = await startServer();
  await send(admin, 'DEBUG', 'POPULATE', keys, 'user');
  const proxy = await proxyTo(redis.port);
  proxy.delay(25);
  return { admin, proxy };
}

describe('invalidate', () => {
  test('that loses its connection half-way tells what was done, and may be run again', async () => {
    const { admin, proxy } = await slowServer(20_000);

    const running = cli([...everyUser, '--retry-for', '0'], { url: proxy.url });
    await expect.poll(() => keysIn(admin), { timeout: 45_000, interval: 5 }).toBeLessThan(16_000);
    proxy.cut();
    const result = await running;

    expect(result.exitCode).toBe(3);
    const { matched, removed, gone, failed, notAttempted } = countsOf(result);
    expect(matched).toBe(20_000);
    expect(gone).toBe(0);
    expect(removed).toBeGreaterThan(0);
    expect(failed).toBeGreaterThan(0);
    expect(notAttempted).toBeGreaterThan(0);
    expect(jsonOf(result)).toMatchObject({ ok: false, outcome: 'partlyRemoved', error: { kind: 'lost' } });
    const left = await keysIn(admin);
    expect(left).toBeLessThanOrEqual(matched - removed);
    expect(left).toBeGreaterThanOrEqual(notAttempted);

    const again = await cli(everyUser, { url: proxy.url });
    expect(again.exitCode).toBe(0);
    expect(countsOf(again)).toMatchObject({ matched: left, removed: left });
    expect(await keysIn(admin)).toBe(0);
  });

  test('that is interrupted finishes the batches on their way', async () => {
    const { admin, proxy } = await slowServer(20_000);
    const controller = new AbortController();

    const running = cli(everyUser, { url: proxy.url, signal: controller.signal });
    await expect.poll(() => keysIn(admin), { timeout: 45_000, interval: 5 }).toBeLessThan(18_000);
    controller.abort('SIGINT');
    const result = await running;

    expect(result.exitCode).toBe(130);
    const { removed, failed, notAttempted } = countsOf(result);
    expect(failed).toBe(0);
    expect(notAttempted).toBeGreaterThan(0);
    expect(await keysIn(admin)).toBe(20_000 - removed);
    expect(jsonOf(result)).toMatchObject({ outcome: 'interrupted' });
  });

  test('that is interrupted while it looks for keys removes nothing', async () => {
    const { admin, proxy } = await slowServer(20_000);
    const controller = new AbortController();

    const running = cli(everyUser, { url: proxy.url, signal: controller.signal });
    await expect.poll(() => proxy.connections, { timeout: 45_000, interval: 5 }).toBeGreaterThan(1);
    controller.abort('SIGINT');
    const result = await running;

    expect(result.exitCode).toBe(130);
    expect(countsOf(result).removed).toBe(0);
    expect(await keysIn(admin)).toBe(20_000);
  });

  test('of keys that the user may not touch removes the others, and fails', async () => {
    const { redis, server: admin } = await startServer({
      config: [
        'user ann on >secret resetkeys ~user:* resetchannels -@all +ping +select +scan +unlink +info +dbsize +memory|usage',
      ],
    });
    await store(admin, [...users(700), 'shop:user:1', 'shop:user:2']);
    const options = { url: redis.url, env: { REDISCLI_AUTH: 'secret' } };

    const result = await cli(
      ['--username', 'ann', 'invalidate', '--pattern', '*user:*', '--yes', '-o', 'json'],
      options,
    );

    expect(result.exitCode).toBe(1);
    expect(countsOf(result)).toMatchObject({ matched: 702, removed: 700, failed: 2 });
    expect(jsonOf(result)).toMatchObject({
      ok: true,
      outcome: 'partlyRemoved',
      problems: [{ reason: expect.stringContaining('NOPERM') as string, keys: 2 }],
      serverCost: { unreadableKeys: 2 },
    });
    expect(await storedKeys(admin)).toEqual(['shop:user:1', 'shop:user:2']);

    const shown = await cli(['--username', 'ann', 'invalidate', '--pattern', '*user:*', '--yes'], {
      ...options,
      terminal: true,
    });
    expect(shown.stdout).toContain('removed 0 of 2 keys');
    expect(shown.stdout).toMatch(/2\s+shop:user:\d\s+NOPERM/);
  });

  test('without MEMORY USAGE shows no bytes, and why', async () => {
    const { redis, server: admin } = await startServer({
      config: [
        'user ann on >secret resetkeys ~user:* resetchannels -@all +ping +select +scan +unlink +info +dbsize',
      ],
    });
    await store(admin, users(10));
    const options = { url: redis.url, env: { REDISCLI_AUTH: 'secret', NO_COLOR: '1' }, terminal: true };

    const result = await cli(['--username', 'ann', 'invalidate', 'user', '7', '--yes'], options);

    expect(result.exitCode).toBe(0);
    expect(result.stdout).toMatch(/memory\s+-/);
    expect(result.stdout).toMatch(/no memory column: the server answered `NOPERM[^`]*memory/);
    expect(await keysIn(admin)).toBe(9);
  });

  test('on a replica is refused before the plan, with the address of the primary, and so is all that writes', async () => {
    const { redis: primary, server: admin } = await startServer();
    await store(admin, users(15));
    const { redis: replica, server: reader } = await startServer({
      args: ['--replicaof', '127.0.0.1', String(primary.port)],
    });
    await expect.poll(() => keysIn(reader), { timeout: 45_000 }).toBe(15);
    const folder = temporaryFolder();
    const [plan, fixture] = [join(folder, 'plan.json'), join(folder, 'one.ndjson')];
    writeFileSync(fixture, '{"key":"user:new","value":"x"}\n');
    const planning = await cli(['invalidate', '--pattern', 'user:*', '--plan-out', plan, '--dry-run'], {
      url: replica.url,
    });
    expect(planning.exitCode).toBe(0);
    const removed = await cli(['invalidate', '--pattern', 'user:0*', '--yes', '-o', 'json'], {
      url: primary.url,
      env: { XDG_STATE_HOME: folder },
    });
    const { journal } = jsonOf(removed) as { journal: string };
    const env = withMap({ namespaces: { users: { pattern: 'user:*', ttl: '1h' } } });
    const before = await keysIn(admin);

    for (const args of [
      ['invalidate', '--pattern', 'user:*', '--yes'],
      ['apply', plan, '--yes'],
      ['prune', '--set-ttl', '--yes'],
      ['undo', journal, '--yes'],
      ['warm', fixture],
    ]) {
      const result = await cli([...args, '-o', 'json'], { url: replica.url, env });
      expect(result.exitCode, args[0]).toBe(4);
      expect(jsonOf(result)).toMatchObject({ ok: false, error: { kind: 'refused', code: 'READONLY' } });
      expect(result.stderr).toMatch(
        new RegExp(
          `is a replica of 127\\.0\\.0\\.1:${primary.port}, and \`${args[0]}\` writes; nothing was changed`,
        ),
      );
    }
    expect(await keysIn(admin)).toBe(before);
    await send(reader, 'CONFIG', 'SET', 'replica-read-only', 'no');
    const meant = await cli(['invalidate', '--pattern', 'user:*', '--yes'], { url: replica.url });
    expect(meant.exitCode).toBe(0);
  });

  test('without the right to UNLINK removes nothing, and names the right', async () => {
    const { redis, server: admin } = await startServer({
      config: ['user ann on >secret ~* resetchannels -@all +ping +select +scan +dbsize +memory|usage'],
    });
    await store(admin, users(5));

    const result = await cli(['--username', 'ann', ...everyUser], {
      url: redis.url,
      env: { REDISCLI_AUTH: 'secret' },
    });

    expect(result.exitCode).toBe(4);
    expect(result.stderr).toContain("no permissions to run the 'unlink' command");
    expect(result.stderr).not.toContain('secret');
    expect(await keysIn(admin)).toBe(5);
  });

  test('without a server has the fields it always has', async () => {
    const { redis } = await startServer();
    const there = await cli(everyUser, { url: redis.url });
    const absent = await cli(everyUser, { url: 'redis://127.0.0.1:1' });

    expect(absent.exitCode).toBe(3);
    expect(Object.keys(jsonOf(absent))).toEqual(Object.keys(jsonOf(there)));
  });
});
