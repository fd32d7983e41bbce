import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import type { ConfigFile } from '../../src/config/schema.ts';
import { cli, type CliOptions, jsonOf } from '../run-cli.ts';
import { callsOf, send, sendAll, testUrl, untilCalled } from '../server/redis.ts';
import { countsOf, store, storedKeys, withMap } from './invalidate-setup.ts';
import { urlAs } from './reading.ts';
import { ownDatabase, proxyTo, startServer, temporaryFolder } from '../server/own.ts';

const server = await ownDatabase();

const config: ConfigFile = {
  namespaces: { user: { pattern: 'user:<id>:*' }, session: { pattern: 'user:<id>:session', kind: 'state' } },
  entities: { user: { patterns: ['user:<id>:*'], index: 'idx:user:<id>' } },
};
const run = (args: readonly string[], options: CliOptions = {}) =>
  cli(['invalidate', ...args, '--output', 'json'], { url: testUrl(), env: withMap(config), ...options });

describe('invalidate through an index', () => {
  test.each([
    ['set', (members: readonly string[]) => ['SADD', 'idx:user:1', ...members]],
    [
      'sorted set',
      (members: readonly string[]) => ['ZADD', 'idx:user:1', ...members.flatMap((key) => ['1', key])],
    ],
  ])('that is a %s removes its members, prunes the stale ones, and keeps state', async (_type, add) => {
    await store(server, ['user:1:a', 'anything\xff', 'user:1:session', 'user:1:unindexed', 'user:2:a']);
    await sendAll(server, [
      add(['user:1:a', 'anything\xff', 'user:1:session', 'user:1:stale', 'user:1:expired']),
    ]);

    const result = await run(['user', '1', '--yes']);

    expect(result.exitCode, result.stderr).toBe(0);
    expect(countsOf(result)).toMatchObject({ matched: 2, removed: 2, excluded: 1 });
    expect(jsonOf(result)).toMatchObject({ indexPruned: 4 });
    expect(await storedKeys(server)).toEqual(
      ['idx:user:1', 'user:1:session', 'user:1:unindexed', 'user:2:a'].sort(),
    );
    const card = _type === 'set' ? 'SCARD' : 'ZCARD';
    expect(await send(server, card, 'idx:user:1')).toBe(1);
  });

  test.each([
    ['set', 'sscan', (keys: readonly string[]) => ['SADD', 'idx:user:1', ...keys]],
    [
      'sorted set',
      'zscan',
      (keys: readonly string[]) => ['ZADD', 'idx:user:1', ...keys.flatMap((key) => [1, key])],
    ],
  ])('that is a %s reads it again where the connection breaks in the middle', async (_, scan, add) => {
    const { redis, server: own } = await startServer();
    const keys = Array.from({ length: 5000 }, (_each, index) => `user:1:${index}`);
    await store(own, keys);
    await sendAll(own, [add(keys)]);
    const proxy = await proxyTo(redis.port);
    proxy.delay(20);
    const running = run(['user', '1', '--yes'], { url: proxy.url });
    await untilCalled(own, scan, 2);
    proxy.cut();
    proxy.delay(0);
    const result = await running;
    expect({ exitCode: result.exitCode, stderr: result.stderr }).toMatchObject({ exitCode: 0 });
    expect(jsonOf(result)).toMatchObject({ matched: 5000, removed: 5000, indexPruned: 5000 });
    expect(await send(own, 'DBSIZE')).toBe(0);
  });

  test('asks the server no more of a large keyspace than of a small one', async () => {
    const { redis, server: own } = await startServer();
    await store(own, ['user:1:a', 'user:1:b']);
    const costs: number[] = [];
    for (const others of [0, 20_000]) {
      await sendAll(
        own,
        Array.from({ length: others }, (_, index) => ['SET', `other:${index}`, 'x']),
      );
      await store(own, ['user:1:a', 'user:1:b']);
      await send(own, 'SADD', 'idx:user:1', 'user:1:a', 'user:1:b');
      const result = await run(['user', '1', '--yes'], { url: redis.url });
      expect(countsOf(result).removed).toBe(2);
      costs.push((jsonOf(result)['serverCost'] as { commands: number }).commands);
    }
    expect(costs[1]).toBe(costs[0]);
    expect(await callsOf(own, 'scan')).toBe(0);
    const walked = await run(['user', '1', '--yes', '--walk'], { url: redis.url });
    expect(walked.exitCode).toBe(0);
    expect(await callsOf(own, 'scan')).toBeGreaterThan(10);
  });

  test('with --walk finds what the index does not hold', async () => {
    await store(server, ['user:1:unindexed']);
    await send(server, 'SADD', 'idx:user:1', 'user:1:stale');

    expect(countsOf(await run(['user', '1', '--dry-run'])).matched).toBe(0);
    expect(countsOf(await run(['user', '1', '--yes', '--walk'])).removed).toBe(1);
  });

  test('that is missing finds nothing, and succeeds', async () => {
    await store(server, ['user:1:a']);

    const result = await run(['user', '1', '--yes']);

    expect(result.exitCode).toBe(0);
    expect(jsonOf(result)).toMatchObject({ outcome: 'nothingMatched', matched: 0 });
  });

  test('of another type is refused, with the ways out', async () => {
    await send(server, 'RPUSH', 'idx:user:1', 'user:1:a');

    const result = await run(['user', '1', '--yes']);

    expect(result.exitCode).toBe(2);
    expect(result.stderr).toContain('is a list');
    expect(result.stderr).toContain('--walk');
  });

  test('whose members are all stale is pruned with --yes alone', async () => {
    await send(server, 'SADD', 'idx:user:1', 'user:1:a', 'user:1:b');
    const plan = join(temporaryFolder(), 'plan.json');

    for (const args of [['--dry-run'], [], ['--yes', '--plan-out', plan]]) {
      expect(jsonOf(await run(['user', '1', ...args]))).toMatchObject({ indexPruned: null });
      expect(await send(server, 'SCARD', 'idx:user:1')).toBe(2);
    }
    expect(jsonOf(await run(['user', '1', '--yes']))).toMatchObject({ indexPruned: 2 });
    expect(await storedKeys(server)).toEqual([]);
  });

  test('that may not be changed still tells what was removed', async () => {
    const { redis, server: own } = await startServer({
      config: [
        'user ann on >secret ~* resetchannels -@all +ping +select +type +sscan +unlink +dbsize +memory|usage',
      ],
    });
    await store(own, ['user:1:a']);
    await send(own, 'SADD', 'idx:user:1', 'user:1:a');

    const result = await run(['user', '1', '--yes'], { url: urlAs(redis.url, 'ann') });

    expect(result.exitCode).toBe(4);
    expect(countsOf(result)).toMatchObject({ matched: 1, removed: 1 });
    expect(result.stderr).toContain("'srem' command");
  });
});

describe('invalidate --ids-from', () => {
  const user: ConfigFile = { entities: { user: { patterns: ['user:<id>:*'] } } };
  const fromFile = (content: string | Buffer, options: CliOptions = {}, args: readonly string[] = []) => {
    const file = join(temporaryFolder(), 'ids.txt');
    writeFileSync(file, content);
    return run(['user', '--ids-from', file, '--yes', ...args], { env: withMap(user), ...options });
  };

  test('takes ten thousand ids in one pass', async () => {
    const { redis, server: own } = await startServer();
    const ids = Array.from({ length: 10_000 }, (_, index) => String(index));
    await store(own, [...ids.map((id) => `user:${id}:a`), 'user:10000:a', 'user:00:a']);
    const one = await fromFile('5\n', { url: redis.url }, ['--dry-run']);
    expect(countsOf(one).matched).toBe(1);
    const scansForOne = await callsOf(own, 'scan');

    const result = await fromFile(ids.join('\n'), { url: redis.url });

    expect(countsOf(result).removed).toBe(10_000);
    expect((await callsOf(own, 'scan')) - scansForOne).toBeLessThanOrEqual(scansForOne);
    expect(await storedKeys(own)).toEqual(['user:00:a', 'user:10000:a']);
  });

  test('reads each line as one id, whatever is in it', async () => {
    const ids = [
      '*',
      '?',
      '[0-9]',
      '{tag}',
      '１２',
      'e\u0301',
      '7 8',
      '$&',
      'x'.repeat(10_240),
      '\\n',
      '<id>',
    ];
    const keysOf = (id: string) => Buffer.from(`user:${id}:a`).toString('latin1');
    const others = ['12', 'é', '7', 'n', '1', 'tag', 'x'].map(keysOf);
    await store(server, [...ids.map(keysOf), ...others]);

    const result = await fromFile(`\ufeff${ids.join('\r\n')}\r\n\r\n  \n\n`);

    expect(countsOf(result).removed).toBe(ids.length);
    expect(await storedKeys(server)).toEqual(others.sort());
  });

  test('reads stdin, and joins what stands on the line', async () => {
    await store(server, ['user:1:a', 'user:2:a', 'user:3:a']);

    const result = await run(['user', '3', '--ids-from', '-', '--yes'], {
      env: withMap(user),
      input: '1\n3\n',
    });

    expect(countsOf(result).removed).toBe(2);
    expect(await storedKeys(server)).toEqual(['user:2:a']);
  });

  test('refuses what holds no id, is no UTF-8, is no file, or has no entity', async () => {
    const results = [
      await fromFile(''),
      await fromFile('\r\n  \n'),
      await fromFile(Buffer.from('caf\xe9\n', 'latin1')),
      await run(['user', '--ids-from', '/no/such/file', '--yes'], { env: withMap(user) }),
      await run(['--ids-from', '-', '--yes'], { env: withMap(user), input: '1\n' }),
    ];

    expect(results.map(({ exitCode }) => exitCode)).toEqual([2, 2, 2, 2, 2]);
    const messages = ['there is no id', 'there is no id', 'no UTF-8', 'no such file', 'needs an entity'];
    results.forEach(({ stderr }, index) => expect(stderr).toContain(messages[index]));
  });
});
