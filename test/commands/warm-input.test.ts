import { gzipSync } from 'node:zlib';
import { describe, expect, test } from 'vitest';
import { encodeFrame, encodeHeader } from '../../src/records/archive/format.ts';
import { replyText } from '../../src/redis/reply.ts';
import { asBytes } from '../../src/support/bytes.ts';
import { jsonOf } from '../run-cli.ts';
import { send, sendAll } from '../server/redis.ts';
import { countsOf, manyRecords, privateServer, warmSetup } from './warm-setup.ts';

const { server, fixture, warm } = warmSetup();
const keys = async () => Number(await send(server(), 'DBSIZE'));

describe('files', () => {
  test('are unpacked, also from stdin', async () => {
    const packed = gzipSync(manyRecords(3000));
    const file = fixture('records.ndjson.gz', packed);
    expect(countsOf(await warm([file, '-o', 'json']))).toMatchObject({ written: 3000 });
    expect(countsOf(await warm(['-', '-o', 'json'], { input: packed }))).toMatchObject({ written: 3000 });
    expect(await keys()).toBe(3000);
  });

  test('may be named by a pattern, and are then loaded in order', async () => {
    fixture('order-1.json', { a: '1', b: '1' });
    fixture('order-2.json', { a: '2' });
    const result = await warm(['order-*.json', '-o', 'json']);
    expect(jsonOf(result)).toMatchObject({ written: 3, repeatedKeys: 1 });
    expect(await send(server(), 'GET', 'a')).toBe('2');
  });

  test('that name an element twice are refused, and with --allow-repeats keep the last', async () => {
    const repeated = [
      { key: 's', type: 'set', value: ['m', 'm', 'n'] },
      {
        key: 'z',
        type: 'zset',
        value: [
          ['m', 1],
          ['n', 3],
          ['m', 2],
        ],
      },
    ].map((record) => JSON.stringify(record));
    const name = fixture(
      'repeated.ndjson',
      [...repeated, '{"key":"h","type":"hash","value":{"a":"1","b":"3","a":"2"}}'].join('\n'),
    );
    const refused = await warm([name]);
    expect(refused).toMatchObject({ exitCode: 2 });
    expect(refused.stderr.match(/comes twice; leave one out, or use --allow-repeats/g)).toHaveLength(3);
    expect(await keys()).toBe(0);
    expect(await warm([name, '--skip-invalid'])).toMatchObject({ exitCode: 0 });
    expect(await keys()).toBe(0);
    const asked = await warm([name, '--allow-repeats', '--verify', 'all', '-o', 'json']);
    expect(jsonOf(asked)).toMatchObject({ written: 3, failed: 0, mismatched: 0 });
    expect(await send(server(), 'HGET', 'h', 'a')).toBe('2');
    expect(await send(server(), 'ZSCORE', 'z', 'm')).toBe('2');
    expect(await send(server(), 'SCARD', 's')).toBe(2);
  });

  test('that no pattern matches are told by it, and nothing is written', async () => {
    fixture('there.json', { a: '1' });
    expect(await warm(['there.json', 'missing-*.json'])).toMatchObject({
      exitCode: 2,
      stderr: 'error: no file matches `missing-*.json`\nhint: see what is there with `ls`\n',
    });
    expect(await keys()).toBe(0);
  });

  test('must be named', async () => {
    expect(await warm([])).toMatchObject({
      exitCode: 2,
      stderr: 'error: there is no file to load\nhint: name one; - is stdin\n',
    });
  });

  test('that are cut off leave no word of records beside the error', async () => {
    const file = fixture('cut.json.gz', gzipSync(manyRecords(2000)).subarray(0, 300));
    for (const name of [file, fixture('broken.json', '[')]) {
      const result = await warm([name], { terminal: true });
      expect(result).toMatchObject({ exitCode: 2, stdout: '' });
      expect(result.stderr).toMatch(/^error: `.*` line \d+: the (gzip file is cut off|array that begins)/);
    }
  });
});

describe('a file that RIOT exported', () => {
  const now = Date.parse('2026-01-01T00:00:00Z');

  test('by version 2 or 3 names types in capitals, and moments', async () => {
    const moment = Date.now() + 3_600_000;
    const file = fixture('riot3.json', [
      { key: 'string:1', ttl: -1, value: 'v', type: 'STRING' },
      { key: 'hash:1', ttl: moment, value: { f: 'v' }, type: 'HASH' },
      { key: 'list:1', ttl: -1, value: ['b', 'a'], type: 'LIST' },
      { key: 'set:1', ttl: -1, value: ['a'], type: 'SET', memoryUsage: 0 },
      { key: 'zset:1', ttl: -1, value: [{ value: 'm', score: 1.5 }], type: 'ZSET' },
      {
        key: 'stream:1',
        ttl: -1,
        value: [{ stream: 'stream:1', id: '5-0', body: { f: 'v' } }],
        type: 'STREAM',
      },
      { key: 'gone', absoluteTTL: 1_600_000_000_000, value: 'v', type: 'STRING' },
    ]);

    const result = await warm([file, '-o', 'json']);

    // All but the hash are without a TTL, as the file says.
    expect(countsOf(result)).toMatchObject({ written: 6, expired: 1, withoutTtl: 5 });
    expect(result.stderr).toBe('warning: 1 record is left out: expired meanwhile\n');
    expect(await send(server(), 'ZSCORE', 'zset:1', 'm')).toBe('1.5');
    expect(await send(server(), 'LRANGE', 'list:1', 0, -1)).toEqual(['b', 'a']);
    expect(await send(server(), 'XRANGE', 'stream:1', '-', '+')).toEqual([['5-0', ['f', 'v']]]);
    expect(Math.abs(Number(await send(server(), 'PEXPIRETIME', 'hash:1')) - moment)).toBeLessThan(1000);
    expect(await send(server(), 'TTL', 'string:1')).toBe(-1);
    expect(await keys()).toBe(6);
  });

  test('by version 4 or RIOT-X gives what was left in milliseconds', async () => {
    const file = fixture('riot4.json', [
      { key: 'a', event: 'scan', timestamp: now, type: 'string', ttl: 90_000, value: 'v' },
      { key: 'b', event: 'scan', time: '2024-11-06T08:23:12.559Z', type: 'set', value: ['1'] },
      { key: 'c', event: 'scan', timestamp: now, type: 'zset', ttl: -1, value: [{ value: '5', score: 2 }] },
    ]);
    expect(countsOf(await warm([file, '-o', 'json']))).toMatchObject({ written: 3 });
    const ttl = Number(await send(server(), 'PTTL', 'a'));
    expect(ttl).toBeGreaterThan(80_000);
    expect(ttl).toBeLessThanOrEqual(90_000);
    expect(await send(server(), 'TTL', 'c')).toBe(-1);
  });

  test('with JSON documents needs a server that has them, and leaves the old value where it has not', async () => {
    const { url, admin } = await privateServer();
    await send(admin, 'SET', 'doc', 'old');
    const file = fixture('documents.json', [
      { key: 'doc', event: 'scan', type: 'ReJSON-RL', ttl: -1, value: '{"a":1}' },
      { key: 'other', value: 'x', ttl: 60 },
    ]);
    const result = await warm([file, '--replace', '-o', 'json'], { url });
    expect(result.exitCode).toBe(1);
    expect(countsOf(result)).toMatchObject({ written: 1, failed: 1 });
    expect(result.stderr).toContain("unknown command 'JSON.SET'");
    expect(await send(admin, 'GET', 'doc')).toBe('old');
  });
});

describe('an archive', () => {
  /** An archive of what the database holds under these names. */
  async function archiveOf(
    names: readonly string[],
    moments: Readonly<Record<string, number>>,
  ): Promise<Buffer> {
    const frames: Buffer[] = [];
    for (const name of names) {
      const payload = Buffer.from(replyText(await send(server(), 'DUMP', name)), 'latin1');
      frames.push(
        encodeFrame({ kind: 'value', key: asBytes(name), payload, expiresAtMillis: moments[name] ?? null }),
      );
    }
    const header = encodeHeader({
      format: 'cachectl-archive',
      version: 1,
      kind: 'export',
      createdAt: '2026-01-01T00:00:00Z',
      ...{ server: 'redis://localhost', database: 0, profile: null, action: 'test', patterns: ['*'] },
      withValues: true,
    });
    return Buffer.concat([header, ...frames, encodeFrame({ kind: 'end', summary: {} })]);
  }

  const names = ['s\xff', 'hash', 'zset', 'gone'];
  async function fill(): Promise<Buffer> {
    await sendAll(server(), [
      ['SET', 's\xff', '\x00\xfe'],
      ['HSET', 'hash', 'f', 'v'],
      ['ZADD', 'zset', '1.5', 'm'],
      ['SET', 'gone', 'x'],
    ]);
    const archive = await archiveOf(names, { hash: Date.now() + 100_000, gone: Date.now() - 1 });
    await sendAll(server(), [['UNLINK', ...names]]);
    return archive;
  }

  test('brings every key back, with the moment at which it expires; expired ones are left out', async () => {
    const file = fixture('export.archive', await fill());
    const result = await warm([file, '--verify', '-o', 'json']);
    expect(countsOf(result)).toMatchObject({
      records: 4,
      written: 3,
      expired: 1,
      verified: 3,
      mismatched: 0,
    });
    expect(await send(server(), 'GET', 's\xff')).toBe('\x00\xfe');
    expect(await send(server(), 'HGET', 'hash', 'f')).toBe('v');
    expect(await send(server(), 'ZSCORE', 'zset', 'm')).toBe('1.5');
    const ttl = Number(await send(server(), 'PTTL', 'hash'));
    expect(ttl).toBeGreaterThan(90_000);
    expect(ttl).toBeLessThanOrEqual(100_000);
    expect(await keys()).toBe(3);
  });

  test('replaces keys, or leaves them alone', async () => {
    const file = fixture('export.archive', await fill());
    await send(server(), 'SET', 'hash', 'mine');
    expect(countsOf(await warm([file, '--only-missing', '-o', 'json']))).toMatchObject({
      written: 2,
      existing: 1,
    });
    expect(await send(server(), 'GET', 'hash')).toBe('mine');
    expect(countsOf(await warm([file, '--replace', '-o', 'json']))).toMatchObject({ written: 3 });
    expect(await send(server(), 'TYPE', 'hash')).toBe('hash');
  });

  test('with a value that the server does not take counts it, and rejects can be loaded elsewhere', async () => {
    const archive = await fill();
    // A byte of the string's value: the checksum of the dump no longer fits.
    const at = archive.indexOf(Buffer.from('\x00\xfe', 'latin1'));
    archive[at + 1] = 0xfd;
    const result = await warm([
      fixture('bad.archive', archive),
      '--rejects',
      'archive-rejects.ndjson',
      '-o',
      'json',
    ]);
    expect(result.exitCode).toBe(1);
    expect(countsOf(result)).toMatchObject({ written: 2, failed: 1, rejectsFile: 'archive-rejects.ndjson' });
    const again = await warm(['archive-rejects.ndjson', '-o', 'json']);
    expect(countsOf(again)).toMatchObject({ records: 1, failed: 1, invalid: 0 });
  });
});
