import { describe, expect, test } from 'vitest';
import { cli } from '../run-cli.ts';
import { freePort } from '../server/redis-process.ts';
import { send, sendAll, testUrl } from '../server/redis.ts';
import { countersOf, json, linesOf, urlAs } from './reading.ts';
import { emptyServer, startServer } from '../server/own.ts';

describe('ttl', () => {
  test('tells seconds left, permanent and missing, in the order asked for', async () => {
    await sendAll(await emptyServer(), [
      ['SET', 'brief', 'x', 'PX', 90_500],
      ['SET', 'forever', 'x'],
    ]);
    const { exitCode, result } = await json(['ttl', 'forever', 'nope', 'brief'], { url: testUrl() });
    expect(exitCode).toBe(1);
    const keys = result['items'] as { key: string; state: string; ttlSeconds: number | null }[];
    expect(keys.map(({ key, state }) => [key, state])).toEqual([
      ['forever', 'permanent'],
      ['nope', 'missing'],
      ['brief', 'expires'],
    ]);
    expect(keys.map(({ ttlSeconds }) => ttlSeconds === null)).toEqual([true, true, false]);
    expect(keys[2]?.ttlSeconds).toBeGreaterThan(85);
    expect(keys[2]?.ttlSeconds).toBeLessThanOrEqual(90.5);
  });

  test('exits with 1 where a key is missing, as `get` does, and a pattern that matches nothing is no failure', async () => {
    await sendAll(await emptyServer(), [['SET', 'there', 'x']]);
    const exitCodeOf = async (...args: string[]) => (await cli(args, { url: testUrl() })).exitCode;
    expect(await exitCodeOf('ttl', 'there')).toBe(0);
    expect(await exitCodeOf('ttl', 'nope')).toBe(1);
    expect(await exitCodeOf('ttl', 'there', 'nope')).toBe(1);
    expect(await exitCodeOf('get', 'nope')).toBe(1);
    expect(await exitCodeOf('keys', 'nope')).toBe(0);
    expect(await exitCodeOf('keys', 'nope:*')).toBe(0);
    expect(await exitCodeOf('export', 'nope')).toBe(0);
  });

  test('prints a line for each key, in a pipe and as csv', async () => {
    await sendAll(await emptyServer(), [['SET', 'a\tb', 'x']]);
    const { stdout } = await cli(['ttl', 'a\tb', 'nope'], { url: testUrl() });
    expect(linesOf(stdout)).toEqual(['a\\tb\t\tpermanent', 'nope\t\tmissing']);
    const csv = await cli(['ttl', 'nope', '-o', 'csv'], { url: testUrl() });
    expect(csv.stdout).toBe('key,ttlSeconds,state\r\nnope,,missing\r\n');
  });

  test('says on a terminal what the look cost', async () => {
    await sendAll(await emptyServer(), [['SET', 'k', 'x', 'EX', 5401]]);
    const { stdout } = await cli(['ttl', 'k', 'nope', '--no-color'], { url: testUrl(), terminal: true });
    expect(stdout).toBe(
      [
        '  KEY      TTL  STATE',
        '  k     1h 30m  expires',
        '  nope       -  missing',
        '',
        'cost to the server: this run added 1 to keyspace_hits and 1 to keyspace_misses',
        '',
      ].join('\n'),
    );
  });

  test('costs a lookup for each key, and says how many hit', async () => {
    const { redis, server } = await startServer();
    await sendAll(
      server,
      Array.from({ length: 40 }, (_, index) => ['SET', `user:${index}`, 'x']),
    );
    const keys = Array.from({ length: 60 }, (_, index) => `user:${index}`);
    const { result } = await json(['ttl', ...keys], { url: redis.url });
    expect(result).toMatchObject({ ownLookups: { hits: 40, misses: 20 } });
    expect(await countersOf(server)).toEqual({ hits: 40, misses: 20 });
  });

  test('needs a key', async () => {
    const outcome = await cli(['ttl'], { url: `redis://127.0.0.1:${await freePort()}` });
    expect(outcome.exitCode).toBe(2);
    expect(outcome.stderr).toContain("missing required argument 'key'");
  });

  test('of a key that the user may not read is refused', async () => {
    const { redis, server } = await startServer({ config: ['user ann on >secret ~user:* +@all'] });
    await send(server, 'SET', 'user:1', 'x');
    const { exitCode, result } = await json(['ttl', 'user:1', 'secret:1'], { url: urlAs(redis.url, 'ann') });
    expect(exitCode).toBe(4);
    expect(result).toMatchObject({ ok: false, error: { code: 'NOPERM' }, items: [] });
  });

  test('has the same fields in JSON on success and on failure', async () => {
    const good = await json(['ttl', 'k'], { url: testUrl() });
    const bad = await json(['ttl', 'k'], { url: `redis://127.0.0.1:${await freePort()}` });
    expect(bad.exitCode).toBe(3);
    expect(Object.keys(bad.result)).toEqual(Object.keys(good.result));
  });
});
