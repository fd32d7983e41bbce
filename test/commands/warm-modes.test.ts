import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { jsonOf } from '../run-cli.ts';
import { send, sendAll } from '../server/redis.ts';
import { countsOf, manyRecords, privateServer, urlAs, warmSetup } from './warm-setup.ts';

const { server, folder, fixture, warm } = warmSetup();
const keys = async () => Number(await send(server(), 'DBSIZE'));
const long = Array.from({ length: 12_000 }, (_, index) => `e${index}`);

describe('--only-missing', () => {
  const records = [
    { key: 'string', value: 'new', ttl: 60 },
    { key: 'list', type: 'list', value: ['new'], ttl: 60 },
    { key: 'long', type: 'list', value: long, ttl: 60 },
    { key: 'hash', type: 'hash', value: { f: 'new' } },
  ];

  test('leaves keys of any type alone, with their TTL, and counts them', async () => {
    await sendAll(server(), [
      ['SET', 'string', 'old'],
      ['SET', 'list', 'old'],
      ['SET', 'long', 'old', 'EX', 500],
    ]);

    const result = await warm([fixture('a.json', records), '--only-missing', '-o', 'json']);

    expect(result).toMatchObject({ exitCode: 0 });
    expect(countsOf(result)).toMatchObject({ ok: true, records: 4, written: 1, existing: 3, failed: 0 });
    for (const key of ['string', 'list', 'long']) expect(await send(server(), 'GET', key)).toBe('old');
    expect(await send(server(), 'TTL', 'string')).toBe(-1);
    expect(Number(await send(server(), 'TTL', 'long'))).toBeGreaterThan(400);
    expect(await send(server(), 'HGET', 'hash', 'f')).toBe('new');
    // No unfinished copy is left.
    expect(await keys()).toBe(4);
  });

  test('writes what is not there, with its TTL', async () => {
    const result = await warm([fixture('a.json', records), '--only-missing', '--verify', '-o', 'json']);
    expect(countsOf(result)).toMatchObject({ written: 4, existing: 0, verified: 4, mismatched: 0 });
    expect(await send(server(), 'LLEN', 'long')).toBe(12_000);
    expect(Number(await send(server(), 'TTL', 'list'))).toBeGreaterThan(50);
    expect(await keys()).toBe(4);
  });

  test('says so where nothing was missing', async () => {
    const file = fixture('a.json', records);
    await warm([file]);
    const result = await warm([file, '--only-missing'], { terminal: true });
    expect(result.stdout).toContain('wrote none of 4 records: 4 there already');
  });

  test('counts as no lookup', async () => {
    const { url, admin } = await privateServer();
    await send(admin, 'SET', 'user:1', 'old');
    const file = fixture('a.json', [
      ...records,
      { key: 'user:1', value: 'new' },
      { key: 'set', type: 'set', value: ['a'] },
    ]);
    await warm([file, '--only-missing'], { url });
    const info = (await send(admin, 'INFO', 'stats')) as string;
    expect(info).toMatch(/keyspace_hits:0\r\nkeyspace_misses:0/);
  });
});

describe('--merge', () => {
  test('adds to collections, replaces strings, and keeps a TTL that the record does not name', async () => {
    await sendAll(server(), [
      ['HSET', 'hash', 'old', '1', 'both', '1'],
      ['RPUSH', 'list', 'old'],
      ['SADD', 'set', 'old'],
      ['ZADD', 'zset', '1', 'old'],
      ['SET', 'string', 'old'],
      ['EXPIRE', 'set', 500],
    ]);
    const file = fixture('merge.json', [
      { key: 'hash', type: 'hash', value: { both: '2', new: '2' }, ttl: 60 },
      { key: 'list', type: 'list', value: ['new'] },
      { key: 'set', type: 'set', value: ['new'] },
      { key: 'zset', type: 'zset', value: { new: 2 } },
      { key: 'string', value: 'new' },
      { key: 'long', type: 'list', value: long, ttl: 60 },
    ]);

    const result = await warm([file, '--merge', '--verify', '-o', 'json']);

    expect(countsOf(result)).toMatchObject({ written: 6, failed: 0, verified: 6, mismatched: 0 });
    expect(await send(server(), 'HGETALL', 'hash')).toEqual(['old', '1', 'both', '2', 'new', '2']);
    expect(await send(server(), 'LRANGE', 'list', 0, -1)).toEqual(['old', 'new']);
    expect(await send(server(), 'SCARD', 'set')).toBe(2);
    expect(await send(server(), 'ZCARD', 'zset')).toBe(2);
    expect(await send(server(), 'GET', 'string')).toBe('new');
    expect(await send(server(), 'LLEN', 'long')).toBe(12_000);
    expect(Number(await send(server(), 'TTL', 'hash'))).toBeGreaterThan(50);
    expect(Number(await send(server(), 'TTL', 'set'))).toBeGreaterThan(400);
    expect(Number(await send(server(), 'TTL', 'long'))).toBeGreaterThan(50);
  });

  test('leaves a key of another type alone, and its TTL', async () => {
    await send(server(), 'SET', 'a', 'text');
    const file = fixture('wrong.json', [
      { key: 'a', type: 'set', value: ['x'], ttl: 60 },
      { key: 'b', type: 'set', value: ['x'], ttl: 60 },
    ]);
    const result = await warm([file, '--merge', '-o', 'json']);
    expect(result.exitCode).toBe(1);
    expect(countsOf(result)).toMatchObject({ written: 1, failed: 1 });
    expect(result.stderr).toContain('WRONGTYPE');
    expect(await send(server(), 'TTL', 'a')).toBe(-1);
  });

  test('and --only-missing exclude each other', async () => {
    for (const others of [
      ['--merge', '--only-missing'],
      ['--replace', '--merge'],
    ]) {
      const result = await warm([fixture('a.json', { a: '1' }), ...others]);
      expect(result.exitCode).toBe(2);
      expect(result.stderr).toContain('cannot be used with option');
    }
  });
});

describe('--concurrency', () => {
  test('keeps the order of records with one key', async () => {
    const lines = Array.from(
      { length: 30_000 },
      (_, id) => `{"key":"k:${id % 500}","value":"${id}","ttl":600}`,
    );
    const file = fixture('order.ndjson', lines.join('\n'));

    const result = await warm([file, '--concurrency', '4', '--verify', 'all', '-o', 'json']);

    // Of the records with one key only the last one is there to be found.
    expect(countsOf(result)).toMatchObject({ written: 30_000, repeatedKeys: 29_500, mismatched: 0 });
    for (const id of [0, 1, 499]) expect(await send(server(), 'GET', `k:${id}`)).toBe(String(29_500 + id));
  });
});

describe('--max-rate', () => {
  test('holds the load to so many records per second', async () => {
    const startedAt = performance.now();
    const result = await warm([fixture('rate.ndjson', manyRecords(300)), '--max-rate', '500', '-o', 'json']);
    expect(countsOf(result)).toMatchObject({ written: 300 });
    // The first batch of 50 goes at once.
    expect(performance.now() - startedAt).toBeGreaterThan(490);
  });
});

describe('--jitter', () => {
  test('without --ttl shortens the TTLs of the map, and not those of records', async () => {
    const config = fixture('map.json', { namespaces: { user: { pattern: 'user:<id>', ttl: 1000 } } });
    const file = fixture('jitter.json', [
      { key: 'user:1', value: 'x' },
      { key: 'user:2', value: 'x', ttl: 1000 },
    ]);
    const args = [file, '--config', config, '--jitter', '0.5', '--verify', 'all', '-o', 'json'];
    expect(countsOf(await warm(args, { random: () => 0.5 }))).toMatchObject({ written: 2, verified: 2 });
    expect(await send(server(), 'TTL', 'user:1')).toBeLessThanOrEqual(750);
    expect(Number(await send(server(), 'TTL', 'user:2'))).toBeGreaterThan(990);
  });
});

describe('--on-error and --rejects', () => {
  const records = [
    '{"key":"user:1","value":"x","ttl":60}',
    '{ "key": "other", "value": {"n": 12345678.50, "s": "žluť"}, "ttl": 60}',
    '{"key":"user:2","value":null}',
    '{"key":"user:3"',
    '{"key":"user:4","value":"x","ttl":60}',
  ];

  test('keep the records that were not written as they were, with the reasons, for another run', async () => {
    const { url, admin } = await privateServer({ config: ['user ann on >pw ~user:* +@all'] });
    const file = fixture('mixed.ndjson', records.join('\n'));

    const result = await warm([file, '--skip-invalid', '--rejects', 'rejects.ndjson', '-o', 'json'], {
      url: urlAs(url, 'ann'),
    });

    expect(result.exitCode).toBe(1);
    expect(countsOf(result)).toMatchObject({
      ...{ records: 5, written: 2, invalid: 2, failed: 1, rejectsFile: 'rejects.ndjson' },
    });
    const rejects = readFileSync(join(folder(), 'rejects.ndjson'), 'utf8').trimEnd().split('\n');
    const found = rejects.map((line) => JSON.parse(line) as Record<string, unknown>);
    expect(found.sort((left, right) => Number(left['line']) - Number(right['line']))).toEqual([
      expect.objectContaining({
        key: 'other',
        value: { n: 12345678.5, s: 'žluť' },
        ttl: 60,
        file: 'mixed.ndjson',
        line: 2,
        reason: expect.stringContaining('NOPERM') as string,
      }),
      expect.objectContaining({ key: 'user:2', line: 3, reason: expect.stringContaining('null') as string }),
      expect.objectContaining({ text: '{"key":"user:3"', line: 4 }),
    ]);
    expect(rejects.some((line) => line.includes('12345678.50'))).toBe(true);

    const again = await warm(
      ['rejects.ndjson', '--skip-invalid', '--rejects', 'second.ndjson', '-o', 'json'],
      { url },
    );
    expect(countsOf(again)).toMatchObject({ records: 3, written: 1, invalid: 2 });
    expect(await send(admin, 'DBSIZE')).toBe(3);
    const second = readFileSync(join(folder(), 'second.ndjson'), 'utf8');
    expect(second.match(/"reason"/g)).toHaveLength(2 + (second.match(/\\"reason\\"/g)?.length ?? 0));
  });

  test('leave no file where nothing was rejected, and overwrite none', async () => {
    const file = fixture('good.json', { a: '1' });
    const result = await warm([file, '--rejects', 'none.ndjson', '-o', 'json']);
    expect(jsonOf(result)).toMatchObject({ rejectsFile: null });
    expect(existsSync(join(folder(), 'none.ndjson'))).toBe(false);

    const taken = await warm([file, '--rejects', file]);
    expect(taken.exitCode).toBe(2);
    expect(taken.stderr).toContain('`good.json` is there already');
    expect((await warm([file, '--rejects', 'no/such/folder'])).exitCode).toBe(2);
  });

  test('stop ends at the first record that is refused', async () => {
    const { url, admin } = await privateServer({ config: ['user ann on >pw ~user:* +@all'] });
    const file = fixture('stop.ndjson', `{"key":"other","value":"x"}\n${manyRecords(20_000)}`);
    const result = await warm([file, '--on-error', 'stop', '-o', 'json'], { url: urlAs(url, 'ann') });
    expect(result.exitCode).toBe(1);
    const { written, notWritten = 0 } = countsOf(result);
    expect(written).toBe(await send(admin, 'DBSIZE'));
    expect(notWritten).toBeGreaterThan(10_000);
    expect(result.stderr).toContain('stopped at the first record that was refused');
  });
});
