import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { cli } from '../run-cli.ts';
import { send, sendAll, testUrl } from '../server/redis.ts';
import { countsOf, privateServer, warmSetup } from './warm-setup.ts';

const { server, folder, fixture, warm } = warmSetup();

writeFileSync(
  join(folder(), 'cachectl.config.json'),
  JSON.stringify({
    namespaces: {
      leaderboard: { pattern: 'leaderboard:*', kind: 'state' },
      session: { pattern: 'session:*', kind: 'state' },
      page: { pattern: 'page:*', ttl: '1h' },
    },
  }),
);

const typeOf = (key: string) => send(server(), 'TYPE', key);

describe('records of namespaces that the map calls state', () => {
  const records = { 'leaderboard:2024': { a: 1 }, 'page:1': 'one', 'session:1': 'ann', 'session:2': 'ben' };

  test('are left out, which is said, counted and exit code 1', async () => {
    await send(server(), 'ZADD', 'leaderboard:2024', 5, 'ann');

    const result = await warm([fixture('mixed.json', records), '-o', 'json']);

    expect(result.exitCode).toBe(1);
    expect(countsOf(result)).toMatchObject({ records: 4, written: 1, ofState: 3, failed: 0, notWritten: 0 });
    expect(result.stderr).toContain(
      '3 records are left out, of namespaces that the map calls state: `leaderboard` 1, `session` 2\n' +
        'hint: --with-state leaderboard,session writes them too',
    );
    expect(await send(server(), 'ZSCORE', 'leaderboard:2024', 'ann')).toBe('5');
    expect(await send(server(), 'EXISTS', 'session:1')).toBe(0);
    expect(await send(server(), 'GET', 'page:1')).toBe('one');
  });

  test('are known to be left out from the map alone, without a server', async () => {
    const args = [fixture('mixed.json', records), '--dry-run'];
    const result = await warm(args, { url: 'redis://127.0.0.1:1' });
    expect(result.exitCode).toBe(1);
    expect(result.stderr).toContain('3 records would be left out, of namespaces that the map calls state');
    expect(result.stdout).not.toContain('session');
  });

  test('are all there is, and nothing is written', async () => {
    const result = await warm([fixture('state.json', { 'session:1': 'ann' })], { terminal: true });
    expect(result.exitCode).toBe(1);
    expect(result.stdout).toContain('wrote none of 1 record: 1 state');
  });

  test('are written where --with-state names them, and verified', async () => {
    const args = [fixture('mixed.json', records), '--with-state', 'session', '--verify', 'all', '-o', 'json'];
    const result = await warm(args);
    expect(result.exitCode).toBe(1);
    expect(countsOf(result)).toMatchObject({ written: 3, ofState: 1, verified: 3, mismatched: 0 });
    expect(await send(server(), 'GET', 'session:2')).toBe('ben');
  });

  test('are named by names of the map', async () => {
    const result = await warm([fixture('mixed.json', records), '--with-state', 'sesion']);
    expect(result.exitCode).toBe(2);
    expect(result.stderr).toContain('the map has no namespace `sesion` of kind state');
    expect(result.stderr).toContain('did you mean `session`?');
  });
});

describe('a key that holds another type than its record', () => {
  const records = [
    { key: 'page:1', value: { sku1: 2 } },
    { key: 'page:2', type: 'hash', value: { a: '1' } },
    { key: 'page:3', value: 'new' },
    { key: 'page:4', type: 'set', value: ['a'] },
  ];
  const fill = () =>
    sendAll(server(), [
      ['HSET', 'page:1', 'sku1', 2],
      ['SET', 'page:2', 'old'],
      ['SET', 'page:3', 'old'],
    ]);

  test('keeps what it has, which is said, counted and exit code 1', async () => {
    await fill();

    const result = await warm([fixture('types.json', records), '--rejects', 'other.ndjson', '-o', 'json']);

    expect(result.exitCode).toBe(1);
    expect(countsOf(result)).toMatchObject({ written: 2, ofOtherType: 2, failed: 0 });
    expect(result.stderr).toContain('2 records were left out, whose key holds another type:');
    expect(result.stderr).toContain('`page:1`  the key holds a hash, and the record is a string');
    expect(result.stderr).toContain('--replace replaces these keys too');
    expect([await typeOf('page:1'), await typeOf('page:2'), await typeOf('page:4')]).toEqual([
      'hash',
      'string',
      'set',
    ]);
    expect(await send(server(), 'GET', 'page:3')).toBe('new');
    const again = await warm(['other.ndjson', '--replace', '-o', 'json']);
    expect(countsOf(again)).toMatchObject({ written: 2, ofOtherType: 0 });
    expect(await typeOf('page:1')).toBe('string');
  });

  test('is not replaced by --merge either', async () => {
    await fill();
    const result = await warm([fixture('types.json', records.slice(0, 1)), '--merge', '-o', 'json']);
    expect(countsOf(result)).toMatchObject({ written: 0, ofOtherType: 1 });
    expect(await typeOf('page:1')).toBe('hash');
  });

  test('is that of an earlier record with the same key, which is replaced', async () => {
    const names = Array.from({ length: 4000 }, (_, index) => `{"key":"page:n${index}","value":"x"}`);
    const file = fixture(
      'repeats.ndjson',
      ['{"key":"page:1","value":"x"}', ...names, '{"key":"page:1","type":"list","value":["a"]}'].join('\n'),
    );
    expect(countsOf(await warm([file, '-o', 'json']))).toMatchObject({ written: 4002, ofOtherType: 0 });
    expect(await typeOf('page:1')).toBe('list');
    // The first record finds a list now, the last one what it would write.
    expect(countsOf(await warm([file, '-o', 'json']))).toMatchObject({ written: 4001, ofOtherType: 1 });
  });

  test('is known for archives too', async () => {
    await fill();
    await warm([fixture('types.json', records), '--replace']);
    await cli(['export', 'page:*', '--to', 'types.archive'], { url: testUrl(), cwd: folder() });
    await sendAll(server(), [
      ['UNLINK', 'page:2', 'page:3'],
      ['RPUSH', 'page:2', 'a'],
      ['RPUSH', 'page:3', 'a'],
    ]);
    const result = await warm(['types.archive', '-o', 'json']);
    expect(countsOf(result)).toMatchObject({ written: 2, ofOtherType: 2 });
    expect([await typeOf('page:2'), await typeOf('page:3')]).toEqual(['list', 'list']);
  });

  test('costs a lookup for each key that is there, and none for the others', async () => {
    const { url, admin } = await privateServer();
    await send(admin, 'SET', 'page:3', 'old');
    const result = await warm([fixture('types.json', records)], { url, terminal: true });
    expect(result.stdout).toContain('this run added 1 to keyspace_hits');
    const info = (await send(admin, 'INFO', 'stats')) as string;
    expect(info).toMatch(/keyspace_hits:1\r\nkeyspace_misses:0/);
  });
});
