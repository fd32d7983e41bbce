import { fileURLToPath } from 'node:url';
import { measure, median, say } from './measure.ts';

/** Whole-process time of `--version` and `--help` next to a bare `node -e 0`, alternating. Usage: npm run bench:startup -- [rounds [URL of a server, to ask it a question as well]] */
const rounds = Number(process.argv[2] ?? 30);
const cachectl = fileURLToPath(new URL('../../bin/cachectl', import.meta.url));

const contenders: Readonly<Record<string, readonly string[]>> = {
  'node -e 0': ['-e', '0'],
  'cachectl --version': [cachectl, '--version'],
  'cachectl --help': [cachectl, '--help'],
  'cachectl inspect --help': [cachectl, 'inspect', '--help'],
  ...(process.argv[3] && { 'cachectl ttl key': [cachectl, 'ttl', 'key', '-u', process.argv[3]] }),
};

const seconds = new Map<string, number[]>();
for (let round = 0; round < rounds; round++) {
  for (const [name, args] of Object.entries(contenders)) {
    const measured = await measure(process.execPath, args);
    // The first round warms the disk cache.
    if (round > 0) seconds.set(name, [...(seconds.get(name) ?? []), measured.seconds]);
  }
}
const bare = median(seconds.get('node -e 0') ?? []);
say(`Node ${process.version}, medians of ${rounds - 1} alternating rounds:`);
for (const [name, runs] of seconds) {
  say(
    `${name.padEnd(26)} ${(median(runs) * 1000).toFixed(1).padStart(6)} ms  ratio ${(median(runs) / bare).toFixed(2)}`,
  );
}
