import { execFile } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import type { WorkloadResult } from '../../src/bench/result.ts';
import { startRedisProcess } from '../server/redis-process.ts';
import { compareRounds } from '../../src/bench/statistics.ts';
import { SeededRandom } from '../../src/support/random.ts';
import { median, say } from './measure.ts';

/**
 * How `cachectl bench` compares with redis-benchmark, a program in C, on the same server: both in turn, eight rounds,
 * medians, and the ratio with its 95 % interval over the rounds. Needs `redis-benchmark` on PATH.
 * Usage: npm run bench:redis-benchmark [-- PROGRAM_OF_THE_SERVER]
 */

const run = promisify(execFile);
const binary = fileURLToPath(new URL('../../bin/cachectl', import.meta.url));
const rounds = 8;
const valueBytes = 256;
const keyCount = 10_000;

interface Setting {
  readonly connections: number;
  readonly pipeline: number;
  readonly operations: number;
}

const settings: readonly Setting[] = [
  { connections: 4, pipeline: 1, operations: 60_000 },
  { connections: 50, pipeline: 1, operations: 60_000 },
  { connections: 4, pipeline: 16, operations: 400_000 },
];

interface Figures {
  readonly throughputPerSecond: number;
  readonly p50Micros: number;
  readonly p99Micros: number;
}

/** In the order in which redis-benchmark runs them. */
const workloads = ['ping', 'set', 'get'] as const;
type Workload = (typeof workloads)[number];
type Round = ReadonlyMap<Workload, Figures>;

async function measurePeer(port: number, { connections, pipeline, operations }: Setting): Promise<Round> {
  const { stdout } = await run('redis-benchmark', [
    ...['-p', String(port), '-t', 'ping_mbulk,get,set', '-c', String(connections), '-n', String(operations)],
    ...['-P', String(pipeline), '-d', String(valueBytes), '-r', String(keyCount), '--csv'],
  ]);
  const [heading = '', ...lines] = stdout.trim().split('\n');
  const columns = fieldsOf(heading);
  const names: Readonly<Record<string, Workload>> = { PING_MBULK: 'ping', SET: 'set', GET: 'get' };
  return new Map(
    lines.flatMap((line) => {
      const fields = fieldsOf(line);
      const figure = (column: string) => Number(fields[columns.indexOf(column)]);
      const name = names[fields[0] ?? ''];
      if (name === undefined) return [];
      return [
        [
          name,
          {
            throughputPerSecond: figure('rps'),
            p50Micros: figure('p50_latency_ms') * 1000,
            p99Micros: figure('p99_latency_ms') * 1000,
          },
        ] as const,
      ];
    }),
  );
}

async function measureOurs(port: number, { connections, pipeline, operations }: Setting): Promise<Round> {
  const { stdout } = await run(process.execPath, [
    ...[binary, 'bench', ...workloads, '--url', `redis://127.0.0.1:${port}`, '--output', 'json'],
    ...['--connections', String(connections), '--pipeline', String(pipeline)],
    ...['--operations', String(operations), '--payload', String(valueBytes), '--keys', String(keyCount)],
  ]);
  const { results } = JSON.parse(stdout) as { results: WorkloadResult[] };
  return new Map(
    results.flatMap(({ name, throughputPerSecond, latency }) =>
      name === 'mixed' || latency === null
        ? []
        : [
            [
              name,
              { throughputPerSecond, p50Micros: latency.p50Micros, p99Micros: latency.p99Micros },
            ] as const,
          ],
    ),
  );
}

const fieldsOf = (line: string) => line.split(',').map((field) => field.replaceAll('"', ''));

function print(...cells: readonly (string | number)[]): void {
  const [first = '', ...rest] = cells.map(String);
  say(first.padEnd(24) + rest.map((cell) => cell.padStart(14)).join(''));
}

async function compare(port: number, setting: Setting): Promise<void> {
  const peer: Round[] = [];
  const ours: Round[] = [];
  for (let round = 0; round < rounds; round++) {
    peer.push(await measurePeer(port, setting));
    ours.push(await measureOurs(port, setting));
  }
  print(`\n${setting.connections} connections, pipeline of ${setting.pipeline}`);
  print('', 'peer', 'ours', 'ours/peer', '95 %');
  for (const workload of workloads) {
    for (const figure of ['throughputPerSecond', 'p50Micros', 'p99Micros'] as const) {
      const middle = (list: readonly Round[]) =>
        median(list.map((round) => round.get(workload)?.[figure] ?? Number.NaN));
      const [theirs, own] = [middle(peer), middle(ours)];
      const listOf = (list: readonly Round[]) =>
        list.map((round) => round.get(workload)?.[figure] ?? Number.NaN);
      const figures = { now: listOf(ours), then: listOf(peer) };
      const [estimate] = compareRounds([figures], true, new SeededRandom(1, 'peer'));
      const { ratio = Number.NaN, ratioInterval = [] } = estimate ?? {};
      const interval = ratioInterval.map((bound) => bound.toFixed(2)).join(' to ');
      print(`${workload} ${figure}`, theirs.toFixed(0), own.toFixed(0), ratio.toFixed(2), interval);
    }
  }
}

const server = await startRedisProcess(process.argv[2] ?? 'redis-server');
try {
  const { stdout } = await run('redis-benchmark', ['--version']);
  say(
    `${server.product} ${server.version}, ${stdout.trim()}, Node ${process.version}; ` +
      `${rounds} rounds, medians, values of ${valueBytes} B, ${keyCount} keys`,
  );
  for (const setting of settings) await compare(server.port, setting);
} finally {
  await server.stop();
}
