import { setTimeout as sleep } from 'node:timers/promises';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, onTestFinished, test } from 'vitest';
import type { BenchResult } from '../../src/commands/bench/view.ts';
import { commandCalls, parseInfo } from '../../src/redis/info.ts';
import { replyText } from '../../src/redis/reply.ts';
import type { RedisServer } from '../../src/redis/server.ts';
import { sumOf } from '../../src/support/collections.ts';
import { startBinary } from '../server/binary.ts';
import { keyCounts, startCluster } from '../server/cluster.ts';
import { startSentinel } from '../server/sentinel.ts';
import { withMap } from './invalidate-setup.ts';
import { proxyTo, startRedis, startServer, temporaryFolder } from '../server/own.ts';
import { send } from '../server/redis.ts';
import { bench, benchKeys, brief, keysAppear, resultOf } from './bench-runs.ts';

const inTwo = ['--threads', '2', '--connections', '6'];

const counted = async (server: RedisServer, command: string) =>
  commandCalls(parseInfo(replyText(await send(server, 'INFO', 'commandstats'))), 'calls')?.get(command) ?? 0;

describe('bench in two threads', () => {
  test('counts what the server counts, and leaves no key behind', async () => {
    const { redis, server } = await startServer({});
    const run = await bench(
      ['get', 'mget', 'mixed', '--hit-ratio', '80%', ...inTwo, ...brief, '--pipeline', '3', '-o', 'json'],
      { url: redis.url },
    );
    const { results, threads, ownLookups, keysRemoved, keysLeft } = resultOf(run);
    const stats = parseInfo(replyText(await send(server, 'INFO', 'stats')));

    expect(run.exitCode, run.stderr).toBe(0);
    expect(threads).toBe(2);
    for (const { operations, complete, serverSide, latency } of results) {
      expect({ operations, complete, calls: serverSide?.calls }).toEqual({
        ...{ operations: 400, complete: true, calls: 400 },
      });
      expect(latency?.samples).toBeGreaterThanOrEqual(Math.ceil(400 / 3));
    }
    expect(await counted(server, 'MGET')).toBe(400);
    expect(ownLookups.hits).toBe(Number(stats['keyspace_hits']));
    expect(ownLookups.misses).toBe(Number(stats['keyspace_misses']));
    expect(ownLookups.misses).toBeGreaterThan(0);
    expect({ keysRemoved, keysLeft }).toEqual({ keysRemoved: 50, keysLeft: 0 });
    expect(await send(server, 'DBSIZE')).toBe(0);
  });

  test('keeps a timetable', async () => {
    const run = await bench(
      ['get', ...inTwo, '--rate', '500', '--duration', '1s', '--warmup', '0', '--keys', '50', '-o', 'json'],
      { url: (await startRedis()).url },
    );
    const [result] = resultOf(run).results;

    expect(run.exitCode).toBe(0);
    expect(result?.clientUtilization).toBeNull();
    expect(result?.operations).toBeLessThanOrEqual(500);
    expect(result?.durationSeconds).toBeGreaterThanOrEqual(1);
  });

  test('says how many there are, and never has more than connections', async () => {
    const { url } = await startRedis();
    const text = await bench(['ping', ...inTwo, ...brief], { url, terminal: true });
    const refused = await bench(['ping', '--threads', '5', '--connections', '4'], { url });

    expect(text.stdout).toContain('6 connections in 2 threads');
    expect(refused.exitCode).toBe(2);
    expect(refused.stderr).toContain('`--threads 5` is more than `--connections 4`');
  });

  test('logs in over TLS with a password that stands nowhere else, and traces what is sent', async () => {
    const redis = await startRedis({ tls: true, config: ['user ann on >secret ~cachectl:bench:* +@all'] });
    const cwd = temporaryFolder();
    const args = ['--tls-ca', redis.certificates?.caFile ?? '', '--username', 'ann', '--log', 'sent'];
    const run = await bench(['get', ...inTwo, ...brief, ...args, '-o', 'json'], {
      ...{ url: redis.url, cwd, env: { REDISCLI_AUTH: 'secret' } },
    });
    const log = readFileSync(join(cwd, 'sent'), 'utf8');

    expect(run.exitCode, run.stderr).toBe(0);
    expect(resultOf(run).results[0]).toMatchObject({ operations: 400, errors: 0 });
    expect(log.match(/ GET cachectl:bench:/g)).toHaveLength(400);
    expect(`${log}${run.stdout}${run.stderr}`).not.toContain('secret');
  });

  test('reaches every node of a cluster', async () => {
    const cluster = await startCluster(3);
    onTestFinished(() => cluster.stop());
    const run = await bench(['get', 'ping', ...inTwo, ...brief, '--cluster', '-o', 'json'], {
      url: cluster.nodes[0].url,
    });
    const calls = await Promise.all(cluster.admins.map((admin) => counted(admin, 'GET')));

    expect(run.exitCode, run.stderr).toBe(0);
    expect(resultOf(run).results.map(({ operations }) => operations)).toEqual([400, 400]);
    expect(sumOf(calls)).toBe(400);
    expect(Math.min(...calls)).toBeGreaterThan(0);
    expect(resultOf(run).ownLookups.hits).toBe(400);
    expect(await keyCounts(cluster)).toEqual([0, 0, 0]);
  });

  test('finds the primary behind Sentinels, and its database', async () => {
    const { redis, server } = await startServer({}, { database: 2 });
    const sentinel = await startSentinel(redis);
    onTestFinished(() => sentinel.stop());
    const ended = new AbortController();
    const profiles = { p: { sentinel: { name: 'main', nodes: [sentinel.url], database: 2 } } };
    const running = bench(['get', ...inTwo, '--duration', '20s', '--keys', '50', '-o', 'json', '-p', 'p'], {
      env: withMap({ profiles }),
      signal: ended.signal,
    });
    await keysAppear(server);
    ended.abort('SIGINT');

    expect(resultOf(await running)).toMatchObject({ threads: 2, keysRemoved: 50, keysLeft: 0 });
  });

  test('measures two servers in turn', async () => {
    const [own, other] = [await startServer({}), await startServer({})];
    const run = await bench(
      ['get', ...inTwo, ...brief, '--against', other.redis.url, '--rounds', '2', '-o', 'json'],
      { url: own.redis.url },
    );
    const { results, against } = resultOf(run);

    expect(run.exitCode, run.stderr).toBe(0);
    expect([results[0]?.operations, against?.results[0]?.operations]).toEqual([800, 800]);
    expect(await Promise.all([counted(own.server, 'GET'), counted(other.server, 'GET')])).toEqual([800, 800]);
    expect(await Promise.all([own, other].map(({ server }) => send(server, 'DBSIZE')))).toEqual([0, 0]);
  });

  test('is told what the server refuses, as one thread is', async () => {
    const { redis, server } = await startServer({
      config: ['user ann on >secret ~cachectl:bench:* +@all -get'],
    });
    const run = (threads: string) =>
      bench(['get', '--threads', threads, ...brief], {
        env: { REDIS_URL: redis.url.replace('//', '//ann@'), REDISCLI_AUTH: 'secret' },
      });
    const [one, two] = [await run('1'), await run('2')];

    expect(two.exitCode).toBe(4);
    expect(two.stderr).toContain('NOPERM');
    expect(two.stderr).toBe(one.stderr);
    expect(await send(server, 'DBSIZE')).toBe(0);
  });

  test('opens no connection for long where not all can be had', async () => {
    const { redis, server } = await startServer({ args: ['--maxclients', '12'] });
    const run = await bench(['get', '--threads', '2', '--connections', '20', ...brief], { url: redis.url });

    expect(run.exitCode).toBe(3);
    expect(run.stderr).toContain('max number of clients');
    expect(await send(server, 'DBSIZE')).toBe(0);
  });

  test('stops where the server goes away, and tells what is left', async () => {
    const { redis, server } = await startServer({});
    const proxy = await proxyTo(redis.port);
    const running = bench(
      ['set', ...inTwo, '--duration', '20s', '--keys', '20', '--warmup', '0', '-o', 'json'],
      {
        url: `redis://127.0.0.1:${proxy.port}`,
      },
    );
    await keysAppear(server);
    await sleep(300);
    await proxy.refuse();
    const run = await running;

    expect(run.exitCode).toBe(3);
    expect(resultOf(run)).toMatchObject({ keysRemoved: 0, keysLeft: 20, results: [{ complete: false }] });
  });

  test('gives what it measured after Ctrl-C, and removes its keys', async () => {
    const { redis, server } = await startServer({});
    const { child, outcome } = startBinary(
      ['bench', 'set', ...inTwo, '--duration', '60s', '--warmup', '0', '--keys', '2000', '-o', 'json'],
      { env: { REDIS_URL: redis.url } },
    );
    await keysAppear(server);
    await sleep(1000);
    child.kill('SIGINT');
    const run = await outcome;
    const result = JSON.parse(run.stdout) as BenchResult;

    expect(run.exitCode).toBe(130);
    expect(result).toMatchObject({
      ...{
        threads: 2,
        keysRemoved: 2000,
        keysLeft: 0,
        results: [{ name: 'set', complete: false, errors: 0 }],
      },
    });
    expect(result.results[0]?.operations).toBeGreaterThan(0);
    expect(await benchKeys(server)).toEqual([]);
  });
});
