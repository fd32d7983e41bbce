import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { build, decodeFromCompressedBase64 } from 'hdr-histogram-js';
import { describe, expect, test } from 'vitest';
import { hgrmOf, histogramLogOf } from '../../src/bench/hdr-files.ts';
import { LatencyRecorder } from '../../src/bench/latency.ts';
import { sumOf } from '../../src/support/collections.ts';
import { SeededRandom } from '../../src/support/random.ts';
import { startServer, temporaryFolder } from '../server/own.ts';
import { replyText } from '../../src/redis/reply.ts';
import { send } from '../server/redis.ts';
import { bench, brief, resultOf } from './bench-runs.ts';

/** Of a file as memtier_benchmark writes it. */
interface Memtier {
  readonly 'ALL STATS': Readonly<
    Record<
      string,
      {
        readonly Count: number;
        readonly 'Ops/sec': number;
        readonly 'Hits/sec': number;
        readonly 'Time-Serie': Readonly<Record<string, { readonly Count: number }>>;
        readonly 'Percentile Latencies': Readonly<Record<`p${string}`, number>> & {
          readonly 'Histogram log format': { readonly 'Compressed Histogram': string };
        };
      }
    >
  >;
}

describe('bench --hdr-file-prefix', () => {
  test('writes percentiles and a log that HDR tools read, with every latency of the result', async () => {
    const cwd = temporaryFolder();
    const run = await bench(['get', 'ping', ...brief, '--hdr-file-prefix', 'run', '-o', 'json'], { cwd });
    const { results, histogramFiles } = resultOf(run);

    expect(histogramFiles).toEqual(
      ['get', 'ping'].flatMap((name) => ['hgrm', 'hlog', 'json'].map((ending) => `run_${name}.${ending}`)),
    );
    for (const { name, latency, operations } of results) {
      const log = readFileSync(join(cwd, `run_${name}.hlog`), 'utf8');
      const all = build({ highestTrackableValue: 3.6e12, numberOfSignificantValueDigits: 3 });
      const lines = log.split('\n').filter((line) => line.startsWith(`Tag=${name},`));
      for (const line of lines) all.add(decodeFromCompressedBase64(line.split(',').at(-1) ?? ''));
      expect(all.totalCount).toBe(latency?.samples);
      for (const [percent, micros] of [
        [50, latency?.p50Micros],
        [99, latency?.p99Micros],
        [100, latency?.maxMicros],
      ] as const)
        expect(all.getValueAtPercentile(percent) / 1000 / (micros ?? 1)).toBeCloseTo(1, 2);

      const hgrm = readFileSync(join(cwd, `run_${name}.hgrm`), 'utf8');
      expect(hgrm).toMatch(/^ +Value +Percentile TotalCount 1\/\(1-Percentile\)/);
      expect(hgrm).toContain(`Total count    =          ${String(latency?.samples).padStart(3)}`);

      const { 'ALL STATS': stats } = JSON.parse(
        readFileSync(join(cwd, `run_${name}.json`), 'utf8'),
      ) as Memtier;
      const figures = stats[name === 'get' ? 'Gets' : 'Pings'];
      expect(stats['Totals']).toEqual(figures);
      expect(figures?.Count).toBe(operations);
      expect(figures?.['Hits/sec']).toBe(name === 'get' ? figures?.['Ops/sec'] : 0);
      const series = Object.values(figures?.['Time-Serie'] ?? {});
      expect(sumOf(series.map(({ Count }) => Count))).toBe(operations);
      const percentiles = figures?.['Percentile Latencies'];
      expect(percentiles?.['p99.00']).toBeCloseTo((latency?.p99Micros ?? 0) / 1000, 2);
      const histogram = percentiles?.['Histogram log format']['Compressed Histogram'];
      const decoded = decodeFromCompressedBase64(histogram ?? '');
      expect(decoded.totalCount).toBe(latency?.samples);
      expect(decoded.getValueAtPercentile(50) / Math.max(1, latency?.p50Micros ?? 0)).toBeCloseTo(1, 1);
    }
  });

  test('writes files for the other server too', async () => {
    const cwd = temporaryFolder();
    const { redis } = await startServer({});
    const against = ['--against', redis.url, '--rounds', '2', '--hdr-file-prefix', 'run', '-o', 'json'];
    const { results, ...rest } = resultOf(await bench(['ping', ...brief, ...against], { cwd }));

    expect(rest.histogramFiles).toEqual(
      ['run', 'run_other'].flatMap((stem) => ['hgrm', 'hlog', 'json'].map((end) => `${stem}_ping.${end}`)),
    );
    for (const [stem, result] of [
      ['run', results[0]],
      ['run_other', rest.against?.results[0]],
    ] as const) {
      const hgrm = readFileSync(join(cwd, `${stem}_ping.hgrm`), 'utf8');
      expect(hgrm).toContain(`Total count    = ${String(result?.latency?.samples).padStart(12)}]`);
    }
  });

  test('never writes over a file, and finds out before anything is measured', async () => {
    const cwd = temporaryFolder();
    const first = await bench(['ping', ...brief, '--hdr-file-prefix', 'run'], { cwd });
    const again = await bench(['ping', ...brief, '--hdr-file-prefix', 'run', '-o', 'json'], { cwd });

    expect([first.exitCode, again.exitCode]).toEqual([0, 2]);
    expect(again.stderr).toContain('`run_ping.hgrm` is there already');
    expect(resultOf(again).results).toEqual([]);
  });

  test('says before anything is lost that a folder is not there', async () => {
    const run = await bench(['ping', ...brief, '--hdr-file-prefix', 'nowhere/run'], {
      cwd: temporaryFolder(),
    });

    expect(run.exitCode).toBe(2);
    expect(run.stderr).toContain('nowhere/run_ping.hgrm');
    expect(existsSync('nowhere')).toBe(false);
  });
});

test('percentiles and log agree with the latencies themselves, sorted', () => {
  const random = new SeededRandom(1, 'latencies');
  const millis = Array.from({ length: 20_000 }, () => 0.02 * Math.exp(random.fraction() ** 4 * 9));
  const recorder = new LatencyRecorder();
  for (const each of millis) recorder.record(each);
  const { distribution } = recorder;
  const sorted = millis.toSorted((one, other) => one - other);
  const text = hgrmOf([distribution]);
  const rows = text.matchAll(/^ +([\d.]+) ([\d.]+) +(\d+)/gm);
  for (const [, micros, share, count] of rows) {
    const rank = Math.max(1, Math.ceil(Number(share) * sorted.length));
    expect(Number(micros) / ((sorted[rank - 1] ?? 0) * 1000)).toBeCloseTo(1, 2);
    expect(Number(count)).toBeGreaterThanOrEqual(rank);
  }
  // What another implementation makes of the same latencies.
  const peer = build({ highestTrackableValue: 3.6e12, numberOfSignificantValueDigits: 3 });
  for (const each of millis) peer.recordValue(Math.round(each * 1e6));
  // Halves of the last digit are rounded up there, and to the even one here.
  const tableOf = (whole: string) =>
    [...whole.matchAll(/^ +([\d.]+) ([\d.]+) +(\d+)/gm)].map(([, value, share, count]) => [
      ...[value, Number(share).toFixed(10), count],
    ]);
  expect(tableOf(text)).toEqual(tableOf(peer.outputPercentileDistribution(5, 1000)));
  const log = histogramLogOf([distribution, distribution], 'get', 0, 'a test');
  const lines = log.split('\n').filter((line) => line.startsWith('Tag=get,'));
  expect(lines).toHaveLength(2);
  const decoded = decodeFromCompressedBase64(lines[0]?.split(',').at(-1) ?? '');
  expect(tableOf(decoded.outputPercentileDistribution(5, 1000))).toEqual(tableOf(text));
});

test('bench shows the curve of percentiles to people, and gives it to programs', async () => {
  const text = await bench(['get', ...brief], { terminal: true, env: { NO_COLOR: '1' } });
  const { results } = resultOf(await bench(['get', ...brief, '-o', 'json']));
  const percentiles = results[0]?.percentiles ?? [];

  expect(text.stdout).toMatch(/get: p0 to p100 [▁-█]+ .+ to .+/);
  expect(percentiles[0]?.percentile).toBe(0);
  expect(percentiles.at(-1)).toMatchObject({ percentile: 100 });
  for (const [at, { latencyMicros }] of percentiles.slice(1).entries())
    expect(latencyMicros).toBeGreaterThanOrEqual(percentiles[at]?.latencyMicros ?? 0);
});

test('bench --hit-ratio asks for keys that do not exist, counts them as its own misses, and warns of no others', async () => {
  const { redis, server } = await startServer({});
  const run = await bench(
    [
      'get',
      '--operations',
      '2000',
      '--keys',
      '50',
      '--warmup',
      '0',
      '--hit-ratio',
      '75%',
      '--distribution',
      'zipf',
      '-o',
      'json',
    ],
    { url: redis.url },
  );
  const { results, ownLookups, warnings, ...settings } = resultOf(run);
  const stats = replyText(await send(server, 'INFO', 'stats'));

  expect(settings).toMatchObject({ hitRatio: 0.75, distribution: 'zipf:0.99' });
  expect(results[0]?.missRatio).toBeGreaterThan(0.2);
  expect(results[0]?.missRatio).toBeLessThan(0.3);
  expect(results[0]?.expectedMisses).toBe(results[0]?.misses);
  expect(warnings.map(({ kind }) => kind)).not.toContain('misses');
  expect(stats).toContain(`keyspace_misses:${ownLookups.misses}\r\n`);
  expect(stats).toContain(`keyspace_hits:${ownLookups.hits}\r\n`);
});
