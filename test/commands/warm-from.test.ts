import { readFileSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import type { TrafficRecord } from '../../src/traffic/history.ts';
import { sealed } from '../../src/support/sealed.ts';
import { cli, jsonOf } from '../run-cli.ts';
import { emptyDatabase, send, sendAll } from '../server/redis.ts';
import { startServer, temporaryFolder } from '../server/own.ts';
import { hitsJson } from './hits-runs.ts';

const { redis, server } = await startServer();
const cwd = temporaryFolder();

const warm = (...args: string[]) => cli(['warm', '-o', 'json', ...args], { url: redis.url, cwd });
const fixture = (name: string, records: readonly object[]) =>
  writeFileSync(join(cwd, name), records.map((record) => JSON.stringify(record)).join('\n'));

/** Misses of user 1 to 5: five of the first, one of the last. */
const misses = () =>
  sendAll(
    server,
    [1, 2, 3, 4, 5].flatMap((id) => Array.from({ length: 6 - id }, () => ['GET', `user:${id}`])),
  );

async function recordMisses(file: string): Promise<TrafficRecord> {
  const { exitCode } = await hitsJson(server, redis.url, ['--record', file], { cwd, during: misses });
  expect(exitCode).toBe(0);
  return JSON.parse(readFileSync(join(cwd, file), 'utf8').trim().split('\n').at(-1) ?? '') as TrafficRecord;
}

/** The first record with a change, sealed again as one may who writes it. */
function recordWith(file: string, change: (record: TrafficRecord) => object): void {
  const first = JSON.parse(readFileSync(join(cwd, 'misses.ndjson'), 'utf8')) as TrafficRecord & {
    readonly sha256: string;
  };
  const { sha256: _, ...record } = first;
  writeFileSync(join(cwd, file), `${JSON.stringify(sealed(change(record)))}\n`);
}

const users = [9, 5, 4, 3, 2, 1].map((id) => ({ key: `user:${id}`, value: `user ${id}`, ttl: 600 }));

test('hits --record keeps the keys that miss most, warm --from loads them, and hits --compare counts what was gained', async () => {
  const record = await recordMisses('misses.ndjson');
  expect(record.missed?.map(({ key, misses: count }) => [key, count])).toEqual([
    ['user:1', 5],
    ['user:2', 4],
    ['user:3', 3],
    ['user:4', 2],
    ['user:5', 1],
  ]);
  expect(statSync(join(cwd, 'misses.ndjson')).mode & 0o777).toBe(0o600);

  fixture('users.ndjson', users);
  const run = await warm('--from', 'misses.ndjson', '--source', 'users.ndjson');
  expect(run.exitCode).toBe(0);
  expect(jsonOf(run)).toMatchObject({
    records: 5,
    written: 5,
    ranking: {
      ...{ recordedAt: record.at, windowMisses: 15, recordedMisses: 15 },
      ...{ missedKeys: 5, availableKeys: 5, chosenKeys: 5, worthRatio: 1 },
    },
  });
  // No one missed user 9.
  expect(await send(server, 'EXISTS', 'user:9')).toBe(0);

  const after = await hitsJson(server, redis.url, ['--compare', 'misses.ndjson'], { cwd, during: misses });
  const { gain } = after.result.comparison ?? {};
  expect(gain).toMatchObject({ keys: 5, misses: 0 });
  // User 5 was missed once, which says nothing of the next time. What is left may be chance: 14 - 1.96 √15.
  expect(gain?.hitsGained).toBeCloseTo(14, 0);
  expect(gain?.hitsGainedInterval[0]).toBeCloseTo(6.4, 0);
});

test('after a flush, more keys are missed than a record holds: warm --from says how much of the misses it names', async () => {
  await emptyDatabase(server);
  const many = (name: string) => Array.from({ length: 8000 }, (_, id) => ['GET', `${name}:${id}`]);
  const { exitCode } = await hitsJson(server, redis.url, ['--record', 'flush.ndjson'], {
    cwd,
    during: () => sendAll(server, [...many('page'), ...many('part'), ...many('part')]),
  });
  expect(exitCode).toBe(0);
  const { missed = [] } = JSON.parse(readFileSync(join(cwd, 'flush.ndjson'), 'utf8')) as TrafficRecord;
  expect(missed).toHaveLength(10_000);
  const certain = missed.reduce((sum, { misses, missesAtLeast = misses }) => sum + missesAtLeast, 0);

  fixture(
    'parts.ndjson',
    missed.slice(0, 10).map(({ key }) => ({ key, value: 'x', ttl: 60 })),
  );
  const args = ['parts.ndjson', '--from', 'flush.ndjson'];
  const { ranking } = jsonOf(await warm(...args)) as { ranking: Record<string, number> };
  expect(ranking).toMatchObject({ windowMisses: 24_000, recordedMisses: certain, missedKeys: 10_000 });
  expect(certain).toBeLessThan(0.9 * 24_000);
  expect(ranking['worthRatio']).toBeLessThan(0.001);
  const { stdout } = await cli(['warm', ...args], { url: redis.url, cwd, terminal: true });
  expect(stdout.replace(/\s+/g, ' ')).toMatch(/names 10,000 keys with [\d,]+ of 24,000 misses \([\d.]+ %\)/);
  expect(stdout).toContain('without `--from`');

  const again = await hitsJson(server, redis.url, ['--compare', 'flush.ndjson'], {
    cwd,
    during: () => sendAll(server, [...many('part'), ...many('part'), ...many('new')]),
  });
  const { hitsGained = 0, hitsGainedInterval: [low, high] = [0, 0] } = again.result.comparison?.gain ?? {};
  expect([low <= 0, high >= 0, low <= hitsGained && hitsGained <= high]).toEqual([true, true, true]);
});

test('a window in which nothing was warmed gains nothing', async () => {
  await emptyDatabase(server);
  await recordMisses('still.ndjson');
  const after = await hitsJson(server, redis.url, ['--compare', 'still.ndjson'], { cwd, during: misses });

  expect(after.result.comparison?.gain?.misses).toBe(15);
  expect(Math.abs(after.result.comparison?.gain?.hitsGained ?? 99)).toBeLessThan(2);
});

test('--budget of memory takes the keys whose misses cost most, and says what they are worth', async () => {
  await emptyDatabase(server);
  // User 3 is missed less often than user 1, and takes a hundred times as long to be stored again.
  recordWith('budget.ndjson', (record) => ({
    ...record,
    missed: record.missed?.map((each) => ({ ...each, refillSeconds: each.key === 'user:3' ? 10 : 0.1 })),
  }));
  fixture(
    'large.ndjson',
    users.map((each) => ({ ...each, value: 'x'.repeat(10_000) })),
  );
  const run = await warm('large.ndjson', '--from', 'budget.ndjson', '--budget', '25KB');

  expect(jsonOf(run)).toMatchObject({ written: 2, ranking: { availableKeys: 5, chosenKeys: 2 } });
  expect(jsonOf(run)['ranking']).toMatchObject({ worthRatio: (3 * 10 + 5 * 0.1) / (3 * 10 + 12 * 0.1) });
  expect(await send(server, 'EXISTS', 'user:3', 'user:1')).toBe(2);
  expect(await send(server, 'DBSIZE')).toBe(2);
});

test('--budget of time ends the work there, and says what was not sent', async () => {
  await emptyDatabase(server);
  recordWith('time.ndjson', (record) => ({
    ...record,
    missed: Array.from({ length: 400 }, (_, id) => ({
      ...{ key: `many:${id}`, database: 0, namespace: 'many', misses: 400 - id, refillSeconds: null },
    })),
  }));
  fixture(
    'many.ndjson',
    Array.from({ length: 400 }, (_, id) => ({ key: `many:${id}`, value: 'x', ttl: 60 })),
  );
  const run = await warm('many.ndjson', ...['--from', 'time.ndjson', '--budget', '1ms', '--max-rate', '50']);
  const { written, notWritten } = jsonOf(run) as { written: number; notWritten: number };

  expect(run.exitCode).toBe(0);
  expect(written + notWritten).toBe(400);
  expect(notWritten).toBeGreaterThan(0);
  expect(run.stderr).toContain('the time of --budget was up');
  expect(await send(server, 'EXISTS', 'many:399')).toBe(0);
});

test('records of an archive and binary keys are found as well, the last of several for one key', async () => {
  await emptyDatabase(server);
  await send(server, 'SET', 'kept', 'of the archive', 'EX', 600);
  await cli(['export', '*', '--to', 'all.archive'], { url: redis.url, cwd });
  await emptyDatabase(server);
  recordWith('binary.ndjson', (record) => ({
    ...record,
    missed: [
      { key: '\\xff', keyBase64: '/w==', database: 0, namespace: 'x', misses: 2, refillSeconds: null },
      { key: 'kept', database: 0, namespace: 'x', misses: 1, refillSeconds: null },
      { key: 'other', database: 7, namespace: 'x', misses: 9, refillSeconds: null },
    ],
  }));
  fixture('one.ndjson', [
    { keyBase64: '/w==', value: 'first', ttl: 60 },
    { keyBase64: '/w==', value: 'second', ttl: 60 },
  ]);
  const run = await warm('one.ndjson', 'all.archive', '--from', 'binary.ndjson');

  expect(jsonOf(run)).toMatchObject({ written: 2, ranking: { missedKeys: 2, availableKeys: 2 } });
  expect(await send(server, 'GET', 'kept')).toBe('of the archive');
  expect(await send(server, 'GET', '\xff')).toBe('second');
});

test('a bad record of a key that is not wanted stops nothing, and one that is wanted does', async () => {
  await emptyDatabase(server);
  recordWith('bad.ndjson', (record) => record);
  fixture('bad-users.ndjson', [...users, { key: 'user:7', value: 'x', ttl: 'soon' }]);
  fixture('bad-first.ndjson', [{ key: 'user:1', value: 'x', ttl: 'soon' }]);
  const good = await warm('bad-users.ndjson', '--from', 'bad.ndjson');
  const bad = await warm('bad-first.ndjson', '--from', 'bad.ndjson');

  expect([good.exitCode, bad.exitCode]).toEqual([0, 2]);
  expect(bad.stderr).toContain('nothing was written');
});

test('what does not belong together is refused before anything is read', async () => {
  fixture('users.ndjson', users);
  writeFileSync(join(cwd, 'empty.ndjson'), '');
  const runs = [
    await warm('users.ndjson', '--budget', '1MB'),
    await warm('--source', 'users.ndjson'),
    await warm('users.ndjson', '--from', 'empty.ndjson'),
    await warm('users.ndjson', '--from', 'users.ndjson'),
    await warm('--from', 'misses.ndjson'),
    await warm('users.ndjson', '--from', 'misses.ndjson', '--budget', '12'),
    await warm(
      '--from',
      'misses.ndjson',
      ...['--entity', 'user', '--ids', '1', '--template', 'users.ndjson'],
    ),
  ];

  expect(runs.map(({ exitCode }) => exitCode)).toEqual([2, 2, 2, 2, 2, 2, 2]);
  expect(runs.map(({ stderr }) => stderr.split('\n')[0])).toEqual([
    'error: `--budget` belongs to `--from`, which is not given',
    'error: `--source` belongs to `--from`, which is not given',
    expect.stringContaining('is empty'),
    expect.stringContaining('is no result of `hits`'),
    'error: there is no file to load',
    expect.stringContaining('`12` is no budget'),
    'error: `--from` chooses among the records of files, and a template has none',
  ]);
});
