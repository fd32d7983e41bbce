import { join } from 'node:path';
import { beforeAll, describe, expect, test } from 'vitest';
import type { RedisServer } from '../../src/redis/server.ts';
import { type CliResult, cli, jsonOf } from '../run-cli.ts';
import { open, temporaryFolder } from '../server/own.ts';
import { send, sendAll } from '../server/redis.ts';
import { beginFailover, startWatchedPair, type WatchedPair } from '../server/sentinel.ts';
import { until } from '../server/until.ts';
import { countsOf, storedKeys, withMap } from './invalidate-setup.ts';

const named = (name: string, count: number) =>
  Array.from({ length: count }, (_, index) => `${name}:${index}`);
const users = named('user', 6000);
const feeds = named('feed', 3000);
const old = named('old', 4000);
const lines = named('warm', 5000).map((key) => JSON.stringify({ key, value: key }));

describe('changes during which Sentinels put another primary in place', () => {
  let pair: WatchedPair;
  let env: Record<string, string>;
  let results: Record<'invalidate' | 'prune' | 'warm' | 'undo', CliResult>;
  let successor: RedisServer;

  beforeAll(async () => {
    pair = await startWatchedPair((server) =>
      sendAll(
        server,
        [...users, ...feeds, ...old].map((key) => ['SET', key, key]),
      ),
    );
    env = withMap({
      profiles: { p: { sentinel: { name: 'main', nodes: [pair.sentinel.url] } } },
      defaultProfile: 'p',
      namespaces: { feed: { pattern: 'feed:<id>', ttl: '1h' }, user: { pattern: 'user:<id>', ttl: '1h' } },
    });
    const primary = await open(pair.primary.url);
    const journal = join(temporaryFolder(), 'old.journal');
    const removal = ['invalidate', '--pattern', 'old:*', '--journal', journal, '--yes'];
    expect(await cli(removal, { env })).toMatchObject({ exitCode: 0 });
    const run = (...args: readonly string[]) => cli([...args, '--yes', '-o', 'json'], { env });
    const running = {
      invalidate: run('invalidate', '--pattern', 'user:*', '--max-rate', '3000'),
      prune: run('prune', '--set-ttl', '--namespace', 'feed', '--max-rate', '1500'),
    };
    const warm = cli(['warm', '-', '--ttl', '1h', '--max-rate', '2000', '-o', 'json'], {
      env,
      input: lines.join('\n'),
    });
    await until(
      'some records are written',
      async () => Number(await send(primary, 'EXISTS', 'warm:999')) === 1,
    );
    await beginFailover(pair);
    const undo = run('undo', journal);
    results = {
      ...{ invalidate: await running.invalidate, prune: await running.prune },
      ...{ warm: await warm, undo: await undo },
    };
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

  test('warm has written all records there', async () => {
    const { exitCode, stderr } = results.warm;
    expect({ exitCode, stderr }).toEqual({ exitCode: 0, stderr: '' });
    expect(jsonOf(results.warm)).toMatchObject({ records: 5000, written: 5000, skipped: 0, failed: 0 });
    expect((await storedKeys(successor)).filter((key) => key.startsWith('warm:'))).toHaveLength(5000);
  });

  test('undo has put back all keys there', async () => {
    const { exitCode, stderr } = results.undo;
    expect({ exitCode, stderr }).toEqual({ exitCode: 0, stderr: '' });
    expect(jsonOf(results.undo)).toMatchObject({ keys: 4000, restored: 4000, skipped: 0, failed: 0 });
    expect((await storedKeys(successor)).filter((key) => key.startsWith('old:'))).toHaveLength(4000);
  });
});
