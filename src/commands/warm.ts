import { InputError } from '../failure.ts';
import type { FixtureCheck, FixtureWork } from '../fixtures/check.ts';
import type { FixtureSource } from '../fixtures/source.ts';
import { counted } from '../render/units.ts';
import { durationArgument, ratioArgument } from './arguments.ts';
import { type Context, InterruptedError, type Outcome } from './context.ts';
import { exitCodes } from './exit-codes.ts';
import { confirmProtected } from './protection.ts';
import { type DefineCommand, examples } from './runner.ts';
import { resultOf, type WarmResult } from './warm-result.ts';
import {
  checkFailure,
  problemLines,
  stopFailure,
  warnOfCheck,
  warnOfPermanentKeys,
} from './warm-messages.ts';
import { viewWarm } from './warm-view.ts';

interface WarmInput {
  readonly files: readonly string[];
  readonly ttlSeconds: number | null;
  readonly jitter: number | null;
  readonly dryRun: boolean;
  readonly skipInvalid: boolean;
  readonly confirm: string | undefined;
}

const recordHelp = `
A record:
  {"key": "user:1:profile", "value": "text or JSON", "ttl": "1h", "type": "string"}

  value   string: a text, or any JSON, which is written as JSON text (the default)
          hash: {field: text} · list, set: [text] · stream: [{"id"?, "fields": {field: text}}]
          zset: [{"member", "score"}], [[member, score]] or {member: score}
  ttl     seconds, a duration such as "90s" or "1h30m", or null for none. A record without it gets
          the TTL that the map has for its namespace, else that of --ttl
  type    string, hash, list, set, zset or stream: an object is no hash unless this says so
  keyBase64 and valueBase64 hold binary data; every text in valueBase64 is base64

A file holds an array of records, one record per line, or one object {key: value, …}. Each record
replaces what its key held.
`;

export const defineWarm: DefineCommand = (program, run) => {
  program
    .command('warm')
    .summary('load keys from JSON or NDJSON files, with TTLs')
    .description(
      'Writes the records of files to the cache. All files are read and checked first: as long as one\n' +
        'record is wrong, nothing is written.',
    )
    .argument('<file...>', 'files to load; - is stdin')
    .option(
      '--ttl <duration>',
      'TTL for records to which neither they nor the map give one',
      durationArgument,
    )
    .option('--jitter <ratio>', 'share by which --ttl is shortened at random, key by key', ratioArgument)
    .option('--dry-run', 'check the files and show the plan; the server is not asked')
    .option('--skip-invalid', 'leave out records that are wrong, and write the others')
    .option('--confirm <profile>', 'name of the protected profile to write to')
    .addHelpText('after', recordHelp)
    .addHelpText(
      'after',
      examples(
        ['cachectl warm users.json --dry-run', 'what would be written, with which TTLs'],
        ['cachectl warm users.json --ttl 1h --jitter 10%', 'load, and expire spread over six minutes'],
        ['generate-fixtures | cachectl warm -', 'from another program'],
      ),
    )
    .action((files, options, self) => {
      const input: WarmInput = {
        files,
        ttlSeconds: options.ttl ?? null,
        jitter: options.jitter ?? null,
        dryRun: options.dryRun === true,
        skipInvalid: options.skipInvalid === true,
        confirm: options.confirm,
      };
      return run(self, {
        blank: {
          ...{ records: null, written: null, skipped: null, failed: null, invalid: null, notWritten: null },
          ...{
            unknown: null,
            dryRun: input.dryRun,
            valueBytes: null,
            durationSeconds: null,
            withoutTtl: null,
          },
          ...{ repeatedKeys: null, namespaces: [], types: [], problems: [] },
        },
        rows: 'namespaces',
        writes: !input.dryRun,
        run: (context) => warm(context, input),
        view: viewWarm,
      });
    });
};

async function warm(context: Context, input: WarmInput): Promise<Outcome<WarmResult>> {
  if (input.jitter !== null && input.ttlSeconds === null) {
    throw new InputError('`--jitter` shortens the TTL of `--ttl`, which is not given', 'add --ttl 1h');
  }
  if (input.ttlSeconds === 0) throw new InputError('`--ttl` must be more than 0');
  const [{ checkFixtures }, { ProblemList }, { TtlPolicy }] = await Promise.all([
    import('../fixtures/check.ts'),
    import('../fixtures/problems.ts'),
    import('../fixtures/ttl-policy.ts'),
  ]);
  const work: FixtureWork = {
    map: context.map,
    problems: new ProblemList(),
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
    const checkSeconds = (context.now() - startedAt) / 1000;
    const error = check.interrupted
      ? new InterruptedError('interrupted while the files were checked; nothing was written')
      : checkFailure(check, work.problems.first, input.skipInvalid);
    if (error !== null) {
      return { result: resultOf({ ...check, plan: null }, null, work, input.dryRun, checkSeconds), error };
    }
    const plan = resultOf(check, null, work, input.dryRun, checkSeconds);
    warnOfCheck(context, check, plan, sources);
    if (input.dryRun || check.records === check.invalid) return { result: plan };
    return await write(context, input, sources, work, check, checkSeconds);
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
  checkSeconds: number,
): Promise<Outcome<WarmResult>> {
  const server = await context.connect();
  const amount = counted(check.records - check.invalid, 'record');
  await confirmProtected(context, input.confirm, `write ${amount} to ${server.address}`);
  const { writeFixtures } = await import('../fixtures/write.ts');
  const startedAt = context.now();
  const writing = await writeFixtures(server, sources, work, check);
  const result = resultOf(check, writing, work, false, checkSeconds + (context.now() - startedAt) / 1000);
  warnOfPermanentKeys(context, result);
  const error = stopFailure(writing, result);
  if (error !== null) return { result, error };
  if (result.failed > 0) {
    const failed = work.problems.first.slice(Math.min(check.invalid, work.problems.first.length));
    context.warn(
      `${counted(result.failed, 'record')} could not be written:\n${problemLines(failed, result.failed)}`,
    );
    return { result, exitCode: exitCodes.negative };
  }
  return { result };
}

async function openSources(context: Context, files: readonly string[]): Promise<FixtureSource[]> {
  const { openFile, spool } = await import('../fixtures/source.ts');
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
