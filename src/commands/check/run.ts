import { resolve } from 'node:path';
import { InputError } from '../../support/failure.ts';
import { writeNamedFile } from '../../support/named-file.ts';
import { millisSince, type Facts } from '../../health/facts.ts';
import { gatherFacts, type GatherRequest } from '../../health/gather.ts';
import { ledgerFolder } from '../../health/lookups/ledger.ts';
import { type Answer, answer, checks, tallyOf } from '../../health/report.ts';
import type { Thresholds } from '../../keyspace/map.ts';
import { serverReportOf } from '../../redis/server-report.ts';
import { given } from '../../support/collections.ts';
import { printable } from '../../render/printable.ts';
import { phraseText } from '../../render/units.ts';
import { replacePublicFile } from '../../support/files.ts';
import { answerGates, type GateInput, gatesOf } from './gates.ts';
import { annotationsOf, type CheckResult, junitOf, sarifOf, summaryOf, viewOf } from './view.ts';
import type { Context, Execution, Outcome } from '../context.ts';
import { type ExitCode, exitCodes } from '../exit-codes.ts';
import { appendJobSummary } from '../job-summary.ts';
import { isReadOnlyServer } from '../protection.ts';
import { blankOf } from '../blank.ts';

const pings = 20;

export interface CheckInput extends GateInput {
  /** Ids of checks; none: all. */
  readonly only?: readonly string[];
  readonly skip?: readonly string[];
  readonly strict?: true;
  readonly write: boolean;
  /** Seconds. */
  readonly wait: number;
  /** Seconds to measure the hit rate in; none: since the counters began. */
  readonly window?: number;
  /** A file. */
  readonly junit?: string;
  /** Limits, in place of those of the map; ratios from 0, times in seconds. */
  readonly minHitRate?: number;
  readonly maxMemory?: number;
  readonly maxPing?: number;
  readonly maxFragmentation?: number;
  readonly maxEvicted?: number;
  readonly maxClients?: number;
  readonly maxLag?: number;
}

function limitsOf(input: CheckInput): Thresholds {
  return given({
    minHitRate: input.minHitRate,
    maxMemoryRatio: input.maxMemory,
    maxPingMillis: input.maxPing && input.maxPing * 1000,
    maxFragmentation: input.maxFragmentation,
    maxEvictedKeys: input.maxEvicted,
    maxClients: input.maxClients,
    maxReplicationLagSeconds: input.maxLag,
  });
}

/** `check` from its input to its result. */
export function checkExecution(input: CheckInput): Execution<CheckResult> {
  return {
    blank: blankOf<CheckResult>()(`
      status passed warned failed skipped strict server profile database waitedSeconds durationSeconds
      startedAt checks[]
    `),
    rows: 'checks',
    oneTable: true,
    run: (context) => check(context, input),
    view: viewOf,
    formats: {
      junit: (result) => Promise.resolve(junitOf(result)),
      github: (result) => Promise.resolve(annotationsOf(result)),
      sarif: (result) => Promise.resolve(sarifOf(result)),
    },
  };
}

/** @throws InputError naming an id that no check has, or where nothing is left */
function chosenOf(
  only: readonly string[] | undefined,
  skip: readonly string[] | undefined,
): ReadonlySet<string> {
  const known: readonly string[] = checks.map(({ id }) => id);
  const refused = (message: string) => new InputError(message, `checks are: ${known.join(', ')}`);
  for (const [option, ids] of Object.entries({ '--only': only, '--skip': skip })) {
    const unknown = ids?.find((id) => !known.includes(id));
    if (unknown !== undefined) throw refused(`${option}: there is no check \`${unknown}\``);
  }
  const chosen = new Set(known.filter((id) => (only?.includes(id) ?? true) && skip?.includes(id) !== true));
  if (chosen.size === 0) throw refused('--only and --skip leave no check');
  return chosen;
}

async function check(context: Context, input: CheckInput): Promise<Outcome<CheckResult>> {
  const chosen = chosenOf(input.only, input.skip);
  const gates = gatesOf(context, input);
  const strict = input.strict === true;
  // Else the first connection is charged with loading the client library.
  await import('../../redis/connect.ts');
  const startedAt = context.now();
  const clock = () => performance.now();
  const begunAt = clock();
  const facts = await gatherFacts(requestOf(context, input, chosen), {
    open: context.reconnect,
    isReadOnly: (server) => isReadOnlyServer(context, server),
    clock,
    ledgerFolder: ledgerFolder(context.environment.variables),
    signal: context.signal,
    random: context.random,
    progress: context.progress,
  });
  const judged = facts.stop === null && !facts.interrupted ? await answerGates(context, gates, input) : [];
  const answers = [...answer(facts, { ...context.map.thresholds, ...limitsOf(input) }, chosen), ...judged];
  const result: CheckResult = {
    ...tallyOf(answers, strict),
    strict,
    server: serverOf(facts),
    profile: context.profile?.name ?? null,
    database: facts.database,
    startedAt: new Date(startedAt).toISOString(),
    waitedSeconds: facts.waitedMillis / 1000,
    durationSeconds: millisSince(begunAt, clock) / 1000,
    checks: answers.map(({ id, title, status, message, durationMillis, ...rest }) => ({
      ...{ id, title, status, message: phraseText(message) },
      ...rest,
      durationSeconds: durationMillis / 1000,
    })),
  };
  const unwritten = await writeReports(context, input, result);
  // A database that cannot be selected is the answer to a check; no way in is an error of the run as well.
  const error = facts.stop === null || facts.stop.at === 'database' ? unwritten : facts.stop.error;
  if (unwritten !== undefined && error !== unwritten) context.warn(unwritten.message);
  return {
    result,
    exitCode: exitCodeOf(result, judged),
    ...(error !== undefined && { error }),
  };
}

/** Gates of which not one could be judged let nothing pass. */
function exitCodeOf({ status }: CheckResult, gates: readonly Answer[]): ExitCode {
  if (status === 'fail') return exitCodes.negative;
  const isBlind = gates.length > 0 && gates.every((gate) => gate.status === 'skip');
  return isBlind ? exitCodes.usage : exitCodes.success;
}

function requestOf(context: Context, input: CheckInput, chosen: ReadonlySet<string>): GatherRequest {
  const setting = (name: string) => context.settings.find((each) => each.name === name)?.value ?? null;
  return {
    address: setting('url') ?? '',
    username: setting('username'),
    database: Number(setting('database') ?? 0),
    pings: chosen.has('latency') ? pings : 0,
    canary: !input.write || !chosen.has('round-trip') ? 'no-write' : 'write',
    waitMillis: input.wait * 1000,
    windowSeconds: chosen.has('hit-rate') ? (input.window ?? null) : null,
  };
}

function serverOf({ address, nodes }: Facts): CheckResult['server'] {
  const info = nodes[0]?.info ?? null;
  const { product = null, version = null, role = null } = info === null ? {} : serverReportOf(info);
  return { address, product, version, role };
}

/** Writes the JUnit file and the job summary, as far as they are asked for; gives what kept the former from being written. */
async function writeReports(
  context: Context,
  input: CheckInput,
  result: CheckResult,
): Promise<InputError | undefined> {
  if (context.output === 'github') appendJobSummary(context, summaryOf(result));
  if (input.junit === undefined) return undefined;
  const name = printable(input.junit);
  try {
    await writeNamedFile(
      resolve(context.environment.workingDirectory, input.junit),
      junitOf(result),
      { processes: context.environment.processes, signal: context.signal },
      (cause) => new InputError(`--junit: \`${name}\` was not written: ${cause}`),
      replacePublicFile,
    );
  } catch (error) {
    if (error instanceof InputError) return error;
    throw error;
  }
  return undefined;
}
