import { execFileSync } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { asBytes, bytesOf } from '../../src/redis/bytes.ts';
import { connect } from '../../src/redis/connect.ts';
import type { RedisCommand, RedisNode } from '../../src/redis/server.ts';
import { startSandboxServer } from '../../src/sandbox/server.ts';
import { type Measured, measure, median, say } from './measure.ts';

/**
 * `cachectl invalidate` beside `redis-cli --scan | xargs redis-cli unlink` on the same server, alternating; three tenths
 * of the keys go. Usage: npm run bench:invalidate -- [keys] [rounds]
 */
const keys = Number(process.argv[2] ?? 1_000_000);
const rounds = Number(process.argv[3] ?? 5);
const cachectl = fileURLToPath(new URL('../../bin/cachectl', import.meta.url));
const doomed = Math.round(keys * 0.3);

const server = await startSandboxServer({ variables: process.env });
const redis = await connect(server.target);
try {
  const [node] = redis.nodes;
  say(`filling a ${server.product} with ${keys.toLocaleString('en-US')} keys …`);
  await fill(node, 'kept', keys - doomed);
  const port = String(server.target.port);
  const pipe = `redis-cli -p ${port} --scan --pattern 'doomed:*' | xargs -n 1000 redis-cli -p ${port} unlink`;
  const contenders: Readonly<Record<string, () => Promise<Measured>>> = {
    'cachectl invalidate': () =>
      measure(cachectl, ['invalidate', '--url', server.url, '--pattern', 'doomed:*', '--yes', '--quiet']),
    'redis-cli | xargs': () => measure('sh', ['-c', pipe]),
  };
  const figures = new Map<string, number[]>();
  for (let round = 0; round < rounds; round++) {
    for (const [name, run] of Object.entries(contenders)) {
      await fill(node, 'doomed', doomed);
      const { seconds, exitCode } = await run();
      const left = Number(await node.call('DBSIZE'));
      if (exitCode !== 0 || left !== keys - doomed)
        throw new Error(`${name} ended with exit code ${String(exitCode)} and left ${left} keys`);
      figures.set(name, [...(figures.get(name) ?? []), seconds]);
    }
  }
  const peer = median(figures.get('redis-cli | xargs') ?? []);
  const version = execFileSync('redis-cli', ['--version'], { encoding: 'utf8' }).trim();
  say(
    `\n${doomed.toLocaleString('en-US')} keys removed; ${version} (COUNT 10, fixed), Node ${process.version}, medians of ${rounds} alternating rounds:\n`,
  );
  for (const [name, seconds] of figures) {
    const middle = median(seconds);
    const spread = `${Math.min(...seconds).toFixed(2)}–${Math.max(...seconds).toFixed(2)}`;
    say(
      `${name.padEnd(20)} ${middle.toFixed(2).padStart(6)} s  (${spread})  ratio ${(middle / peer).toFixed(3)}`,
    );
  }
} finally {
  redis.close();
  await server.stop();
}

async function fill(node: RedisNode, prefix: string, count: number): Promise<void> {
  const value = asBytes('v'.repeat(100));
  const lane = await node.openLane();
  try {
    for (let start = 0; start < count; start += 1000) {
      const batch = Array.from({ length: Math.min(1000, count - start) }, (_, index): RedisCommand => [
        'SET',
        bytesOf(`${prefix}:${start + index}:profile`),
        value,
        'EX',
        86_400,
      ]);
      await lane.exchange(batch);
    }
  } finally {
    lane.close();
  }
}
