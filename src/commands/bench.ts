import { readFileSync } from 'node:fs';
import { resolve } from 'node:path';
import { Argument, Option } from '@commander-js/extra-typings';
import { type Baseline, type Comparison, compareWith, parseBaseline } from '../bench/baseline.ts';
import { judge, type Limits, type Verdict } from '../bench/gates.ts';
import { type BenchOptions, checkOptions, needsKeys, workloadNames } from '../bench/options.ts';
import type { BenchReport } from '../bench/result.ts';
import { InputError } from '../failure.ts';
import { countArgument, durationArgument, ratioArgument, sizeArgument } from './arguments.ts';
import { viewBench } from './bench-view.ts';
import type { Context, Outcome } from './context.ts';
import { exitCodes } from './exit-codes.ts';
import { confirmProtected } from './protection.ts';
import { type DefineCommand, examples } from './runner.ts';

export interface BenchResult extends BenchReport {
  /** One for each limit and each workload that was measured to its end; empty without `--fail-above` and the like. */
  readonly verdicts: readonly Verdict[];
  /** One for each workload that the baseline measured too; empty without `--baseline`. */
  readonly comparisons: readonly Comparison[];
}

interface BenchInput extends BenchOptions {
  readonly limits: Limits;
  readonly baselineFile: string | undefined;
  readonly confirm: string | undefined;
}

/**
 * Enough to keep a server on the same machine busy; more than that only wait for each other, and what is measured is
 * their queue (docs/benchmarking.md has figures).
 */
const defaultConnections = 4;

export const defineBench: DefineCommand = (program, run) => {
  program
    .command('bench')
    .summary('latency and throughput, with percentiles')
    .description(
      'Measures PING, GET, SET and a mix of GET and SET, and prints throughput and latency percentiles.\n' +
        'Works on keys of its own (cachectl:bench:…), each with a TTL, and removes them at the end.',
    )
    .addArgument(
      new Argument('[workload...]', 'what to run (default: all, in this order)').choices(workloadNames),
    )
    .option(
      '--connections <number>',
      'connections that send at the same time',
      countArgument(1),
      defaultConnections,
    )
    .option('--pipeline <number>', 'commands in one batch; latency is that of a batch', countArgument(1), 1)
    .addOption(new Option('--payload <size>', 'size of a value').argParser(sizeArgument).default(256, '256B'))
    .option('--keys <number>', 'keys to read and write', countArgument(1), 10_000)
    .addOption(
      new Option('--get-ratio <ratio>', 'share of GET in `mixed`')
        .argParser(ratioArgument)
        .default(0.8, '80%'),
    )
    .addOption(
      new Option('--duration <duration>', 'time for each workload')
        .argParser(durationArgument)
        .default(3, '3s'),
    )
    .addOption(
      new Option('--operations <number>', 'commands for each workload, in place of a time')
        .argParser(countArgument(1))
        .conflicts('duration'),
    )
    .addOption(
      new Option('--warmup <duration>', 'time before each workload that is not counted')
        .argParser(durationArgument)
        .default(0.5, '500ms'),
    )
    .option(
      '--rate <number>',
      'commands per second to offer; latency then counts from the intended start',
      countArgument(1),
    )
    .option('--baseline <file>', 'result of an earlier run, as JSON, to compare with')
    .option('--confirm <profile>', 'name of the protected profile to put under load')
    .optionsGroup('Limits:')
    .option('--fail-above <duration>', 'exit with 1 where a p99 is above this', durationArgument)
    .option('--min-throughput <number>', 'exit with 1 where fewer commands per second', countArgument(1))
    .addHelpText(
      'after',
      examples(
        ['cachectl bench', 'ping, get, set and mixed, 3 seconds each'],
        ['cachectl bench get --connections 50 --payload 4KiB', 'one workload, other sizes'],
        ['cachectl bench mixed --rate 2000 --duration 30s', 'latency at a load the server knows'],
        ['cachectl bench --baseline monday.json', 'faster or slower than a run that was kept as JSON?'],
        ['cachectl bench get --fail-above 2ms --output json', 'a gate in a pipeline'],
      ),
    )
    .action((workloads, options, self) => {
      const { operations, failAbove } = options;
      const input: BenchInput = {
        workloads: workloads.length === 0 ? workloadNames : [...new Set(workloads)],
        connections: options.connections,
        pipeline: options.pipeline,
        payloadBytes: options.payload,
        keys: options.keys,
        getRatio: options.getRatio,
        limit:
          operations === undefined
            ? { kind: 'duration', seconds: options.duration }
            : { kind: 'operations', count: operations },
        warmupSeconds: options.warmup,
        ratePerSecond: options.rate ?? null,
        limits: {
          maxP99Micros: failAbove === undefined ? null : failAbove * 1e6,
          minThroughputPerSecond: options.minThroughput ?? null,
        },
        baselineFile: options.baseline,
        confirm: options.confirm,
      };
      return run(self, {
        blank: {
          results: [],
          server: null,
          connections: null,
          pipeline: null,
          payloadBytes: null,
          keys: null,
          getRatio: null,
          warmupSeconds: null,
          ratePerSecond: null,
          keysRemoved: null,
          keysLeft: null,
          keyTtlSeconds: null,
          ownHits: null,
          ownMisses: null,
          verdicts: [],
          comparisons: [],
          warnings: [],
        },
        rows: 'results',
        run: (context) => bench(context, input),
        view: viewBench,
      });
    });
};

async function bench(context: Context, input: BenchInput): Promise<Outcome<BenchResult>> {
  const { confirm, limits, baselineFile, ...options } = input;
  checkOptions(options);
  const baseline = baselineFile === undefined ? null : readBaseline(context, baselineFile);
  const { profile } = context;
  if (profile?.readOnly === true && options.workloads.some(needsKeys)) {
    throw new InputError(
      `profile \`${profile.name}\` is read-only, and every workload but \`ping\` writes keys of its own`,
      'run `cachectl bench ping`, use another profile, or take "readOnly" out of the map',
    );
  }
  await confirmProtected(context, confirm, 'put it under load');
  const [{ runBenchmark }, { systemClock }] = await Promise.all([
    import('../bench/run.ts'),
    import('../bench/clock.ts'),
  ]);
  const { report, error } = await runBenchmark(await context.connect(), options, {
    clock: systemClock,
    signal: context.signal,
    random: context.random,
    progress: context.progress,
  });
  const verdicts = judge(report.results, limits);
  return {
    result: { ...withComparison(report, baseline), verdicts },
    exitCode: verdicts.every(({ passed }) => passed) ? exitCodes.success : exitCodes.negative,
    ...(error && { error }),
  };
}

/** @throws InputError */
function readBaseline({ environment }: Context, file: string): Baseline {
  try {
    return parseBaseline(readFileSync(resolve(environment.workingDirectory, file), 'utf8'));
  } catch (error) {
    throw new InputError(
      `\`${file}\` cannot be compared with: ${(error as Error).message}`,
      'make one with `cachectl bench --output json > FILE`',
    );
  }
}

function withComparison(report: BenchReport, baseline: Baseline | null): Omit<BenchResult, 'verdicts'> {
  if (baseline === null) return { ...report, comparisons: [] };
  const { comparisons, otherSettings } = compareWith(baseline, report);
  const warnings =
    otherSettings.length === 0
      ? report.warnings
      : [...report.warnings, { kind: 'other-settings' as const, settings: otherSettings }];
  return { ...report, comparisons, warnings };
}
