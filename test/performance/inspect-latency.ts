import { type ChildProcess, fork } from 'node:child_process';
import { once } from 'node:events';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { counted } from '../../src/render/units.ts';
import type { BystanderReport } from './bystander.ts';
import { type Contender, findPeers, ours, redisMemkeys, valkeyMemkeys } from './contenders.ts';
import { startFilledServer } from './filled-server.ts';
import { measure, median, say } from './measure.ts';
import { programArguments } from './program-arguments.ts';
import { grouped, sayTable } from './table.ts';

/**
 * What reading a keyspace does to another client of the server: its round trips while nothing else runs, and while each
 * of the walks does. Usage: npm run bench:latency -- [keys] [rounds] [--skip-slow]
 */
const {
  numbers: [keys = 0, rounds = 0],
  skipSlow,
} = programArguments(1_000_000, 3);
const bystander = fileURLToPath(new URL('bystander.ts', import.meta.url));
const quietSeconds = 5;
const quiet = 'nothing else';

type Window = BystanderReport & { readonly seconds: number };

const server = await startFilledServer(keys);
try {
  const walks = [
    'inspect --exact',
    'inspect --exact --latency-budget 2ms',
    'inspect --exact --max-rate 50000',
  ].map((line) => ours(server.url, line));
  const peers = findPeers(server.port, [redisMemkeys, valkeyMemkeys], skipSlow);
  const windows = new Map<string, Window[]>();
  for (let round = 0; round < rounds; round++) {
    for (const walk of [null, ...walks, ...peers.list]) {
      const name = walk?.name ?? quiet;
      windows.set(name, [...(windows.get(name) ?? []), await observe(walk)]);
    }
  }
  say(
    `\n${grouped(keys)} keys, ${server.product}, Node ${process.version}; round trips of GET on one other connection, ` +
      `medians of ${counted(rounds, 'round')} (max: of all)`,
  );
  for (const remark of peers.remarks) say(remark);
  say('');
  report(windows);
} finally {
  await server.stop();
}

/** The round trips of a bystander while the walk runs from its start to its end; for a while without one. */
async function observe(walk: Contender | null): Promise<Window> {
  const other = fork(bystander, [String(server.port), String(keys)]);
  await messageOf(other);
  const [answer, seconds] = await Promise.all([
    messageOf(other),
    run(walk).finally(() => other.send('stop')),
  ]);
  return { ...(answer as BystanderReport), seconds };
}

/** @returns seconds */
async function run(walk: Contender | null): Promise<number> {
  if (walk === null) {
    await sleep(quietSeconds * 1000);
    return quietSeconds;
  }
  const { seconds, exitCode } = await measure(walk.command, walk.args);
  if (exitCode !== 0) throw new Error(`${walk.name} ended with exit code ${String(exitCode)}`);
  return seconds;
}

/** The next message of the bystander. @throws Error when it ends without one */
async function messageOf(other: ChildProcess): Promise<unknown> {
  const given = new AbortController();
  try {
    return await Promise.race([
      once(other, 'message', given).then(([message]: unknown[]) => message),
      once(other, 'exit', given).then(([code]: unknown[]) => {
        throw new Error(`the bystander ended with exit code ${String(code)}`);
      }),
    ]);
  } finally {
    given.abort();
  }
}

function report(results: ReadonlyMap<string, readonly Window[]>): void {
  const rows = [...results].map(([name, list]) => {
    const middle = (figure: keyof Window) => median(list.map((window) => window[figure]));
    return [
      name,
      middle('seconds').toFixed(2),
      grouped(middle('reads')),
      middle('p50Micros').toFixed(0),
      middle('p99Micros').toFixed(0),
      grouped(Math.max(...list.map(({ maxMicros }) => maxMicros))),
    ];
  });
  sayTable(['meanwhile', 'seconds', 'reads', 'p50 µs', 'p99 µs', 'max µs'], rows);
}
