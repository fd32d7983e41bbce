import { join } from 'node:path';
import { temporaryFolder } from '../server/own.ts';
import { describe, expect, test } from 'vitest';
import { replyText } from '../../src/redis/reply.ts';
import type { RedisServer } from '../../src/redis/server.ts';
import { cli, jsonOf } from '../run-cli.ts';
import { send, sendAll } from '../server/redis.ts';
import { runWithFileLimit } from './invalidate-journals.ts';
import { store, storedKeys, withMap } from './invalidate-setup.ts';
import { countsOf, rules, storeIdle, ttlOf } from './prune-setup.ts';
import { urlAs } from './reading.ts';
import { proxyTo, startServer } from '../server/own.ts';

const users = (count: number) => Array.from({ length: count }, (_, id) => `user:${id}:profile`);
const setTtl = ['prune', '--set-ttl', '--yes', '--output', 'json'];
const reading =
  '-@all +ping +select +scan +info +dbsize +memory|usage +pttl +object|idletime +object|refcount';

/** How many keys have a TTL. */
async function expiring(server: RedisServer): Promise<number> {
  const info = replyText(await send(server, 'INFO', 'KEYSPACE'));
  return Number(/expires=(\d+)/.exec(info)?.[1] ?? 0);
}

/** A server behind a relay that answers slowly, so that something can happen while keys are changed. */
async function slowServer(keys: number) {
  const { redis, server } = await startServer();
  await store(server, users(keys));
  const proxy = await proxyTo(redis.port);
  proxy.delay(20);
  return { server, proxy };
}

describe('prune', () => {
  test('that loses its connection half-way tells what was done, and may be run again', async () => {
    const { server, proxy } = await slowServer(20_000);
    const env = withMap(rules);

    const running = cli([...setTtl, '--retry-for', '0'], { url: proxy.url, env });
    await expect.poll(() => expiring(server), { timeout: 45_000, interval: 5 }).toBeGreaterThan(2000);
    await proxy.refuse();
    const result = await running;

    expect(result.exitCode).toBe(3);
    const { matched, ttlSet, failed, notAttempted } = countsOf(result);
    expect(matched).toBe(20_000);
    expect(ttlSet).toBeGreaterThan(0);
    expect(failed).toBeGreaterThan(0);
    expect(notAttempted).toBeGreaterThan(0);
    expect(jsonOf(result)).toMatchObject({
      ok: false,
      outcome: 'partlyPruned',
      error: { kind: 'lost' },
      problems: [
        { keys: failed, reason: expect.stringContaining('whether it was changed is unknown') as string },
      ],
    });
    const done = await expiring(server);
    expect(done).toBeGreaterThanOrEqual(ttlSet);
    expect(done).toBeLessThanOrEqual(ttlSet + failed);

    const direct = await proxyTo(Number(new URL(server.address).port));
    const again = await cli(setTtl, { url: direct.url, env });
    expect(again.exitCode).toBe(0);
    expect(countsOf(again)).toMatchObject({ matched: 20_000 - done, ttlSet: 20_000 - done });
  });

  test('that is interrupted finishes the batches on their way', async () => {
    const { server, proxy } = await slowServer(20_000);
    const controller = new AbortController();

    const running = cli(setTtl, { url: proxy.url, env: withMap(rules), signal: controller.signal });
    await expect.poll(() => expiring(server), { timeout: 45_000, interval: 5 }).toBeGreaterThan(1000);
    controller.abort('SIGINT');
    const result = await running;

    expect(result.exitCode).toBe(130);
    const { ttlSet, failed, notAttempted } = countsOf(result);
    expect(failed).toBe(0);
    expect(notAttempted).toBeGreaterThan(0);
    expect(await expiring(server)).toBe(ttlSet);
    expect(jsonOf(result)).toMatchObject({ outcome: 'interrupted', complete: true });
  });

  test('that is interrupted while it looks for keys changes nothing', async () => {
    const { server, proxy } = await slowServer(20_000);
    const controller = new AbortController();

    const options = { url: proxy.url, env: { ...withMap(rules), NO_COLOR: '1' }, terminal: true };
    const running = cli(['prune', '--set-ttl', '--yes'], { ...options, signal: controller.signal });
    await expect.poll(() => proxy.connections, { timeout: 45_000, interval: 5 }).toBeGreaterThan(1);
    controller.abort('SIGTERM');
    const result = await running;

    expect(result.exitCode).toBe(143);
    expect(result.stdout).toContain('interrupted before anything was changed');
    expect(await expiring(server)).toBe(0);
  });

  test('on a replica changes nothing, and says that it is one', async () => {
    const primary = await startServer();
    await store(primary.server, users(300));
    const replica = await startServer({ args: ['--replicaof', '127.0.0.1', String(primary.redis.port)] });
    await expect.poll(() => send(replica.server, 'DBSIZE'), { timeout: 45_000 }).toBe(300);

    const result = await cli(setTtl, { url: replica.redis.url, env: withMap(rules) });

    expect(result.exitCode).toBe(4);
    expect(jsonOf(result)).toMatchObject({ ok: false, outcome: null, matched: null });
    expect(result.stderr).toContain(`is a replica of 127.0.0.1:${primary.redis.port}`);
    expect(await expiring(primary.server)).toBe(0);

    await storeIdle(primary.server, 'draft:1', 90_000);
    const options = { url: primary.redis.url, env: { ...withMap(rules), NO_COLOR: '1' }, terminal: true };
    const shown = await cli(['prune', '--idle', '1d', '--dry-run'], options);
    expect(shown.stdout).toContain('1 replica follows: a key that is read there alone counts as idle here');
  });

  test('stops where the journal of what is idle cannot be written, and names the way on', async () => {
    const { redis, server } = await startServer();
    await send(server, 'SET', 'source', 'x');
    const value = (await send(server, 'DUMP', 'source')) as string;
    const names = Array.from({ length: 1000 }, (_, id) => `draft:${id}`);
    await sendAll(
      server,
      names.map((name) => ['RESTORE', name, 0, value, 'IDLETIME', 90_000]),
    );
    const journal = join(temporaryFolder(), 'full.journal');
    const result = await runWithFileLimit(
      20,
      ['prune', '--idle', '1d', '--yes', '--no-backup', '--journal', journal, '-o', 'json'],
      { REDIS_URL: redis.url, ...withMap(rules) },
    );
    expect(result.exitCode).toBe(2);
    expect(result.stderr).toContain('full.journal` cannot be written');
    expect(result.stderr).toContain('make room');
    const { removed, failed, notAttempted } = countsOf(result);
    expect(removed + failed + notAttempted).toBe(1000);
    expect(await send(server, 'DBSIZE')).toBe(1001 - removed);
  });

  test('without the right to PEXPIRE or UNLINK changes nothing, and names the right', async () => {
    const { redis, server } = await startServer({
      config: [`user ann on >secret ~* resetchannels ${reading}`],
    });
    await store(server, users(5));
    await storeIdle(server, 'draft:1', 90_000);
    const options = { url: urlAs(redis.url, 'ann'), env: withMap(rules) };

    const ttl = await cli(setTtl, options);
    const idle = await cli(['prune', '--idle', '1d', '--yes', '--output', 'json'], options);

    expect([ttl.exitCode, idle.exitCode]).toEqual([4, 4]);
    expect(ttl.stderr).toContain("no permissions to run the 'pexpire' command");
    expect(idle.stderr).toContain("no permissions to run the 'unlink' command");
    expect(countsOf(ttl)).toMatchObject({ matched: 5, ttlSet: 0 });
    expect(await expiring(server)).toBe(0);
    expect(await storedKeys(server)).toContain('draft:1');
  });

  test('without the right to read what it looks for refuses, and does not say that all is well', async () => {
    const { redis, server } = await startServer({
      config: [
        'user ann on >secret ~* resetchannels -@all +ping +select +scan +info +dbsize +pexpire +unlink',
      ],
    });
    await store(server, users(5));
    const options = { url: urlAs(redis.url, 'ann'), env: withMap(rules) };

    const ttl = await cli(setTtl, options);
    const idle = await cli(['prune', '--idle', '1d', '--yes'], options);

    expect([ttl.exitCode, idle.exitCode]).toEqual([4, 4]);
    expect(ttl.stderr).toMatch(/`PTTL` on .*NOPERM/);
    expect(idle.stderr).toMatch(/`OBJECT IDLETIME` on .*NOPERM/);
    expect(await expiring(server)).toBe(0);
  });

  test('of keys that the user may read and not change repairs the others, and fails', async () => {
    const { redis, server } = await startServer({
      config: [`user ann on >secret resetkeys ~user:* %R~feed:* resetchannels ${reading} +pexpire`],
    });
    await store(server, [...users(450), 'feed:1', 'feed:2']);

    const result = await cli(setTtl, { url: urlAs(redis.url, 'ann'), env: withMap(rules) });

    expect(result.exitCode).toBe(1);
    expect(countsOf(result)).toMatchObject({ matched: 452, ttlSet: 450, failed: 2, notAttempted: 0 });
    expect(jsonOf(result)).toMatchObject({
      ok: true,
      outcome: 'partlyPruned',
      problems: [{ reason: expect.stringContaining('NOPERM') as string, keys: 2 }],
    });
    expect(await expiring(server)).toBe(450);
  });

  test.each(['allkeys-lfu', 'volatile-lfu'])('--idle under %s refuses, and says why', async (policy) => {
    for (const config of [[], ['user ann on >secret ~* +@all -info']]) {
      const { redis, server } = await startServer({ config, args: ['--maxmemory-policy', policy] });
      const url = config.length === 0 ? redis.url : urlAs(redis.url, 'ann');
      await store(server, ['draft:1', 'user:1:profile']);

      const result = await cli(['prune', '--idle', '1s', '--set-ttl', '--yes'], { url, env: withMap(rules) });

      expect(result.exitCode).toBe(4);
      expect(result.stderr).toMatch(/keeps no idle times: its eviction policy is .*lfu/i);
      expect(await expiring(server)).toBe(0);
    }
  });

  test('without MEMORY USAGE shows no bytes, and why', async () => {
    const { redis, server } = await startServer({
      config: ['user ann on >secret ~* resetchannels -@all +ping +select +scan +info +dbsize +pttl +pexpire'],
    });
    await store(server, users(3));
    const env = { ...withMap(rules), NO_COLOR: '1' };

    const options = { url: urlAs(redis.url, 'ann'), env, terminal: true };
    const result = await cli(['prune', '--set-ttl', '--yes'], options);

    expect(result.exitCode).toBe(0);
    expect(result.stdout).toMatch(/memory +-/);
    expect(result.stdout).toMatch(/no memory column: the server answered `NOPERM[^`]*memory/);
    expect(await ttlOf(server, 'user:1:profile')).toBeGreaterThan(0);
  });
});
