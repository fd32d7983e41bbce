import type { InspectResult } from '../../src/commands/inspect/result.ts';
import { compareWithWritten } from './against-written.ts';
import { ours } from './contenders.ts';
import { type Coverage, coverageOf, steadyFigures } from './coverage.ts';
import { startFilledServer } from './filled-server.ts';
import { type Measured, measureWithOutput, median, say } from './measure.ts';
import { programArguments } from './program-arguments.ts';
import { grouped, sayTable } from './table.ts';

/**
 * Whether the 95 % intervals of a sample hold the exact figures: one `cachectl inspect` for each seed, on one server.
 * Keyspaces that `inspect` reads whole by itself are sampled only where a precision is given, such as 0.1.
 * Usage: npm run bench:sample -- [keys] [seeds] [precision]
 */
const {
  numbers: [keys = 0, seeds = 0, precision = 0],
} = programArguments(1_000_000, 20, 0);
const askedPrecision = precision === 0 ? '' : ` --precision ${precision * 100}%`;

type Sample = Measured & { readonly result: InspectResult };

const server = await startFilledServer(keys);
try {
  const before = await inspect('--exact');
  compareWithWritten(before.result.namespaces, server.written);
  const samples: Sample[] = [];
  for (let seed = 1; seed <= seeds; seed++) {
    const sample = await inspect(`--seed ${seed}${askedPrecision}`);
    if (sample.result.reading.method !== 'sample')
      throw new Error(`\`inspect\` read all of ${grouped(keys)} keys: take more, or a coarser precision`);
    samples.push(sample);
  }
  const after = await inspect('--exact');
  const { steady, changed } = steadyFigures(before.result, after.result);
  say(`\n${grouped(keys)} keys, ${server.product}, Node ${process.version}, seeds 1 to ${seeds}\n`);
  reportCoverage(
    coverageOf(
      steady,
      samples.map(({ result }) => result),
    ),
  );
  say(`left out: figures of 0, and ${changed} that changed between the exact readings before and after\n`);
  reportCost(samples, before);
} finally {
  await server.stop();
}

async function inspect(options: string): Promise<Sample> {
  const { name, command, args } = ours(server.url, `inspect ${options} --limit 1000`);
  const { output, ...measured } = await measureWithOutput(command, args);
  if (measured.exitCode !== 0) throw new Error(`${name} ended with exit code ${String(measured.exitCode)}`);
  return { ...measured, result: JSON.parse(output) as InspectResult };
}

function reportCoverage(coverages: readonly Coverage[]): void {
  const rows = [...new Set(coverages.map(({ kind }) => kind))].map((kind) => {
    const [least, ...others] = coverages
      .filter((coverage) => coverage.kind === kind)
      .sort((left, right) => left.held - right.held);
    const alike = others.filter(({ held }) => held === least?.held).length;
    return [kind, ...cellsOf([...(least ? [least] : []), ...others]), (least?.name ?? '') + andMore(alike)];
  });
  sayTable(
    ['', 'figures', 'least held', 'held in all', 'of which the least'],
    [...rows, ['together', ...cellsOf(coverages), '']],
    [0, 4],
  );
  const least = Math.min(...coverages.map(({ held }) => held));
  say(
    `\na true 95 % interval holds in ${least} or fewer of ${seeds} seeds with probability ` +
      `${shareText(chanceOfAtMost(least))}; ${coverages.length} figures were looked at, and some hang together`,
  );
}

function cellsOf(coverages: readonly Coverage[]): string[] {
  const held = coverages.map((coverage) => coverage.held);
  const share = held.reduce((sum, count) => sum + count, 0) / (held.length * seeds);
  return [String(held.length), `${Math.min(...held)}/${seeds}`, shareText(share)];
}

function andMore(count: number): string {
  return count === 0 ? '' : ` and ${count} more`;
}

function reportCost(samples: readonly Sample[], exact: Sample): void {
  const row = (name: string, values: readonly number[], text: (value: number) => string) => [
    name,
    text(Math.min(...values)),
    text(median(values)),
    text(Math.max(...values)),
  ];
  const readings = samples.map(({ result }) => result.reading);
  sayTable(
    ['', 'least', 'median', 'most'],
    [
      row(
        'seconds, whole process',
        samples.map(({ seconds }) => seconds),
        (value) => value.toFixed(2),
      ),
      row(
        'keys read',
        readings.map(({ scannedKeys }) => scannedKeys ?? 0),
        grouped,
      ),
      row(
        'precision reached (half-width)',
        readings.map((reading) => reading.precision?.reached ?? Number.NaN),
        shareText,
      ),
    ],
  );
  say(`\`inspect --exact\` beside it: ${exact.seconds.toFixed(2)} s`);
}

/** Distribution function of the binomial with `seeds` trials at 95 %. */
function chanceOfAtMost(most: number): number {
  let chance = 0;
  let choices = 1;
  for (let held = 0; held <= most; held++) {
    chance += choices * 0.95 ** held * 0.05 ** (seeds - held);
    choices = (choices * (seeds - held)) / (held + 1);
  }
  return chance;
}

function shareText(share: number): string {
  return `${(share * 100).toFixed(2)} %`;
}
