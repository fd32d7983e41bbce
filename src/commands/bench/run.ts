import { resolve } from 'node:path';
import { type Baseline, compareWith, parseBaseline } from '../../bench/baseline.ts';
import { judge } from '../../bench/gates.ts';
import { type BenchOptions, checkOptions, needsKeys, workloadNames } from '../../bench/options.ts';
import type { BenchReport } from '../../bench/result.ts';
import { InputError } from '../../support/failure.ts';
import { readNamedFile } from '../../support/named-file.ts';
import { type BenchResult, interruptionText, viewBench } from './view.ts';
import type { Context, Execution, Outcome } from '../context.ts';
import { exitCodes } from '../exit-codes.ts';
import { confirmProtected, requireWritable } from '../protection.ts';
import { blankOf } from '../blank.ts';

/** Without `workloads`: all of them. */
export interface BenchInput extends Pick<
  BenchOptions,
  'workloads' | 'connections' | 'pipeline' | 'keys' | 'getRatio'
> {
  /** Bytes. */
  readonly payload: number;
  /** Seconds; not used where `operations` is given. */
  readonly duration: number;
  readonly operations?: number;
  /** Seconds. */
  readonly warmup: number;
  /** Commands per second. */
  readonly rate?: number;
  /** A file. */
  readonly baseline?: string;
  /** Seconds. */
  readonly failAbove?: number;
  /** Commands per second. */
  readonly minThroughput?: number;
  readonly confirm?: string;
}

function optionsOf(input: BenchInput): BenchOptions {
  const { workloads, connections, pipeline, keys, getRatio, operations } = input;
  return {
    workloads: workloads.length === 0 ? workloadNames : [...new Set(workloads)],
    ...{ connections, pipeline, payloadBytes: input.payload, keys, getRatio },
    limit:
      operations === undefined
        ? { kind: 'duration', seconds: input.duration }
        : { kind: 'operations', count: operations },
    ...{ warmupSeconds: input.warmup, ratePerSecond: input.rate ?? null },
  };
}

/** `bench` from its input to its result. */
export function benchExecution(input: BenchInput): Execution<BenchResult> {
  return {
    blank: blankOf<BenchResult>()(`
      results[] server connections pipeline payloadBytes keys getRatio warmupSeconds ratePerSecond
      keysRemoved keysLeft keyTtlSeconds verdicts[] comparisons[] warnings[]
    `),
    rows: 'results',
    oneTable: true,
    run: (context) => bench(context, input),
    view: viewBench,
  };
}

async function bench(context: Context, input: BenchInput): Promise<Outcome<BenchResult>> {
  const options = optionsOf(input);
  checkOptions(options);
  const baseline = input.baseline === undefined ? null : await readBaseline(context, input.baseline);
  const server = await context.reconnect();
  if (options.workloads.some(needsKeys))
    requireWritable(
      await context.protectionsOf(server),
      'every workload but `ping`',
      'run `cachectl bench ping`; ',
    );
  await confirmProtected(context, server, input.confirm, 'put it under load');
  const [{ runBenchmark }, { systemClock }] = await Promise.all([
    import('../../bench/run.ts'),
    import('../../bench/clock.ts'),
  ]);
  const { report, error } = await runBenchmark(server, options, {
    clock: systemClock,
    signal: context.signal,
    random: context.random,
    progress: context.progress,
  });
  const verdicts = judge(report.results, {
    maxP99Micros: input.failAbove === undefined ? null : input.failAbove * 1e6,
    minThroughputPerSecond: input.minThroughput ?? null,
  });
  if (context.signal.aborted) context.warnOfResult(interruptionText(options.workloads, report));
  return {
    result: { ...withComparison(report, baseline), verdicts },
    exitCode: verdicts.every(({ met }) => met) ? exitCodes.success : exitCodes.negative,
    ...(error && { error }),
  };
}

/** @throws InputError */
async function readBaseline({ environment, signal }: Context, file: string): Promise<Baseline> {
  const failure = (cause: string) =>
    new InputError(
      `\`${file}\` cannot be compared with: ${cause}`,
      'make one with `cachectl bench --output json > FILE`',
    );
  const text = await readNamedFile(resolve(environment.workingDirectory, file), signal, failure);
  try {
    return parseBaseline(text.toString());
  } catch (error) {
    throw failure(error instanceof Error ? error.message : String(error));
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
