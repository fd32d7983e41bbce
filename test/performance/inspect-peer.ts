import { execFileSync } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { connect } from '../../src/redis/connect.ts';
import { startSandboxServer } from '../../src/sandbox/server.ts';
import { fillKeyspace } from './keyspace.ts';
import { type Measured, measure, median, say } from './measure.ts';

/**
 * `cachectl inspect` beside `redis-cli --memkeys` on the same server, alternating.
 * Usage: npm run bench:peers -- [keys] [rounds]
 */
const keys = Number(process.argv[2] ?? 1_000_000);
const rounds = Number(process.argv[3] ?? 5);
const cachectl = fileURLToPath(new URL('../../bin/cachectl', import.meta.url));

const server = await startSandboxServer({ variables: process.env });
try {
  const redis = await connect(server.target);
  say(`filling a ${server.product} with ${keys.toLocaleString('en-US')} keys …`);
  await fillKeyspace(redis.nodes[0], keys);
  redis.close();

  const port = String(server.target.port);
  const contenders: Readonly<Record<string, () => Promise<Measured>>> = {
    'cachectl inspect': () =>
      measure(cachectl, ['inspect', '--url', server.url, '--output', 'json', '--quiet']),
    'cachectl stats': () => measure(cachectl, ['stats', '--url', server.url, '--output', 'json', '--quiet']),
    'redis-cli --memkeys': () => measure('redis-cli', ['-p', port, '--memkeys']),
  };
  const figures = new Map<string, Measured[]>();
  for (let round = 0; round < rounds; round++) {
    for (const [name, run] of Object.entries(contenders)) {
      const measured = await run();
      if (measured.exitCode !== 0)
        throw new Error(`${name} ended with exit code ${String(measured.exitCode)}`);
      figures.set(name, [...(figures.get(name) ?? []), measured]);
    }
  }

  const peer = median((figures.get('redis-cli --memkeys') ?? []).map(({ seconds }) => seconds));
  say(
    `\n${execFileSync('redis-cli', ['--version'], { encoding: 'utf8' }).trim()} (COUNT 10, fixed), Node ${process.version}, medians of ${rounds} alternating rounds:\n`,
  );
  for (const [name, runs] of figures) {
    const seconds = median(runs.map((run) => run.seconds));
    const peak = Math.max(...runs.map((run) => run.peakBytes)) / 1e6;
    const spread = `${Math.min(...runs.map((run) => run.seconds)).toFixed(2)}–${Math.max(...runs.map((run) => run.seconds)).toFixed(2)}`;
    say(
      `${name.padEnd(22)} ${seconds.toFixed(2).padStart(7)} s  (${spread})  ratio ${(seconds / peer).toFixed(3)}  peak ${peak.toFixed(0)} MB`,
    );
  }
} finally {
  await server.stop();
}
