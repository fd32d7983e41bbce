import { beforeEach, describe, expect, test } from 'vitest';
import { bytesOf } from '../../src/support/bytes.ts';
import { displayWidth } from '../../src/render/width.ts';
import { hitsJson, runHits, startHitsBinary } from './hits-runs.ts';
import { bytesOfJson, hostileKeys } from './hostile-keys.ts';
import { linesOf } from './reading.ts';
import { startServer } from '../server/own.ts';

const secret = 'SECRETVALUE';
const password = 'S3cretPassword';
const env = { REDISCLI_AUTH: password };

const { redis, server } = await startServer({ args: ['--requirepass', password] }, { password });
beforeEach(() => server.nodes[0].batch(hostileKeys.map((key) => ['UNLINK', key])));

const misses = 12;

/** Keys beyond 4 KiB are counted, and not kept. */
const listedKeys = hostileKeys.filter(({ length }) => length <= 4096);

/** Hostile names that are missed, and secret values, in commands of many forms. */
const hostileTraffic = () =>
  server.nodes[0].batch([
    ['SET', bytesOf('user:1:profile'), bytesOf(secret), 'EX', 60],
    ['GET', bytesOf('user:1:profile')],
    ['MSET', bytesOf('user:2:profile'), bytesOf(secret), bytesOf('user:3:profile'), bytesOf(secret)],
    ['HSET', bytesOf('cart:1'), bytesOf(secret), bytesOf(secret)],
    ['HGET', bytesOf('cart:1'), bytesOf(secret)],
    ['SADD', bytesOf('tags:1'), bytesOf(secret)],
    ['SISMEMBER', bytesOf('tags:1'), bytesOf(secret)],
    ['EVAL', bytesOf(`return redis.call('GET', KEYS[1]) -- ${secret}`), 1, bytesOf('user:1:profile')],
    ['AUTH', bytesOf(password)],
    ...hostileKeys.flatMap((key) => Array.from({ length: misses }, () => ['GET', key] as const)),
  ]);

/** Anything that a terminal acts on, but the end of a line. */
const control = /[\x00-\x09\x0b-\x1f\x7f-\x9f\u2028\u2029\u202a-\u202e\u2066-\u2069]/;

function expectNoSecrets({ stdout, stderr }: { readonly stdout: string; readonly stderr: string }): void {
  for (const text of [stdout, stderr]) {
    expect(text).not.toContain(secret);
    expect(text).not.toContain(password);
  }
}

const args = ['--keys', '20', '--limit', '50'];

test('JSON has the bytes of every key, and neither values nor passwords', async () => {
  const outcome = await hitsJson(server, redis.url, args, { env, during: hostileTraffic });
  expect(outcome.exitCode).toBe(0);
  expect(outcome.stdout).not.toContain('\ufffd"');
  expect(outcome.stdout).not.toMatch(/[\x00-\x09\x0b-\x1f]/);
  expectNoSecrets(outcome);
  const { result } = outcome;
  expect(result).toMatchObject({ valid: true, residual: { reads: 0, hits: 0, misses: 0 } });
  expect(result.mostMissed.map((each) => [bytesOfJson(each), each.misses]).sort()).toEqual(
    listedKeys.map((key) => [key, misses]).sort(),
  );
});

test.each([[80], [100]])('a table of %d columns is never broken by a key', async (columns) => {
  const { outcome } = await startHitsBinary(
    server,
    redis.url,
    [...args, '--for', '1s', '-o', 'table', '--no-color'],
    { password, env: { COLUMNS: String(columns) } },
  );
  await hostileTraffic();
  const { exitCode, stdout, stderr } = await outcome;
  expect({ exitCode, stderr }).toEqual({ exitCode: 0, stderr: '' });
  expectNoSecrets({ stdout, stderr });
  expect(stdout).not.toMatch(control);
  expect(stdout).toContain('esc:\\x1b[2J');
  for (const line of linesOf(stdout)) expect(displayWidth(line)).toBeLessThanOrEqual(columns);
});

test.each([['tsv'], ['csv']])('%s has a line for each row, whatever the keys are', async (format) => {
  const outcome = await runHits(server, redis.url, [...args, '-o', format], { env, during: hostileTraffic });
  expect(outcome.exitCode).toBe(0);
  expectNoSecrets(outcome);
  expect(outcome.stdout.replaceAll(format === 'csv' ? '\r\n' : '\t', '')).not.toMatch(control);
  if (format === 'tsv') {
    const widths = linesOf(outcome.stdout)
      .map((line) => line.split('\t'))
      .filter(([name]) => name === 'mostMissed')
      .map((cells) => cells.length);
    expect(widths).toEqual(listedKeys.map(() => 6));
  }
});

test('ndjson has a line for each namespace, and the rest in the last', async () => {
  const outcome = await runHits(server, redis.url, [...args, '-o', 'ndjson'], {
    env,
    during: hostileTraffic,
  });
  expectNoSecrets(outcome);
  const lines = linesOf(outcome.stdout).map((line) => JSON.parse(line) as Record<string, unknown>);
  const last = lines.pop();
  expect(last).toMatchObject({ record: 'summary', command: 'hits', ok: true, valid: true, mode: 'exact' });
  expect(last).not.toHaveProperty('namespaces');
  expect(lines.length).toBeGreaterThan(5);
  for (const line of lines) expect(line).toMatchObject({ record: 'namespaces', database: 0 });
});

describe('a failure', () => {
  test('has the same fields in JSON as a success', async () => {
    const good = await hitsJson(server, redis.url, ['--mode', 'counters'], { env });
    const refused = await hitsJson(server, redis.url, [], { env: { REDISCLI_AUTH: 'wr0ngPassword' } });
    const gone = await hitsJson(server, 'redis://127.0.0.1:1');
    expect([good, refused, gone].map(({ exitCode }) => exitCode)).toEqual([0, 3, 3]);
    for (const { result, stdout, stderr } of [refused, gone]) {
      expect(Object.keys(result)).toEqual(Object.keys(good.result));
      expect(result).toMatchObject({ ok: false, namespaces: [], remarks: [], mode: null });
      expect(stdout + stderr).not.toContain('wr0ngPassword');
    }
    const restored = await hitsJson(server, redis.url, ['--restore'], { env });
    const unrestored = await hitsJson(server, 'redis://127.0.0.1:1', ['--restore']);
    expect(Object.keys(unrestored.result)).toEqual(Object.keys(restored.result));
  });

  test('of a window is told where the output has no room for it', async () => {
    const outcome = await runHits(server, redis.url, ['--mode', 'counters', '--for', '1s', '-o', 'tsv'], {
      env,
      lookups: 2,
      during: () => server.nodes[0].call('CONFIG', bytesOf('RESETSTAT')),
    });
    expect(outcome.exitCode).toBe(1);
    expect(outcome.stderr).toMatch(
      /^warning: this window is not valid: the counters of the server went back/,
    );
  });
});
