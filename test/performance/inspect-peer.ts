import type { InspectResult } from '../../src/commands/inspect/result.ts';
import { counted, formatRatio } from '../../src/render/units.ts';
import { compareWithWritten } from './against-written.ts';
import { type Contender, findPeers, ours, redisMemkeys, valkeyMemkeys } from './contenders.ts';
import { startFilledServer } from './filled-server.ts';
import { type Measured, measure, measureWithOutput, median, peakText, say } from './measure.ts';
import { programArguments } from './program-arguments.ts';
import { grouped, sayTable } from './table.ts';

/**
 * `cachectl inspect` and `stats` next to what redis-cli and valkey-cli report of a keyspace, alternating on one server. Times
 * are those of whole processes with their output thrown away. `valkey-cli --scan` prints nothing but names: it is the
 * floor. Usage: npm run bench:peers -- [keys] [rounds] [--skip-slow]
 */
const {
  numbers: [keys = 0, rounds = 0],
  skipSlow,
} = programArguments(1_000_000, 5);

interface Run extends Measured {
  readonly serverCpuSeconds: number;
  readonly scanCalls: number;
}

const server = await startFilledServer(keys);
try {
  const exact = ['stats --exact', 'inspect --exact'].map((line) => ours(server.url, line));
  const sampling = ['stats', 'inspect'].map((line) => ours(server.url, line));
  const peers = findPeers(
    server.port,
    [redisMemkeys, 'redis-cli --bigkeys', valkeyMemkeys, 'valkey-cli --scan --count 1000'],
    skipSlow,
  );
  for (const contender of exact) await checkExact(contender);
  for (const contender of sampling) await describeSample(contender);
  const contenders = [...exact, ...sampling, ...peers.list];
  const runs = new Map<string, Run[]>(contenders.map(({ name }) => [name, []]));
  for (let round = 0; round < rounds; round++) {
    // Each round begins with another one, so that none runs always behind the same neighbour.
    const first = round % contenders.length;
    for (const contender of [...contenders.slice(first), ...contenders.slice(0, first)])
      runs.get(contender.name)?.push(await runOnce(contender));
  }
  say(
    `\n${grouped(keys)} keys, ${server.product}, Node ${process.version}, medians of ${counted(rounds, 'round')}, alternating`,
  );
  for (const remark of peers.remarks) say(remark);
  say('');
  report(runs);
} finally {
  await server.stop();
}

/** Also the first run of this program, which warms the disk cache. @throws Error where a count is not what was written */
async function checkExact(contender: Contender): Promise<void> {
  const { namespaces } = await resultOf(contender);
  const compared = compareWithWritten(namespaces, server.written);
  say(`${contender.name}: all ${compared} counts that were known beforehand are what was written`);
}

async function describeSample(contender: Contender): Promise<void> {
  const { reading } = await resultOf(contender);
  const { method, scannedKeys, precision } = reading;
  const reached =
    precision?.reached == null ? '' : `, large namespaces within ±${formatRatio(precision.reached)}`;
  say(`${contender.name}: method \`${method}\`, ${grouped(scannedKeys ?? 0)} keys read${reached}`);
}

async function resultOf({
  command,
  args,
}: Contender): Promise<Pick<InspectResult, 'namespaces' | 'reading'>> {
  const { output } = await measureWithOutput(command, args);
  return JSON.parse(output) as InspectResult;
}

async function runOnce({ name, command, args }: Contender): Promise<Run> {
  const before = await server.spent();
  const measured = await measure(command, args);
  const after = await server.spent();
  if (measured.exitCode !== 0) throw new Error(`${name} ended with exit code ${String(measured.exitCode)}`);
  return {
    ...measured,
    serverCpuSeconds: after.cpuSeconds - before.cpuSeconds,
    scanCalls: after.scanCalls - before.scanCalls,
  };
}

function report(results: ReadonlyMap<string, readonly Run[]>): void {
  const middle = (name: string, figure: keyof Omit<Run, 'exitCode'>) =>
    median((results.get(name) ?? []).map((run) => run[figure]));
  const references = [valkeyMemkeys, redisMemkeys].filter((name) => results.has(name));
  const rows = [...results].map(([name, list]) => {
    const seconds = list.map((run) => run.seconds);
    return [
      name,
      middle(name, 'seconds').toFixed(2),
      `${Math.min(...seconds).toFixed(2)}–${Math.max(...seconds).toFixed(2)}`,
      ...references.map((peer) => (middle(name, 'seconds') / middle(peer, 'seconds')).toFixed(3)),
      ((middle(name, 'serverCpuSeconds') / keys) * 1e6).toFixed(2),
      grouped(middle(name, 'scanCalls')),
      peakText(list),
    ];
  });
  const ratios = references.map((name) => `/ ${name.split(' ')[0] ?? ''}`);
  sayTable(['', 'seconds', 'min–max', ...ratios, 'server µs/key', 'SCAN calls', 'peak MB'], rows);
  say('');
  for (const name of references) say(`ratio to the median of \`${name}\``);
  say(
    'server µs/key: its CPU over all keys of the keyspace, read or not; SCAN calls: as the server counts them',
  );
}
