import { beforeAll, describe, expect, test } from 'vitest';
import type { RedisServer } from '../../src/redis/server.ts';
import { type CliResult, cli, jsonOf } from '../run-cli.ts';
import { open } from '../server/own.ts';
import { send, sendAll } from '../server/redis.ts';
import { beginFailover, startWatchedPair, type WatchedPair } from '../server/sentinel.ts';
import { until } from '../server/until.ts';
import { countsOf, storedKeys, withMap } from './invalidate-setup.ts';

const named = (name: string, count: number) =>
  Array.from({ length: count }, (_, index) => `${name}:${index}`);
const users = named('user', 6000);
const feeds = named('feed', 3000);

describe('changes during which Sentinels put another primary in place', () => {
  let pair: WatchedPair;
  let env: Record<string, string>;
  let results: Record<'invalidate' | 'prune', CliResult>;
  let successor: RedisServer;

  beforeAll(async () => {
    pair = await startWatchedPair((server) =>
      sendAll(
        server,
        [...users, ...feeds].map((key) => ['SET', key, key]),
      ),
    );
    env = withMap({
      profiles: { p: { sentinel: { name: 'main', nodes: [pair.sentinel.url] } } },
      defaultProfile: 'p',
      namespaces: { feed: { pattern: 'feed:<id>', ttl: '1h' }, user: { pattern: 'user:<id>', ttl: '1h' } },
    });
    const primary = await open(pair.primary.url);
    const run = (...args: readonly string[]) => cli([...args, '--yes', '-o', 'json'], { env });
    const running = {
      invalidate: run('invalidate', '--pattern', 'user:*', '--max-rate', '3000'),
      prune: run('prune', '--set-ttl', '--namespace', 'feed', '--max-rate', '1500'),
    };
    await until('some users are gone', async () => Number(await send(primary, 'DBSIZE')) < 8000);
    await beginFailover(pair);
    results = { invalidate: await running.invalidate, prune: await running.prune };
    successor = await open(pair.replica.url);
  }, 120_000);

  test('invalidate has removed all keys of the new one', async () => {
    const { exitCode, stderr } = results.invalidate;
    expect({ exitCode, stderr }).toEqual({ exitCode: 0, stderr: '' });
    const { matched, removed, gone, failed, notAttempted } = countsOf(results.invalidate);
    expect({ matched, done: removed + gone, failed, notAttempted }).toEqual({
      ...{ matched: users.length, done: users.length, failed: 0, notAttempted: 0 },
    });
    const left = await storedKeys(successor);
    expect(left.filter((key) => key.startsWith('user:'))).toEqual([]);
    expect(jsonOf(results.invalidate)).toMatchObject({ outcome: 'removed' });
  });

  test('prune has set all TTLs there', async () => {
    const { exitCode, stderr } = results.prune;
    expect({ exitCode, stderr }).toEqual({ exitCode: 0, stderr: '' });
    expect(jsonOf(results.prune)).toMatchObject({ ttlSet: feeds.length, failed: 0, notAttempted: 0 });
    const ttls = await sendAll(
      successor,
      feeds.map((key) => ['TTL', key]),
    );
    expect(ttls.filter((ttl) => Number(ttl) <= 0)).toEqual([]);
  });
});
