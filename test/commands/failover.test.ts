import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, onTestFinished, test } from 'vitest';
import { replyText } from '../../src/redis/reply.ts';
import type { RedisServer } from '../../src/redis/server.ts';
import { slotOf } from '../../src/redis/slots.ts';
import { asBytes } from '../../src/support/bytes.ts';
import { type CliOptions, type CliResult, cli, jsonOf } from '../run-cli.ts';
import {
  beginMove,
  ownerIndex,
  startCluster,
  startReplica,
  storeInCluster,
  type TestCluster,
} from '../server/cluster.ts';
import { open, temporaryFolder } from '../server/own.ts';
import { callsOf, send, sendAll } from '../server/redis.ts';
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
  let journal: string;

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
    journal = join(temporaryFolder(), 'old.journal');
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

  test('undo takes the new one for the server of a journal of before', async () => {
    const { exitCode, stderr, stdout } = await cli(['undo', journal, '--replace', '--yes', '-o', 'json'], {
      env,
    });
    expect({ exitCode, stderr }).toEqual({ exitCode: 0, stderr: '' });
    expect(JSON.parse(stdout)).toMatchObject({ restored: old.length });
    const elsewhere = withMap({ profiles: { p: { url: successor.address } }, defaultProfile: 'p' });
    const refused = await cli(['undo', journal, '--yes'], { env: elsewhere });
    expect(refused).toMatchObject({ exitCode: 2 });
    expect(refused.stderr).toContain('--other-server');
  });
});

describe('reading while the primary is killed, and Sentinels put its replica in place', () => {
  const count = 60_000;
  let results: Record<'export' | 'archive' | 'diff', CliResult>;

  beforeAll(async () => {
    const pair = await startWatchedPair(async (server) => {
      const fill = `for i = 1, ${count} do redis.call('SET', 'key:' .. i, i) end`;
      const fields = `for i = 1, 20000 do redis.call('HSET', KEYS[1], 'field:' .. i, i) end`;
      await send(server, 'EVAL', fill, 0);
      await send(server, 'EVAL', fields, 1, 'long');
    });
    const profile = { sentinel: { name: 'main', nodes: [pair.sentinel.url] } };
    const env = withMap({ profiles: { p: profile }, defaultProfile: 'p' });
    const options = { env, cwd: temporaryFolder() };
    expect(await cli(['export', '--to', 'before.ndjson'], options)).toMatchObject({ exitCode: 0 });
    const primary = await open(pair.primary.url);
    const callsBefore = await callsOf(primary, 'get');
    const slow = ['--max-rate', '20000', '-o', 'json'];
    const diff = cli(['diff', 'before.ndjson', '-o', 'json'], options);
    await until('values are compared', async () => (await callsOf(primary, 'get')) > callsBefore + 500);
    const running = {
      export: cli(['export', '--to', 'keys.ndjson', ...slow], options),
      archive: cli(['export', '--to', 'keys.archive', ...slow], options),
    };
    await until('all of them read', async () => (await callsOf(primary, 'dump')) > 0);
    pair.primary.kill('SIGKILL');
    results = {
      ...{ export: await running.export, archive: await running.archive },
      diff: await diff,
    };
  }, 120_000);

  test.each(['export', 'archive'] as const)('%s reads each key once', (name) => {
    const { exitCode, stderr } = results[name];
    expect({ exitCode, stderr }).toEqual({ exitCode: 0, stderr: '' });
    expect(jsonOf(results[name])).toMatchObject({ keys: count + 1, skipped: 0, failed: 0 });
  });

  test('diff compares each key', () => {
    const { exitCode, stderr } = results.diff;
    expect({ exitCode, stderr }).toEqual({ exitCode: 0, stderr: '' });
    expect(jsonOf(results.diff)).toMatchObject({ equal: true });
  });
});

describe('reading a cluster', () => {
  const size = 3000;
  const keys = [...named('key', size), '{key:0}:long'];
  const slot = slotOf(asBytes('key:0'));
  let cluster: TestCluster;
  let options: CliOptions;

  beforeAll(async () => {
    cluster = await startCluster(3);
    await storeInCluster(cluster, keys.slice(0, size));
    const fields = `for i = 1, 20000 do redis.call('HSET', KEYS[1], 'field:' .. i, i) end`;
    await send(ownerOfSlot(), 'EVAL', fields, 1, '{key:0}:long');
    options = { url: cluster.nodes[0].url, cwd: temporaryFolder() };
    const whole = await cli(['export', '--cluster', '--to', 'before.ndjson'], options);
    expect(whole).toMatchObject({ exitCode: 0 });
  }, 60_000);
  afterAll(() => cluster.stop());

  const owner = ownerIndex(slot, 3);
  const ownerOfSlot = () => cluster.admins[owner] as RedisServer;
  const redirections = async (server: RedisServer) =>
    Number(/errorstat_ASK:count=(\d+)/.exec(replyText(await send(server, 'INFO', 'errorstats')))?.[1] ?? 0);

  test('diff waits for keys that are on their way to another node', async () => {
    const to = (owner + 1) % 3;
    const { source, target, ids } = await beginMove(cluster, slot, owner, to);
    const port = cluster.nodes[to]?.port ?? 0;
    for (const key of ['key:0', '{key:0}:long'])
      await send(source, 'MIGRATE', '127.0.0.1', port, key, 0, 5000);
    const running = cli(['diff', 'before.ndjson', '--cluster', '-o', 'json'], options);
    await until('the keys are asked for', async () => (await redirections(source)) > 0);
    for (const admin of [target, source, ...cluster.admins])
      await send(admin, 'CLUSTER', 'SETSLOT', slot, 'NODE', ids.target);

    const { exitCode, stderr, stdout } = await running;
    expect({ exitCode, stderr }).toEqual({ exitCode: 0, stderr: '' });
    expect(JSON.parse(stdout)).toMatchObject({ equal: true, compared: keys.length, failed: 0 });
  }, 60_000);

  test('export reads the keys of a primary that is killed at its replica', async () => {
    const { stop } = await startReplica(cluster, 2);
    onTestFinished(stop);
    const running = cli(
      ['export', '--cluster', '--to', 'keys.archive', '--max-rate', '2000', '-o', 'json'],
      options,
    );
    const killed = cluster.admins[2] as RedisServer;
    await until('values are read', async () => (await callsOf(killed, 'dump')) > 0);
    cluster.nodes[2]?.kill('SIGKILL');

    const { exitCode, stderr, stdout } = await running;
    expect({ exitCode, stderr }).toEqual({ exitCode: 0, stderr: '' });
    expect(JSON.parse(stdout)).toMatchObject({ keys: keys.length, skipped: 0, failed: 0 });
  }, 60_000);
});
