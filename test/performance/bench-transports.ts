import { execFile } from 'node:child_process';
import { availableParallelism } from 'node:os';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { compareRounds } from '../../src/bench/statistics.ts';
import type { BenchResult } from '../../src/commands/bench/view.ts';
import { SeededRandom } from '../../src/support/random.ts';
import { freePort, type RedisProcess, startRedisProcess } from '../server/redis-process.ts';
import { until } from '../server/until.ts';
import { median, say } from './measure.ts';
import { grouped, sayTable } from './table.ts';

/**
 * What the way to a server costs: `cachectl bench get` over TCP, a Unix socket, TLS and to a cluster of three nodes, over TCP in two
 * threads, and redis-benchmark over the first three. All in turn in each round, in an order that is drawn; medians, and the ratio to TCP
 * (of redis-benchmark: of ours to it, over the same way) with its 95 % interval over the rounds. Needs `redis-benchmark` and `redis-cli`.
 * Usage: npm run bench:transports [-- PROGRAM_OF_THE_SERVER [ROUNDS]]
 */

const run = promisify(execFile);
const binary = fileURLToPath(new URL('../../bin/cachectl', import.meta.url));
const [serverProgram = 'redis-server', roundsText = '12'] = process.argv.slice(2);
const rounds = Number(roundsText);
const [valueBytes, keyCount, seconds] = [256, 10_000, 1];

interface Figures {
  readonly throughputPerSecond: number;
  readonly p50Micros: number;
  readonly p99Micros: number;
}

type Contender = (connections: number) => Promise<Figures>;

/** Of each run of ours: how much of the time it was ready and had to wait for a processor. */
const starvations: number[] = [];

const ours =
  (url: string, ...args: readonly string[]): Contender =>
  async (connections) => {
    const { stdout } = await run(process.execPath, [
      ...[binary, 'bench', 'get', '--url', url, ...args, '--output', 'json', '--quiet', '--warmup', '200ms'],
      ...['--connections', String(connections), '--duration', `${seconds}s`],
      ...['--payload', String(valueBytes), '--keys', String(keyCount)],
    ]);
    const [result] = (JSON.parse(stdout) as BenchResult).results;
    if (result?.latency == null) throw new Error('cachectl measured nothing');
    starvations.push(result.clientStarvation ?? 0);
    return { ...result.latency, throughputPerSecond: result.throughputPerSecond };
  };

/** The keys are there once it has written them. */
const theirs =
  (...way: readonly string[]): Contender =>
  async (connections) => {
    const { stdout } = await run('redis-benchmark', [
      ...[...way, '-t', 'set,get', '-c', String(connections), '-n', '40000', '--csv'],
      ...['-d', String(valueBytes), '-r', String(keyCount)],
    ]);
    const [columns = [], , figures = []] = stdout
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

const started: RedisProcess[] = [];

async function start(options: Parameters<typeof startRedisProcess>[1] = {}): Promise<RedisProcess> {
  const server = await startRedisProcess(serverProgram, options);
  started.push(server);
  return server;
}

/** @returns the URL of one of three nodes */
async function startCluster(): Promise<string> {
  const nodes: RedisProcess[] = [];
  for (let node = 0; node < 3; node++) {
    const busPort = String(await freePort());
    nodes.push(await start({ args: ['--cluster-enabled', 'yes', '--cluster-port', busPort] }));
  }
  const places = nodes.map(({ port }) => `127.0.0.1:${port}`);
  await run('redis-cli', ['--cluster', 'create', ...places, '--cluster-yes']);
  for (const { port } of nodes)
    await until('the cluster comes together', async () => {
      const { stdout } = await run('redis-cli', ['-p', String(port), 'cluster', 'info']);
      return stdout.includes('cluster_state:ok');
    });
  return nodes[0]?.url ?? '';
}

/** In an order that is drawn for each round. */
async function measureAll(
  contenders: ReadonlyMap<string, Contender>,
  connections: number,
): Promise<Map<string, Figures[]>> {
  const measured = new Map([...contenders.keys()].map((name) => [name, [] as Figures[]]));
  const random = new SeededRandom(1, 'order', connections);
  for (let round = 0; round < rounds; round++) {
    const left = [...contenders];
    while (left.length > 0) {
      const [next] = left.splice(random.below(left.length), 1);
      if (next) measured.get(next[0])?.push(await next[1](connections));
    }
  }
  return measured;
}

function ratioText(now: readonly number[], then: readonly number[]): string {
  const [estimate] = compareRounds([{ now, then }], true, new SeededRandom(1, 'ratio'));
  const [low, high] = estimate?.ratioInterval ?? [Number.NaN, Number.NaN];
  return `${(estimate?.ratio ?? Number.NaN).toFixed(2)} (${low.toFixed(2)} to ${high.toFixed(2)})`;
}

const peerOf = (name: string) => `redis-benchmark, ${name}`;

try {
  const [plain, secured, cluster] = [await start(), await start({ tls: true }), await startCluster()];
  const ca = secured.certificates?.caFile ?? '';
  const plainPort = ['-p', String(plain.port)];
  const contenders = new Map<string, Contender>([
    ['TCP', ours(plain.url, '--threads', '1')],
    ['TCP, two threads', ours(plain.url, '--threads', '2')],
    ['Unix socket', ours(`unix://${plain.socketPath}`, '--threads', '1')],
    ['TLS', ours(secured.url, '--tls-ca', ca, '--threads', '1')],
    ['cluster of 3', ours(cluster, '--cluster', '--threads', '1')],
    [peerOf('TCP'), theirs(...plainPort)],
    [peerOf('Unix socket'), theirs('-s', plain.socketPath)],
    [peerOf('TLS'), theirs('-p', String(secured.port), '--tls', '--cacert', ca)],
  ]);
  say(
    `${plain.product} ${plain.version}, Node ${process.version}, ${availableParallelism()} processors; GET of ${valueBytes} B, ` +
      `${rounds} rounds of ${seconds} s, medians`,
  );
  for (const connections of [4, 50]) {
    const measured = await measureAll(contenders, connections);
    const figures = (name: string, figure: keyof Figures) =>
      (measured.get(name) ?? []).map((each) => each[figure]);
    say(
      `\n${connections} connections; cachectl waited for a processor ${(100 * median(starvations.splice(0))).toFixed(0)} % of the time`,
    );
    sayTable(
      ['', 'GET/s', 'p50 µs', 'p99 µs', 'throughput to TCP', 'p50 to TCP', 'throughput to redis-benchmark'],
      [...contenders.keys()].map((name) => {
        const [own, p50] = [figures(name, 'throughputPerSecond'), figures(name, 'p50Micros')];
        const peer = figures(peerOf(name), 'throughputPerSecond');
        const isOther = name !== 'TCP' && !name.startsWith(peerOf(''));
        return [
          ...[name, grouped(median(own)), grouped(median(p50)), grouped(median(figures(name, 'p99Micros')))],
          isOther ? ratioText(own, figures('TCP', 'throughputPerSecond')) : '',
          isOther ? ratioText(p50, figures('TCP', 'p50Micros')) : '',
          peer.length > 0 ? ratioText(own, peer) : '',
        ];
      }),
    );
  }
} finally {
  await Promise.all(started.map((server) => server.stop()));
}
