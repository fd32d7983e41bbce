import { rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import fc from 'fast-check';
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { connect } from '../../src/redis/connect.ts';
import type { RedisServer } from '../../src/redis/server.ts';
import { cli, type CliOptions, jsonOf } from '../run-cli.ts';
import { freePort, type RedisProcess } from '../server/redis-process.ts';
import {
  emptyDatabase,
  send,
  sendAll,
  startPrivateServer,
  targetOf,
  testServer,
  testUrl,
} from '../server/redis.ts';
import { fillKeyspace, keyspaces } from './export-keyspace.ts';
import { naming } from '../named-map.ts';
import { temporaryFolder } from '../server/own.ts';
import { rounds } from '../server/effort.ts';

let a: RedisServer;
let b: RedisServer;
let other: RedisProcess;
const folder = temporaryFolder();
beforeAll(async () => {
  a = await testServer();
  other = await startPrivateServer({
    args: ['--hash-max-listpack-entries', '0', '--zset-max-listpack-entries', '0'],
  });
  b = await connect(targetOf(other.url));
});
afterAll(async () => {
  a.close();
  b.close();
  await other.stop();
});
beforeEach(async () => {
  await emptyDatabase(a);
  await emptyDatabase(b);
});

type Commands = readonly (readonly (string | number)[])[];

const fill = async (onA: Commands, onB: Commands) => {
  await sendAll(a, onA);
  await sendAll(b, onB);
};
const run = (args: readonly string[], options: CliOptions = {}) => cli(args, { cwd: folder, ...options });
const diff = (...args: readonly string[]) => run(['diff', testUrl(), other.url, '-o', 'json', ...args]);

describe('two servers', () => {
  test('are equal whatever their encodings, and the exit code is 0', async () => {
    const same: Commands = [
      ['SET', 's', '\xff\x00'],
      ['HSET', 'h', 'f', '1', 'g', '2'],
      ['RPUSH', 'l', 'x', 'y'],
      ['SADD', 'set', '1', '2', '3'],
      ['ZADD', 'z', 'inf', 'a', '0.1', 'b'],
      ['XADD', 'stream', '1-1', 'f', 'v'],
      ['XGROUP', 'CREATE', 'emptied', 'workers', '0', 'MKSTREAM'],
      ['EXPIRE', 's', 500],
    ];
    await fill(same, [...same, ['HSET', 'h', 'g', '2'], ['SADD', 'set', 'word'], ['SREM', 'set', 'word']]);

    const result = await diff();

    expect(result.exitCode).toBe(0);
    expect(jsonOf(result)).toMatchObject({
      ...{ equal: true, compared: 7, missing: 0, extra: 0, different: 0, failed: 0, differences: [] },
    });
  });

  test('differ in keys, types, values and TTLs: each is counted, and the exit code is 1', async () => {
    await fill(
      [
        ['SET', 'only-a', '1'],
        ['SET', 'type', '1'],
        ['SET', 'value', 'old'],
        ['RPUSH', 'order', 'x', 'y'],
        ['XGROUP', 'CREATE', 'emptied', 'workers', '0', 'MKSTREAM'],
        ['SET', 'ttl', '1', 'EX', 100],
        ['SET', 'permanent', '1'],
        ['SET', 'near', '1', 'EX', 100],
        ['SET', 'same', '1'],
      ],
      [
        ['RPUSH', 'type', '1'],
        ['SET', 'value', 'newer'],
        ['RPUSH', 'order', 'y', 'x'],
        ['XADD', 'emptied', '1-1', 'f', 'v'],
        ['SET', 'ttl', '1', 'EX', 110],
        ['SET', 'permanent', '1', 'EX', 100],
        ['SET', 'near', '1', 'EX', 101],
        ['SET', 'same', '1'],
        ['HSET', 'only-b\xff', 'f', 'v'],
      ],
    );

    const result = await diff();

    expect(result.exitCode).toBe(1);
    const report = jsonOf(result);
    expect(report).toMatchObject({
      ...{ equal: false, compared: 8, missing: 1, extra: 1, different: 6 },
      ...{ differentTypes: 1, differentValues: 3, differentTtls: 2 },
      onlyInA: [{ key: 'only-a', type: 'string' }],
      onlyInB: [{ key: 'only-b\\xff', keyBase64: Buffer.from('only-b\xff', 'latin1').toString('base64') }],
    });
    const byKey = new Map(
      (report['differences'] as { key: string; what: string; a: object; b: object }[]).map((each) => [
        each.key,
        each,
      ]),
    );
    expect([...byKey.keys()].sort()).toEqual(['emptied', 'order', 'permanent', 'ttl', 'type', 'value']);
    expect(byKey.get('value')).toMatchObject({
      ...{ what: 'value', a: { type: 'string', length: 3 }, b: { type: 'string', length: 5 } },
    });
    expect(byKey.get('type')).toMatchObject({ what: 'type', a: { type: 'string' }, b: { type: 'list' } });
    expect(byKey.get('permanent')).toMatchObject({ what: 'ttl', a: { ttlSeconds: null } });
    expect(result.stdout).not.toContain('newer');
  });

  test('may have TTLs apart by the tolerance, or any with --ignore-ttl', async () => {
    await fill([['SET', 'k', '1', 'EX', 100]], [['SET', 'k', '1', 'EX', 150]]);

    expect((await diff()).exitCode).toBe(1);
    expect((await diff('--ttl-tolerance', '1m')).exitCode).toBe(0);
    expect((await diff('--ignore-ttl')).exitCode).toBe(0);
    expect((await diff('--ignore-ttl', '--ttl-tolerance', '1m')).exitCode).toBe(2);
  });

  test('are compared where the pattern matches, and no more is listed than --limit says', async () => {
    await fill(
      ['user:1', 'user:2', 'user:3', 'other:1'].map((key) => ['SET', key, '1']),
      [['SET', 'user:1', '2']],
    );

    const report = jsonOf(await diff('--pattern', 'user:*', '--limit', '1'));

    expect(report).toMatchObject({ missing: 2, different: 1, differences: [{ key: 'user:1' }] });
    expect(report['onlyInA']).toHaveLength(1);
    expect(report['namespaces']).toEqual([{ namespace: 'user:<id>', missing: 2, extra: 0, different: 1 }]);
  });

  test.each([
    ['HSET', 'hash', ['HSET', 'hash', 'field7', 'else']],
    ['SADD', 'set', ['SREM', 'set', 'field7']],
    ['ZADD', 'zset', ['ZINCRBY', 'zset', '1', 'value7']],
    ['RPUSH', 'list', ['LSET', 'list', '7', 'else']],
    ['XADD', 'stream', ['XDEL', 'stream', '7-1']],
    ['APPEND', 'string', ['SETRANGE', 'string', 1_500_000, '!']],
  ])('are compared in pieces where values are long: %s', async (command, key, change) => {
    const words: Record<string, string> = {
      HSET: '"field" .. i, "value" .. i',
      SADD: '"field" .. i, "value" .. i',
      ZADD: 'i, "value" .. i',
      RPUSH: '"value" .. i, "field" .. i',
      XADD: 'i .. "-1", "field", "value" .. i',
      APPEND: 'string.rep("x", 200)',
    };
    const script = `for i = 1, 9000 do redis.call("${command}", KEYS[1], ${words[command] ?? ''}) end`;
    for (const server of [a, b]) await send(server, 'EVAL', script, 1, key);

    expect(jsonOf(await diff())).toMatchObject({ equal: true, compared: 1 });
    await send(b, ...change);
    expect(jsonOf(await diff())).toMatchObject({ different: 1, differences: [{ key, what: 'value' }] });
  });

  test('are told apart in any keyspace that differs by one key', async () => {
    await fc.assert(
      fc.asyncProperty(keyspaces, fc.nat(), async (keys, chosen) => {
        await emptyDatabase(a);
        await emptyDatabase(b);
        await fillKeyspace(a, keys);
        await fillKeyspace(b, keys);
        expect(jsonOf(await diff())).toMatchObject({ equal: true, compared: keys.length });
        const { key = '' } = keys[chosen % keys.length] ?? {};
        await send(b, 'UNLINK', key);
        expect(jsonOf(await diff())).toMatchObject({ missing: 1, extra: 0, different: 0 });
      }),
      { numRuns: rounds(30) },
    );
  });
});

test('keys that may not be read are neither equal nor missing: they are counted as failed', async () => {
  const guarded = await startPrivateServer({
    config: ['user ann on >secret ~mine:* +@all', 'user default on nopass ~* +@all'],
  });
  try {
    const input = '{"key":"mine:1","value":"v"}\n{"key":"theirs:1","value":"v"}\n';
    await run(['warm', '-'], { url: guarded.url, input });
    await run(['warm', '-'], { url: testUrl(), input });
    const asAnn = guarded.url.replace('redis://', 'redis://ann:secret@');

    for (const sides of [
      [testUrl(), asAnn],
      [asAnn, testUrl()],
    ]) {
      const result = await run(['diff', ...sides, '-o', 'json']);
      expect(result.exitCode).toBe(1);
      expect(jsonOf(result)).toMatchObject({
        ...{ equal: null, compared: 1, missing: 0, extra: 0, different: 0, failed: 1 },
        problems: [{ key: 'theirs:1' }],
      });
    }
  } finally {
    await guarded.stop();
  }
});

describe('a file', () => {
  test.each(['keys.ndjson', 'keys.json', 'keys.archive'])(
    'that was exported equals its server, and tells what has changed since: %s',
    async (file) => {
      await fc.assert(
        fc.asyncProperty(keyspaces, async (keys) => {
          await emptyDatabase(a);
          await fillKeyspace(a, keys);
          await run(['export', '--to', file, '--force'], { url: testUrl() });
          const compare = () => run(['diff', file, '-o', 'json'], { url: testUrl() });
          expect(await compare()).toMatchObject({ exitCode: 0 });
          await sendAll(a, [
            ['UNLINK', keys[0]?.key ?? ''],
            ['SET', 'new key', '1'],
          ]);
          expect(jsonOf(await compare())).toMatchObject({
            ...{ equal: false, missing: 1, extra: 1, different: 0, a: file },
          });
        }),
        { numRuns: rounds(20) },
      );
    },
  );

  test('as an archive is compared by value with a server of other encodings, long values too', async () => {
    const code = ['HSET', 'ZADD'].map(
      (name) =>
        `for i = 1, 9000 do redis.call("${name}", "${name}", i, "value" .. i) end redis.call("${name}", "short", 1, "m") redis.call("RENAME", "short", "short:${name}")`,
    );
    const texts: Commands = [
      ['SET', 'long', 'text '.repeat(5000)],
      ['RPUSH', 'list', '-5000', 'b', '70000', '9007199254740993', 'x'.repeat(20_000)],
      ['SADD', 'ints', '-1', '70000', '9007199254740993'],
      ['XADD', 'stream', '5-1', 'f', '1', 'g', '2'],
      ['XADD', 'stream', '7-2', 'f', '3', 'g', '4'],
      ['XADD', 'stream', '9-9', 'h', '3'],
      ['XDEL', 'stream', '7-2'],
      ['XGROUP', 'CREATE', 'emptied', 'workers', '0', 'MKSTREAM'],
      // The differences of these ids do not fit in 64 bits with a sign.
      ...['5-5', '18446744073709551615-0'].map((id) => ['XADD', 'far', id, 'a', '1']),
      ...['1-18446744073709551615', '2-0'].map((id) => ['XADD', 'sequence', id, 'a', '1']),
    ];
    for (const server of [a, b]) {
      for (const script of code) await send(server, 'EVAL', script, 0);
      await sendAll(server, texts);
    }
    await run(['export', '--to', 'all.archive', '--force'], { url: testUrl() });

    const result = await run(['diff', 'all.archive', other.url, '-o', 'json']);

    expect(jsonOf(result)).toMatchObject({ equal: true, compared: 11, failed: 0 });
    await send(b, 'HSET', 'HSET', 17, 'else');
    expect(jsonOf(await run(['diff', other.url, 'all.archive', '-o', 'json']))).toMatchObject({
      ...{ different: 1, b: 'all.archive', differences: [{ key: 'HSET', what: 'value' }] },
    });
  });

  test('is compared with another file: of a key that stands there twice, the last record counts', async () => {
    writeFileSync(
      join(folder, 'a.json'),
      JSON.stringify([
        { key: 'k', value: '1' },
        { key: 'x', value: '1' },
      ]),
    );
    writeFileSync(
      join(folder, 'b.ndjson'),
      '{"key":"k","value":"0"}\n{"key":"k","value":"1"}\n{"key":"x","value":"2"}\n{"key":"y","value":"3"}\n',
    );

    const result = await run(['diff', 'a.json', 'b.ndjson', '-o', 'json']);

    expect(result.exitCode).toBe(1);
    expect(jsonOf(result)).toMatchObject({
      ...{ compared: 2, missing: 0, extra: 1, different: 1, onlyInB: [{ key: 'y' }] },
    });
  });

  test('with a record that cannot be used is refused', async () => {
    writeFileSync(join(folder, 'bad.json'), '[{"key": "k"}]');

    expect(await run(['diff', 'bad.json'], { url: testUrl() })).toMatchObject({
      exitCode: 2,
      stderr: expect.stringContaining('bad.json') as string,
    });
  });
});

describe('what an argument names', () => {
  test('may be a profile, with its own password, whatever the password of the run', async () => {
    const guarded = await startPrivateServer({ args: ['--requirepass', 'of-the-profile'] });
    try {
      const map = { profiles: { guarded: { url: guarded.url, passwordEnv: 'GUARDED' } } };
      writeFileSync(join(folder, 'cachectl.config.json'), JSON.stringify(map));

      const result = await run(['diff', 'guarded', '-o', 'json'], {
        ...{ url: testUrl(), env: { ...naming(folder), GUARDED: 'of-the-profile' } },
      });
      const without = await run(['diff', 'guarded'], { url: testUrl(), env: naming(folder) });

      expect(jsonOf(result)).toMatchObject({ equal: true, a: `${guarded.url}/0`, b: testUrl() });
      expect(without).toMatchObject({ exitCode: 2, stderr: expect.stringContaining('GUARDED') as string });
    } finally {
      rmSync(join(folder, 'cachectl.config.json'));
      await guarded.stop();
    }
  });

  test('is nothing at all: exit code 2', async () => {
    expect(await run(['diff', 'nowhere'], { url: testUrl() })).toMatchObject({
      exitCode: 2,
      stderr: expect.stringContaining(
        '`nowhere` is no profile of the map, no address of a server and no file',
      ) as string,
    });
  });

  test('cannot be reached: exit code 3', async () => {
    const dead = `redis://127.0.0.1:${await freePort()}`;

    expect(await run(['diff', testUrl(), dead, '-o', 'json'])).toMatchObject({ exitCode: 3 });
  });
});

test('people get a table, a sentence and what it cost', async () => {
  await fill(
    [
      ['SET', 'k', 'old'],
      ['SET', 't', 'same'],
    ],
    [
      ['SET', 'k', 'newer', 'EX', 100],
      ['SET', 't', 'same', 'EX', 9000],
    ],
  );

  const { stdout, exitCode } = await run(['diff', testUrl(), other.url], { terminal: true });

  expect(exitCode).toBe(1);
  expect(stdout).toMatch(/value +k +string, 3 B, [0-9a-f]{12}, no TTL/);
  // What differs is first, for a narrow terminal cuts the rest.
  expect(stdout).toMatch(/ttl +t +no TTL, string, .* +2h 30m left, string/);
  expect(stdout).toMatch(/2 keys different \(1 value, 1 TTL\), of 2 keys in a/);
  expect(stdout).toMatch(/this run added \d+ to\s+keyspace_hits/);
});

describe('an export as records', () => {
  test('is equal to the cache it was made from, however long ago', async () => {
    await sendAll(a, [
      ['SET', 'short', 'x', 'PX', 60_000],
      ['SET', 'long', 'x', 'PXAT', 9_223_372_036_854_774_784],
      ['SET', 'permanent', 'x'],
    ]);
    expect((await run(['export', '*', '--to', 'lasting.ndjson'], { url: testUrl() })).exitCode).toBe(0);
    await new Promise((resolve) => setTimeout(resolve, 700));
    const outcome = await run(['diff', 'lasting.ndjson', testUrl(), '--ttl-tolerance', '0.3s', '-o', 'json']);
    expect(outcome.exitCode, outcome.stdout).toBe(0);
    expect(jsonOf(outcome)).toMatchObject({ equal: true, compared: 3 });
  });
});

test('keys of an archive that expire while they are compared are skipped, not missing', async () => {
  await sendAll(a, [
    ['SET', 'soon', 'x', 'PX', 900],
    ['SET', 'stays', 'x'],
  ]);
  expect((await run(['export', '*', '--to', 'soon.cachectl'], { url: testUrl() })).exitCode).toBe(0);
  // The clock of the run is behind that of the server: by it the key is still alive.
  await new Promise((resolve) => setTimeout(resolve, 1000));
  const outcome = await run(['diff', 'soon.cachectl', testUrl(), '-o', 'json'], {
    now: () => Date.now() - 600,
  });
  expect(jsonOf(outcome)).toMatchObject({ equal: true, missing: 0, skipped: 1 });
});

test('a key that is about to expire on one server, and has expired on the other, is skipped', async () => {
  await send(a, 'SET', 'soon-in-a', 'x', 'PX', 1500);
  await send(b, 'SET', 'soon-in-b', 'x', 'PX', 1500);
  const outcome = await run(['diff', testUrl(), other.url, '-o', 'json']);
  expect(jsonOf(outcome)).toMatchObject({ equal: true, missing: 0, extra: 0, skipped: 2 });
});
