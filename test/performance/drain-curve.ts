import { type ChildProcess, fork } from 'node:child_process';
import { on } from 'node:events';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { InvalidateResult } from '../../src/commands/invalidate/result.ts';
import { barOf } from '../../src/render/width.ts';
import { counted, formatRatio } from '../../src/render/units.ts';
import { ours } from './contenders.ts';
import type { LoadSecond } from './drain-load.ts';
import { type EmptyServer, onEmptyServer } from './empty-server.ts';
import { measureWithOutput, median, say } from './measure.ts';
import { programArguments } from './program-arguments.ts';
import { type StringRecord, writeRecords } from './records.ts';
import { grouped, sayTable } from './table.ts';
import { environmentIn, inTemporaryFolder } from './temporary-folder.ts';

/**
 * What an application and the source behind its cache feel of `cachectl invalidate --namespace hot`, second by second:
 * at once, and with --mode soft over a while. Usage: npm run bench:drain -- [seconds] [keys of a namespace]
 */
const {
  numbers: [overSeconds = 0, keysOfNamespace = 0],
} = programArguments(30, 20_000);
const secondsBefore = 5;
const secondsAfter = 5;
const readsPerSecond = 10_000;
const namespaces = ['hot', 'cold-a', 'cold-b'];
const load = fileURLToPath(new URL('drain-load.ts', import.meta.url));

const modes = [
  { name: 'unlink', options: '--mode unlink' },
  { name: 'soft', options: `--mode soft --over ${overSeconds}s` },
] as const;

await inTemporaryFolder((folder) =>
  onEmptyServer(async (server) => {
    const map = join(folder, 'cachectl.config.json');
    const patterns = Object.fromEntries(namespaces.map((name) => [name, { pattern: `${name}:*` }]));
    writeFileSync(map, JSON.stringify({ namespaces: patterns }));
    const curves: LoadSecond[][] = [];
    for (const { options } of modes) {
      say(
        `--namespace hot ${options}: watching ${counted(secondsBefore + overSeconds + secondsAfter, 'second')} …`,
      );
      await writeRecords(server.node, records());
      const command = `invalidate --namespace hot ${options} --yes --config ${map}`;
      curves.push(await observe(server, () => invalidate(server, command, folder)));
    }
    report(curves, server.product);
  }),
);

function* records(): Generator<StringRecord> {
  for (const name of namespaces)
    for (let rank = 0; rank < keysOfNamespace; rank++)
      yield { key: `${name}:${rank}`, value: 'v'.repeat(200), ttl: 3600 };
}

/** The seconds of a load, in which the work begins at the end of the first few. */
async function observe({ port }: EmptyServer, work: () => Promise<void>): Promise<LoadSecond[]> {
  const other = fork(load, [port, readsPerSecond, keysOfNamespace].map(String));
  const seconds: LoadSecond[] = [];
  let working: Promise<void> | undefined;
  try {
    for await (const second of secondsOf(other)) {
      seconds.push(second);
      if (seconds.length === secondsBefore) working = work();
      if (seconds.length === secondsBefore + overSeconds + secondsAfter) break;
    }
    await working;
    return seconds;
  } finally {
    other.send('stop');
  }
}

/** @throws Error when the load ends by itself */
async function* secondsOf(other: ChildProcess): AsyncGenerator<LoadSecond> {
  const ended = new AbortController();
  other.once('exit', () => ended.abort(new Error('the load has ended before it was asked to')));
  for await (const [second] of on(other, 'message', { signal: ended.signal }) as AsyncIterable<[LoadSecond]>)
    yield second;
}

/** @throws Error unless all keys of the namespace were reached */
async function invalidate({ url }: EmptyServer, line: string, folder: string): Promise<void> {
  const { command, args } = ours(url, line);
  const { output, exitCode } = await measureWithOutput(command, args, environmentIn(folder));
  const { removed } = JSON.parse(output) as InvalidateResult;
  if (exitCode !== 0 || removed !== keysOfNamespace)
    throw new Error(`\`${line}\` reached ${removed} of ${keysOfNamespace} keys`);
}

function report(curves: readonly LoadSecond[][], product: string): void {
  say(
    `\n${counted(namespaces.length, 'namespace')} of ${grouped(keysOfNamespace)} keys, ${product}, Node ${process.version}; ` +
      `${grouped(readsPerSecond)} reads/s asked for; a source of 5 ms, at most 50 at a time`,
  );
  const peak = Math.max(...curves.flat().map(({ refills }) => refills), 1);
  const bar = (ratio: number) => barOf(ratio, { unicode: false });
  const seconds = curves[0]?.map((_, index) => index) ?? [];
  const rows = seconds.map((index) => [
    String(index - secondsBefore),
    ...curves.flatMap((curve) => {
      const second = curve[index];
      if (second === undefined) return [];
      const rate = hitRateOf(second);
      return [formatRatio(rate), bar(rate), grouped(second.refills), bar(second.refills / peak)];
    }),
  ]);
  say('hit rate of the hot namespace, and refills per second:\n');
  const heading = modes.flatMap(({ name }) => [`${name}: hot`, '', 'refills/s', '']);
  sayTable(['second', ...heading], rows, [2, 4, 6, 8]);
  say('');
  const summary = curves.map((curve, place) => {
    const since = curve.slice(secondsBefore);
    return [
      `--mode ${modes[place]?.name ?? ''}`,
      grouped(peakRefills(curve)),
      (peakRefills(curve) / peakRefills(curves[0] ?? [])).toFixed(3),
      formatRatio(Math.min(...since.map(hitRateOf))),
      grouped(since.reduce((sum, { refills }) => sum + refills, 0)),
      grouped(median(curve.map(({ hot, cold }) => hot.hits + hot.misses + cold.hits + cold.misses))),
    ];
  });
  sayTable(['', 'peak refills/s', '/ unlink', 'least hit rate', 'refills', 'reads/s'], summary);
}

function hitRateOf({ hot: { hits, misses } }: LoadSecond): number {
  return hits / (hits + misses);
}

function peakRefills(curve: readonly LoadSecond[]): number {
  return Math.max(...curve.map(({ refills }) => refills));
}
