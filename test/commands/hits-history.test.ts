import { appendFileSync, existsSync, mkdirSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import type { TrafficRecord } from '../../src/traffic/history.ts';
import { callsOf, sendAll } from '../server/redis.ts';
import { hitsJson, runHits } from './hits-runs.ts';
import { linesOf } from './reading.ts';
import { startServer, temporaryFolder } from '../server/own.ts';

const { redis, server } = await startServer();

/** Hits and misses of each name. */
const reads = (of: Readonly<Record<string, readonly [hits: number, misses: number]>>) => () =>
  sendAll(
    server,
    Object.entries(of).flatMap(([name, [hits, misses]]) => [
      ['SET', `${name}:there`, 'x'],
      ...Array.from({ length: hits }, () => ['GET', `${name}:there`]),
      ['UNLINK', `${name}:there`],
      ...Array.from({ length: misses }, () => ['GET', `${name}:there`]),
    ]),
  );

const recordsOf = (file: string) =>
  linesOf(readFileSync(file, 'utf8')).map((line) => JSON.parse(line) as TrafficRecord);

const [first, second] = [
  reads({ rise: [10, 200], fall: [200, 10], stay: [20, 20], leave: [3, 3] }),
  reads({ rise: [200, 10], fall: [10, 200], stay: [21, 19], come: [3, 3] }),
];

test('--compare holds a window against the last one of the file, and --record keeps it', async () => {
  const cwd = temporaryFolder();
  const file = join(cwd, 'hits.ndjson');
  const recorded = await hitsJson(server, redis.url, ['--record', 'hits.ndjson'], { cwd, during: first });
  expect(recorded.exitCode).toBe(0);
  expect(recorded.result.comparison).toBeNull();
  const [before] = recordsOf(file);
  expect(before).toMatchObject({
    ...{ recordVersion: 1, mode: 'exact', valid: true, hits: 233, misses: 233 },
    ...{ server: recorded.result.server.address, at: recorded.result.endedAt },
  });
  expect(before?.namespaces).toEqual(recorded.result.namespaces);

  const both = ['--record', 'hits.ndjson', '--compare', 'hits.ndjson'];
  const { exitCode, result } = await hitsJson(server, redis.url, both, { cwd, during: second });
  expect(exitCode).toBe(0);
  expect(result.comparison).toMatchObject({ endedAt: before?.at, mode: 'exact' });
  const changes = result.comparison?.changes.map(({ namespace, change }) => [namespace, change]);
  expect(changes).toEqual([
    ['fall:there', 'worse'],
    ['come:there', 'new'],
    ['leave:there', 'gone'],
    ['rise:there', 'better'],
    ['stay:there', 'same'],
  ]);
  expect(recordsOf(file)).toHaveLength(2);

  const { stdout } = await runHits(server, redis.url, ['--compare', file], { terminal: true, during: first });
  expect(stdout).toContain(`Since ${recordsOf(file)[1]?.at ?? '-'}`);
  expect(stdout).toMatch(/rise:there.*worse/);
});

test.each([
  ['a folder that does not exist', (folder: string) => join(folder, 'nowhere', 'hits.ndjson')],
  [
    'a folder in its place',
    (folder: string) => {
      mkdirSync(join(folder, 'taken'));
      return join(folder, 'taken');
    },
  ],
])('--record into %s fails before the server is asked', async (_what, place) => {
  const file = place(temporaryFolder());
  const before = await callsOf(server, 'hello');
  const { exitCode, result, stderr } = await hitsJson(server, redis.url, ['--record', file]);
  expect(exitCode).toBe(2);
  expect(result).toMatchObject({ ok: false, error: { kind: 'usage' } });
  expect(stderr).toMatch(/^error: history `.*` cannot be written: /);
  expect(stderr).toContain(file);
  expect(await callsOf(server, 'hello')).toBe(before);
});

const record: TrafficRecord = {
  ...{ recordVersion: 1, at: '2026-01-01T00:00:00.000Z', server: 'redis://elsewhere/0', mode: 'exact' },
  ...{ windowSeconds: 10, valid: true, reads: 0, hits: 0, misses: 0, hitRate: null, namespaces: [] },
};

test.each([
  ['nothing', ''],
  ['a line cut short', JSON.stringify(record).slice(0, 60)],
  ['another kind of line', '{"level":"info"}\n'],
  ['no namespaces', JSON.stringify({ ...record, namespaces: [null] })],
  ['namespaces without names', JSON.stringify({ ...record, namespaces: [{ hits: 3 }] })],
  ['a window without a length', JSON.stringify({ ...record, windowSeconds: 'long' })],
  ['binary data', '\0\xff\x1b[31m'],
])('--compare with a file that holds %s fails before the window, and names it', async (_what, text) => {
  const file = join(temporaryFolder(), 'hits.ndjson');
  writeFileSync(file, text, 'latin1');
  const { exitCode, result, stderr } = await hitsJson(server, redis.url, ['--compare', file], {});
  expect(exitCode).toBe(2);
  expect(result).toMatchObject({ ok: false, error: { kind: 'usage' }, mode: null });
  expect(stderr).toContain(`error: history \`${file}\``);
  expect(stderr).toContain('hint: ');
  expect(stderr).not.toContain('\x1b');
});

test('--compare with a file that does not exist says how to begin one', async () => {
  const file = join(temporaryFolder(), 'none.ndjson');
  const { exitCode, stderr } = await runHits(server, redis.url, ['--compare', file]);
  expect(exitCode).toBe(2);
  expect(stderr).toContain(`hint: \`cachectl hits --record ${file}\` begins one`);
  expect(existsSync(file)).toBe(false);
});

test('--record begins a line of its own behind one that was cut short', async () => {
  const file = join(temporaryFolder(), 'hits.ndjson');
  writeFileSync(file, JSON.stringify(record).slice(0, 60));
  expect((await runHits(server, redis.url, ['--record', file])).exitCode).toBe(0);
  const { exitCode, result } = await hitsJson(server, redis.url, ['--compare', file]);
  expect(exitCode).toBe(0);
  expect(result.comparison).toMatchObject({ mode: 'exact', changes: [] });
});

test('--record adds to a file, and changes nothing in it', async () => {
  const file = join(temporaryFolder(), 'hits.ndjson');
  appendFileSync(file, `${JSON.stringify(record)}\n`);
  const { size } = statSync(file);
  await runHits(server, redis.url, ['--record', file, '--mode', 'counters']);
  expect(readFileSync(file, 'utf8').slice(0, size)).toBe(`${JSON.stringify(record)}\n`);
  expect(recordsOf(file)[1]).toMatchObject({ mode: 'counters', namespaces: [] });
});
