import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { cli } from '../run-cli.ts';
import { callsOf, sendAll } from '../server/redis.ts';
import { flagsOn, hitsJson, runHits, traffic } from './hits-runs.ts';
import { linesOf } from './reading.ts';
import { startServer, temporaryFolder } from '../server/own.ts';

const { redis, server } = await startServer();

const table = { terminal: true, env: { NO_COLOR: '1' } };

describe('--mode', () => {
  const during = () => traffic(server, 3, 2);

  test('exact tells reads and misses of each namespace', async () => {
    const { exitCode, result } = await hitsJson(server, redis.url, ['--mode', 'exact'], { during });
    expect(exitCode).toBe(0);
    expect(result).toMatchObject({
      ...{ ok: true, mode: 'exact', modeReason: 'asked for', valid: true, endedBy: null },
      ...{ reads: 5, hits: 3, misses: 2, hitRate: 0.6, residual: { reads: 0, hits: 0, misses: 0 } },
      namespaces: [
        { namespace: 'user:<id>:absent', reads: 2, hits: 0, misses: 2, hitRate: 0 },
        { namespace: 'user:<id>:profile', reads: 3, hits: 3, misses: 0, hitRate: 1, writes: 1 },
      ],
    });
    expect(result.windowSeconds).toBeGreaterThan(0.55);
  });

  test('sampled tells each miss, and bounds for the hits', async () => {
    const args = ['--mode', 'sampled', '--duty', '50%', '--for', '1s'];
    const { exitCode, result } = await hitsJson(server, redis.url, args, {
      during: async () => {
        for (let round = 0; round < 30; round++) await traffic(server, 30, 2);
      },
    });
    expect(exitCode).toBe(0);
    expect(result).toMatchObject({ mode: 'sampled', valid: true, misses: 60, residual: { misses: 0 } });
    expect(result.serverCost.duty).toBeGreaterThan(0.1);
    expect(result.serverCost.duty).toBeLessThan(0.9);
    expect(result.namespaces[0]).toMatchObject({ namespace: 'user:<id>:absent', misses: 60 });
  });

  test('misses-only tells misses and no hit rate', async () => {
    const { exitCode, result } = await hitsJson(server, redis.url, ['--mode', 'misses-only'], { during });
    expect(exitCode).toBe(0);
    expect(result).toMatchObject({
      ...{ mode: 'misses-only', reads: 5, residual: { reads: null, hits: null, misses: 0 } },
      namespaces: [{ namespace: 'user:<id>:absent', reads: null, hitRate: null, misses: 2 }],
      serverCost: { monitorBytes: 0, duty: 0 },
    });
  });

  test('counters asks for no event, and tells the whole', async () => {
    const sets = await callsOf(server, 'config|set');
    const { exitCode, result } = await hitsJson(server, redis.url, ['--mode', 'counters'], {
      during,
      lookups: 2,
    });
    expect(exitCode).toBe(0);
    expect(result).toMatchObject({ mode: 'counters', reads: 5, hits: 3, misses: 2, namespaces: [] });
    expect(result).toMatchObject({ notifications: [], mostMissed: [] });
    expect(await callsOf(server, 'config|set')).toBe(sets);
  });
});

describe('a window', () => {
  test('without traffic is valid, and says so', async () => {
    const { exitCode, result, stderr } = await hitsJson(server, redis.url);
    expect({ exitCode, stderr }).toEqual({ exitCode: 0, stderr: '' });
    expect(result).toMatchObject({
      ...{ valid: true, reads: 0, hits: 0, misses: 0, hitRate: null, namespaces: [], mostMissed: [] },
      ...{ findings: [], remarks: [] },
    });
    const { stdout } = await runHits(server, redis.url, [], { ...table });
    expect(stdout).toMatch(/^no reads were observed in \S+ m?s$/m);
    expect(stdout).not.toContain('Namespaces');
  });

  test('with nothing but writes has them, and no rate', async () => {
    const { exitCode, result } = await hitsJson(server, redis.url, [], {
      during: () =>
        sendAll(
          server,
          Array.from({ length: 30 }, (_, index) => ['SET', `log:${index}`, 'x']),
        ),
    });
    expect(exitCode).toBe(0);
    expect(result).toMatchObject({
      ...{ valid: true, reads: 0, misses: 0, hitRate: null },
      namespaces: [{ namespace: 'log:<id>', reads: 0, misses: 0, hitRate: null, writes: 30, newKeys: 30 }],
    });
  });

  test('of a time that is too short to hold anything still is one', async () => {
    const { exitCode, result } = await hitsJson(server, redis.url, ['--for', '1ms', '--mode', 'counters']);
    expect(exitCode).toBe(0);
    expect(result).toMatchObject({ valid: true, endedBy: null });
  });
});

describe('a limit', () => {
  /** Enough operations for any of them. */
  const busy = async () => {
    for (let round = 0; round < 20; round++) await traffic(server, 200, 10);
  };

  test.each([
    ['--max-cost', '10', 'max-cost'],
    ['--max-cost', '0.001%', 'max-cost'],
    ['--max-bytes', '1KB', 'max-bytes'],
  ])('%s %s that is reached ends the window with 0 and a word', async (option, value, endedBy) => {
    const args = ['--for', '20s', option, value];
    const { exitCode, result } = await hitsJson(server, redis.url, args, { during: busy });
    expect(exitCode).toBe(0);
    expect(result).toMatchObject({ ok: true, valid: true, endedBy, residual: { reads: 0, misses: 0 } });
    expect(result.windowSeconds).toBeLessThan(10);
    expect(await flagsOn(server)).toBe('');
  });

  test('is told in the table', async () => {
    const args = ['--for', '20s', '--max-cost', '1'];
    const { exitCode, stdout } = await runHits(server, redis.url, args, { ...table, during: busy });
    expect(exitCode).toBe(0);
    expect(stdout).toContain('the window ended early: the server was busier than --max-cost allows');
  });

  test('--limit and --keys bound the table, and JSON has all', async () => {
    const during = () =>
      sendAll(server, 'aaaabbbccd'.match(/./g)?.map((name) => ['GET', `${name}x:gone`]) ?? []);
    const args = ['--limit', '2', '--keys', '0'];
    const { stdout } = await runHits(server, redis.url, args, { ...table, during });
    expect(stdout).toContain('2 of 4 namespaces, most misses first');
    expect(stdout).toContain('ax:gone');
    expect(stdout).not.toContain('cx:gone');
    expect(stdout).not.toContain('Keys that miss most');
    const { result } = await hitsJson(server, redis.url, args, { during });
    expect(result.namespaces).toHaveLength(4);
    expect(result.mostMissed.map(({ key, misses }) => [key, misses])).toEqual([
      ['ax:gone', 4],
      ['bx:gone', 3],
      ['cx:gone', 2],
      ['dx:gone', 1],
    ]);
  });
});

describe('a value that cannot be', () => {
  test.each([
    ['--for', 'soon'],
    ['--for', '0s'],
    ['--for', '-1s'],
    ['--mode', 'guess'],
    ['--duty', '2'],
    ['--duty', '0'],
    ['--duty', 'half'],
    ['--max-cost', 'lots'],
    ['--max-cost', '0'],
    ['--max-cost', '80 %%'],
    ['--max-bytes', 'many'],
    ['--max-bytes', '0'],
    ['--limit', '0'],
    ['--keys', '-1'],
    ['--keys', '1.5'],
  ])('%s %s is refused by its name, and asks no server', async (option, value) => {
    const { exitCode, stdout, stderr } = await cli(['hits', `${option}=${value}`, '-o', 'json'], {
      url: 'redis://127.0.0.1:1',
    });
    expect(exitCode).toBe(2);
    expect(JSON.parse(stdout)).toMatchObject({ ok: false, error: { kind: 'usage' } });
    expect(stderr).toContain(option);
    expect(stderr).toContain(value);
    expect(linesOf(stderr).length).toBeLessThanOrEqual(3);
  });

  test('--follow together with --for is refused', async () => {
    const { exitCode, stderr } = await cli(['hits', '--follow', '--for', '1s']);
    expect(exitCode).toBe(2);
    expect(stderr).toMatch(/--follow.*--for/);
  });
});

describe('--restore', () => {
  test('with nothing to do says so', async () => {
    const state = temporaryFolder();
    const { exitCode, result } = await hitsJson(server, redis.url, ['--restore'], { state });
    expect(exitCode).toBe(0);
    expect(result).toMatchObject({ ok: true, notifications: [{ outcome: 'nothing' }], damaged: [] });
    const { stdout } = await runHits(server, redis.url, ['--restore'], { state, ...table });
    expect(stdout).toContain('nothing');
  });

  test.each([['table'], ['tsv']])('tells of a note that cannot be read, in %s too', async (format) => {
    const state = temporaryFolder();
    const folder = join(state, 'cachectl', 'notifications');
    mkdirSync(folder, { recursive: true });
    writeFileSync(join(folder, 'broken.json'), '{');
    const outcome = await runHits(server, redis.url, ['--restore', '-o', format], { state });
    expect(outcome.exitCode).toBe(1);
    const text = (outcome.stdout + outcome.stderr).replaceAll(/\s+/g, ' ');
    expect(text).toContain(`note \`${folder}/broken.json\` cannot be read: it is no JSON; remove it once`);
    expect(await flagsOn(server)).toBe('');
  });

  test('of a server that cannot be reached ends with 3', async () => {
    const { exitCode, result } = await hitsJson(server, 'redis://127.0.0.1:1', ['--restore']);
    expect(exitCode).toBe(3);
    expect(result).toMatchObject({ ok: false, error: { kind: 'connect' }, notifications: [], damaged: [] });
  });
});
