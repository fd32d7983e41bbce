import { InputError } from '../../failure.ts';
import { checkFixtures, type FixtureCheck, type FixtureWork } from '../../fixtures/check.ts';
import { type FixtureSource, openFile, spool } from '../../fixtures/source.ts';
import { TtlPolicy } from '../../fixtures/ttl-policy.ts';
import { writeFixtures } from '../../fixtures/write.ts';
import { counted } from '../../render/units.ts';
import { type Context, type Execution, InterruptedError, type Outcome } from '../context.ts';
import { exitCodes } from '../exit-codes.ts';
import { confirmProtected } from '../protection.ts';
import { checkFailure, problemLines, stopFailure, warnOfCheck, warnOfPermanentKeys } from './messages.ts';
import { resultOf, type WarmResult } from './result.ts';
import { viewWarm } from './view.ts';

export interface WarmInput {
  readonly files: readonly string[];
  readonly ttlSeconds: number | null;
  readonly jitter: number | null;
  readonly dryRun: boolean;
  readonly skipInvalid: boolean;
  readonly confirm: string | undefined;
}

/** `warm` from its input to its result. */
export function warmExecution(input: WarmInput): Execution<WarmResult> {
  return {
    blank: {
      ...{ records: null, written: null, skipped: null, failed: null, invalid: null, notWritten: null },
      ...{ unknown: null, dryRun: input.dryRun, valueBytes: null, durationSeconds: null, withoutTtl: null },
      ...{ repeatedKeys: null, namespaces: [], types: [], problems: [] },
    },
    rows: 'namespaces',
    oneTable: true,
    writes: !input.dryRun,
    run: (context) => warm(context, input),
    view: viewWarm,
  };
}

async function warm(context: Context, input: WarmInput): Promise<Outcome<WarmResult>> {
  if (input.jitter !== null && input.ttlSeconds === null) {
    throw new InputError('`--jitter` shortens the TTL of `--ttl`, which is not given', 'add --ttl 1h');
  }
  if (input.ttlSeconds === 0) throw new InputError('`--ttl` must be more than 0');
  const work: FixtureWork = {
    map: context.map,
    progress: context.progress,
    signal: context.signal,
    ttlPolicy: new TtlPolicy({
      fallbackSeconds: input.ttlSeconds,
      fallbackJitter: input.jitter ?? 0,
      now: context.now,
      random: context.random,
    }),
  };
  // A server that cannot be reached is told before large files are read.
  if (!input.dryRun) await context.connect();
  const sources = await openSources(context, input.files);
  try {
    const startedAt = context.now();
    const check = await checkFixtures(sources, work, input.dryRun);
    const checkMillis = context.now() - startedAt;
    const error = check.interrupted
      ? new InterruptedError('interrupted while the files were checked; nothing was written')
      : checkFailure(check, input.skipInvalid);
    if (error !== null) {
      return { result: resultOf({ ...check, plan: null }, null, input.dryRun, checkMillis), error };
    }
    const plan = resultOf(check, null, input.dryRun, checkMillis);
    warnOfCheck(context, check, plan, sources);
    if (input.dryRun || check.records === check.invalid) return { result: plan };
    return await write(context, input, sources, work, check, checkMillis);
  } finally {
    for (const source of sources) await source.close();
  }
}

async function write(
  context: Context,
  input: WarmInput,
  sources: readonly FixtureSource[],
  work: FixtureWork,
  check: FixtureCheck,
  checkMillis: number,
): Promise<Outcome<WarmResult>> {
  const server = await context.connect();
  const amount = counted(check.records - check.invalid, 'record');
  await confirmProtected(context, input.confirm, `write ${amount} to ${server.address}`);
  const startedAt = context.now();
  const writing = await writeFixtures(server, sources, work, check);
  const result = resultOf(check, writing, false, checkMillis + context.now() - startedAt);
  warnOfPermanentKeys(context, result);
  const error = stopFailure(writing, result);
  if (error !== null) return { result, error };
  if (result.failed > 0) {
    context.warn(
      `${counted(result.failed, 'record')} could not be written:\n${problemLines(writing.problems.first, result.failed)}`,
    );
    return { result, exitCode: exitCodes.negative };
  }
  return { result };
}

async function openSources(context: Context, files: readonly string[]): Promise<FixtureSource[]> {
  if (files.filter((file) => file === '-').length > 1) throw new InputError('`-` can be given only once');
  const sources: FixtureSource[] = [];
  try {
    // stdin last: a file that is missing is told before anyone has typed or sent something.
    for (const file of files.filter((name) => name !== '-')) {
      sources.push(await openFile(file, context.environment.workingDirectory, context.signal));
    }
    if (files.includes('-')) {
      context.progress.start('reading stdin', 'MB', null);
      sources.splice(files.indexOf('-'), 0, await spool('stdin', context.environment.stdin, context.signal));
    }
  } catch (error) {
    for (const source of sources) await source.close();
    if (context.signal.aborted)
      throw new InterruptedError('interrupted while stdin was read; nothing was written');
    throw error;
  }
  return sources;
}
