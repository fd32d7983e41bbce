import { describe, expect, test } from 'vitest';
import { asBytes, bytesOf } from '../../src/support/bytes.ts';
import { freePort } from '../server/redis-process.ts';
import { cli } from '../run-cli.ts';
import { send, sendAll, testUrl } from '../server/redis.ts';
import { get, getJson, getTable, set, write } from './get-runs.ts';
import { bytesOfJson, hostileKeys } from './hostile-keys.ts';
import { countersOf, urlAs } from './reading.ts';
import { emptyServer, startServer } from '../server/own.ts';

describe('get of a key', () => {
  test('of a vector set shows what its vectors are, and some of its elements', async () => {
    // Of its own, for its counters are looked at.
    const { redis, server } = await startServer();
    if (JSON.stringify(await send(server, 'COMMAND', 'INFO', 'VADD')) === '[null]') return;
    const [elements, before] = [['a', 'b', 'c'], await countersOf(server)];
    for (const [at, name] of elements.entries())
      await send(server, 'VADD', 'v', 'VALUES', '2', `0.${at}`, '0.5', name);
    const { result } = await getJson(['v'], { url: redis.url });
    expect(result).toMatchObject({
      ...{ type: 'vectorset', memberCount: 3, dimensions: 2, internalEncoding: 'int8', truncated: false },
      ownLookups: { hits: (await countersOf(server)).hits - before.hits, misses: 0 },
    });
    expect((result['members'] as string[][]).flat().sort()).toEqual(elements);
    expect(await getTable(['v', '--members', '2'], { url: redis.url })).toContain(
      'only a random part is shown; --members reads more',
    );
  });

  test('that does not exist is an answer, and a negative one', async () => {
    await emptyServer();
    const { exitCode, result, stderr } = await getJson(['nope']);
    expect(exitCode).toBe(1);
    expect(result).toMatchObject({
      ok: true,
      error: null,
      key: 'nope',
      exists: false,
      type: null,
      value: null,
    });
    expect(stderr).toBe('warning: there is no key `nope`\n');
    expect(await get(['nope'])).toMatchObject({
      exitCode: 1,
      stdout: '',
      stderr: 'warning: there is no key `nope`\n',
    });
    expect(await get(['nope', '--quiet'])).toMatchObject({ exitCode: 1, stdout: '', stderr: '' });
    expect(await get(['nope'], { terminal: true })).toMatchObject({ exitCode: 1, stderr: '' });
    expect(await getTable(['nope'])).toBe('✗ there is no key `nope`\n');
  });

  test('may have any name', async () => {
    const server = await emptyServer();
    await server.nodes[0].batch(hostileKeys.map((key) => ['SET', key, asBytes('x')]));
    for (const key of hostileKeys) {
      if (key === '' || key.length > 1000) continue;
      const { result } = await getJson(['--base64', Buffer.from(key, 'latin1').toString('base64')]);
      expect(result).toMatchObject({ exists: true, value: { text: 'x' } });
      expect(bytesOfJson(result as { key: string })).toBe(key);
    }
    expect((await getJson(['words:dobrý den 日本語 🙂'])).result).toMatchObject({ exists: true });
    expect((await getJson([''])).result).toMatchObject({ exists: true, key: '' });
  });

  test('that was copied from where it is printed with escapes names the way to it, as in `ttl` and `invalidate`', async () => {
    const server = await emptyServer();
    await send(server, 'SET', asBytes('user:\xff:1'), 'x');
    const { stdout } = await cli(['keys', 'user:*', '-o', 'json'], { url: testUrl() });
    const { items } = JSON.parse(stdout) as { items: [{ key: string; keyBase64: string }] };
    const [{ key, keyBase64 }] = items;
    expect(key).toBe('user:\\xff:1');
    const hint = 'hint: write * for it in a pattern, or give `cachectl get --base64` the `keyBase64`';
    const commands = [
      ['get', key],
      ['ttl', key],
      ['invalidate', '--pattern', key, '--dry-run'],
      ['invalidate', 'user', '\\xff', '--dry-run'],
    ];
    for (const terminal of [false, true])
      for (const line of commands)
        expect((await cli(line, { url: testUrl(), terminal })).stderr).toContain(hint);

    expect((await get([keyBase64, '--base64'])).stderr).toBe('');
    expect((await cli(['ttl', 'user:\\x'], { url: testUrl() })).stderr).toBe('');
  });

  test('given as base64 must be base64', async () => {
    const outcome = await get(['not base64!', '--base64'], { url: `redis://127.0.0.1:${await freePort()}` });
    expect(outcome).toMatchObject({ exitCode: 2, stderr: 'error: `not base64!` is not base64\n' });
  });

  test('that the user may not read is refused', async () => {
    const { redis, server } = await startServer({ config: ['user ann on >secret ~user:* +@all'] });
    await send(server, 'SET', 'secret:1', 'x');
    const { exitCode, result } = await getJson(['secret:1'], { url: urlAs(redis.url, 'ann') });
    expect(exitCode).toBe(4);
    expect(result).toMatchObject({ ok: false, error: { code: 'NOPERM' }, key: 'secret:1', exists: null });
  });

  test('shows what it may where the rest is not permitted', async () => {
    const { redis, server } = await startServer({
      config: ['user ann on >secret ~* +@all -object -memory -pttl -strlen'],
    });
    await send(server, 'SET', 'k', 'x');
    const { result } = await getJson(['k'], { url: urlAs(redis.url, 'ann') });
    expect(result).toMatchObject({
      exists: true,
      ttlState: null,
      ttlSeconds: null,
      memoryBytes: null,
      internalEncoding: null,
      idleSeconds: null,
      valueBytes: null,
      memberCount: null,
      value: { text: 'x' },
    });
    expect(await getTable(['k'], { url: urlAs(redis.url, 'ann') })).toMatch(/expires in {2}-\n/);
  });
});

describe('--raw', () => {
  test('writes the bytes of the value and nothing else', async () => {
    const server = await emptyServer();
    const value = asBytes(
      String.fromCharCode(...Array.from({ length: 128 }, (_, byte) => byte)).repeat(1000),
    );
    await server.nodes[0].call('SET', bytesOf('k'), value);
    expect(await get(['k', '--raw'])).toEqual({ exitCode: 0, stdout: value, stderr: '' });
  });

  test('writes no more than --max-bytes where that is given', async () => {
    const server = await emptyServer();
    await server.nodes[0].call('SET', bytesOf('k'), bytesOf('0123456789abc'));
    const outcome = await get(['k', '--raw', '--max-bytes', '10']);
    expect(outcome).toEqual({ exitCode: 0, stdout: '0123456789', stderr: '' });
  });

  test('writes nothing for a key that does not exist', async () => {
    await emptyServer();
    expect(await get(['nope', '--raw'])).toMatchObject({
      exitCode: 1,
      stdout: '',
      stderr: 'warning: there is no key `nope`\n',
    });
  });

  test('is for strings, and cannot go with JSON', async () => {
    await sendAll(await emptyServer(), [['RPUSH', 'l', 'a']]);
    expect(await get(['l', '--raw'])).toMatchObject({
      exitCode: 2,
      stdout: '',
      stderr: 'error: `l` is a list; --raw is for strings\n',
    });
    const unreachable = { url: `redis://127.0.0.1:${await freePort()}` };
    expect((await get(['l', '--raw', '-o', 'json'], unreachable)).exitCode).toBe(2);
  });
});

describe('the cost of get', () => {
  test.each([
    ['a string', ['SET', 'k', 'x'], []],
    ['a hash', ['HSET', 'k', 'a', 'b'], []],
    ['a list', ['RPUSH', 'k', 'a'], []],
    ['a set', ['SADD', 'k', 'a'], []],
    ['a sorted set', ['ZADD', 'k', 1, 'a'], []],
    ['a stream', ['XADD', 'k', '*', 'a', 'b'], []],
    ['a missing key', ['SET', 'other', 'x'], []],
    ['a string under an LFU policy', ['SET', 'k', 'x'], ['--maxmemory-policy', 'allkeys-lfu']],
  ])('of %s is what the server has counted', async (_what, command, args) => {
    const { redis, server } = await startServer({ args });
    await sendAll(server, [command]);
    const { result } = await getJson(['k'], { url: redis.url });
    const { hits, misses } = result['ownLookups'] as { hits: number; misses: number };
    expect(await countersOf(server)).toEqual({ hits, misses });
    expect(hits + misses).toBeGreaterThan(3);
  });

  test('is said on a terminal', async () => {
    await write(set('k', 'x'));
    expect(await getTable(['k'])).toMatch(/\ncost to the server: this run added 6 to keyspace_hits\n$/);
  });
});
