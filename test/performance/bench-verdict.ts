import { execFile, fork } from 'node:child_process';
import { once } from 'node:events';
import { createServer, connect } from 'node:net';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import type { BenchResult } from '../../src/commands/bench/view.ts';
import { startRedisProcess } from '../server/redis-process.ts';
import { say } from './measure.ts';

/**
 * How often `cachectl bench --against` is right: on two connections to the same server, and on a server that is a fifth
 * slower, behind a relay of its own process that holds back each answer for a known time.
 * Usage: npm run bench:verdict [-- RUNS]
 */

const run = promisify(execFile);
const binary = fileURLToPath(new URL('../../bin/cachectl', import.meta.url));
const delays = [10, 12] as const;
const [, script = '', argument = '20'] = process.argv;

/** Relays with delays in milliseconds to a port; their own ports go to the parent. */
async function relay(target: number): Promise<void> {
  const ports = [];
  for (const delayMillis of delays) {
    const server = createServer((near) => {
      const far = connect(target, '127.0.0.1');
      for (const socket of [near, far]) socket.setNoDelay(true).on('error', () => near.destroy());
      near.on('close', () => far.destroy()).on('data', (chunk) => far.write(chunk));
      far.on('data', (chunk) => setTimeout(() => near.write(chunk), delayMillis));
    });
    server.listen(0, '127.0.0.1');
    await once(server, 'listening');
    ports.push((server.address() as { port: number }).port);
  }
  process.send?.(ports);
}

async function verdictOf(url: string, against: string): Promise<readonly string[]> {
  const { stdout } = await run(process.execPath, [
    ...[binary, 'bench', 'get', '--url', url, '--against', against, '--output', 'json', '--keys', '1000'],
  ]);
  const [comparison] = (JSON.parse(stdout) as BenchResult).comparisons;
  const measures = comparison?.measures ?? [];
  const seen = measures
    .filter(({ change }) => change !== 'none-seen')
    .map((each) => `${each.measure} ${each.change}`);
  const [low = 0, high = 0] = measures[1]?.ratioInterval ?? [];
  say(
    `  p50 ${((measures[1]?.ratio ?? 0) * 100).toFixed(1)} % (${(low * 100).toFixed(1)} to ${(high * 100).toFixed(1)}); ${seen.join(', ') || 'no difference seen'}`,
  );
  return seen;
}

async function measure(): Promise<void> {
  const runs = Number(argument);
  const server = await startRedisProcess('redis-server');
  const child = fork(script, ['--relay', String(server.port)]);
  try {
    const [[near, slow]] = (await once(child, 'message')) as [[number, number]];
    const urlOf = (port: number) => `redis://127.0.0.1:${port}`;
    const own = urlOf(server.port);
    let [calm, found] = [0, 0];
    say(`redis-server ${server.version}, Node ${process.version}; GET, the defaults of --against`);
    say('the same server twice:');
    for (let at = 0; at < runs; at++) if ((await verdictOf(own, own)).length === 0) calm++;
    say(`a server that is a fifth slower (answers held back for ${delays.join(' and ')} ms):`);
    for (let at = 0; at < runs; at++)
      if ((await verdictOf(urlOf(slow), urlOf(near))).includes('p50Micros slower')) found++;
    say(`no difference seen on the same server: ${calm} of ${runs}`);
    say(`slower by a fifth found: ${found} of ${runs}`);
  } finally {
    child.kill();
    await server.stop();
  }
}

if (process.argv[2] === '--relay') await relay(Number(process.argv[3]));
else await measure();
