import { existsSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { readArchive } from '../../src/records/archive/reader.ts';
import { connect } from '../../src/redis/connect.ts';
import { readInfo } from '../../src/redis/info.ts';
import { cli, type CliOptions, jsonOf } from '../run-cli.ts';
import {
  emptyDatabase,
  send,
  sendAll,
  startPrivateServer,
  targetOf,
  testUrl,
  untilCalled,
} from '../server/redis.ts';
import { until } from '../server/until.ts';
import { fillKeyspace, keyspaceOf, keyspaces } from './export-keyspace.ts';
import { open, ownDatabase, temporaryFolder } from '../server/own.ts';
import { rounds } from '../server/effort.ts';

const server = await ownDatabase();
const folder = temporaryFolder();

const exportTo = (args: readonly string[], options: CliOptions = {}) =>
  cli(['export', ...args], { url: testUrl(), cwd: folder, ...options });
const recordsIn = (text: string) =>
  text
    .split('\n')
    .filter((line) => line !== '')
    .map((line) => JSON.parse(line) as Record<string, unknown>);

describe('a round trip', () => {
  test.each(['keys.ndjson', 'keys.json', 'keys.ndjson.gz', 'keys.archive'])(
    'through %s gives any keyspace back',
    async (file) => {
      await fc.assert(
        fc.asyncProperty(keyspaces, async (keys) => {
          await emptyDatabase(server);
          await fillKeyspace(server, keys);
          const startedAt = performance.now();
          const before = await keyspaceOf(server);
          expect(await exportTo(['--to', file, '--force'])).toMatchObject({ exitCode: 0 });
          await emptyDatabase(server);
          const warmed = await cli(['warm', file], { url: testUrl(), cwd: folder });
          expect(warmed).toMatchObject({ exitCode: 0 });
          expect(withoutTtl(await keyspaceOf(server))).toEqual(withoutTtl(before));
          const after = await keyspaceOf(server);
          expectSameTtls(after, before, (performance.now() - startedAt) / 1000);
        }),
        { numRuns: rounds(40) },
      );
    },
    180_000,
  );

  test('holds for values that are read in pieces, plain and binary', async () => {
    const fill = [
      ['hash', 'redis.call("HSET", KEYS[1], "field" .. i, string.rep("v", 20))'],
      ['set', 'redis.call("SADD", KEYS[1], "member \\255 " .. i)'],
      ['zset', 'redis.call("ZADD", KEYS[1], i / 3, "member" .. i)'],
      ['list', 'redis.call("RPUSH", KEYS[1], "element" .. i)'],
      ['stream', 'redis.call("XADD", KEYS[1], i .. "-7", "field", i)'],
    ] as const;
    for (const [name, code] of fill)
      await send(server, 'EVAL', `for i = 1, 12000 do ${code} end`, 1, `long:${name}`);
    const before = await keyspaceOf(server);

    expect(await exportTo(['--to', 'long.ndjson'])).toMatchObject({ exitCode: 0 });
    await emptyDatabase(server);
    expect(await cli(['warm', 'long.ndjson'], { url: testUrl(), cwd: folder })).toMatchObject({
      exitCode: 0,
    });

    expect(withoutTtl(await keyspaceOf(server))).toEqual(withoutTtl(before));
  });
});

type Keyspace = Awaited<ReturnType<typeof keyspaceOf>>;

const withoutTtl = (keys: Keyspace) => keys.map(({ ttl: _ttl, ...rest }) => rest);

/** @param elapsedSeconds between the two, by which a TTL goes down at the most */
function expectSameTtls(after: Keyspace, before: Keyspace, elapsedSeconds: number): void {
  after.forEach(({ ttl }, index) => {
    const lessBy = (before[index]?.ttl ?? 0) - ttl;
    expect(lessBy).toBeGreaterThanOrEqual(-1);
    expect(lessBy).toBeLessThanOrEqual(elapsedSeconds + 1);
  });
}

async function restore(path: string): Promise<void> {
  const { header, frames } = await readArchive(chunksOf(readFileSync(path)));
  expect(header).toMatchObject({ kind: 'export', withValues: true });
  for await (const frame of frames) {
    if (frame.kind !== 'value') continue;
    const { key, payload, expiresAtMillis } = frame;
    await send(server, 'RESTORE', key, expiresAtMillis ?? 0, payload.toString('latin1'), 'ABSTTL');
  }
}

async function* chunksOf(buffer: Buffer): AsyncGenerator<Buffer> {
  await Promise.resolve();
  yield buffer;
}

describe('the data', () => {
  test('is NDJSON on stdout, and what there is to say stands on stderr', async () => {
    await sendAll(server, [
      ['SET', 'text', '{"a": [1,  2]}', 'PX', 90_500],
      ['SET', '\xff', '\xfe'],
      ['ZADD', 'scores', 'inf', 'a', '0.5', 'b'],
    ]);

    const { exitCode, stdout, stderr } = await exportTo([]);

    expect(exitCode).toBe(0);
    expect(stderr).toMatch(/exported 3 keys/);
    expect(stderr).toMatch(/this\s+run\s+added\s+9\s+to\s+keyspace_hits/);
    const [text, binary, scores] = ['text', '\\xff', 'scores'].map((key) =>
      recordsIn(stdout).find((record) => record['key'] === key),
    );
    expect(text).toMatchObject({ type: 'string', value: '{"a": [1,  2]}' });
    expect(Number(text?.['ttl'])).toBeGreaterThan(80);
    expect(Number(text?.['ttl'])).toBeLessThanOrEqual(90.5);
    expect(binary).toEqual({
      ...{ key: '\\xff', keyBase64: '/w==', type: 'string', ttl: null, valueBase64: '/g==' },
    });
    expect(scores).toMatchObject({
      value: [
        ['b', '0.5'],
        ['a', 'inf'],
      ],
    });
  });

  test('has nothing in it that a terminal would act on', async () => {
    await send(server, 'SET', 'k\x7f\xc2\x9b', '\xe2\x80\xae');

    const { stdout } = await exportTo([], { terminal: true });

    expect(stdout).not.toMatch(/[\x7f\u009b\u202e]/);
    expect(recordsIn(stdout)).toMatchObject([{ key: 'k\x7f\u009b', value: '\u202e' }]);
  });

  test('is chosen by pattern, namespace, type, glob and limit', async () => {
    await sendAll(server, [
      ['SET', 'user:1:profile', 'a'],
      ['SET', 'user:2:profile', 'b'],
      ['RPUSH', 'user:1:list', 'c'],
      ['SET', 'other', 'd'],
    ]);
    writeFileSync(
      join(folder, 'cachectl.config.json'),
      JSON.stringify({ namespaces: { profile: { pattern: 'user:<id>:profile' } } }),
    );
    const keysOf = async (...args: readonly string[]) =>
      recordsIn((await exportTo(args)).stdout)
        .map(({ key }) => key)
        .sort();

    expect(await keysOf('user:1:*')).toEqual(['user:1:list', 'user:1:profile']);
    expect(await keysOf('--namespace', 'profile')).toEqual(['user:1:profile', 'user:2:profile']);
    expect(await keysOf('--type', 'list')).toEqual(['user:1:list']);
    expect(await keysOf('--match', 'o[t]her')).toEqual(['other']);
    expect(await keysOf('--limit', '2')).toHaveLength(2);
    rmSync(join(folder, 'cachectl.config.json'));
  });

  test.each([
    ['ndjson', ''],
    ['json', '[]\n'],
  ])('of no keys at all is empty, and no failure: %s', async (form, text) => {
    expect(await exportTo(['--form', form])).toMatchObject({ exitCode: 0, stdout: text });
  });
});

describe('a file', () => {
  test('gets its name when it is whole, for its owner alone, and the report goes to stdout', async () => {
    await sendAll(server, [
      ['SET', 'a', '1'],
      ['SET', 'b', '2'],
    ]);

    const result = await exportTo(['--to', 'out.json', '-o', 'json']);

    const { size, mode } = statSync(join(folder, 'out.json'));
    expect(jsonOf(result)).toMatchObject({
      ...{ file: 'out.json', form: 'json', keys: 2, fileBytes: size, skipped: 0, failed: 0, complete: true },
      types: { string: 2 },
    });
    expect(mode & 0o777).toBe(0o600);
    expect(JSON.parse(readFileSync(join(folder, 'out.json'), 'utf8'))).toHaveLength(2);
  });

  test('whose name does not show the form needs --form', async () => {
    expect(await exportTo(['--to', 'out.data'])).toMatchObject({
      exitCode: 2,
      stderr: expect.stringContaining('does not show the form') as string,
    });
    expect(await exportTo(['--to', 'out.data', '--form', 'ndjson'])).toMatchObject({ exitCode: 0 });
  });

  test('in a place that cannot be written to is told in plain words', async () => {
    expect(await exportTo(['--to', '/dev/null/out.json'])).toMatchObject({
      exitCode: 2,
      stderr: expect.stringContaining('cannot be written') as string,
    });
  });

  test('is no archive on a terminal', async () => {
    expect(await exportTo(['--form', 'archive'], { terminal: true })).toMatchObject({
      exitCode: 2,
      stderr: expect.stringContaining('--to FILE') as string,
    });
  });

  test('keeps what was read as FILE.partial when it is interrupted', async () => {
    await send(server, 'EVAL', 'for i = 1, 5000 do redis.call("SET", "key:" .. i, i) end', 0);
    const controller = new AbortController();
    const exporting = exportTo(['--to', 'cut.json', '--max-rate', '1000', '-o', 'json'], {
      signal: controller.signal,
    });
    const draft = () => readdirSync(folder).find((name) => name.startsWith('cut.json.'));
    await until(
      'records are written',
      () => statSync(join(folder, draft() ?? '.')).size > 0 && draft() !== undefined,
    );
    controller.abort('SIGINT');
    const result = await exporting;

    expect(result.exitCode).toBe(130);
    const report = jsonOf(result);
    expect(report).toMatchObject({ file: 'cut.json.partial', complete: false, ok: false });
    expect(existsSync(join(folder, 'cut.json'))).toBe(false);
    expect(JSON.parse(readFileSync(join(folder, 'cut.json.partial'), 'utf8'))).toHaveLength(
      Number(report['keys']),
    );
    expect(result.stderr).toMatch(/were exported to `cut\.json\.partial`/);
  });
});

describe('what a file cannot hold', () => {
  test('is counted: consumer groups, which an archive keeps', async () => {
    await sendAll(server, [
      ['XADD', 'stream', '1-1', 'f', 'v'],
      ['XGROUP', 'CREATE', 'stream', 'group', '0'],
    ]);

    const result = await exportTo(['--to', 'groups.ndjson', '-o', 'json']);

    expect(jsonOf(result)).toMatchObject({ keys: 1, streamsWithoutGroups: 1 });
    expect(result.stderr).toMatch(/1 stream has consumer groups/);
    const shown = await exportTo(['--to', 'shown.ndjson'], { terminal: true });
    expect(shown.stdout.trimEnd().split('\n').at(-1)).toMatch(/1 stream has consumer groups/);
    const piped = await cli(['export', '*'], { url: testUrl() });
    expect(piped.stderr.trimEnd().split('\n').at(-1)).toMatch(/1 stream has consumer groups/);
    await exportTo(['--to', 'groups.archive']);
    await emptyDatabase(server);
    await restore(join(folder, 'groups.archive'));
    expect(await send(server, 'XINFO', 'GROUPS', 'stream')).toHaveLength(1);
  });

  test('is a failure, and not a value that was changed on the way', async () => {
    await sendAll(server, [
      ['SET', 'good', '1'],
      ['XADD', 'twice', '1-1', 'f', 'a', 'f', 'b'],
      ['XGROUP', 'CREATE', 'emptied', 'workers', '0', 'MKSTREAM'],
    ]);

    const result = await exportTo(['--to', 'twice.ndjson', '-o', 'json']);

    expect(result.exitCode).toBe(1);
    const report = jsonOf(result) as { problems: { key: string }[] };
    report.problems.sort((one, other) => one.key.localeCompare(other.key));
    expect(report).toMatchObject({
      ...{ keys: 1, failed: 2 },
      problems: [
        { key: 'emptied', reason: expect.stringContaining('without entries') as string },
        { key: 'twice' },
      ],
    });
    expect(recordsIn(readFileSync(join(folder, 'twice.ndjson'), 'utf8'))).toHaveLength(1);
  });
});

describe('the server', () => {
  test('counts as many lookups as the report says', async () => {
    const own = await startPrivateServer();
    try {
      const url = `${own.url}/0`;
      const lines = ['set', 'list'].flatMap((name) => [`{"key":"${name}","type":"${name}","value":["a"]}`]);
      await cli(['warm', '-'], { url, input: [...lines, '{"key":"s","value":"v"}'].join('\n') });
      const counters = async () => {
        const connection = await connect(targetOf(url));
        const info = await readInfo(connection.nodes[0]);
        connection.close();
        return { hits: Number(info['keyspace_hits']), misses: Number(info['keyspace_misses']) };
      };
      const before = await counters();

      const result = await cli(['export', '--to', join(folder, 'count.ndjson'), '-o', 'json'], { url });

      const { hits, misses } = jsonOf(result)['ownLookups'] as { hits: number; misses: number };
      const after = await counters();
      expect({ hits: after.hits - before.hits, misses: after.misses - before.misses }).toEqual({
        hits,
        misses,
      });
      expect(hits).toBe(9);
    } finally {
      await own.stop();
    }
  });

  test('may refuse some keys to this user: the others are exported, and the exit code is 1', async () => {
    const own = await startPrivateServer({
      config: ['user ann on >secret ~mine:* +@all', 'user default on nopass ~* +@all'],
    });
    try {
      await cli(['warm', '-'], {
        url: own.url,
        input: '{"key":"mine:1","value":"v"}\n{"key":"theirs:1","value":"v"}\n',
      });
      const result = await cli(['export', '--to', join(folder, 'acl.ndjson'), '-o', 'json'], {
        url: own.url.replace('redis://', 'redis://ann:secret@'),
      });

      expect(result.exitCode).toBe(1);
      expect(jsonOf(result)).toMatchObject({ keys: 1, failed: 1 });
      expect(result.stderr).toMatch(/1 key could not be exported/);
    } finally {
      await own.stop();
    }
  });

  test('that goes away ends the export with exit code 3, and what was read stays', async () => {
    const own = await startPrivateServer();
    try {
      const setUp = `${own.url}/0`;
      const lines = Array.from({ length: 3000 }, (_, index) => `{"key":"k${index}","value":"v"}`);
      await cli(['warm', '-'], { url: setUp, input: lines.join('\n') });
      const exporting = cli(
        [
          'export',
          '--to',
          join(folder, 'lost.ndjson'),
          '--max-rate',
          '1000',
          ...['--timeout', '1s', '--retry-for', '0'],
          '-o',
          'json',
        ],
        { url: setUp },
      );
      const admin = await open(own.url);
      await untilCalled(admin, 'scan', 10);
      own.kill('SIGKILL');
      const result = await exporting;

      expect(result.exitCode).toBe(3);
      const report = jsonOf(result);
      expect(Number(report['keys'])).toBeGreaterThan(0);
      expect(recordsIn(readFileSync(join(folder, 'lost.ndjson.partial'), 'utf8'))).toHaveLength(
        Number(report['keys']),
      );
    } finally {
      await own.stop();
    }
  }, 40_000);
});
