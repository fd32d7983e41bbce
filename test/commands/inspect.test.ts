import { setTimeout as sleep } from 'node:timers/promises';
import { describe, expect, test } from 'vitest';
import type { InspectResult } from '../../src/commands/inspect/result.ts';
import type { ByteString } from '../../src/support/bytes.ts';
import { countsScanType, readInfo } from '../../src/redis/info.ts';
import type { RedisServer } from '../../src/redis/server.ts';
import { generateRecords, seedServer } from '../../src/sandbox/seed.ts';
import { configFileOf } from '../../src/sandbox/systems.ts';
import { cli } from '../run-cli.ts';
import { packageRoot } from '../server/binary.ts';
import { freePort } from '../server/redis-process.ts';
import { makeIdle, send, sendAll, testUrl } from '../server/redis.ts';
import { inspect, inspectTable } from './inspect-runs.ts';
import { countersOf, folderWith, linesOf } from './reading.ts';
import { emptyServer, startServer } from '../server/own.ts';

const honzik = Array.from(generateRecords('honzik', { keys: 3000, seed: 5, now: Date.now() + 600_000 }));
const lasting = honzik.filter(({ ttlMillis }) => ttlMillis === null || ttlMillis > 120_000);

/** What a plain client finds out key by key. */
async function groundTruth(server: RedisServer, keys: readonly ByteString[]) {
  const [node] = server.nodes;
  const ask = (command: (key: ByteString) => Parameters<typeof node.batch>[0][number]) =>
    node.batch(keys.map(command));
  const bytes = (await ask((key) => ['MEMORY', 'USAGE', key])) as number[];
  const ttls = (await ask((key) => ['PTTL', key])) as number[];
  return {
    memoryBytes: bytes.reduce((sum, each) => sum + each, 0),
    withoutTtl: ttls.filter((ttl) => ttl === -1).length,
    sizes: [...bytes].sort((left, right) => right - left),
  };
}

describe('the totals of inspect', () => {
  test('are what a plain client finds out key by key, and what was written', async () => {
    const server = await emptyServer();
    await seedServer(server.nodes[0], lasting);
    const truth = await groundTruth(
      server,
      lasting.map(({ key }) => key),
    );

    const { exitCode, result } = await inspect(['--exact', '--top', '25']);

    expect(exitCode).toBe(0);
    expect(result).toMatchObject({
      exact: true,
      keys: lasting.length,
      memoryBytes: truth.memoryBytes,
      withoutTtl: truth.withoutTtl,
    });
    expect(truth.withoutTtl).toBe(lasting.filter(({ ttlMillis }) => ttlMillis === null).length);
    expect(result.largest.map(({ memoryBytes }) => memoryBytes)).toEqual(truth.sizes.slice(0, 25));
    const sum = (of: (row: InspectResult['namespaces'][number]) => number) =>
      result.namespaces.reduce((total, row) => total + of(row), 0);
    expect(sum(({ keys }) => keys)).toBe(lasting.length);
    expect(sum(({ memoryBytes }) => memoryBytes ?? 0)).toBe(truth.memoryBytes);
    expect(sum(({ withoutTtl }) => withoutTtl ?? 0)).toBe(truth.withoutTtl);
    expect(sum(({ types }) => types?.['string'] ?? 0)).toBe(lasting.length);
    expect(
      sum(({ ttlHistogram }) => (ttlHistogram ?? []).reduce((keys, bucket) => keys + bucket.keys, 0)),
    ).toBe(lasting.length - truth.withoutTtl);
  });

  test('of a map are the bookkeeping of what was written, namespace by namespace', async () => {
    const server = await emptyServer();
    await seedServer(server.nodes[0], lasting);
    const count = (start: string) => lasting.filter(({ key }) => key.startsWith(start)).length;
    const options = { env: { CACHECTL_CONFIG: configFileOf('honzik', packageRoot) } };

    const { result } = await inspect([], options);

    const keys = Object.fromEntries(result.namespaces.map((row) => [row.namespace, row.keys]));
    expect(keys).toMatchObject({
      tts: count('tts:'),
      openai: count('honzik:response:'),
      session: count('session:'),
      quota: count('quota:'),
      translation: count('translation:'),
    });
    expect(keys).not.toHaveProperty('(unmapped)');
    expect(result.namespaces.find(({ namespace }) => namespace === 'session')).toMatchObject({
      kind: 'state',
      pattern: null,
      path: ['session'],
    });
  });

  test('know every type, and the times that are left', async () => {
    const server = await emptyServer();
    await sendAll(server, [
      ['SET', 's:1', 'x', 'PX', 50_000],
      ['SET', 's:2', 'x', 'EX', 2_000_000],
      ['HSET', 'h:1', 'field', 'value'],
      ['RPUSH', 'l:1', 'a', 'b'],
      ['SADD', 'set:1', 'a'],
      ['ZADD', 'z:1', 1, 'a'],
      ['XADD', 'x:1', '*', 'field', 'value'],
    ]);

    const { result } = await inspect();
    const types = Object.assign({}, ...result.namespaces.map(({ types }) => types)) as Record<string, number>;
    expect(types).toEqual({ string: 2, hash: 1, list: 1, set: 1, zset: 1, stream: 1 });
    const strings = result.namespaces.find(({ namespace }) => namespace === 's:<id>');
    expect(strings?.ttl?.minSeconds).toBeGreaterThan(45);
    expect(strings?.ttl?.minSeconds).toBeLessThanOrEqual(50);
    expect(strings?.ttl?.maxSeconds).toBeGreaterThan(1_999_990);
    expect(strings?.ttlHistogram?.map(({ keys }) => keys)).toEqual([1, 0, 0, 0, 0, 1]);
    expect(strings?.ttlHistogram?.map(({ upToSeconds }) => upToSeconds)).toEqual([
      60,
      300,
      3600,
      86_400,
      604_800,
      null,
    ]);
  });
});

describe('inspect', () => {
  test('moves the counters of the server by what it says, and leaves idle times alone', async () => {
    const { redis, server } = await startServer();
    await sendAll(
      server,
      Array.from({ length: 300 }, (_, index) => ['SET', `user:${index}`, 'x']),
    );
    await makeIdle(
      server,
      Array.from({ length: 300 }, (_, index) => `user:${index}`),
      100,
    );
    const before = await countersOf(server);

    const { result } = await inspect([], { url: redis.url });

    const after = await countersOf(server);
    expect(after.hits - before.hits).toBe(result.ownLookups.hits);
    expect(after.misses - before.misses).toBe(result.ownLookups.misses);
    // Type, TTL, encoding and idle time of each; bytes leave no trace.
    expect(result.ownLookups).toEqual({ hits: 1200, misses: 0, lost: 0 });
    expect(await send(server, 'OBJECT', 'IDLETIME', 'user:7')).toBeGreaterThanOrEqual(100);
  });

  test('counts keys that expire under its hands as misses of its own', async () => {
    const { redis, server } = await startServer();
    await send(server, 'DEBUG', 'SET-ACTIVE-EXPIRE', 0);
    await sendAll(
      server,
      Array.from({ length: 50 }, (_, index) => ['SET', `brief:${index}`, 'x', 'PX', 1]),
    );
    await sendAll(
      server,
      Array.from({ length: 50 }, (_, index) => ['SET', `user:${index}`, 'x']),
    );
    await sleep(20);
    const before = await countersOf(server);

    const { result } = await inspect([], { url: redis.url });

    const after = await countersOf(server);
    expect({ hits: after.hits - before.hits, misses: after.misses - before.misses }).toEqual({
      hits: result.ownLookups.hits,
      misses: result.ownLookups.misses,
    });
    expect(result.namespaces.find(({ namespace }) => namespace === 'user:<id>')?.keys).toBe(50);
  });

  test('looks up no key that was not asked for', async () => {
    const { redis, server } = await startServer();
    await sendAll(server, [
      ...Array.from({ length: 200 }, (_, index) => ['SET', `user:${index}:profile`, 'x']),
      ...Array.from({ length: 7 }, (_, index) => ['SET', `user:${index}:x:profile`, 'x']),
      ['HSET', 'user:900:profile', 'a', 'b'],
    ]);
    const cwd = folderWith({ namespaces: { profile: { pattern: 'user:<id>:profile' } } });
    const options = { url: redis.url, cwd };

    const pattern = (await inspect(['user:<id>:x:profile'], options)).result;
    expect(pattern).toMatchObject({ keys: 7, ownLookups: { hits: 28 } });
    const unmapped = (await inspect(['--namespace', '(unmapped)'], options)).result;
    expect(unmapped).toMatchObject({ keys: 7, ownLookups: { hits: 28 } });
    // Where the server looks keys up for it, the type costs a lookup of every key; TTL, encoding and idle time are looked up of those that have it.
    const before = await countersOf(server);
    const hashes = (await inspect(['--type', 'HASH'], options)).result;
    expect(hashes).toMatchObject({
      keys: 1,
      ownLookups: { hits: (countsScanType(await readInfo(server.nodes[0])) ? 208 : 0) + 3 },
      namespaces: [{ types: { hash: 1 } }],
    });
    expect((await countersOf(server)).hits - before.hits).toBe(hashes.ownLookups.hits);
  });

  test('of an empty database is empty, in every form', async () => {
    await emptyServer();
    const { result } = await inspect();
    expect(result).toMatchObject({ exact: true, keys: 0, memoryBytes: 0, namespaces: [], largest: [] });
    expect(await inspectTable()).toMatch(
      /^0 keys in 0 namespaces\n {2}\(none\)\n\nLargest keys\n {2}\(none\)\n/,
    );
    expect((await cli(['inspect'], { url: testUrl() })).stdout).toBe('');
    expect((await cli(['inspect', '-o', 'csv'], { url: testUrl() })).stdout).toBe(
      'namespace,keys,memoryBytes,memoryShare,types,ttlMinSeconds,ttlMaxSeconds,withoutTtl,' +
        'keysLow,keysHigh,memoryBytesLow,memoryBytesHigh,withoutTtlLow,withoutTtlHigh,' +
        'p50Bytes,p90Bytes,p99Bytes,largestBytes,nameP50Bytes,nameP99Bytes,nameLargestBytes\r\n',
    );
  });
});

describe('the options of inspect', () => {
  const keys = ['user:1:profile', 'user:2:profile', 'user:2:settings', 'stats:1:daily:2026-01-02', 'solo'];
  const config = {
    namespaces: { users: { pattern: 'user:*' }, stats: { pattern: 'stats:<id>:daily:<date>' } },
  };
  const seed = async () => {
    const server = await emptyServer();
    await sendAll(
      server,
      keys.map((key) => ['SET', key, 'x']),
    );
  };
  const rowsOf = (result: InspectResult) =>
    Object.fromEntries(result.namespaces.map(({ namespace, pattern, keys }) => [pattern ?? namespace, keys]));

  test('--depth tells so many segments apart', async () => {
    await seed();
    expect(rowsOf((await inspect(['--depth', '1'])).result)).toEqual({ 'user:*': 3, 'stats:*': 1, solo: 1 });
    expect(rowsOf((await inspect(['--depth', '3'])).result)).toEqual({
      'user:<id>:profile': 2,
      'user:<id>:settings': 1,
      'stats:<id>:daily:*': 1,
      solo: 1,
    });
  });

  test('--depth with a map counts its namespaces as the first level', async () => {
    await seed();
    const cwd = folderWith(config);
    expect(rowsOf((await inspect([], { cwd })).result)).toEqual({ users: 3, stats: 1, '(unmapped)': 1 });
    expect(rowsOf((await inspect(['--depth', '2'], { cwd })).result)).toEqual({
      'user:*': 3,
      'stats:*': 1,
      solo: 1,
    });
  });

  test('--namespace shows one namespace level by level', async () => {
    await seed();
    const cwd = folderWith(config);
    expect(rowsOf((await inspect(['--namespace', 'users'], { cwd })).result)).toEqual({
      'user:<id>:profile': 2,
      'user:<id>:settings': 1,
    });
    expect(rowsOf((await inspect(['--namespace', '(unmapped)'], { cwd })).result)).toEqual({ solo: 1 });
    const table = await inspectTable(['--namespace', 'users', '--top', '0'], { cwd });
    expect(table).toMatch(/^3 keys in 1 namespace\n/);
    expect(table).toMatch(
      /\n {2}users {20}3 .*\n {4}user:<id>:profile {6}2 .*\n {4}user:<id>:settings {5}1 /,
    );
  });

  test('--namespace must be one of the map', async () => {
    const cwd = folderWith(config);
    const unknown = await cli(['inspect', '--namespace', 'user'], { url: testUrl(), cwd });
    expect(unknown).toMatchObject({
      exitCode: 2,
      stderr: 'error: the map has no namespace `user`\nhint: namespaces are: users, stats\n',
    });
    const without = await cli(['inspect', '--namespace', 'users'], { url: testUrl() });
    expect(without.exitCode).toBe(2);
    expect(without.stderr).toMatch(/^error: there is no namespace `users`: no map was found\nhint: /);
  });

  test('--limit sums up the rest, last', async () => {
    await seed();
    const { result } = await inspect(['--limit', '1']);
    expect(result.namespaces.map(({ namespace }) => namespace).at(-1)).toBe('(other)');
    expect(result.namespaces.map(({ keys }) => keys)).toEqual([2, 3]);
    expect(await inspectTable(['--limit', '1'])).toMatch(/^5 keys in 1 namespace and \(other\)\n/);
  });

  test('--type must be one of Redis', async () => {
    const outcome = await cli(['inspect', '--type', 'strings'], { url: testUrl() });
    expect(outcome.exitCode).toBe(2);
    expect(outcome.stderr).toContain(
      '`strings` is no type of Redis; types are string, list, set, zset, hash, stream',
    );
  });

  test.each([
    [['--depth', '0'], "option '-d, --depth <levels>'"],
    [['--top', 'many'], "option '--top <number>'"],
    [['user:<'], 'pattern `user:<`'],
  ])('%j is refused, and nothing is asked of the server', async (args, message) => {
    const outcome = await cli(['inspect', ...args], { url: `redis://127.0.0.1:${await freePort()}` });
    expect(outcome.exitCode).toBe(2);
    expect(outcome.stderr).toContain(message);
  });
});

describe('the outputs of inspect', () => {
  test('have the same fields in JSON on success and on failure', async () => {
    await emptyServer();
    const good = await inspect();
    const bad = await inspect([], { url: `redis://127.0.0.1:${await freePort()}` });
    expect(bad.exitCode).toBe(3);
    expect(Object.keys(bad.result)).toEqual(Object.keys(good.result));
  });

  test('are a tree for people, with the sums of its branches, and disjoint rows for programs', async () => {
    const server = await emptyServer();
    await sendAll(server, [
      ...Array.from({ length: 3 }, (_, index) => ['SET', `user:${index}:profile`, 'x', 'EX', 3000]),
      ...Array.from({ length: 2 }, (_, index) => ['SET', `user:${index}`, 'x']),
      ['SET', 'solo', 'x'],
    ]);
    const table = await inspectTable(['--top', '0']);
    expect(linesOf(table).slice(0, 6)).toEqual([
      '6 keys in 3 namespaces',
      expect.stringMatching(/^ {2}NAMESPACE +KEYS +MEMORY +SHARE +NO TTL +TTL LEFT +TYPES$/) as string,
      expect.stringMatching(/^ {2}user: +5 .* 2 {2}50m +string$/) as string,
      expect.stringMatching(/^ {4}<id>:profile +3 .* 0 {2}50m +string$/) as string,
      expect.stringMatching(/^ {4}<id> +2 .* 2 {2}- +string$/) as string,
      expect.stringMatching(/^ {2}solo +1 .* 1 {2}- +string$/) as string,
    ]);
    const { stdout } = await cli(['inspect', '--top', '0'], { url: testUrl() });
    const rows = linesOf(stdout).map((line) => line.split('\t'));
    expect(rows.slice(0, 3).map(([table, name, keys]) => [table, name, keys])).toEqual([
      ['namespaces', 'user:<id>:profile', '3'],
      ['namespaces', 'user:<id>', '2'],
      ['namespaces', 'solo', '1'],
    ]);
    expect(new Set(rows.slice(3).map(([table]) => table))).toEqual(new Set(['ttl', 'idle', 'sizes']));
  });

  test('say what the reading cost, on a terminal', async () => {
    const { redis, server } = await startServer();
    await sendAll(server, [['SET', 'user:1', 'x']]);
    const table = await inspectTable([], { url: redis.url });
    expect(table).toMatch(
      /cost to the server: 6 commands, \d+ B sent, .* of its CPU, in .*; this\s+run\s+added\s+4\s+to\s+keyspace_hits\n$/,
    );
  });
});
