import { SeededRandom } from '../../src/support/random.ts';
import { startRedisProcess } from '../server/redis-process.ts';
import { startCacheAside } from '../traffic/cache-aside.ts';
import { readerOf } from '../traffic/reuse-traces.ts';
import { ours } from './contenders.ts';
import { measureWithOutput, say } from './measure.ts';
import { programArguments } from './program-arguments.ts';
import { sayTable } from './table.ts';
import { environmentIn, inTemporaryFolder } from './temporary-folder.ts';

/**
 * Peak memory of `whatif` next to that of `hits`, on a load that fills the sample to its bounds.
 * Usage: npm run bench:curves-memory -- [rounds] [seconds] [keys] [reads per second] [--server PROGRAM]
 */
const {
  numbers: [rounds = 0, seconds = 0, keys = 0, readsPerSecond = 0],
  server: program,
} = programArguments(3, 30, 200_000, 15_000);

const lines = ['hits --mode exact', 'whatif', 'whatif --rate 1%'];
const peaks = new Map<string, number[]>(lines.map((line) => [line, []]));
const server = await startRedisProcess(program, {
  args: ['--maxmemory', '60000000', '--maxmemory-policy', 'allkeys-lru'],
});
try {
  const random = new SeededRandom(1, 'sizes');
  const application = await startCacheAside(server.port, {
    next: readerOf('zipf 0.9', keys, new SeededRandom(2, 'reads')),
    nameOf: (key) => `item:${key}`,
    bytes: Array.from({ length: keys }, () => random.size(700)),
    ...{ ttlMillis: null, readsPerSecond },
  });
  await inTemporaryFolder(async (folder) => {
    for (let round = 0; round < rounds; round++)
      for (const line of lines) {
        const { command, args } = ours(server.url, `${line} --for ${seconds}s`);
        const measured = await measureWithOutput(command, args, environmentIn(folder));
        if (measured.exitCode !== 0) throw new Error(measured.output);
        const { sampledKeys, sampledAccesses } = JSON.parse(measured.output) as Record<string, number>;
        if (round === 0 && sampledKeys !== undefined)
          say(`\`${line}\`: a sample of ${sampledKeys} keys and ${sampledAccesses} accesses`);
        peaks.get(line)?.push(measured.peakBytes / 1e6);
      }
  });
  await application.stop();
} finally {
  await server.stop();
}
const meanOf = (line: string) => (peaks.get(line) ?? []).reduce((sum, each) => sum + each / rounds, 0);
const base = meanOf('hits --mode exact');
say(`${server.product} ${server.version}, Node ${process.version}, ${rounds} windows of ${seconds} s each`);
sayTable(
  ['', 'peak MB, mean', 'highest', 'more than hits'],
  lines.map((line) => [
    ...[line, meanOf(line).toFixed(0), Math.max(...(peaks.get(line) ?? [])).toFixed(0)],
    (meanOf(line) - base).toFixed(0),
  ]),
);
