import { setTimeout as sleep } from 'node:timers/promises';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { replyText } from '../../src/redis/reply.ts';
import { cli, jsonOf } from '../run-cli.ts';
import { send, testUrl } from '../server/redis.ts';
import { until } from '../server/until.ts';
import { bench, benchKeys, brief, keysAppear, resultOf } from './bench-runs.ts';
import { naming } from '../named-map.ts';
import { emptyServer, proxyTo, startServer, temporaryFolder } from '../server/own.ts';

function mapWith(profile: object): { cwd: string } {
  const cwd = temporaryFolder();
  writeFileSync(
    join(cwd, 'cachectl.config.json'),
    JSON.stringify({ profiles: { prod: { url: testUrl(), ...profile } } }),
  );
  return { cwd };
}

describe('bench', () => {
  test('measures ping, get, set and mixed, and leaves no key behind', async () => {
    const server = await emptyServer();
    const run = await bench([...brief, '--output', 'json']);
    const result = resultOf(run);

    expect(run.exitCode).toBe(0);
    expect(result).toMatchObject({
      ok: true,
      connections: 4,
      pipeline: 1,
      payloadBytes: 256,
      keys: 50,
      ratePerSecond: null,
      keysRemoved: 50,
      keysLeft: 0,
      ownLookups: { misses: 0 },
      verdicts: [],
    });
    expect(result.server.version).toMatch(/^\d+\./);
    expect(result.results.map(({ name }) => name)).toEqual(['ping', 'get', 'set', 'mixed']);
    for (const {
      operations,
      errors,
      misses,
      complete,
      durationSeconds,
      latency,
      ...rest
    } of result.results) {
      expect({ operations, errors, misses, complete }).toEqual({
        operations: 400,
        errors: 0,
        misses: 0,
        complete: true,
      });
      expect(rest.throughputPerSecond).toBeCloseTo(400 / durationSeconds, 3);
      expect(latency?.samples).toBe(400);
      expect(latency?.minMicros).toBeGreaterThan(0);
      expect(latency?.p50Micros).toBeLessThanOrEqual(latency?.p99Micros ?? 0);
      expect(latency?.p99Micros).toBeLessThanOrEqual(latency?.maxMicros ?? 0);
    }
    expect(await send(server, 'DBSIZE')).toBe(0);
  });

  test('runs the workloads asked for, in that order, each once', async () => {
    const run = await bench(['set', 'ping', 'set', ...brief, '--output', 'json']);

    expect(resultOf(run).results.map(({ name }) => name)).toEqual(['set', 'ping']);
  });

  test.each([[[]], [['--rate', '2000']]])(
    'counts its own lookups exactly as the server does (%j)',
    async (pace) => {
      const { redis, server } = await startServer({});
      const run = await bench(
        [
          ...[
            'get',
            'mixed',
            '--duration',
            '200ms',
            '--warmup',
            '100ms',
            '--keys',
            '100',
            '--output',
            'json',
          ],
          ...pace,
        ],
        { url: redis.url },
      );
      const stats = replyText(await send(server, 'INFO', 'stats'));

      expect(resultOf(run).ownLookups.hits).toBeGreaterThan(100);
      expect(stats).toContain(`keyspace_hits:${resultOf(run).ownLookups.hits}\r\n`);
      expect(stats).toContain('keyspace_misses:0\r\n');
    },
  );

  test('opens many connections at once without a warning of Node', async () => {
    const warnings: Error[] = [];
    const take = (warning: Error) => void warnings.push(warning);
    process.on('warning', take);
    const run = await bench(['ping', ...brief, '--connections', '30', '--threads', '1']);
    process.off('warning', take);

    expect(run.exitCode).toBe(0);
    expect(warnings).toEqual([]);
  });

  test('writes values of the size asked for, that no compression would shrink', async () => {
    const { redis, server } = await startServer({});
    const running = bench(['set', '--duration', '10s', '--warmup', '0', '--keys', '3', '--payload', '1KiB'], {
      url: redis.url,
      signal: AbortSignal.timeout(700),
    });
    const [key = ''] = await keysAppear(server);
    const value = Buffer.from(replyText(await send(server, 'GET', key)), 'latin1');
    await running;

    expect(value).toHaveLength(1024);
    expect(new Set(value).size).toBeGreaterThan(200);
  });

  test('writes values of several sizes by their weights, the same in every run', async () => {
    const payload = '64B:50%,1KiB-2KiB:30%,4KiB:20%';
    const sizesIn = async () => {
      const { redis, server } = await startServer({});
      const args = ['mixed', '--duration', '1500ms', '--warmup', '0', '--keys', '200', '--payload', payload];
      const running = bench([...args, '-o', 'json'], { url: redis.url });
      let keys: string[] = [];
      await until('bench has filled its keys', async () => (keys = await benchKeys(server)).length === 200);
      const sizes = await Promise.all(keys.sort().map((key) => send(server, 'STRLEN', key)));
      return { sizes, result: resultOf(await running) };
    };
    const { sizes, result } = await sizesIn();
    const shareOf = (low: number, high: number) =>
      sizes.filter((size) => Number(size) >= low && Number(size) <= high).length / 200;

    expect(result).toMatchObject({ payloadBytes: 1312, payloadSizes: payload });
    // Five standard deviations of a binomial distribution.
    expect(Math.abs(shareOf(64, 64) - 0.5)).toBeLessThan(0.18);
    expect(Math.abs(shareOf(1024, 2048) - 0.3)).toBeLessThan(0.17);
    expect(Math.abs(shareOf(4096, 4096) - 0.2)).toBeLessThan(0.15);
    expect(new Set(sizes).size).toBeGreaterThan(20);
    expect((await sizesIn()).sizes).toEqual(sizes);
  });

  test('sends batches with --pipeline, and says whose latency it is', async () => {
    const run = await bench(['get', '--pipeline', '8', ...brief], { terminal: true });
    const json = resultOf(await bench(['get', '--pipeline', '8', ...brief, '--output', 'json']));

    expect(run.stdout).toContain('8 commands in one batch: the latency is that of a batch');
    expect(json.results[0]).toMatchObject({ operations: 400, latency: { samples: 50 } });
  });

  test('offers a rate with --rate, and not more', async () => {
    const run = await bench([
      'ping',
      '--rate',
      '400',
      '--duration',
      '500ms',
      '--warmup',
      '0',
      '--output',
      'json',
    ]);
    const [ping] = resultOf(run).results;

    expect(ping?.operations).toBeLessThanOrEqual(200);
    expect(ping?.throughputPerSecond).toBeLessThanOrEqual(401);
    expect(ping?.clientUtilization).toBeNull();
  });

  test('charges a stall of the server to every command that was due, with --rate', async () => {
    const proxy = await proxyTo(Number(new URL(testUrl()).port));
    const running = bench(
      ['ping', '--rate', '200', '--duration', '1500ms', '--warmup', '0', '--output', 'json'],
      {
        url: proxy.url,
      },
    );
    await until('the workload is connected', () => proxy.connections >= 5);
    await sleep(500);
    proxy.stall();
    await sleep(500);
    proxy.resume();
    const latency = resultOf(await running).results[0]?.latency;

    // A third of the time is lost: a third of the commands waited, a quarter of a second on average.
    expect(latency?.p90Micros).toBeGreaterThan(200_000);
  });
});

describe('bench output', () => {
  test('is one row for each workload, then notes', async () => {
    const { stdout } = await bench(['get', 'set', ...brief], { terminal: true, env: { NO_COLOR: '1' } });

    expect(stdout).toMatch(/WORKLOAD +THROUGHPUT +P50 +P95 +P99 +P99\.9 +MAX/);
    expect(stdout).toMatch(/get +[\d,]+\/s +[\d.]+ [µm]s/);
    expect(stdout).toMatch(/set +[\d,]+\/s/);
    expect(stdout).toContain('4 connections, 50 keys of 256 B');
    expect(stdout).toContain('removed the 50 keys it had written; none is left');
    expect(stdout).toMatch(/this run added [\d,]+ to keyspace_hits/);
  });

  test('in a pipe is tab-separated raw numbers', async () => {
    const { stdout } = await bench(['ping', 'set', ...brief]);

    expect(stdout.split('\n').map((line) => line.split('\t')[0])).toEqual(['ping', 'set', '']);
    expect(stdout).toMatch(/^ping\t[\d.]+\t[\d.]+\t[\d.]+\t[\d.]+\t[\d.]+\t[\d.]+\t400\n/);
  });

  test('in ndjson is a line for each workload and a summary', async () => {
    const { stdout } = await bench(['ping', 'get', ...brief, '--output', 'ndjson']);
    const lines = stdout
      .trim()
      .split('\n')
      .map((line) => JSON.parse(line) as Record<string, unknown>);

    expect(lines.map(({ record }) => record)).toEqual(['results', 'results', 'summary']);
    expect(lines[2]).toMatchObject({ keysRemoved: 50, keysLeft: 0 });
  });

  test('has the same keys when nothing could be measured', async () => {
    const failed = await bench(['--output', 'json'], { url: 'redis://127.0.0.1:1' });
    const worked = await bench(['ping', ...brief, '--output', 'json']);

    expect(failed.exitCode).toBe(3);
    expect(Object.keys(jsonOf(failed)).sort()).toEqual(Object.keys(jsonOf(worked)).sort());
  });
});

describe('bench limits', () => {
  test('that are kept give exit code 0', async () => {
    const run = await bench(['ping', ...brief, '--fail-above', '10s', '--min-throughput', '1'], {
      terminal: true,
    });

    expect(run.exitCode).toBe(0);
    expect(run.stdout).toMatch(/`ping`: p99 [\d.]+ [µm]s, within 10\.00 s/);
    expect(run.stdout).toMatch(/`ping`: throughput [\d,]+\/s, at least 1\.0\/s/);
  });

  test('that are missed give exit code 1, and the result all the same', async () => {
    const run = await bench([
      'ping',
      ...brief,
      ...['--fail-above', '0.001ms', '--min-throughput', '1_000_000_000', '--output', 'json'],
    ]);

    expect(run.exitCode).toBe(1);
    expect(resultOf(run).verdicts).toMatchObject([
      { workload: 'ping', measure: 'p99Micros', limit: 1, met: false },
      { workload: 'ping', measure: 'throughputPerSecond', limit: 1e9, met: false },
    ]);
    expect(resultOf(run).results).toHaveLength(1);
  });
});

describe('bench with a baseline', () => {
  function keep(text: string): { cwd: string } {
    const cwd = temporaryFolder();
    writeFileSync(join(cwd, 'then.json'), text);
    return { cwd };
  }

  test('says how the figures relate to those of the earlier run', async () => {
    const { cwd } = keep((await bench(['ping', 'get', ...brief, '--output', 'json'])).stdout);
    const json = resultOf(
      await bench(['get', ...brief, '--baseline', 'then.json', '--output', 'json'], { cwd }),
    );
    const text = await bench(['get', ...brief, '--baseline', 'then.json', '--connections', '2'], {
      cwd,
      terminal: true,
      env: { NO_COLOR: '1' },
    });

    expect(json.comparisons).toMatchObject([{ workload: 'get' }]);
    expect(json.comparisons[0]?.throughputRatio).toBeGreaterThan(0);
    expect(text.stdout).toMatch(/NOW +BASELINE +RATIO/);
    expect(text.stdout).toMatch(/get +p99\.9 +\S+ \S+ +\S+ \S+ +[\d.]+ %/);
    expect(text.stdout).toContain('too few rounds to tell these differences from chance');
    expect(text.stdout).toContain('the baseline was measured with other settings: `connections`');
  });

  test('that is none is refused before anything is measured', async () => {
    const { cwd } = keep('{}');
    const wrong = await bench(['--baseline', 'then.json'], { cwd });
    const missing = await bench(['--baseline', 'never.json'], { cwd });

    expect(wrong.exitCode).toBe(2);
    expect(wrong.stderr).toContain('`then.json` cannot be compared with: it is not the result of');
    expect(missing.exitCode).toBe(2);
    expect(missing.stderr).toContain('`never.json`');
  });
});

describe('bench on a profile', () => {
  test('that is read-only runs ping, and nothing that writes', async () => {
    const { cwd } = mapWith({ readOnly: true });
    const env = { ...naming(cwd), CACHECTL_PROFILE: 'prod' };
    const ping = await cli(['bench', 'ping', ...brief], { cwd, env });
    const get = await cli(['bench', 'get', ...brief], { cwd, env });

    expect(ping.exitCode).toBe(0);
    expect(get.exitCode).toBe(2);
    expect(get.stderr).toContain('profile `prod` is read-only');
    expect(get.stderr).toContain('hint: run `cachectl bench ping`');
  });

  test('that is protected needs its name', async () => {
    const { cwd } = mapWith({ protected: true });
    const options = { cwd, env: naming(cwd) };
    const refused = await cli(['bench', 'ping', '--profile', 'prod', ...brief], options);
    const allowed = await cli(['bench', 'ping', '--profile', 'prod', '--confirm', 'prod', ...brief], options);

    expect(refused.exitCode).toBe(5);
    expect(refused.stderr).toContain('--confirm prod');
    expect(allowed.exitCode).toBe(0);
  });
});

describe('bench options', () => {
  test.each([
    [['--payload', 'much'], '--payload'],
    [['--payload', '64B:50%,1KiB:30%'], '80 % together'],
    [['--connections', '0'], '--connections'],
    [['--connections', '2000'], '--connections'],
    [['--rate', '0'], '--rate'],
    [['--get-ratio', '2'], '--get-ratio'],
    [['--duration', '1s', '--operations', '5'], '--operations'],
    [['flushall'], 'flushall'],
  ])('that make no sense are named: %j', async (args, named) => {
    const run = await bench(args);

    expect(run.exitCode).toBe(2);
    expect(run.stderr).toContain(named);
  });

  test('that would fill the server are refused before a key is written', async () => {
    const { redis, server } = await startServer({ args: ['--maxmemory', '16mb'] });
    const run = await bench(['get', '--payload', '1KiB'], { url: redis.url });

    expect(run.exitCode).toBe(2);
    expect(run.stderr).toContain('more than a tenth');
    expect(await send(server, 'DBSIZE')).toBe(0);
  });
});
