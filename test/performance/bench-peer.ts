import { execFile } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { compareRounds } from '../../src/bench/statistics.ts';
import type { WorkloadResult } from '../../src/bench/result.ts';
import { SeededRandom } from '../../src/support/random.ts';
import { startRedisProcess } from '../server/redis-process.ts';
import { median, say } from './measure.ts';
import { inTemporaryFolder } from './temporary-folder.ts';

/**
 * How `cachectl bench get` compares with redis-benchmark, and with memtier_benchmark where it is on PATH, both programs in C, on the
 * same server and keys: all in turn, each as the first in as many rounds; medians, and the ratio with its 95 % interval over the rounds.
 * Usage: npm run bench:redis-benchmark [-- PROGRAM_OF_THE_SERVER [REDIS_BENCHMARK [ROUNDS]]]
 */

const run = promisify(execFile);
const binary = fileURLToPath(new URL('../../bin/cachectl', import.meta.url));
const [serverProgram = 'redis-server', redisBenchmark = 'redis-benchmark', roundsText = '10'] =
  process.argv.slice(2);
const rounds = Number(roundsText);
const valueBytes = 256;
const keyCount = 10_000;

interface Setting {
  readonly connections: number;
  readonly pipeline: number;
  readonly operations: number;
}

const settings: readonly Setting[] = [
  { connections: 1, pipeline: 1, operations: 30_000 },
  { connections: 4, pipeline: 1, operations: 80_000 },
  { connections: 50, pipeline: 1, operations: 100_000 },
  { connections: 50, pipeline: 16, operations: 800_000 },
];

interface Figures {
  readonly throughputPerSecond: number;
  readonly p50Micros: number;
  readonly p99Micros: number;
}

type Contender = (port: number, setting: Setting) => Promise<Figures>;

const ours: Contender = async (port, { connections, pipeline, operations }) => {
  const { stdout } = await run(process.execPath, [
    ...[binary, 'bench', 'get', '--url', `redis://127.0.0.1:${port}`, '--output', 'json'],
    ...['--connections', String(connections), '--pipeline', String(pipeline)],
    ...['--operations', String(operations), '--payload', String(valueBytes), '--keys', String(keyCount)],
  ]);
  const [result] = (JSON.parse(stdout) as { results: WorkloadResult[] }).results;
  if (result?.latency == null) throw new Error('cachectl measured nothing');
  const { p50Micros, p99Micros } = result.latency;
  return { throughputPerSecond: result.throughputPerSecond, p50Micros, p99Micros };
};

const redisBenchmarkGet: Contender = async (port, { connections, pipeline, operations }) => {
  const { stdout } = await run(redisBenchmark, [
    ...['-p', String(port), '-t', 'get', '-c', String(connections), '-n', String(operations)],
    ...['-P', String(pipeline), '-r', String(keyCount), '--csv'],
  ]);
  const [columns = [], figures = []] = stdout
    .trim()
    .split('\n')
    .map((line) => line.split(',').map((field) => field.replaceAll('"', '')));
  const figure = (column: string) => Number(figures[columns.indexOf(column)]);
  return {
    throughputPerSecond: figure('rps'),
    p50Micros: figure('p50_latency_ms') * 1000,
    p99Micros: figure('p99_latency_ms') * 1000,
  };
};

const memtierKeys = ['--key-prefix', 'memtier:', '--key-minimum', '1', '--key-maximum', String(keyCount)];

const memtierGet: Contender = (port, { connections, pipeline, operations }) =>
  inTemporaryFolder(async (folder) => {
    const file = join(folder, 'out.json');
    await run('memtier_benchmark', [
      ...['-p', String(port), '-t', '1', '-c', String(connections), '-n', String(operations / connections)],
      ...['--pipeline', String(pipeline), '--ratio', '0:1', '--hide-histogram', ...memtierKeys],
      ...['--json-out-file', file],
    ]);
    const { 'ALL STATS': stats } = JSON.parse(readFileSync(file, 'utf8')) as {
      'ALL STATS': { Gets: { 'Ops/sec': number; 'Percentile Latencies': Record<string, number> } };
    };
    const micros = (percentile: string) =>
      (stats.Gets['Percentile Latencies'][percentile] ?? Number.NaN) * 1000;
    return {
      throughputPerSecond: stats.Gets['Ops/sec'],
      p50Micros: micros('p50.00'),
      p99Micros: micros('p99.00'),
    };
  });

const versionOf = (program: string) =>
  run(program, ['--version']).then(
    ({ stdout }) => stdout.split('\n')[0]?.trim() ?? '',
    () => null,
  );

const server = await startRedisProcess(serverProgram);
try {
  const { port } = server;
  const memtier = await versionOf('memtier_benchmark');
  await run(redisBenchmark, [
    ...['-p', String(port), '-t', 'set', '-n', String(20 * keyCount), '-r', String(keyCount)],
    ...['-d', String(valueBytes), '-P', '100', '-q'],
  ]);
  if (memtier !== null)
    await run('memtier_benchmark', [
      ...['-p', String(port), '-t', '1', '-c', '1', '-n', String(keyCount), '--ratio', '1:0'],
      ...['--key-pattern', 'P:P', '-d', String(valueBytes), ...memtierKeys],
    ]);
  const peers: Readonly<Record<string, Contender>> = {
    'redis-benchmark': redisBenchmarkGet,
    ...(memtier !== null && { memtier: memtierGet }),
  };
  const contenders = Object.entries({ ours, ...peers });
  say(
    `${server.product} ${server.version}; ${String(await versionOf(redisBenchmark))}; ${memtier ?? 'no memtier_benchmark'}; ` +
      `Node ${process.version}; ${rounds} rounds, medians, values of ${valueBytes} B, ${keyCount} keys`,
  );
  for (const setting of settings) {
    const measured = new Map(contenders.map(([name]) => [name, [] as Figures[]]));
    for (let round = 0; round < rounds; round++) {
      const first = round % contenders.length;
      for (const [name, measure] of [...contenders.slice(first), ...contenders.slice(0, first)])
        measured.get(name)?.push(await measure(port, setting));
    }
    print(`\n${setting.connections} connections, pipeline of ${setting.pipeline}`);
    for (const figure of ['throughputPerSecond', 'p50Micros', 'p99Micros'] as const) {
      const listOf = (name: string) => (measured.get(name) ?? []).map((each) => each[figure]);
      print(figure, 'ours', median(listOf('ours')).toFixed(0));
      for (const name of Object.keys(peers)) {
        const rounds = { now: listOf('ours'), then: listOf(name) };
        const [estimate] = compareRounds([rounds], true, new SeededRandom(1, 'peer'));
        const { ratio = Number.NaN, ratioInterval = [] } = estimate ?? {};
        const interval = ratioInterval.map((bound) => bound.toFixed(2)).join(' to ');
        print('', name, median(rounds.then).toFixed(0), `ours/peer ${ratio.toFixed(2)}`, interval);
      }
    }
  }
} finally {
  await server.stop();
}

function print(...[first = '', second = '', ...rest]: readonly string[]): void {
  say(first.padEnd(22) + second.padEnd(17) + rest.map((cell) => cell.padStart(16)).join(''));
}
