import { describe, expect, test } from 'vitest';
import { parseInfo } from '../../src/redis/info.ts';
import { replyText } from '../../src/redis/reply.ts';
import type { RedisServer } from '../../src/redis/server.ts';
import { startCluster } from '../server/cluster.ts';
import { atEnd, startServer } from '../server/own.ts';
import { send } from '../server/redis.ts';
import { bench, resultOf } from './bench-runs.ts';

const ballast = 100_000;
const short = ['--operations', '2000', '--warmup', '0', '--output', 'json'];

const infoOf = async (server: RedisServer) => parseInfo(replyText(await send(server, 'INFO')));
const evictionsOn = async (server: RedisServer) => Number((await infoOf(server))['evicted_keys']);

/** Leaves so many bytes below `maxmemory`. */
async function leaveFree(server: RedisServer, bytes: number, policy = 'allkeys-lru'): Promise<void> {
  await send(server, 'CONFIG', 'SET', 'maxmemory-policy', policy);
  await send(server, 'CONFIG', 'SET', 'maxmemory', Number((await infoOf(server))['used_memory']) + bytes);
}

/** A server with keys of an application, and so many bytes free. */
async function nearlyFull(bytes: number, policy?: string) {
  const { redis, server } = await startServer({});
  // Unlike SET, it fills no buffers of a client, which would make room a moment later.
  await send(server, 'DEBUG', 'POPULATE', ballast, 'session', 800);
  await leaveFree(server, bytes, policy);
  return { url: redis.url, server };
}

describe('bench on a cache that is full', () => {
  test.each([
    ['allkeys-lru', 'the server would evict other keys (allkeys-lru)'],
    ['noeviction', 'the server would refuse writes, those of others too'],
  ])('is refused before it sends anything, under %s', async (policy, consequence) => {
    const { url, server } = await nearlyFull(1_000_000, policy);
    const run = await bench(['ping', 'set', ...short], { url });

    expect(run.exitCode).toBe(4);
    expect(resultOf(run)).toMatchObject({ ok: false, error: { code: 'OOM' }, results: [] });
    expect(run.stderr).toMatch(/the keys of this benchmark need about \d\.\d MB on \S+, where \d+\.\d MB of/);
    expect(run.stderr).toContain(`${consequence}; nothing was written`);
    expect(run.stderr).toContain('--like NAMESPACE');
    expect(run.stderr.includes('--allow-evictions')).toBe(policy === 'allkeys-lru');
    expect(await evictionsOn(server)).toBe(0);
    expect(await send(server, 'DBSIZE')).toBe(ballast);
  });

  test('writes as many keys as the hint says, and evicts none', async () => {
    const { url, server } = await nearlyFull(3_000_000);
    const args = ['get', 'mixed', '--connections', '20', ...short];
    const refused = await bench([...args, '--keys', '20000'], { url });
    const [, fitting = ''] = /--keys (\d+) or fewer/.exec(refused.stderr) ?? [];
    const run = await bench([...args, '--keys', fitting], { url });

    expect(Number(fitting)).toBeGreaterThan(3000);
    expect(run.exitCode).toBe(0);
    expect(await evictionsOn(server)).toBe(0);
    expect(await send(server, 'DBSIZE')).toBe(ballast);
  });

  test('reads keys of an application and measures PING, for neither writes', async () => {
    const { url, server } = await nearlyFull(800_000);
    const run = await bench(['ping', '--like', 'session:<id>', ...short], { url });
    const copies = await bench(['--like', 'session:<id>', '--shape', '--keys', '1000', ...short], { url });

    expect(run.exitCode).toBe(0);
    expect(copies.exitCode).toBe(4);
    expect(copies.stderr).toContain('leave --shape out');
    expect(await send(server, 'DBSIZE')).toBe(ballast);
  });

  test('evicts with --allow-evictions, and says how many', async () => {
    const { url, server } = await nearlyFull(0);
    const run = await bench(['set', '--allow-evictions', ...short], { url });
    const evictedKeys = await evictionsOn(server);

    expect(run.exitCode).toBe(0);
    expect(evictedKeys).toBeGreaterThan(1000);
    expect(resultOf(run).warnings).toContainEqual(expect.objectContaining({ kind: 'evictions' }));
  });

  test('counts the keys of both targets where they are the same server', async () => {
    const { url, server } = await nearlyFull(7_000_000);
    const alone = await bench(['set', ...short], { url });
    const twice = await bench(['set', '--against', url, '--rounds', '1', ...short], { url });

    expect([alone.exitCode, twice.exitCode]).toEqual([0, 4]);
    expect(await evictionsOn(server)).toBe(0);
    expect(await send(server, 'DBSIZE')).toBe(ballast);
  });
});

test('bench looks at the memory of every node of a cluster', async () => {
  const cluster = await startCluster(3);
  atEnd(() => cluster.stop());
  const [, , last] = cluster.admins;
  if (last === undefined) throw new Error('the cluster has fewer nodes');
  await send(last, 'DEBUG', 'POPULATE', 20_000, 'session', 800);
  await leaveFree(last, 500_000);
  const run = await bench(['set', '--cluster', ...short], { url: cluster.nodes[0].url });

  expect(run.exitCode).toBe(4);
  expect(run.stderr).toContain(`on ${new URL(cluster.nodes[2]?.url ?? '').host}, where`);
  expect(await evictionsOn(last)).toBe(0);
});
