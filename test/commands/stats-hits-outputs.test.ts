import { setTimeout as sleep } from 'node:timers/promises';
import { describe, expect, test } from 'vitest';
import { cli } from '../run-cli.ts';
import { freePort } from '../server/redis-process.ts';
import { sendAll } from '../server/redis.ts';
import { folderWith, linesOf, urlAs } from './reading.ts';
import {
  flagsOf,
  gets,
  homed,
  observed,
  reads,
  sets,
  shop,
  targets,
  whileReading,
} from './stats-hits-runs.ts';
import { stats } from './stats-runs.ts';

describe('stats --hits for a user who may not do everything', () => {
  const user = (rules: string) => shop({ config: [`user ann on >secret ${rules}`] });

  test('falls back to the misses without MONITOR, and says so', async () => {
    const { redis, server } = await user('~* &* +@all -monitor');
    const options = { cwd: folderWith(targets), ...homed() };
    const { exitCode, result } = await whileReading(redis.url, reads, () =>
      stats(urlAs(redis.url, 'ann'), ['--hits', '2s'], options),
    );
    expect(exitCode).toBe(0);
    expect(result.traffic?.mode).toBe('misses-only');
    expect(result.traffic?.modeReason).toMatch(/^MONITOR is not permitted: .*NOPERM/);
    expect(result.refused).toEqual([]);
    expect(await flagsOf(server)).toBe('');
  });

  test('has no hit rates in a mode that is refused, and everything else', async () => {
    const { redis, server } = await user('~* &* +@all -monitor');
    const options = { cwd: folderWith(targets), ...homed() };
    const args = ['--hits', '600ms', '--hits-mode', 'exact'];
    const { exitCode, result } = await stats(urlAs(redis.url, 'ann'), args, options);
    expect(exitCode).toBe(0);
    expect(result).toMatchObject({
      traffic: null,
      keys: 40,
      refused: [{ command: 'MONITOR', reason: expect.stringContaining('NOPERM') as string }],
      unjudgedTargets: [{ reason: 'refused' }, { reason: 'refused' }],
    });
    expect(result.namespaces).toHaveLength(2);
    expect(await flagsOf(server)).toBe('');
    const { stdout } = await cli(['stats', ...args], {
      url: urlAs(redis.url, 'ann'),
      terminal: true,
      ...options,
    });
    expect(stdout).toContain('without `MONITOR` there are no hit rates by namespace');
  });

  test('has the hit rate of the whole server where no event comes in', async () => {
    const { redis } = await user('~* resetchannels +@all -config');
    const { exitCode, result } = await whileReading(redis.url, reads, () =>
      stats(urlAs(redis.url, 'ann'), ['--hits', '600ms'], homed()),
    );
    expect(exitCode).toBe(0);
    expect(result.traffic?.mode).toBe('counters');
    expect(result.traffic?.modeReason).toContain('NOPERM');
    expect(result.traffic?.hitRate).toBeCloseTo(0.65, 1);
    expect(result.namespaces).toMatchObject([{ hitRate: null }, { hitRate: null }]);
  });

  test('observes nothing without INFO, and walks the keys', async () => {
    const { redis } = await user('~* &* +@all -info');
    const { exitCode, result } = await stats(urlAs(redis.url, 'ann'), ['--hits', '10s'], homed());
    expect(exitCode).toBe(0);
    expect(result).toMatchObject({ traffic: null, keys: 40, refused: [{ command: 'INFO' }] });
  });

  test('has the hit rates where the keys may not be walked', async () => {
    const { redis } = await user('~* &* +@all -scan');
    const options = { cwd: folderWith(targets), ...homed() };
    const { exitCode, result } = await whileReading(redis.url, reads, () =>
      stats(urlAs(redis.url, 'ann'), ['--hits', '2s'], options),
    );
    expect(exitCode).toBe(0);
    expect(result.refused).toMatchObject([{ command: 'SCAN' }]);
    expect(result.namespaces).toMatchObject([
      { namespace: 'product', keys: null, memoryBytes: null, targetMet: false },
      { namespace: 'user', keys: null, memoryBytes: null, targetMet: true },
    ]);
  });
});

describe('the outputs of stats --hits', () => {
  test('have the same fields without it, and where there is no server', async () => {
    const { redis } = await shop();
    const options = { cwd: folderWith(targets), ...homed() };
    const plain = await stats(redis.url, [], options);
    const { result } = await whileReading(redis.url, reads, () =>
      stats(redis.url, ['--hits', '300ms'], options),
    );
    const failed = await stats(`redis://127.0.0.1:${await freePort()}`, ['--hits', '300ms'], options);
    expect(Object.keys(result)).toEqual(Object.keys(plain.result));
    expect(Object.keys(failed.result)).toEqual(Object.keys(result));
    expect(Object.keys(result.namespaces[0] ?? {})).toEqual(Object.keys(plain.result.namespaces[0] ?? {}));
    expect(plain.result).toMatchObject({
      traffic: null,
      namespaces: Array.from({ length: 2 }, () => ({
        hitRate: null,
        hitRateInterval: null,
        reads: null,
        misses: null,
        readsPerSecond: null,
        missShare: null,
        causes: null,
        targetMet: null,
      })),
    });
  });

  test('keep hit rate, target, cause and memory in a terminal of 100 columns', async () => {
    const { redis, server } = await shop();
    const name = 'a-namespace-with-a-name-that-fills-half-of-the-terminal';
    await sendAll(server, sets(name, 20));
    const cwd = folderWith({
      namespaces: {
        ...targets.namespaces,
        [name]: { pattern: `${name}:<id>`, hitRateTarget: '99%' },
      },
    });
    const { stdout } = await whileReading(redis.url, [...reads, ...gets(name, 9, 1000)], () =>
      cli(['stats', '--hits', '600ms', '--no-color'], { url: redis.url, cwd, terminal: true, ...homed() }),
    );
    expect(stdout).toMatch(/NAMESPACE +HIT RATE +MISSES +TARGET +WHY +KEYS +MEMORY +SHARE\n/);
    expect(stdout).toMatch(
      /\n {2}product +[34]\d\.\d % +\d+ {2}90\.0 % missed {2}(not stored|gone or new) +\d+\.\d % +20 +[\d.]+ kB +\d/,
    );
    expect(stdout).toMatch(
      /\n {2}user +(8|9)\d\.\d % +\d+ {2}80\.0 % met {5}(not stored|gone or new) +\d+\.\d % /,
    );
    expect(stdout).toMatch(
      /^ {2}observed +[\d.]+ % {2}[\d.]+ m?s in mode exact: [\d,]+ hits, [\d,]+ misses/m,
    );
    expect(stdout).toMatch(/of 3 namespaces miss their targets, most of all /);
    expect(stdout).toContain(
      '`notify-keyspace-events` of 127.0.0.1:' + String(redis.port) + ' is `""` again',
    );
    expect(Math.max(...linesOf(stdout).map((line) => line.length))).toBeLessThanOrEqual(100);
  });

  test('have the columns of the traffic behind the others, for programs', async () => {
    const { redis } = await shop();
    const options = { cwd: folderWith(targets), ...homed() };
    const { stdout } = await whileReading(redis.url, reads, () =>
      cli(['stats', '--hits', '300ms', '-o', 'csv'], { url: redis.url, ...options }),
    );
    expect(linesOf(stdout.replaceAll('\r', ''))[0]).toBe(
      'namespace,keys,memoryBytes,memoryShare,kind,hitRateTarget,' +
        'hitRate,hitRateLow,hitRateHigh,targetMet,reads,misses,readsPerSecond,missShare,mainCause',
    );
    expect(stdout).toMatch(
      /^product,20,\d+,0\.\d+,cache,0\.9,0\.[34]\d*,,,(false)?,\d+,\d+,[\d.]+,0\.8\d*,(not stored|gone or new)/m,
    );
  });

  test('need no duration where a mode is given, and refuse one that there is not', async () => {
    const outcome = await cli(['stats', '--hits', 'soon'], {});
    expect(outcome).toMatchObject({ exitCode: 2, stdout: '' });
    const mode = await cli(['stats', '--hits-mode', 'guess'], {});
    expect(mode).toMatchObject({ exitCode: 2, stdout: '' });
    expect(mode.stderr).toContain('misses-only');
  });

  test('come early, and are put in order, when interrupted', async () => {
    const { redis, server } = await shop();
    const abort = new AbortController();
    const running = whileReading(redis.url, reads, () =>
      stats(redis.url, ['--hits', '1m'], { ...homed(), signal: abort.signal }),
    );
    await observed(server);
    await sleep(1000);
    abort.abort('SIGINT');
    const { exitCode, result } = await running;
    expect(exitCode).toBe(130);
    expect(result.traffic).toMatchObject({ endedBy: 'interrupted', valid: true });
    expect(result.traffic?.windowSeconds).toBeLessThan(5);
    expect(await flagsOf(server)).toBe('');
  });
});
