import { existsSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { describe, expect, test } from 'vitest';
import type { RedisServer } from '../../src/redis/server.ts';
import { cli, type CliOptions, type CliResult, jsonOf } from '../run-cli.ts';
import { startBinary } from '../server/binary.ts';
import type { RedisProcessOptions } from '../server/redis-process.ts';
import { send } from '../server/redis.ts';
import { journalOf, readJournal, removedIn } from './invalidate-journals.ts';
import { countsOf, store, storedKeys } from './invalidate-setup.ts';
import { urlAs } from './reading.ts';
import { proxyTo, startServer, temporaryFolder } from '../server/own.ts';

const total = 12_000;
const users = Array.from({ length: total }, (_, index) => `user:${index}`);
const everyUser = ['invalidate', '--pattern', 'user:*', '--yes', '-o', 'json'];
const keysIn = async (server: RedisServer) => Number(await send(server, 'DBSIZE'));

/** The keys on a server behind a relay that answers slowly. */
async function slowServer(options: RedisProcessOptions = {}) {
  const { redis, server } = await startServer(options);
  await store(server, users);
  const proxy = await proxyTo(redis.port);
  proxy.delay(10);
  return { redis, server, proxy };
}

const untilHalfway = (server: RedisServer) =>
  expect.poll(() => keysIn(server), { timeout: 45_000, interval: 5 }).toBeLessThan(10_500);

/** The journal holds what is gone, and no key is counted as two things. */
async function expectToldTruly(result: CliResult, server: RedisServer): Promise<string> {
  const { matched, removed, gone, failed } = countsOf(result);
  expect(matched).toBe(total);
  expect(gone).toBe(0);
  const stored = await storedKeys(server);
  const left = new Set(stored);
  expect(total - left.size).toBeGreaterThanOrEqual(removed);
  expect(total - left.size).toBeLessThanOrEqual(removed + failed);
  const journal = journalOf(result);
  const noted = new Set(removedIn(await readJournal(journal)));
  expect(users.filter((key) => !left.has(key) && !noted.has(key))).toEqual([]);
  return journal;
}

/** Nothing more is missing after undo, or, where names alone were kept, after going on. */
async function expectWayOut(journal: string, backup: boolean, server: RedisServer, options: CliOptions) {
  if (backup) {
    const undone = await cli(['undo', journal, '--yes', '--other-server', '-o', 'json'], options);
    expect(undone.exitCode, undone.stderr).toBe(0);
    expect(await keysIn(server)).toBe(total);
    expect(await send(server, 'GET', 'user:7')).toBe('value');
  }
  const again = await cli([...everyUser, '--no-journal'], options);
  expect(again.exitCode).toBe(0);
  expect(await keysIn(server)).toBe(0);
}

describe.each([
  ['with names alone', []],
  ['with --backup', ['--backup']],
])('an invalidation %s', (_name, kept) => {
  const backup = kept.length > 0;
  const env = () => ({ XDG_STATE_HOME: temporaryFolder() });

  test('that loses its connection tells the truth, and can be undone or go on', async () => {
    const { redis, server, proxy } = await slowServer();
    const running = cli([...everyUser, ...kept, '--retry-for', '0'], { url: proxy.url, env: env() });
    await untilHalfway(server);
    await proxy.refuse();
    const result = await running;

    expect(result.exitCode).toBe(3);
    expect(jsonOf(result)).toMatchObject({ outcome: 'partlyRemoved' });
    await sleep(50);
    await expectWayOut(await expectToldTruly(result, server), backup, server, { url: redis.url });
  });

  test('that is interrupted tells the truth, and can be undone or go on', async () => {
    const { redis, server, proxy } = await slowServer();
    const controller = new AbortController();
    const running = cli([...everyUser, ...kept], { url: proxy.url, env: env(), signal: controller.signal });
    await untilHalfway(server);
    controller.abort('SIGINT');
    const result = await running;

    expect(result.exitCode).toBe(130);
    expect(countsOf(result).failed).toBe(0);
    expect(await keysIn(server)).toBe(total - countsOf(result).removed);
    const journal = await expectToldTruly(result, server);
    expect(removedIn(await readJournal(journal))).toHaveLength(countsOf(result).removed);
    await expectWayOut(journal, backup, server, { url: redis.url });
  });

  test('that is killed has noted at least what it removed', async () => {
    const { redis, server, proxy } = await slowServer();
    const state = temporaryFolder();
    const running = startBinary([...everyUser, ...kept], {
      env: { REDIS_URL: proxy.url, XDG_STATE_HOME: state },
    });
    await untilHalfway(server);
    running.child.kill('SIGKILL');
    expect((await running.outcome).signal).toBe('SIGKILL');
    await sleep(50);

    const folder = join(state, 'cachectl', 'journals');
    expect(existsSync(folder)).toBe(true);
    const journal = join(folder, readdirSync(folder)[0] ?? '');
    const left = new Set(await storedKeys(server));
    const noted = new Set(removedIn(await readJournal(journal)));
    expect(noted.size).toBeGreaterThan(1000);
    expect(users.filter((key) => !left.has(key) && !noted.has(key))).toEqual([]);
    await expectWayOut(journal, backup, server, { url: redis.url });
  });

  test('whose server dies tells what was done', async () => {
    const { redis, server, proxy } = await slowServer();
    const running = cli([...everyUser, ...kept, '--retry-for', '0'], { url: proxy.url, env: env() });
    await untilHalfway(server);
    redis.kill('SIGKILL');
    const result = await running;

    expect(result.exitCode).toBe(3);
    const { matched, removed, failed, notAttempted } = countsOf(result);
    expect(matched).toBe(removed + failed + notAttempted);
    expect(removed).toBeGreaterThan(0);
    expect(notAttempted).toBeGreaterThan(0);
    const noted = removedIn(await readJournal(journalOf(result)));
    expect(noted.length).toBeGreaterThanOrEqual(removed);
    expect(noted.length).toBeLessThanOrEqual(removed + failed);
  });

  test('on a replica, for a user who may not ask what it is, notes nothing as removed', async () => {
    const primary = await startServer();
    await store(primary.server, users);
    const replica = await startServer({
      args: ['--replicaof', '127.0.0.1', String(primary.redis.port)],
      config: ['user ann on >secret ~* resetchannels +@all -info'],
    });
    await expect.poll(() => keysIn(replica.server), { timeout: 45_000 }).toBe(total);

    const result = await cli([...everyUser, ...kept], { url: urlAs(replica.redis.url, 'ann'), env: env() });

    expect(result.exitCode).toBe(4);
    expect(countsOf(result)).toMatchObject({ matched: total, removed: 0 });
    expect(removedIn(await readJournal(journalOf(result)))).toEqual([]);
    expect(await keysIn(primary.server)).toBe(total);
  });

  test('of keys of which the third is refused removes the others, and notes these', async () => {
    const { redis, server } = await startServer({
      config: [
        'user ann on >secret resetkeys ~user:0* ~user:1* %R~user:* resetchannels -@all +ping +select +scan +unlink +info +dbsize +memory|usage +dump +pttl',
      ],
    });
    await store(server, users);
    const result = await cli([...everyUser, ...kept], { url: urlAs(redis.url, 'ann'), env: env() });

    expect(result.exitCode).toBe(1);
    const own = users.filter((key) => /^user:[01]/.test(key));
    expect(countsOf(result)).toMatchObject({
      removed: own.length,
      failed: total - own.length,
      notAttempted: 0,
    });
    const journal = await expectToldTruly(result, server);
    expect(removedIn(await readJournal(journal))).toEqual([...own].sort());
    await expectWayOut(journal, backup, server, { url: redis.url });
  });
});

describe('--max-rate', () => {
  test('keeps to its rate', async () => {
    const { redis, server } = await startServer();
    await store(server, users.slice(0, 300));

    const result = await cli(
      ['invalidate', '--pattern', 'user:*', '--max-rate', '200', '--yes', '-o', 'json'],
      {
        url: redis.url,
      },
    );

    expect(countsOf(result).removed).toBe(300);
    // The first of fifteen batches of twenty does not wait.
    expect(jsonOf(result)['durationSeconds']).toBeGreaterThanOrEqual(1.3);
  });
});
