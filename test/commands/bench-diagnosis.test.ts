import { describe, expect, test } from 'vitest';
import { cli, jsonOf } from '../run-cli.ts';
import { proxyTo, startServer } from '../server/own.ts';
import { send, testUrl } from '../server/redis.ts';
import { bench, brief, resultOf } from './bench-runs.ts';

interface Latency {
  readonly latency: { readonly samples: number; readonly p50Micros: number; readonly p99Micros: number };
  readonly series: readonly { readonly operations: number; readonly maxMicros: number }[];
  readonly serverSide: { readonly calls: number; readonly meanMicros: number } | null;
}

describe('bench latency', () => {
  test('pings by a timetable, and says what the server did of it', async () => {
    const { redis, server } = await startServer({});
    const run = await cli(['bench', 'latency', '--for', '500ms', '-o', 'json'], { url: redis.url });
    const { latency, series, serverSide } = jsonOf(run) as unknown as Latency;

    expect(run.exitCode).toBe(0);
    // One each 10 ms; a busy machine sends the last too late.
    expect(latency.samples).toBeGreaterThan(40);
    expect(latency.samples).toBeLessThanOrEqual(50);
    expect(series.map(({ operations }) => operations)).toEqual([latency.samples]);
    expect(serverSide?.calls).toBeGreaterThanOrEqual(latency.samples);
    expect(serverSide?.meanMicros).toBeLessThan(latency.p50Micros);
    expect(await send(server, 'DBSIZE')).toBe(0);
  });

  test('takes a delay on the way for what it is: not the server, and not this machine', async () => {
    const proxy = await proxyTo(Number(new URL(testUrl()).port));
    proxy.delay(20);
    const run = await cli(['bench', 'latency', '--for', '1200ms', '--interval', '50ms'], {
      url: proxy.url,
      terminal: true,
      env: { NO_COLOR: '1' },
    });

    // The delay, and what a busy machine adds.
    expect(run.stdout).toMatch(/p50 +[2-9]\d\.\d ms/);
    expect(run.stdout).toMatch(/work of the server +[\d.]+ µs/);
    expect(run.stdout).toMatch(/network and queues +(?:[2-9]\d\.\d|\d{3}) ms/);
    expect(run.stdout).toMatch(/max by second \S\S up to/);
  });

  test.each([
    ['latency', '--duration', '3s', 'here it is `--for`; '],
    ['intrinsic', '--keys', '10', ''],
  ])('refuses what only bench itself takes: %s %s', async (name, option, value, instead) => {
    for (const args of [
      [name, option, value],
      [option, value, name],
    ]) {
      const run = await cli(['bench', ...args], { url: testUrl() });
      expect(run).toMatchObject({ exitCode: 2, stdout: '' });
      expect(run.stderr).toBe(
        `error: \`${option}\` is an option of \`bench\`, and not of \`bench ${name}\`\nhint: ${instead}\`cachectl help bench ${name}\` shows its options and examples\n`,
      );
    }
  });

  test('has no series where a server cannot be reached, and the same keys', async () => {
    const failed = await cli(['bench', 'latency', '-o', 'json'], { url: 'redis://127.0.0.1:1' });
    const worked = await cli(['bench', 'latency', '--for', '50ms', '-o', 'json'], { url: testUrl() });

    expect(failed.exitCode).toBe(3);
    expect(Object.keys(jsonOf(failed)).sort()).toEqual(Object.keys(jsonOf(worked)).sort());
  });

  test('works for a user who may only PING', async () => {
    const { redis } = await startServer({ config: ['user ann on >secret -@all +ping'] });
    const run = await cli(['bench', 'latency', '--for', '50ms', '-o', 'json'], {
      env: { REDIS_URL: redis.url.replace('//', '//ann@'), REDISCLI_AUTH: 'secret' },
    });

    expect(run.exitCode).toBe(0);
    expect((jsonOf(run) as unknown as Latency).serverSide).toBeNull();
  });
});

test('bench intrinsic measures this machine, and needs no server and no map', async () => {
  const run = await cli(['bench', 'intrinsic', '--for', '200ms', '-o', 'json'], {
    url: 'redis://127.0.0.1:1',
  });

  expect(run.exitCode).toBe(0);
  expect(jsonOf(run)).toMatchObject({
    gaps: [{ overMicros: 100 }, { overMicros: 1000 }, { overMicros: 10_000 }],
  });
  expect(jsonOf(run)['durationSeconds']).toBeGreaterThanOrEqual(0.2);
});

describe('bench', () => {
  test('shows what the server says next to what was seen', async () => {
    const { redis } = await startServer({});
    const json = resultOf(await bench(['get', ...brief, '-o', 'json'], { url: redis.url }));
    const text = await bench(['get', ...brief], { url: redis.url, terminal: true, env: { NO_COLOR: '1' } });
    const [get] = json.results;

    expect(get?.serverSide).toMatchObject({ calls: 400, slowCommands: 0 });
    expect(get?.serverSide?.meanMicros).toBeLessThan(get?.latency?.meanMicros ?? 0);
    expect(text.stdout).toMatch(/WORKLOAD +SEEN +SERVER +THE REST/);
  });

  test('counts what came into SLOWLOG meanwhile', async () => {
    const { redis, server } = await startServer({});
    await send(server, 'CONFIG', 'SET', 'slowlog-log-slower-than', 0);
    const json = resultOf(await bench(['get', ...brief, '-o', 'json'], { url: redis.url }));

    expect(json.results[0]?.serverSide?.slowCommands).toBeGreaterThanOrEqual(400);
  });

  test('has a series by second', async () => {
    const { results } = resultOf(
      await bench(['ping', '--rate', '100', '--duration', '1500ms', '--warmup', '0', '-o', 'json']),
    );
    const series = results[0]?.rounds[0]?.series ?? [];

    expect(series).toHaveLength(2);
    expect(series[0]?.operations).toBeGreaterThan(90);
    expect((series[0]?.operations ?? 0) + (series[1]?.operations ?? 0)).toBe(results[0]?.operations);
  });
});
