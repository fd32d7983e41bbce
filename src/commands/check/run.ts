import { resolve } from 'node:path';
import { InputError } from '../../support/failure.ts';
import { writeNamedFile } from '../../support/named-file.ts';
import { millisSince, type Facts } from '../../health/facts.ts';
import { gatherFacts, type GatherRequest } from '../../health/gather.ts';
import { ledgerFolder } from '../../health/lookups/ledger.ts';
import { type Answer, answer, checks, tallyOf } from '../../health/report.ts';
import { type Baseline, baselineOf } from '../../health/baseline.ts';
import { Missing } from '../../health/doctor/rule.ts';
import type { Gate } from '../../health/gates.ts';
import type { Thresholds } from '../../keyspace/map.ts';
import { serverReportOf } from '../../redis/server-report.ts';
import { given } from '../../support/collections.ts';
import { printable } from '../../render/printable.ts';
import { phraseText } from '../../render/units.ts';
import { replacePublicFile } from '../../support/files.ts';
import { baselineAnswers, readBaseline, saveBaseline } from './baseline.ts';
import { answerGates, type GateInput, gatesOf, readGateFacts } from './gates.ts';
import { annotationsOf, type CheckResult, junitOf, sarifOf, summaryOf, viewOf } from './view.ts';
import type { Context, Execution, Outcome } from '../context.ts';
import { type ExitCode, exitCodes } from '../exit-codes.ts';
import { appendJobSummary } from '../job-summary.ts';
import { isReadOnlyServer } from '../protection.ts';
import { blankOf } from '../blank.ts';
import type { DoctorInput } from '../doctor/run.ts';
import { examined } from './doctor-rows.ts';

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
  readonly doctor?: true;
  /** Files. */
  readonly baseline?: string;
  readonly saveBaseline?: string;
  /** Ratio from 0. */
  readonly tolerance?: number;
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

interface Chosen {
  /** Ids of checks. */
  readonly checks: ReadonlySet<string>;
  /** What `--only` and `--skip` say of rules of the doctor, by their numbers. */
  readonly rules: Pick<DoctorInput, 'only' | 'ignore'>;
}

const isRule = (id: string) => /^cc\d+$/i.test(id);

/** @throws InputError naming an id that no check has, or where nothing is left */
function chosenOf({ only, skip, doctor }: CheckInput): Chosen {
  const known: readonly string[] = checks.map(({ id }) => id);
  const refused = (message: string) => new InputError(message, `checks are: ${known.join(', ')}`);
  for (const [option, ids] of Object.entries({ '--only': only, '--skip': skip })) {
    const unknown = ids?.find((id) => !known.includes(id) && !(doctor === true && isRule(id)));
    if (unknown !== undefined) throw refused(`${option}: there is no check \`${unknown}\``);
  }
  const chosen = new Set(known.filter((id) => (only?.includes(id) ?? true) && skip?.includes(id) !== true));
  const [onlyRules, ignore] = [only?.filter(isRule) ?? [], skip?.filter(isRule) ?? []];
  if (chosen.size === 0 && onlyRules.length === 0) throw refused('--only and --skip leave no check');
  return { checks: chosen, rules: { ...(onlyRules.length > 0 && { only: onlyRules }), ignore } };
}

async function check(context: Context, input: CheckInput): Promise<Outcome<CheckResult>> {
  const chosen = chosenOf(input);
  // Who names checks means these.
  const gates = gatesOf(context, { ...input, keys: input.keys && input.only === undefined });
  const before = input.baseline === undefined ? null : await readBaseline(context, input.baseline);
  const strict = input.strict === true;
  // Else the first connection is charged with loading the client library.
  await import('../../redis/connect.ts');
  const startedAt = context.now();
  const clock = () => performance.now();
  const begunAt = clock();
  const facts = await gatherFacts(requestOf(context, input, chosen.checks), {
    open: context.reconnect,
    isReadOnly: (server) => isReadOnlyServer(context, server),
    clock,
    ledgerFolder: ledgerFolder(context.environment.variables),
    signal: context.signal,
    random: context.random,
    progress: context.progress,
  });
  const more =
    facts.stop === null && !facts.interrupted
      ? await judge(context, input, { gates, before, rules: chosen.rules, address: facts.address })
      : nothingJudged;
  const limits = { ...context.map.thresholds, ...limitsOf(input) };
  const answers = [...answer(facts, limits, chosen.checks), ...more.gates, ...more.doctor];
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
  const kept = unwritten ?? more.error;
  const error = facts.stop === null || facts.stop.at === 'database' ? kept : facts.stop.error;
  if (unwritten !== undefined && error !== unwritten) context.warn(unwritten.message);
  if (error === undefined) sayWhatFailed(context, result, more.gates);
  return {
    result,
    exitCode: exitCodeOf(result, more.gates),
    ...(error !== undefined && { error }),
  };
}

/** Without what `--only` and `--skip` say of checks. */
const withoutChecks = ({ only: _only, skip: _skip, ...rest }: CheckInput) => rest;

interface Judged {
  /** With what is compared with a baseline. */
  readonly gates: readonly Answer[];
  readonly doctor: readonly Answer[];
  readonly error?: InputError;
}

const nothingJudged: Judged = { gates: [], doctor: [] };

/** What goes beyond the facts of `check`: gates, the doctor, and the baseline. @throws RedisError; InputError */
async function judge(
  context: Context,
  input: CheckInput,
  {
    gates,
    before,
    rules,
    address,
  }: {
    readonly gates: readonly Gate[];
    readonly before: Baseline | null;
    readonly rules: Chosen['rules'];
    readonly address: string;
  },
): Promise<Judged> {
  const figures = before !== null || input.saveBaseline !== undefined;
  const isAsked = input.doctor === true;
  if (gates.length === 0 && !figures && !isAsked) return nothingJudged;
  const facts = await readGateFacts(context, gates, input, { figures, traffic: figures || isAsked });
  const doctor = isAsked
    ? await examined(context, { ...withoutChecks(input), ...rules, failOn: 'critical' }, facts.traffic)
    : null;
  const { answers, ...error } = answerGates(context, gates, facts);
  const judged = { gates: answers, doctor: doctor?.answers ?? [], ...error };
  if (!figures) return judged;
  const createdAt = new Date(context.now()).toISOString();
  const now = baselineOf(facts, doctor?.result.findings ?? null, { address, createdAt });
  const compared = before === null ? [] : baselineAnswers(context, before, now, facts, input.tolerance);
  // Else the next run would be held against what is worse.
  if (input.saveBaseline !== undefined && !context.signal.aborted) {
    if (compared.every(({ status }) => status !== 'fail')) {
      await saveBaseline(context, input.saveBaseline, now);
      if (facts.keys instanceof Missing)
        context.warnOfResult(`the baseline has no keys: ${phraseText(facts.keys.reason)}`);
    } else context.warnOfResult(`the baseline \`${printable(input.saveBaseline)}\` was left as it is`);
  }
  return { ...judged, gates: [...answers, ...compared] };
}

/** Who reads a log and not the result learns from it why the run failed; the other forms say it on stdout. */
function sayWhatFailed(
  { output, warnOfResult, signal }: Context,
  { checks: rows, status, strict }: CheckResult,
  gates: readonly Answer[],
): void {
  if (status !== 'fail' && isBlind(gates) && !signal.aborted)
    warnOfResult(
      `exit code 2, for no gate could be judged: ${gates.slice(0, mostSentences).map(reasonOf).join('; ')}`,
    );
  if (output === 'table' || output === 'tsv' || output === 'github') return;
  const failed = rows.filter((row) => row.status === 'fail' || (strict && row.status === 'warn'));
  for (const { id, message } of failed.slice(0, mostSentences)) warnOfResult(`${id}: ${message}`);
  if (failed.length > mostSentences) warnOfResult(`${failed.length - mostSentences} more checks failed`);
}

const reasonOf = ({ id, message }: Answer) => `${id}: ${phraseText(message)}`;

const mostSentences = 10;

/** Gates of which not one could be judged let nothing pass. */
function exitCodeOf({ status }: CheckResult, gates: readonly Answer[]): ExitCode {
  if (status === 'fail') return exitCodes.negative;
  return isBlind(gates) ? exitCodes.usage : exitCodes.success;
}

const isBlind = (gates: readonly Answer[]) =>
  gates.length > 0 && gates.every(({ status }) => status === 'skip');

function requestOf(context: Context, input: CheckInput, chosen: ReadonlySet<string>): GatherRequest {
  const setting = (name: string) => context.settings.find((each) => each.name === name)?.value ?? null;
  return {
    address: setting('url') ?? '',
    username: setting('username'),
    database: Number(setting('database') ?? 0),
    pings: chosen.has('latency') ? pings : 0,
    canary: !input.write || !chosen.has('round-trip') ? 'no-write' : 'write',
    waitMillis: input.wait * 1000,
    windowSeconds: chosen.has('hit-rate') || chosen.has('evictions') ? (input.window ?? null) : null,
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
