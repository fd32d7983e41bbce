import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { bytesOf } from '../../src/support/bytes.ts';
import { cli, type CliOptions, jsonOf } from '../run-cli.ts';
import { send, testUrl } from '../server/redis.ts';
import { ownDatabase, temporaryFolder } from '../server/own.ts';
import { rounds } from '../server/effort.ts';

const server = await ownDatabase();
const folder = temporaryFolder();

/** Writes a fixture file into the folder, in which the commands then run. */
function fixture(name: string, content: unknown): string {
  writeFileSync(join(folder, name), typeof content === 'string' ? content : JSON.stringify(content));
  return name;
}

const warm = (args: readonly string[], options: CliOptions = {}) =>
  cli(['warm', ...args], { url: testUrl(), cwd: folder, ...options });
const keys = async () => Number(await send(server, 'DBSIZE'));
const get = (key: string) => send(server, 'GET', bytesOf(key));
const ttlMillis = async (key: string) => Number(await send(server, 'PTTL', key));

/** Fails unless every record is counted once. */
function sums(result: Record<string, unknown>): Record<string, unknown> {
  const count = (name: string) => Number(result[name]);
  expect(count('records')).toBe(count('written') + count('skipped') + count('failed'));
  expect(count('skipped')).toBe(
    count('invalid') + count('expired') + count('existing') + count('ofOtherType') + count('notWritten'),
  );
  expect(count('failed')).toBeGreaterThanOrEqual(count('unknown'));
  return result;
}

describe('warming', () => {
  test('writes every type, and gives its TTL', async () => {
    const file = fixture('types.json', [
      { key: 'string', value: 'žluť', ttl: 60 },
      { key: 'json', value: { a: [1, null] }, ttl: '1h' },
      { key: 'hash', type: 'hash', value: { f: 'v', n: 1 }, ttl: 60 },
      { key: 'list', type: 'list', value: ['b', 'a', 'b'] },
      { key: 'set', type: 'set', value: ['b', 'a'], ttl: null },
      { key: 'zset', type: 'zset', value: { m: 2, n: 1.5 } },
      { key: 'stream', type: 'stream', value: [{ id: '5-1', fields: { f: 'v' } }] },
      {
        keyBase64: Buffer.from([0, 255]).toString('base64'),
        valueBase64: Buffer.from([255, 0]).toString('base64'),
      },
    ]);

    const result = await warm([file, '--output', 'json']);

    expect(result.exitCode).toBe(0);
    expect(sums(jsonOf(result))).toMatchObject({
      ok: true,
      records: 8,
      written: 8,
      withoutTtl: 5,
      problems: [],
    });
    expect(await get('string')).toBe(bytesOf('žluť'));
    expect(await get('json')).toBe('{"a":[1,null]}');
    expect(await send(server, 'HGETALL', 'hash')).toEqual(['f', 'v', 'n', '1']);
    expect(await send(server, 'LRANGE', 'list', 0, -1)).toEqual(['b', 'a', 'b']);
    expect(((await send(server, 'SMEMBERS', 'set')) as string[]).sort()).toEqual(['a', 'b']);
    expect(await send(server, 'ZRANGE', 'zset', 0, -1, 'WITHSCORES')).toEqual(['n', '1.5', 'm', '2']);
    expect(await send(server, 'XRANGE', 'stream', '-', '+')).toEqual([['5-1', ['f', 'v']]]);
    expect(await send(server, 'GET', '\x00\xff')).toBe('\xff\x00');
    expect(await ttlMillis('json')).toBeGreaterThan(3_590_000);
    expect(await ttlMillis('hash')).toBeGreaterThan(50_000);
    expect(await ttlMillis('list')).toBe(-1);
    expect(await ttlMillis('set')).toBe(-1);
  });

  test('brings any value to the server and back, byte for byte', async () => {
    const bytes = fc.uint8Array({ maxLength: 12 }).map((array) => Buffer.from(array).toString('latin1'));
    const unique = fc.uniqueArray(bytes, { minLength: 1, maxLength: 6 });
    const base64 = (text: string) => Buffer.from(text, 'latin1').toString('base64');
    await fc.assert(
      fc.asyncProperty(
        bytes,
        unique,
        fc.array(fc.integer(), { minLength: 6, maxLength: 6 }),
        async (text, texts, scores) => {
          const pairs = texts.map((each, index) => [base64(each), scores[index] ?? 0] as const);
          const fields = Object.fromEntries(texts.map((each) => [base64(each), base64(text)]));
          const file = fixture(
            'round-trip.ndjson',
            [
              { keyBase64: base64(`s${text}`), valueBase64: base64(text) },
              { keyBase64: base64(`l${text}`), type: 'list', valueBase64: texts.map(base64) },
              { keyBase64: base64(`e${text}`), type: 'set', valueBase64: texts.map(base64) },
              { keyBase64: base64(`h${text}`), type: 'hash', valueBase64: fields },
              { keyBase64: base64(`z${text}`), type: 'zset', valueBase64: pairs },
              { keyBase64: base64(`x${text}`), type: 'stream', valueBase64: [{ fields }, { fields }] },
            ]
              .map((record) => JSON.stringify(record))
              .join('\n'),
          );

          const result = await warm([file, '--ttl', '1h', '-o', 'json']);

          expect(jsonOf(result)).toMatchObject({ written: 6, failed: 0 });
          expect(await send(server, 'GET', `s${text}`)).toBe(text);
          expect(await send(server, 'LRANGE', `l${text}`, 0, -1)).toEqual(texts);
          expect(new Set((await send(server, 'SMEMBERS', `e${text}`)) as string[])).toEqual(new Set(texts));
          expect(await send(server, 'HLEN', `h${text}`)).toBe(texts.length);
          for (const each of texts) {
            expect(await send(server, 'HGET', `h${text}`, each)).toBe(text);
            expect(await send(server, 'ZSCORE', `z${text}`, each)).toBe(String(scores[texts.indexOf(each)]));
          }
          const entries = (await send(server, 'XRANGE', `x${text}`, '-', '+')) as unknown as [
            string,
            string[],
          ][];
          expect(entries.map(([, flat]) => new Set(flat))).toEqual([
            new Set([...texts, text]),
            new Set([...texts, text]),
          ]);
        },
      ),
      { numRuns: rounds(40) },
    );
  });

  test('replaces what a key held, of whatever type, with its TTL', async () => {
    await send(server, 'RPUSH', 'a', 'old');
    await send(server, 'SET', 'b', 'old', 'EX', 5);
    await send(server, 'HSET', 'c', 'old', '1');
    const file = fixture('replace.json', [
      { key: 'a', value: 'new' },
      { key: 'b', type: 'hash', value: { new: '2' } },
      { key: 'c', type: 'hash', value: { new: '2' }, ttl: 50 },
    ]);

    await warm([file, '--replace']);
    await warm([file, '--replace']);

    expect(await get('a')).toBe('new');
    expect(await send(server, 'HGETALL', 'b')).toEqual(['new', '2']);
    expect(await ttlMillis('b')).toBe(-1);
    expect(await send(server, 'HGETALL', 'c')).toEqual(['new', '2']);
    expect(await ttlMillis('c')).toBeGreaterThan(40_000);
  });

  test('lets the last of several records with one key win, across files, and says so', async () => {
    const first = fixture('first.json', { a: '1', b: '1' });
    const second = fixture(
      'second.ndjson',
      '{"key":"a","value":"2"}\n{"key":"a","type":"list","value":["3"]}\n{"key":"a","value":"4"}',
    );

    const result = await warm([first, second, '-o', 'json']);

    expect(jsonOf(result)).toMatchObject({ records: 5, written: 5, repeatedKeys: 3 });
    expect(result.stderr).toContain(
      'warning: 3 records replace an earlier one with the same key:\n' +
        '  second.ndjson:1  `a`\n  second.ndjson:2  `a`\n  second.ndjson:3  `a`\n',
    );
    expect(await get('a')).toBe('4');
    expect(await get('b')).toBe('1');
  });

  test('writes a collection too long for one transaction as a whole', async () => {
    await send(server, 'ZADD', 'big', 1, 'old');
    const members = Array.from({ length: 25_000 }, (_, index) => [`member:${index}`, index]);
    const entries = Array.from({ length: 10_050 }, (_, index) => ({
      id: `${index + 1}-0`,
      fields: { n: index },
    }));
    const file = fixture('long.json', [
      { key: 'big', type: 'zset', value: { before: 1 } },
      { key: 'big', type: 'zset', value: members, ttl: '1h' },
      { key: 'stream', type: 'stream', value: entries },
      { key: 'after', value: 'x' },
    ]);

    const result = await warm([file, '-o', 'json']);

    expect(sums(jsonOf(result))).toMatchObject({ written: 4, failed: 0 });
    expect(await send(server, 'ZCARD', 'big')).toBe(25_000);
    expect(await send(server, 'ZSCORE', 'big', 'member:24999')).toBe('24999');
    expect(await ttlMillis('big')).toBeGreaterThan(3_590_000);
    expect(await send(server, 'XLEN', 'stream')).toBe(10_050);
    expect(await ttlMillis('stream')).toBe(-1);
    expect(await keys()).toBe(3);
  });

  test('reads stdin, alone or among files, in the order given', async () => {
    const file = fixture('file.json', { a: 'file', b: 'file' });

    const alone = await warm(['-', '-o', 'json'], {
      input: '{"key":"a","value":"stdin"}\n{"key":"c","value":"stdin"}\n',
    });
    expect(jsonOf(alone)).toMatchObject({ written: 2 });
    await warm(['-', file], { input: '{"a": "stdin", "c": "new"}' });

    expect(await get('a')).toBe('file');
    expect(await get('c')).toBe('new');
  });

  test('writes more records than fit into one batch', async () => {
    const lines = Array.from(
      { length: 20_000 },
      (_, id) => `{"key":"user:${id}","value":"${'v'.repeat(id % 300)}","ttl":60}`,
    );

    const result = await warm([fixture('many.ndjson', lines.join('\n')), '-o', 'json']);

    expect(sums(jsonOf(result))).toMatchObject({ records: 20_000, written: 20_000 });
    expect(await keys()).toBe(20_000);
    expect(await send(server, 'STRLEN', 'user:19999')).toBe(19_999 % 300);
  });
});

describe('the TTL', () => {
  const map = {
    namespaces: {
      profile: { pattern: 'user:<id>:profile', ttl: '1h', jitter: '50%' },
      forever: { pattern: 'forever:*', ttl: 'permanent' },
    },
  };
  const records = [
    { key: 'user:1:profile', value: 'x' },
    { key: 'user:2:profile', value: 'x', ttl: 10 },
    { key: 'forever:1', value: 'x' },
    { key: 'other', value: 'x' },
  ];

  test('comes from the record, else from the map, else from --ttl, each with its own jitter', async () => {
    const config = fixture('map.json', map);
    const file = fixture('ttl.json', records);

    const result = await warm([file, '--config', config, '--ttl', '100s', '--jitter', '0.2', '-o', 'json'], {
      random: () => 0.5,
    });

    expect(jsonOf(result)).toMatchObject({
      withoutTtl: 1,
      namespaces: [
        {
          namespace: 'profile',
          records: 2,
          permanentRecords: 0,
          minTtlSeconds: 10,
          maxTtlSeconds: 2700,
          ttlSources: { record: 1, map: 1, option: 0, none: 0 },
        },
        {
          namespace: 'forever',
          records: 1,
          permanentRecords: 1,
          minTtlSeconds: null,
          maxTtlSeconds: null,
          ttlSources: { record: 0, map: 1, option: 0, none: 0 },
        },
        {
          namespace: '(unmapped)',
          records: 1,
          minTtlSeconds: 90,
          maxTtlSeconds: 90,
          ttlSources: { record: 0, map: 0, option: 1, none: 0 },
        },
      ],
    });
    const millis = await Promise.all(
      ['user:1:profile', 'user:2:profile', 'forever:1', 'other'].map(ttlMillis),
    );
    expect(millis.map((value) => (value < 0 ? value : Math.ceil(value / 1000)))).toEqual([2700, 10, -1, 90]);
  });

  test('is missed where nobody gives one, and said so', async () => {
    const result = await warm([
      fixture('ttl.json', records),
      '--config',
      fixture('map.json', map),
      '-o',
      'json',
    ]);

    expect(jsonOf(result)).toMatchObject({ withoutTtl: 2 });
    expect(result.stderr).toBe(
      'warning: 1 key was written without TTL: give one in the record, in the map, or with --ttl\n',
    );
  });

  test('is spread by --jitter', async () => {
    const file = fixture(
      'spread.json',
      Object.fromEntries(Array.from({ length: 200 }, (_, id) => [`k:${id}`, 'x'])),
    );

    const result = await warm([file, '--ttl', '1000s', '--jitter', '50%', '-o', 'json']);

    const [row] = jsonOf(result)['namespaces'] as { minTtlSeconds: number; maxTtlSeconds: number }[];
    expect(row?.minTtlSeconds).toBeGreaterThanOrEqual(500);
    expect(row?.maxTtlSeconds).toBeLessThanOrEqual(1000);
    expect((row?.maxTtlSeconds ?? 0) - (row?.minTtlSeconds ?? 0)).toBeGreaterThan(200);
  });

  test('cannot be jittered where none is given', async () => {
    const result = await warm([fixture('a.json', { a: '1' }), '--jitter', '0.1']);
    expect(result.exitCode).toBe(2);
    expect(result.stderr).toContain('`--jitter` shortens the TTL of `--ttl`, which is not given');
    expect(await keys()).toBe(0);
  });
});

describe('a dry run', () => {
  test('shows the plan and asks no server', async () => {
    const file = fixture('plan.json', [
      { key: 'user:1:profile', value: 'xx', ttl: 60 },
      { key: 'user:2:profile', value: 'xx', ttl: 60 },
      { key: 'lists', type: 'list', value: ['a'] },
    ]);

    const result = await warm([file, '--dry-run'], { url: 'redis://127.0.0.1:1', terminal: true });

    expect(result).toMatchObject({
      exitCode: 0,
      stderr: expect.stringContaining('1 key would be written without TTL') as string,
    });
    expect(result.stdout).toMatch(/user:<id>:profile +2 +4 B +1m +1m +0 +record/);
    expect(result.stdout).toContain(
      'would write 3 records (2 string, 1 list) with 5 B of values; nothing was written',
    );
  });

  test('counts what it did not write', async () => {
    const result = await warm([fixture('a.json', { a: '1', b: '2' }), '--dry-run', '-o', 'json']);
    expect(sums(jsonOf(result))).toMatchObject({
      dryRun: true,
      records: 2,
      written: 0,
      notWritten: 2,
      valueBytes: 2,
    });
    expect(await keys()).toBe(0);
  });

  test('is open to a profile that is read-only, and writing is not', async () => {
    const config = fixture('read-only.json', { profiles: { ro: { url: testUrl(), readOnly: true } } });
    const args = [fixture('a.json', { a: '1' }), '--config', config, '--profile', 'ro'];

    expect((await warm([...args, '--dry-run'], { url: undefined as never })).exitCode).toBe(0);
    const result = await warm(args, { url: undefined as never });
    expect(result.exitCode).toBe(2);
    expect(result.stderr).toContain('profile `ro` is read-only, and `warm` writes');
    expect(await keys()).toBe(0);
  });
});
