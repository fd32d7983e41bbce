import { availableParallelism } from 'node:os';
import { join } from 'node:path';
import { otherSettingsOf } from '../../bench/baseline.ts';
import { compareResults, type Comparison, figuresOf } from '../../bench/comparison.ts';
import type { KeyShortage } from '../../bench/footprint.ts';
import { judge, judgeSlowdowns, type Verdict } from '../../bench/gates.ts';
import {
  type BenchOptions,
  checkOptions,
  defaultWorkloads,
  isWriting,
  type Likeness,
  usualThreads,
  type WorkloadName,
} from '../../bench/options.ts';
import type { BenchReport } from '../../bench/result.ts';
import { canJudge, fewestRounds } from '../../bench/statistics.ts';
import { counted } from '../../render/units.ts';
import { pick } from '../../support/collections.ts';
import { InputError } from '../../support/failure.ts';
import { type BenchResult, interruptionText, viewBench } from './view.ts';
import type { Context, Execution, Outcome } from '../context.ts';
import { exitCodes } from '../exit-codes.ts';
import { blankOf } from '../blank.ts';
import { shortageFailure } from '../memory-shortage.ts';
import { requireNewFiles, writeHistograms } from './histograms.ts';
import { type LikeInput, likenessOf } from './like.ts';
import { confirmLoad, type Opponent, opponentInFile, opponentNamed } from './against.ts';

/** As the options are called: seconds, commands, commands per second, and shares from 0. Without `workloads`: the usual ones. */
export interface BenchInput
  extends
    LikeInput,
    Pick<
      BenchOptions,
      'workloads' | 'connections' | 'pipeline' | 'payload' | 'keys' | 'getRatio' | 'hitRatio' | 'distribution'
    >,
    Partial<Record<'duration' | 'operations' | 'threads' | 'warmup' | 'rate' | 'rounds' | LimitName, number>>,
    Partial<Record<'against' | 'baseline' | 'hdrFilePrefix', string>> {
  readonly group: number;
  readonly allowEvictions?: true;
  readonly confirm?: readonly string[];
}

type LimitName = 'failAbove' | 'minThroughput' | 'failSlower' | 'failMissRatio';

/** Many short ones: what else a machine does changes from second to second, and less between two rounds. */
const defaultRounds = 20;

function optionsOf(input: BenchInput, opponent: Opponent | null, like: Likeness | null): BenchOptions {
  const { connections, operations } = input;
  const rounds = input.rounds ?? roundsAgainst(opponent);
  const isRepeated = rounds > 1;
  const workloads = workloadsOf(input.workloads, like);
  return {
    ...pick(input, ['pipeline', 'payload', 'keys', 'getRatio', 'hitRatio', 'distribution']),
    ...{ workloads, connections, like, rounds },
    group: hasGroups(workloads, like) ? input.group : null,
    limit:
      operations === undefined
        ? { kind: 'duration', seconds: input.duration ?? (isRepeated ? 0.5 : 3) }
        : { kind: 'operations', count: operations },
    warmupSeconds: input.warmup ?? (isRepeated ? 0.1 : 0.5),
    threads: input.threads ?? usualThreads(connections, input.rate ?? null, availableParallelism()),
    ratePerSecond: input.rate ?? null,
    keepsDistribution: input.hdrFilePrefix !== undefined,
  };
}

/** @throws InputError for workloads on keys of the run, together with the keys of an application */
function workloadsOf(workloads: BenchInput['workloads'], like: Likeness | null): readonly WorkloadName[] {
  if (like === null) return workloads.length === 0 ? defaultWorkloads : [...new Set(workloads)];
  const other = workloads.find((name) => name !== 'ping');
  if (other === undefined) return [...new Set(workloads), 'like'];
  throw new InputError(
    `\`${other}\` uses keys of the benchmark, and --like and --mix those of an application`,
    `leave \`${other}\` out; \`ping\` may stay`,
  );
}

const hasGroups = (workloads: readonly WorkloadName[], like: Likeness | null) =>
  like?.isShape === true || workloads.includes('mget') || workloads.includes('hget');

function roundsAgainst(opponent: Opponent | null): number {
  if (opponent === null) return 1;
  return opponent.kind === 'server' ? defaultRounds : Math.max(1, roundsOf(opponent));
}

const roundsOf = ({ baseline }: Extract<Opponent, { kind: 'file' }>) =>
  Math.min(...baseline.results.map(({ rounds }) => rounds.length));

/** Those that the file has no figures of. */
const notIn = ({ baseline }: Extract<Opponent, { kind: 'file' }>, workloads: readonly WorkloadName[]) =>
  workloads.filter((workload) => !baseline.results.some(({ name }) => name === workload));

/** @throws InputError where `--fail-slower` could judge nothing, whatever is measured */
function requireJudgeable(
  input: BenchInput,
  { rounds, workloads }: BenchOptions,
  opponent: Opponent | null,
): void {
  if (input.failSlower === undefined) return;
  if (opponent === null)
    throw new InputError(
      '`--fail-slower` has nothing to compare with',
      'add --against PROFILE, a URL, or the result of an earlier run with --rounds',
    );
  const [missing] = opponent.kind === 'server' ? [] : notIn(opponent, workloads);
  if (missing !== undefined && opponent.kind === 'file')
    throw new InputError(
      `\`--fail-slower\` cannot judge \`${missing}\`: \`${opponent.name}\` has no whole run of it`,
      `leave \`${missing}\` out, or make a baseline with it`,
    );
  const then = opponent.kind === 'server' ? rounds : roundsOf(opponent);
  const [isPaired, figures] = [opponent.kind === 'server', figuresOf(workloads.length)];
  if (canJudge(rounds, then, isPaired, figures)) return;
  const fewest = fewestRounds(isPaired, figures);
  throw new InputError(
    opponent.kind === 'server'
      ? `\`--fail-slower\` cannot judge ${counted(rounds, 'round')}: chance alone could make that difference`
      : `\`--fail-slower\` cannot judge ${counted(rounds, 'round')} against ${counted(then, 'round')} in \`${opponent.name}\`: chance alone could make that difference`,
    opponent.kind === 'server'
      ? `use --rounds ${fewest} or more`
      : `measure both with --rounds ${fewest} or more; --against SERVER measures both in turn`,
  );
}

/** `bench` from its input to its result. */
export function benchExecution(input: BenchInput): Execution<BenchResult> {
  return {
    blank: blankOf<BenchResult>()(`
      results[] server connections threads pipeline payloadBytes payloadSizes keys group getRatio hitRatio distribution like
      warmupSeconds ratePerSecond keysRemoved keysLeft keyTtlSeconds namespaces[] against verdicts[] comparisons[] histogramFiles[] warnings[]
    `),
    rows: 'results',
    ...(input.against === undefined && input.baseline === undefined && { oneTable: true as const }),
    run: (context) => bench(context, input),
    view: viewBench,
  };
}

async function bench(context: Context, input: BenchInput): Promise<Outcome<BenchResult>> {
  const opponent =
    input.against !== undefined
      ? await opponentNamed(context, input.against)
      : input.baseline !== undefined
        ? await opponentInFile(context, input.baseline)
        : null;
  const options = optionsOf(input, opponent, await likenessOf(context, input, input));
  checkOptions(options);
  requireJudgeable(input, options, opponent);
  requireNewFiles(context, input.hdrFilePrefix, options.workloads, opponent?.kind === 'server');
  const server = await context.reconnect();
  const other = opponent?.kind === 'server' ? await opponent.open() : null;
  await confirmLoad(
    context,
    other === null ? [{ server }] : [{ server }, other],
    input.confirm ?? [],
    isWriting(options),
  );
  const [{ runBenchmark }, { systemClock }] = await Promise.all([
    import('../../bench/run.ts'),
    import('../../bench/clock.ts'),
  ]);
  const startedAt = context.now();
  const outcome = await runBenchmark(server, other?.server ?? null, options, {
    clock: systemClock,
    signal: context.signal,
    random: context.random,
    map: context.map,
    progress: context.progress,
    threadFile: join(context.environment.packageRoot, 'dist/bench-thread.cjs'),
    shortageFailure: input.allowEvictions
      ? null
      : (shortage) => shortageFailure(shortage, 'the keys of this benchmark', roomHint(options, shortage)),
  });
  const { report, error } = outcome;
  const prefix = input.hdrFilePrefix;
  const histogramFiles =
    prefix === undefined ? [] : await writeHistograms(context, prefix, outcome, startedAt);
  const result = { ...withComparisons(report, opponent), histogramFiles };
  const verdicts = verdictsOf(result, input);
  if (context.signal.aborted) context.warnOfResult(interruptionText(options.workloads, report));
  return {
    result: { ...result, verdicts },
    exitCode: verdicts.every(({ met }) => met) ? exitCodes.success : exitCodes.negative,
    ...(error && { error }),
  };
}

/** Fewer keys are no benchmark; the figure in the hint is a multiple, for memory moves. */
const fewestKeys = 100;

function roomHint({ keys, like }: BenchOptions, { fittingRatio, policy }: KeyShortage): string {
  const fitting = Math.floor((keys * fittingRatio) / fewestKeys) * fewestKeys;
  const ways =
    like === null
      ? [
          fitting < fewestKeys ? 'raise `maxmemory`' : `use --keys ${fitting} or fewer`,
          'read real keys with --like NAMESPACE, which writes nothing',
          'or send only PING with `cachectl bench latency`',
        ]
      : ['use fewer --keys', 'or leave --shape out: then nothing is written'];
  const evicts = policy !== null && policy !== 'noeviction';
  return ways.join(', ') + (evicts ? '; --allow-evictions writes all the same' : '');
}

function verdictsOf(
  { results, comparisons }: Pick<BenchResult, 'results' | 'comparisons'>,
  { failAbove, minThroughput, failSlower, failMissRatio }: BenchInput,
): Verdict[] {
  return [
    ...judge(results, {
      maxP99Micros: failAbove === undefined ? null : failAbove * 1e6,
      minThroughputPerSecond: minThroughput ?? null,
      maxMissRatio: failMissRatio ?? null,
    }),
    ...(failSlower === undefined ? [] : judgeSlowdowns(comparisons, failSlower)),
  ];
}

function withComparisons(
  report: BenchReport,
  opponent: Opponent | null,
): BenchReport & { readonly comparisons: readonly Comparison[] } {
  if (opponent?.kind !== 'file')
    return { ...report, comparisons: compareResults(report.results, report.against?.results ?? [], true) };
  const settings = otherSettingsOf(opponent.baseline, report);
  return {
    ...report,
    comparisons: compareResults(report.results, opponent.baseline.results, false),
    warnings: [
      ...report.warnings,
      ...(settings.length === 0 ? [] : [{ kind: 'other-settings' as const, settings }]),
      ...notIn(
        opponent,
        report.results.map(({ name }) => name),
      ).map((workload) => ({ kind: 'not-in-baseline' as const, workload })),
    ],
  };
}
