import { appendFileSync } from 'node:fs';
import { resolve } from 'node:path';
import { InputError } from '../failure.ts';
import { millisSince } from '../health/clock.ts';
import type { Facts } from '../health/facts.ts';
import { gatherFacts, type GatherRequest } from '../health/gather.ts';
import { answer, checks, tallyOf } from '../health/report.ts';
import type { Thresholds } from '../keyspace/map.ts';
import { productOf } from '../redis/info.ts';
import { printable } from '../render/printable.ts';
import { phraseText } from '../render/phrase.ts';
import { replaceFile } from '../replace-file.ts';
import { countArgument, durationArgument, listArgument, numberArgument, ratioArgument } from './arguments.ts';
import { annotationsOf, type CheckResult, junitOf, summaryOf, viewOf } from './check-view.ts';
import type { Context, Outcome } from './context.ts';
import { exitCodes } from './exit-codes.ts';
import { type DefineCommand, examples } from './runner.ts';

const pings = 20;

interface CheckInput {
  readonly chosen: ReadonlySet<string>;
  /** What stands on the command line; the map says the rest. */
  readonly limits: Thresholds;
  readonly strict: boolean;
  readonly write: boolean;
  readonly waitMillis: number;
  readonly junitFile: string | undefined;
}

const limitGroup = 'Limits (each takes the place of the one in the map):';

export const defineCheck: DefineCommand = (program, run) => {
  program
    .command('check')
    .summary('smoke check: connection, round trip, limits; the exit code means it')
    .description(
      'Connects, logs in, writes, reads and removes a key of its own (cachectl:check:…), and holds\n' +
        'the server against limits. Exit code 0: nothing failed; 1: a check failed; 3: no connection\n' +
        'or no login. Besides the usual forms, --output takes junit, and github (annotations and a\n' +
        'job summary).',
    )
    .option('--only <ids>', 'only these checks: a list with commas, or several times', listArgument)
    .option('--skip <ids>', 'all checks but these', listArgument)
    .option('--strict', 'warnings fail too')
    .option('--no-write', 'leave out the round trip, which writes a key')
    .option(
      '--wait <duration>',
      'how long to try again while the server cannot be reached or is loading',
      durationArgument,
      0,
    )
    .option('--junit <file>', 'write a JUnit report to a file as well')
    .optionsGroup(limitGroup)
    .option('--min-hit-rate <ratio>', 'lowest hit rate, of at least 100 lookups', ratioArgument)
    .option('--max-memory <ratio>', 'highest used memory as a share of maxmemory', ratioArgument)
    .option('--max-ping <duration>', 'highest median of 20 round trips, such as 5ms', durationArgument)
    .option(
      '--max-fragmentation <ratio>',
      'highest fragmentation, once it is 32 MiB or more',
      numberArgument(1),
    )
    .option('--max-evicted <keys>', 'most keys evicted since the start', countArgument(0))
    .option('--max-clients <clients>', 'most connected clients', countArgument(1))
    .option('--max-lag <duration>', 'highest lag of replication', durationArgument)
    .addHelpText('after', () => `\nChecks:\n${checkList()}`)
    .addHelpText(
      'after',
      examples(
        ['cachectl check', 'is it up, does it work, does it hold its limits?'],
        ['cachectl check --wait 30s --only connect,login,round-trip', 'a service that is just starting'],
        ['cachectl check --min-hit-rate 80% --max-ping 5ms --strict', 'a gate in a pipeline'],
        ['cachectl check --output github --junit check.xml', 'annotations, and a report for the archive'],
      ),
    )
    .action((options, self) =>
      run(self, {
        blank: {
          ...{ status: null, passed: null, warned: null, failed: null, skipped: null, strict: null },
          ...{ server: null, profile: null, database: null, waitedMillis: null, durationMillis: null },
          ...{ startedAt: null, checks: [] },
        },
        rows: 'checks',
        run: (context) =>
          check(context, {
            chosen: chosenOf(options.only, options.skip),
            limits: {
              ...(options.minHitRate !== undefined && { minHitRate: options.minHitRate }),
              ...(options.maxMemory !== undefined && { maxMemoryRatio: options.maxMemory }),
              ...(options.maxPing !== undefined && { maxPingMillis: options.maxPing * 1000 }),
              ...(options.maxFragmentation !== undefined && { maxFragmentation: options.maxFragmentation }),
              ...(options.maxEvicted !== undefined && { maxEvictedKeys: options.maxEvicted }),
              ...(options.maxClients !== undefined && { maxClients: options.maxClients }),
              ...(options.maxLag !== undefined && { maxReplicationLagSeconds: options.maxLag }),
            },
            strict: options.strict === true,
            write: options.write,
            waitMillis: options.wait * 1000,
            junitFile: options.junit,
          }),
        view: viewOf,
        formats: {
          junit: (result) => Promise.resolve(junitOf(result)),
          github: (result) => Promise.resolve(annotationsOf(result)),
        },
      }),
    );
};

function checkList(): string {
  const width = Math.max(...checks.map(({ id }) => id.length));
  return checks.map(({ id, question }) => `  ${id.padEnd(width)}  ${question}\n`).join('');
}

/** @throws InputError naming an id that no check has, or where nothing is left */
function chosenOf(
  only: readonly string[] | undefined,
  skip: readonly string[] | undefined,
): ReadonlySet<string> {
  const known = checks.map(({ id }) => id);
  for (const [option, ids] of [
    ['--only', only ?? []],
    ['--skip', skip ?? []],
  ] as const) {
    const unknown = ids.find((id) => !known.includes(id));
    if (unknown !== undefined) {
      throw new InputError(`${option}: there is no check \`${unknown}\``, `checks are: ${known.join(', ')}`);
    }
  }
  const chosen = new Set(known.filter((id) => (only?.includes(id) ?? true) && skip?.includes(id) !== true));
  if (chosen.size === 0) {
    throw new InputError('--only and --skip leave no check', `checks are: ${known.join(', ')}`);
  }
  return chosen;
}

async function check(context: Context, input: CheckInput): Promise<Outcome<CheckResult>> {
  // Else the first connection is charged with loading the client library.
  await import('../redis/connect.ts');
  const startedAt = context.now();
  const clock = () => performance.now();
  const begunAt = clock();
  const facts = await gatherFacts(requestOf(context, input), {
    open: context.reconnect,
    clock,
    signal: context.signal,
    random: context.random,
    progress: context.progress,
  });
  const answers = answer(facts, { ...context.map.thresholds, ...input.limits }, input.chosen);
  const result: CheckResult = {
    ...tallyOf(answers, input.strict),
    strict: input.strict,
    server: serverOf(facts),
    profile: context.profile?.name ?? null,
    database: facts.database,
    startedAt: new Date(startedAt).toISOString(),
    waitedMillis: facts.waitedMillis,
    durationMillis: millisSince(begunAt, clock),
    checks: answers.map(({ id, title, status, message, ...rest }) => ({
      ...{ id, title, status, message: phraseText(message) },
      ...rest,
    })),
  };
  const unwritten = writeReports(context, input, result);
  // A database that cannot be selected is the answer to a check; no way in is an error of the run as well.
  const error = facts.stop === null || facts.stop.at === 'database' ? unwritten : facts.stop.error;
  if (unwritten !== undefined && error !== unwritten) context.warn(unwritten.message);
  return {
    result,
    exitCode: result.status === 'fail' ? exitCodes.negative : exitCodes.success,
    ...(error !== undefined && { error }),
  };
}

function requestOf(context: Context, input: CheckInput): GatherRequest {
  const setting = (name: string) => context.settings.find((each) => each.name === name)?.value ?? null;
  return {
    address: setting('url') ?? '',
    username: setting('username'),
    database: Number(setting('database') ?? 0),
    pings: input.chosen.has('latency') ? pings : 0,
    canary:
      !input.write || !input.chosen.has('round-trip')
        ? 'no-write'
        : context.profile?.readOnly === true
          ? 'read-only-profile'
          : 'write',
    waitMillis: input.waitMillis,
  };
}

function serverOf({ address, nodes }: Facts): CheckResult['server'] {
  const info = nodes[0]?.info ?? null;
  const role = info?.['role'];
  return {
    address,
    product: info === null ? null : productOf(info).product,
    version: info === null ? null : productOf(info).version,
    role: role === 'master' ? 'primary' : role === 'slave' ? 'replica' : (role ?? null),
  };
}

/** Writes the JUnit file and the job summary, as far as they are asked for; gives what kept the former from being written. */
function writeReports(context: Context, input: CheckInput, result: CheckResult): InputError | undefined {
  const { variables, workingDirectory } = context.environment;
  const summaryFile = variables['GITHUB_STEP_SUMMARY'] ?? '';
  if (context.output === 'github' && summaryFile !== '') {
    try {
      appendFileSync(resolve(workingDirectory, summaryFile), summaryOf(result));
    } catch (error) {
      context.warn(`the job summary \`${summaryFile}\` was not written (${reasonOf(error)})`);
    }
  }
  if (input.junitFile === undefined) return undefined;
  try {
    replaceFile(resolve(workingDirectory, input.junitFile), junitOf(result));
    return undefined;
  } catch (error) {
    return new InputError(`--junit: \`${printable(input.junitFile)}\` was not written (${reasonOf(error)})`);
  }
}

/** `EACCES: permission denied`, without the call and the path. */
const reasonOf = (error: unknown) =>
  error instanceof Error ? error.message.replace(/,.*$/s, '') : String(error);
