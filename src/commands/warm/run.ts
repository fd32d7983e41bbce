import type { NamespaceMap } from '../../keyspace/map.ts';
import { InputError } from '../../support/failure.ts';
import { meantText } from '../../support/similar.ts';
import { checkFixtures, type FixtureCheck, type FixtureWork } from '../../records/fixtures/check.ts';
import { findShortage } from '../../records/fixtures/memory.ts';
import { RejectsFile } from '../../records/problems.ts';
import type { FixtureSource } from '../../records/fixtures/source.ts';
import { TtlPolicy } from '../../records/fixtures/ttl-policy.ts';
import {
  type Verification,
  verifyWritten,
  AllWritten,
  SampleOfWritten,
} from '../../records/fixtures/verify.ts';
import { writeFixtures, type WriteOptions } from '../../records/fixtures/write-run.ts';
import { RedisError } from '../../redis/errors.ts';
import type { RedisServer } from '../../redis/server.ts';
import { counted } from '../../render/units.ts';
import { type Context, type Execution, InterruptedError, type Outcome } from '../context.ts';
import { exitCodes } from '../exit-codes.ts';
import { shortageFailure } from '../memory-shortage.ts';
import { type ConsentInput, lacksReplicas, type ReplicaInput } from '../planned-change.ts';
import { confirmProtected } from '../protection.ts';
import { chooseRecords, type FromInput, requireRecord, secondsOfBudget } from './from-record.ts';
import { openSources, type Template } from './input.ts';
import {
  checkFailure,
  stopFailure,
  warnOfCheck,
  warnOfPermanentKeys,
  warnOfProblems,
  warnOfRejects,
  warnOfVerification,
} from './messages.ts';
import { blankResult, resultOf, withVerification, type WarmResult } from './result.ts';
import { viewWarm } from './view.ts';

export interface WarmInput extends Partial<Template>, ConsentInput, ReplicaInput, FromInput {
  readonly files: readonly string[];
  /** Seconds. */
  readonly ttl?: number;
  /** From 0 to 1. */
  readonly jitter?: number;
  readonly dryRun?: true;
  readonly skipInvalid?: true;
  /** Namespaces of the map. */
  readonly withState?: readonly string[];
  /** Also keys of another type. */
  readonly replace?: true;
  readonly allowRepeats?: true;
  readonly onlyMissing?: true;
  readonly merge?: true;
  readonly onError: WriteOptions['onError'];
  /** A file. */
  readonly rejects?: string;
  /** Connections to each node. */
  readonly concurrency: number;
  /** Records per second. */
  readonly maxRate?: number;
  readonly ignoreMemoryEstimate?: true;
  readonly allowEvictions?: true;
  readonly verify?: 'sample' | 'all';
}

/** `warm` from its input to its result. */
export function warmExecution(input: WarmInput): Execution<WarmResult> {
  return {
    blank: { ...blankResult, dryRun: input.dryRun === true },
    rows: 'namespaces',
    oneTable: true,
    writes: input.dryRun !== true,
    run: (context) => warm(context, input),
    view: viewWarm,
  };
}

async function warm(context: Context, input: WarmInput): Promise<Outcome<WarmResult>> {
  const dryRun = input.dryRun === true;
  const template = templateOf(input);
  requireRecord(input, template !== null);
  if (input.ttl === 0) throw new InputError('`--ttl` must be more than 0');
  const work = workOf(context, input);
  // A server that cannot be reached is reported before large files are read.
  if (!dryRun) await context.connect();
  const files = await openSources(context, [...input.files, ...(input.source ?? [])], template);
  try {
    const chosen =
      input.from === undefined ? null : await chooseRecords(context, input.from, input.budget, files, work);
    const sources = chosen === null ? files : [chosen.source];
    const ranking = chosen?.ranking ?? null;
    const startedAt = context.now();
    const check = await checkFixtures(sources, work, dryRun);
    const checkMillis = context.now() - startedAt;
    const error = check.interrupted
      ? new InterruptedError('interrupted while the files were checked; nothing was written')
      : checkFailure(check, input.skipInvalid === true);
    if (error !== null) check.plan = null;
    const plan = resultOf(check, null, dryRun, checkMillis, ranking);
    if (error !== null) return { result: plan, error };
    warnOfCheck(context, check, plan, sources);
    if (dryRun || check.good === 0)
      return check.ofState > 0 ? { result: plan, exitCode: exitCodes.negative } : { result: plan };
    return await write(context, input, sources, work, check, plan);
  } finally {
    for (const source of files) await source.close();
  }
}

function workOf(context: Context, input: WarmInput): FixtureWork {
  const { ttl: ttlSeconds = null, jitter = null } = input;
  const { map, progress, signal, now, random } = context;
  if (
    jitter !== null &&
    ttlSeconds === null &&
    !map.namespaces.some(({ ttl, guessedTtl }) => (ttl ?? guessedTtl)?.kind === 'fixed')
  ) {
    throw new InputError(
      '`--jitter` shortens the TTL of `--ttl`, which is not given, or those of the map, which has none',
      'add --ttl 1h',
    );
  }
  const ttlPolicy = new TtlPolicy({
    fallbackSeconds: ttlSeconds,
    fallbackJitter: jitter ?? 0,
    mapJitter: ttlSeconds === null ? jitter : null,
    now,
    random,
  });
  const repeats = input.allowRepeats ? 'last' : 'refuse';
  const withState = new Set(input.withState?.map((name) => requireState(name, map)));
  return { map, progress, signal, now, random, ttlPolicy, repeats, withState };
}

/** @throws InputError where the map has no such namespace of kind state */
function requireState(name: string, { namespaces }: NamespaceMap): string {
  const states = namespaces.filter(({ kind }) => kind === 'state').map((each) => each.name);
  if (states.includes(name)) return name;
  throw new InputError(
    `the map has no namespace \`${name}\` of kind state`,
    states.length === 0
      ? 'no namespace of the map is state, and all records are written without --with-state'
      : `${meantText(name, states)}these are: ${states.join(', ')}`,
  );
}

/** Null: files. @throws InputError where what belongs together was not given together */
function templateOf(input: WarmInput): Partial<Template> | null {
  const { files, entity, ids, idsFrom, template } = input;
  const example = 'write it like `cachectl warm --entity user --ids 1,2 --template user.json`';
  if ((entity ?? ids ?? idsFrom ?? template) === undefined) {
    const all = [...files, ...(input.source ?? [])];
    if (all.length === 0) throw new InputError('there is no file to load', 'name one; - is stdin');
    if (all.filter((name) => name === '-').length > 1) throw new InputError('`-` can be given only once');
    return null;
  }
  if (files.length > 0)
    throw new InputError('a template takes the place of files, and both are given', example);
  if (entity === undefined || template === undefined || (ids ?? idsFrom) === undefined)
    throw new InputError('`--entity`, `--template` and the ids belong together', example);
  if (template === '-' && idsFrom === '-') throw new InputError('`-` can be given only once');
  return input;
}

const sampleRecords = 1000;

async function write(
  context: Context,
  input: WarmInput,
  sources: readonly FixtureSource[],
  work: FixtureWork,
  check: FixtureCheck,
  plan: WarmResult,
): Promise<Outcome<WarmResult>> {
  const server = await context.connect();
  const mode: WriteOptions['mode'] = input.onlyMissing ? 'missing' : input.merge ? 'merge' : 'replace';
  const allowsEvictions = input.allowEvictions === true;
  if (!input.ignoreMemoryEstimate) {
    const newRatio = 1 - (check.repeatedKeys ?? 0) / check.records;
    const shortage = await findShortage(server, check, newRatio, mode !== 'merge');
    if (shortage !== null) {
      const hint =
        'load fewer records, raise `maxmemory`, or write all the same with --ignore-memory-estimate';
      return { result: plan, error: shortageFailure(shortage, 'the records', hint) };
    }
  }
  const amount = counted(check.good, 'record');
  await confirmProtected(context, server, input.confirm, `write ${amount} to ${server.address}`);
  const rejects =
    input.rejects === undefined
      ? null
      : await RejectsFile.create(input.rejects, context.environment.workingDirectory);
  const merges = mode === 'merge';
  const remember =
    input.verify === undefined
      ? null
      : input.verify === 'all'
        ? new AllWritten(work, merges)
        : new SampleOfWritten(sampleRecords, work, merges);
  const startedAt = context.now();
  const { onError, concurrency: connections, maxRate: maxRecordsPerSecond = null, waitReplicas } = input;
  const replacesTypes = input.replace === true || mode === 'missing';
  const seconds = secondsOfBudget(input.budget);
  const endAtMillis = seconds === null ? null : startedAt + seconds * 1000;
  const options = {
    ...{ mode, replacesTypes, onError, connections, maxRecordsPerSecond, allowsEvictions, waitReplicas },
    endAtMillis,
  } as const;
  const writing = await writeFixtures(server, sources, work, check, {
    ...options,
    rejects,
    remember,
  }).finally(() => rejects?.close());
  const writtenIn = plan.durationSeconds * 1000 + context.now() - startedAt;
  const result = {
    ...resultOf(check, writing, false, writtenIn, plan.ranking),
    rejectsFile: rejects !== null && rejects.records > 0 ? rejects.name : null,
  };
  warnOfPermanentKeys(context, result);
  const error = stopFailure(writing, result, mode);
  if (error !== null) {
    warnOfRejects(context, result);
    return { result, error };
  }
  const verification = remember && (await verify(server, remember.expectations(sources), work));
  const [failure, found] = verification instanceof RedisError ? [verification, null] : [null, verification];
  const full = withVerification(result, found);
  warnOfProblems(context, writing, full, allowsEvictions);
  if (found !== null) warnOfVerification(context, found);
  if (failure !== null) return { result: full, error: failure };
  const evicted = !allowsEvictions && (full.evictedKeys ?? 0) > 0;
  const isUnconfirmed = lacksReplicas(context, input, full);
  const isNegative =
    isUnconfirmed ||
    full.failed + full.ofState + full.ofOtherType > 0 ||
    evicted ||
    (full.mismatched ?? 0) + (full.notCompared ?? 0) > 0;
  return isNegative ? { result: full, exitCode: exitCodes.negative } : { result: full };
}

/** A connection that is lost while reading back takes nothing from what was written. */
async function verify(
  server: RedisServer,
  expectations: Parameters<typeof verifyWritten>[1],
  work: FixtureWork,
): Promise<Verification | RedisError> {
  try {
    return await verifyWritten(server, expectations, work);
  } catch (error) {
    if (error instanceof RedisError) return error;
    throw error;
  }
}
