import { gzipSync } from 'node:zlib';
import { describe, expect, test } from 'vitest';
import { asBytes, bytesOf } from '../../src/support/bytes.ts';
import { freePort } from '../server/redis-process.ts';
import { sendAll } from '../server/redis.ts';
import { get, getJson, getTable, set, write } from './get-runs.ts';
import { folderWith, linesOf } from './reading.ts';
import { emptyServer } from '../server/own.ts';

describe('get of a string', () => {
  test('shows what the key is, and its value decoded', async () => {
    await sendAll(await emptyServer(), [
      ['SET', 'user:1:profile', '{"name":"Jana","level":"A2"}', 'EX', 3600],
    ]);
    const { exitCode, result } = await getJson(['user:1:profile']);
    expect(exitCode).toBe(0);
    expect(result).toMatchObject({
      key: 'user:1:profile',
      exists: true,
      namespace: 'user:<id>:profile',
      type: 'string',
      ttlState: 'expires',
      valueBytes: 28,
      internalEncoding: 'embstr',
      truncated: false,
      value: { format: 'json', compression: null, json: { name: 'Jana', level: 'A2' } },
      members: null,
    });
    expect(result['ttlSeconds']).toBeGreaterThan(3590);
    // Since SET, on a machine that may be busy.
    expect(result['idleSeconds']).toBeLessThanOrEqual(30);
    const table = await getTable(['user:1:profile']);
    expect(table).toMatch(/^ {2}key {9}user:1:profile\n/);
    expect(table).toMatch(/\n {2}expires in {2}(1h|59m 59s)\n/);
    expect(table).toContain('\nValue (json)\n{\n  "name": "Jana",\n  "level": "A2"\n}\n');
  });

  test('of a map is decoded as the map says', async () => {
    await write(
      set('quiz:1', '{"data":{"score":7},"timestamp":"2026-01-01"}'),
      set('func:1', asBytes('\x80\x04\x95\x12\x00\x00\x00\x00\x00\x00\x00}\x94.')),
      set('state:1', `gAAAAAB${'mZ3xQ_7-'.repeat(12)}==`),
      set('tts:1', asBytes('\xff\xfb\x90\x44')),
      set('quota:1', '12'),
      set('packed:1', asBytes(gzipSync('{"a":[1,2]}').toString('latin1'))),
      set('other:1', 'x'),
    );
    const cwd = folderWith({
      namespaces: {
        quiz: { pattern: 'quiz:<id>', encoding: 'json-envelope' },
        func: { pattern: 'func:<id>', encoding: 'pickle' },
        state: { pattern: 'state:<id>', encoding: 'fernet', kind: 'state' },
        tts: { pattern: 'tts:<id>', encoding: 'binary' },
        quota: { pattern: 'quota:<id>', encoding: 'integer', kind: 'state' },
        packed: { pattern: 'packed:<id>', encoding: 'json' },
      },
    });
    const valueOf = async (key: string) => (await getJson([key], { cwd })).result;

    expect(await valueOf('quiz:1')).toMatchObject({
      namespace: 'quiz',
      kind: 'cache',
      value: { format: 'json-envelope', json: { score: 7 }, envelope: { timestamp: '2026-01-01' } },
    });
    expect(await valueOf('func:1')).toMatchObject({
      value: { format: 'pickle', hex: '80 04 95 12 00 00 00 00 00 00 00 7d 94 2e' },
    });
    expect(await valueOf('state:1')).toMatchObject({ kind: 'state', value: { format: 'fernet' } });
    expect(await valueOf('tts:1')).toMatchObject({ value: { format: 'binary', hex: 'ff fb 90 44' } });
    expect(await valueOf('quota:1')).toMatchObject({ value: { format: 'integer', text: '12' } });
    expect(await valueOf('packed:1')).toMatchObject({
      value: { format: 'json', compression: 'gzip', json: { a: [1, 2] } },
    });
    expect(await valueOf('other:1')).toMatchObject({
      namespace: null,
      kind: null,
      value: { format: 'text' },
    });

    const quiz = await getTable(['quiz:1'], { cwd });
    expect(quiz).toContain('namespace   quiz  cache');
    expect(quiz).toContain(
      'Envelope\n{\n  "timestamp": "2026-01-01"\n}\n\nValue (json-envelope)\n{\n  "score": 7\n}\n',
    );
    expect(await getTable(['func:1'], { cwd })).toContain(
      'a Python pickle: loading one runs code, so it is never loaded',
    );
    expect(await getTable(['packed:1'], { cwd })).toContain('Value (json, gzip)');
  });

  test('that is binary is shown as hex, sixteen bytes a line, with the text in it beside', async () => {
    await write(set('k', asBytes(`\x00\x01user name\xff\x7f~${'z'.repeat(600)}`)));
    const table = await getTable(['k']);
    const [, value = ''] = table.split('Value (binary)\n');
    const lines = value.split('\n');
    expect(lines[0]).toBe('00 01 75 73 65 72 20 6e 61 6d 65 ff 7f 7e 7a 7a  ..user name..~zz');
    expect(lines[31]).toMatch(/^(7a ){16} z{16}$/);
    expect(lines[32]).toBe('…');
    await write(set('k', asBytes('\xff\xfb')));
    expect(await getTable(['k'])).toContain(`Value (binary)\nff fb${' '.repeat(44)}..\n`);
  });

  test('with an id of 64 bits keeps its digits', async () => {
    await write(set('k', '{"id":12345678901234567890}'));
    expect(await getTable(['k'])).toContain('{\n  "id": 12345678901234567890\n}');
    expect((await getJson(['k'])).result).toMatchObject({ value: { text: '{"id":12345678901234567890}' } });
  });

  test('that is empty, or permanent, says so', async () => {
    await write(set('k', ''));
    const table = await getTable(['k']);
    expect(table).toContain('expires in  -  no TTL');
    expect(table).toContain('Value (text, empty)');
    expect((await getJson(['k'])).result).toMatchObject({
      ttlState: 'permanent',
      ttlSeconds: null,
      valueBytes: 0,
    });
  });

  test('too large to show is cut, at a character', async () => {
    await write(set('k', bytesOf('ý'.repeat(50_000))));
    const { result } = await getJson(['k']);
    expect(result).toMatchObject({ truncated: true, valueBytes: 100_000 });
    expect((result['value'] as { text: string }).text).toBe('ý'.repeat(32_768));
    expect((await getJson(['k', '--max-bytes', '7'])).result).toMatchObject({
      value: { format: 'text', text: 'ýýý' },
    });
    expect((await getJson(['k', '--max-bytes', '200KB'])).result).toMatchObject({ truncated: false });
    expect(await getTable(['k', '--max-bytes', '9'])).toContain(
      '▲ only the start is shown; --max-bytes reads more',
    );
  });

  test('is never read whole by --max-bytes 0', async () => {
    await write(set('k', 'x'.repeat(100_000)));
    expect((await getJson(['k', '--max-bytes', '0'])).result).toMatchObject({
      truncated: true,
      value: { text: 'x' },
    });
  });

  test('never acts on the terminal', async () => {
    await write(
      set('k', '\x1b[2J\x1b]0;pwned\x07\u202e{"a":1}\r\n'),
      set('j', '{"a":"\\u001b[31m\\u009b\\u202e"}'),
    );
    for (const key of ['k', 'j'])
      for (const format of ['table', 'tsv', 'csv', 'json', 'ndjson'])
        expect((await get([key, '-o', format])).stdout.replace(/[\n\t]|\r\n/g, '')).not.toMatch(
          /[\p{Cc}\p{Cf}]/u,
        );
  });
});

describe('get of a collection', () => {
  test.each([
    [
      ['HSET', 'k', 'field', 'value', 'other', '2'],
      'hash',
      [
        ['field', 'value'],
        ['other', '2'],
      ],
    ],
    [
      ['RPUSH', 'k', 'a', 'b'],
      'list',
      [
        ['0', 'a'],
        ['1', 'b'],
      ],
    ],
    [['SADD', 'k', '1', '2'], 'set', [['1'], ['2']]],
    [
      ['ZADD', 'k', '2', 'b', '1.5', 'a'],
      'zset',
      [
        ['b', '2'],
        ['a', '1.5'],
      ],
    ],
    [
      ['XADD', 'k', '7-1', 'field', 'value', 'other', '2'],
      'stream',
      [['7-1', 'field', 'value', 'other', '2']],
    ],
  ])('%j shows its members', async (command, type, members) => {
    await sendAll(await emptyServer(), [command]);
    const { result } = await getJson(['k']);
    expect(result).toMatchObject({
      type,
      members,
      membersBase64: null,
      value: null,
      memberCount: members.length,
      truncated: false,
    });
    const table = await getTable(['k']);
    expect(table).toMatch(/\nMembers(?:, highest scores first)?\n {2}[A-Z]+/);
    expect(table.replace(/ {2,}/g, '  ')).toContain(
      type === 'stream' ? '7-1  field=value other=2' : (members[0]?.join('  ') ?? '?'),
    );
  });

  test('that is large shows a page of it', async () => {
    const server = await emptyServer();
    await sendAll(server, [
      ...Array.from({ length: 2000 }, (_, index) => ['HSET', 'h', `field:${index}`, 'x']),
      ...Array.from({ length: 2000 }, (_, index) => ['RPUSH', 'l', index]),
    ]);
    for (const key of ['h', 'l']) {
      const { result } = await getJson([key, '--members', '10']);
      expect(result).toMatchObject({ memberCount: 2000, truncated: true });
      expect((result['members'] as unknown[]).length).toBeLessThanOrEqual(10);
      expect((result['members'] as unknown[]).length).toBeGreaterThan(0);
    }
    expect(await getTable(['l', '--members', '3'])).toContain(
      'only the start is shown; --members reads more',
    );
  });

  test('gives members that are no text back byte by byte', async () => {
    await write(
      ['HSET', bytesOf('k'), bytesOf('field'), asBytes('\xff\x00')],
      ['SADD', bytesOf('s'), bytesOf('\x1b[2J')],
    );
    expect((await getJson(['k'])).result).toMatchObject({
      members: [['field', '\\xff\0']],
      membersBase64: [['ZmllbGQ=', '/wA=']],
    });
    expect(await getTable(['s'])).toContain('\\x1b[2J');
  });
});

describe('the outputs of get', () => {
  test('have the same fields in JSON on success, on a missing key and on failure', async () => {
    await write(set('k', 'x'));
    const fields = [
      await getJson(['k']),
      await getJson(['nope']),
      await getJson(['k'], { url: `redis://127.0.0.1:${await freePort()}` }),
    ].map(({ result }) => Object.keys(result));
    expect(fields[1]).toEqual(fields[0]);
    expect(fields[2]).toEqual(fields[0]);
  });

  test('are lines that begin with their block, in a pipe', async () => {
    await write(set('k', '{"a":\n"b\tc"}'));
    const { stdout } = await get(['k']);
    expect(linesOf(stdout).map((line) => line.split('\t').slice(0, 2).join(' '))).toEqual([
      ...[
        'key key',
        'key namespace',
        'key type',
        'key ttlSeconds',
        'key memoryBytes',
        'key valueBytes',
        'key idleSeconds',
      ],
      'value {"a":',
      'value "b\\tc"}',
    ]);
  });
});
