import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { naming } from '../named-map.ts';
import { cli } from '../run-cli.ts';
import { emptyServer, proxyTo, startRedis, startServer, temporaryFolder } from '../server/own.ts';
import { replyText } from '../../src/redis/reply.ts';
import { send, testUrl } from '../server/redis.ts';
import { until } from '../server/until.ts';
import { bench, benchKeys, brief, resultOf } from './bench-runs.ts';

const quick = ['get', '--operations', '200', '--warmup', '0', '--keys', '20'];

describe('bench --against', () => {
  test('measures two servers in turn, compares round by round, and leaves no key on either', async () => {
    const server = await emptyServer();
    const { redis, server: other } = await startServer({});
    const run = await bench([...quick, '--against', redis.url, '--rounds', '3', '-o', 'json']);
    const { results, against, comparisons, ...result } = resultOf(run);

    expect([run.exitCode, run.stderr]).toEqual([0, '']);
    expect(results[0]).toMatchObject({ operations: 600, complete: true, latency: { samples: 600 } });
    expect(results[0]?.rounds.map(({ latency }) => latency.samples)).toEqual([200, 200, 200]);
    expect(result).toMatchObject({ keysRemoved: 20, keysLeft: 0 });
    expect(against).toMatchObject({
      keysRemoved: 20,
      keysLeft: 0,
      results: [{ name: 'get', operations: 600 }],
    });
    expect(against?.server.address).toContain(new URL(redis.url).port);
    expect(comparisons).toMatchObject([{ workload: 'get' }]);
    expect(comparisons[0]?.measures.map(({ measure, change }) => [measure, change])).toEqual(
      ['throughputPerSecond', 'p50Micros', 'p90Micros', 'p95Micros', 'p99Micros', 'p999Micros'].map(
        (name) => [name, 'unjudged'],
      ),
    );
    expect(await benchKeys(server)).toEqual([]);
    expect(await send(other, 'DBSIZE')).toBe(0);
  });

  test('gives a pipe the comparison in raw numbers', async () => {
    const { redis } = await startServer({});
    const run = await bench([...quick, '--against', redis.url, '--rounds', '2']);
    expect(run.stdout).toMatch(/^comparisons\tget\tp50Micros\t[\d.]+\t[\d.]+\t[\d.]+\t\t\tunjudged$/m);
  });

  test('finds the slower of two servers, with its interval, and fails on --fail-slower', async () => {
    const near = await proxyTo(Number(new URL(testUrl()).port));
    const slow = await proxyTo(Number(new URL(testUrl()).port));
    near.delay(2);
    slow.delay(15);
    const args = ['ping', '--operations', '20', '--warmup', '0', '--rounds', '11', '--fail-slower', '20%'];
    const run = await bench([...args, '--against', near.url], { url: slow.url, terminal: true });
    const other = await bench([...args, '--against', slow.url, '-o', 'json'], { url: near.url });

    expect(run.exitCode).toBe(1);
    expect(run.stdout).toMatch(/ping +p50 .* \d+\.\d % to \d+\.\d % +slower/);
    expect(run.stdout).toMatch(/`ping`: slower in throughput(?: and|,) p50/);
    expect(run.stdout).toMatch(/`ping`: slower by \d+\.\d % at least in \S+, above 20\.0 %/);
    expect(other.exitCode).toBe(0);
    const [comparison] = resultOf(other).comparisons;
    expect(comparison?.measures[1]).toMatchObject({ measure: 'p50Micros', change: 'faster' });
    expect(comparison?.measures[1]?.ratioInterval?.[1]).toBeLessThan(1);
    expect(resultOf(other).verdicts).toMatchObject([{ measure: 'slowdown', actual: 0, met: true }]);
  });

  test('compares with the rounds of an earlier run', async () => {
    const cwd = temporaryFolder();
    const kept = await bench([...quick, '--rounds', '7', '-o', 'json']);
    writeFileSync(join(cwd, 'then.json'), kept.stdout);
    const run = await bench([...quick, '--against', 'then.json', '-o', 'json'], { cwd });

    expect(resultOf(run).results[0]?.rounds).toHaveLength(7);
    expect(resultOf(run).against).toBeNull();
    expect(resultOf(run).comparisons[0]?.measures[0]?.ratioInterval).toHaveLength(2);
  });

  test('that cannot be judged stops --fail-slower before anything is measured', async () => {
    const cwd = temporaryFolder();
    writeFileSync(join(cwd, 'then.json'), (await bench([...quick, '-o', 'json'])).stdout);
    const runs = [
      await bench([...quick, '--fail-slower', '10%']),
      await bench([...quick, '--fail-slower', '10%', '--against', testUrl(), '--rounds', '10']),
      await bench([...quick, '--fail-slower', '10%', '--baseline', 'then.json'], { cwd }),
      await bench([...quick, '--against', 'nothing.json'], { cwd }),
      await bench([...brief, '--rounds', '51']),
    ];

    expect(runs.map(({ exitCode }) => exitCode)).toEqual([2, 2, 2, 2, 2]);
    expect(runs.map(({ stderr }) => stderr.split('\n')[0])).toEqual([
      'error: `--fail-slower` has nothing to compare with',
      'error: `--fail-slower` cannot judge 10 rounds: chance alone could make that difference',
      'error: `--fail-slower` cannot judge 1 round against 1 round in `then.json`: chance alone could make that difference',
      'error: --against: `nothing.json` is no profile of the map, no address of a server and no file',
      'error: `--rounds 51` is more than 50',
    ]);
    expect(runs[1]?.stderr).toContain('use --rounds 11 or more');
  });

  test('says which workload a baseline lacks, and lets no gate pass it', async () => {
    const cwd = temporaryFolder();
    writeFileSync(join(cwd, 'get.json'), (await bench([...quick, '--rounds', '8', '-o', 'json'])).stdout);
    const both = ['set', ...quick, '--baseline', 'get.json'];
    const { comparisons, warnings } = resultOf(await bench([...both, '-o', 'json'], { cwd }));
    const gate = await bench([...both, '--fail-slower', '50%'], { cwd });

    expect(comparisons.map(({ workload }) => workload)).toEqual(['get']);
    expect(warnings).toContainEqual({ kind: 'not-in-baseline', workload: 'set' });
    expect(gate.exitCode).toBe(2);
    expect(gate.stderr).toContain(
      'error: `--fail-slower` cannot judge `set`: `get.json` has no whole run of it',
    );
  });

  test('asks for each protected profile, and writes to none that is read-only', async () => {
    const { redis } = await startServer({});
    const cwd = temporaryFolder();
    const map = (profile: object) =>
      writeFileSync(
        join(cwd, 'cachectl.config.json'),
        JSON.stringify({ profiles: { here: { url: testUrl() }, there: { url: redis.url, ...profile } } }),
      );
    const run = (...args: string[]) =>
      cli(['bench', ...quick, '--profile', 'here', '--against', 'there', '--rounds', '1', ...args], {
        cwd,
        env: naming(cwd),
      });
    map({ protected: true });
    const refused = await run();
    const stray = await run('--confirm', 'nowhere');
    const allowed = await run('--confirm', 'there');
    map({ readOnly: true });
    const readOnly = await run();

    expect([refused, stray, allowed, readOnly].map(({ exitCode }) => exitCode)).toEqual([5, 5, 0, 2]);
    expect(refused.stderr).toContain('--confirm there');
    expect(stray.stderr).toContain('`--confirm nowhere` is not the profile in force');
    expect(readOnly.stderr).toContain('profile `there` is read-only');
  });

  test('does not print the password of the other server', async () => {
    const redis = await startRedis({ args: ['--requirepass', 'hidden-word'] });
    const url = redis.url.replace('//', '//:hidden-word@');
    const run = await bench([...quick, '--against', url, '--rounds', '1', '-o', 'json']);

    expect(run.exitCode).toBe(0);
    expect(run.stdout + run.stderr).not.toContain('hidden-word');
  });

  test('that is interrupted removes the keys of both, and shows what was measured', async () => {
    const other = await emptyServer();
    const { redis, server } = await startServer({});
    const stop = new AbortController();
    const running = bench(
      ['get', '--duration', '20s', '--warmup', '0', '--keys', '20', '--against', testUrl(), '-o', 'json'],
      { url: redis.url, signal: stop.signal },
    );
    await until('bench measures', async () =>
      /cmdstat_get:/.test(replyText(await send(server, 'INFO', 'commandstats'))),
    );
    stop.abort('SIGINT');
    const run = await running;

    expect(run.exitCode).toBe(130);
    expect(resultOf(run).results[0]).toMatchObject({ complete: false, rounds: [] });
    expect(await benchKeys(server)).toEqual([]);
    expect(await benchKeys(other)).toEqual([]);
  });

  test('that cannot be reached stops before anything is written', async () => {
    const server = await emptyServer();
    const run = await bench([...quick, '--against', 'redis://127.0.0.1:1', '-o', 'json']);

    expect(run.exitCode).toBe(3);
    expect(resultOf(run)).toMatchObject({ ok: false, against: null });
    expect(await send(server, 'DBSIZE')).toBe(0);
  });
});
