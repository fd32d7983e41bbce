import { InputError } from '../../support/failure.ts';
import type { FixtureCheck } from '../../records/fixtures/check.ts';
import type { FixtureSource } from '../../records/fixtures/source.ts';
import type { Verification } from '../../records/fixtures/verify.ts';
import type { FixtureWriting, WriteOptions } from '../../records/fixtures/write-run.ts';
import { RedisError } from '../../redis/errors.ts';
import { counted, formatCell } from '../../render/units.ts';
import { type Context, InterruptedError } from '../context.ts';
import { problemLines } from '../problem-lines.ts';
import type { WarmResult } from './result.ts';

/** What running it again does to what is written already. */
const againBy = {
  replace: 'running it again is harmless: each record replaces its key as a whole',
  missing: 'run it again to continue: keys that exist are left alone',
  merge: 'running it again adds the elements of lists and streams once more',
} as const;

/** Why the writing ended early, with how far it had come; null where it did not. */
export function stopFailure(
  { stopped, interrupted }: FixtureWriting,
  result: WarmResult,
  mode: WriteOptions['mode'],
): Error | null {
  const again = againBy[mode];
  const far = `${formatCell(result.written, 'count')} of ${counted(result.records, 'record')} ${result.records === 1 ? 'was' : 'were'} written`;
  if (stopped === null) return interrupted ? new InterruptedError(`interrupted: ${far}; ${again}`) : null;
  const unknown =
    result.unknown === 0
      ? ''
      : `, and of ${formatCell(result.unknown, 'count')} on their way nothing is known`;
  const message = `${stopped.message}; ${far}${unknown}`;
  if (!(stopped instanceof RedisError)) return new InputError(message, again);
  const hint = stopped.failure === 'refused' ? stopped.hint : again;
  return new RedisError(stopped.failure, stopped.code, message, hint, stopped.refused);
}

/** Why nothing is written after the check; null where all is well. */
export function checkFailure(check: FixtureCheck, skipInvalid: boolean): InputError | null {
  const { fault, invalid, records } = check;
  if (fault === null && (invalid === 0 || skipInvalid)) return null;
  const listed = check.problems.first.filter(
    ({ file, line }) => file !== fault?.file || line !== fault.fault.line,
  );
  const bad = `${invalid.toLocaleString('en-US')} of ${counted(records, 'record')} cannot be used`;
  const lines = problemLines(listed, Math.max(invalid, listed.length));
  if (fault === null) {
    return new InputError(`${bad}; nothing was written:\n${lines}`, '--skip-invalid writes the others');
  }
  const { line, message, hint } = fault.fault;
  const others = invalid === 0 ? '' : `\nbesides, ${bad}:\n${lines}`;
  return new InputError(`\`${fault.file}\` line ${line}: ${message}; nothing was written${others}`, hint);
}

/** What the person should know before the writing begins, whatever the form of the result. */
export function warnOfCheck(
  context: Context,
  check: FixtureCheck,
  plan: WarmResult,
  sources: readonly FixtureSource[],
): void {
  const { records, invalid, expired, repeatedKeys, repeats, negativeZeros } = check;
  const { dryRun } = plan;
  const counts = (count: number, one: string, many: string, planned: string) =>
    dryRun ? `${counted(count, 'record')} ${planned}` : counted(count, `record ${one}`, `records ${many}`);
  if (records === 0)
    context.warnOfResult(`no records in ${sources.map(({ name }) => `\`${name}\``).join(', ')}`);
  if (invalid > 0) {
    const lines = problemLines(plan.problems, invalid);
    context.warnOfResult(`${counts(invalid, 'is', 'are', 'would be')} left out:\n${lines}`);
  }
  if (expired > 0)
    context.warnOfResult(`${counts(expired, 'is', 'are', 'would be')} left out: expired meanwhile`);
  if (check.ofState > 0) {
    const names = [...check.stateLeft.keys()];
    const listed = [...check.stateLeft].map(([name, count]) => `\`${name}\` ${formatCell(count, 'count')}`);
    context.warnOfResult(
      `${counts(check.ofState, 'is', 'are', 'would be')} left out, of ${names.length === 1 ? 'a namespace' : 'namespaces'} that ` +
        `the map calls state: ${listed.join(', ')}\nhint: --with-state ${names.join(',')} writes them too`,
    );
  }
  if (repeatedKeys !== null && repeatedKeys > 0) {
    const lines = problemLines(repeats.first, repeatedKeys);
    const replaced = counts(repeatedKeys, 'replaces', 'replace', 'would replace');
    context.warnOfResult(`${replaced} an earlier one with the same key:\n${lines}`);
  }
  if (negativeZeros.total > 0) {
    const { total, first } = negativeZeros;
    context.warnOfResult(
      `${counted(total, 'record has a score', 'records have scores')} of -0, which servers keep as 0 in sorted sets that ` +
        `are short (see \`zset-max-listpack-entries\`):\n${problemLines(first, total)}`,
    );
  }
  if (dryRun) warnOfPermanentKeys(context, plan);
}

export function warnOfPermanentKeys(context: Context, { namespaces, dryRun }: WarmResult): void {
  const undecided = namespaces.reduce((sum, { ttlSources }) => sum + ttlSources.none, 0);
  if (undecided === 0) return;
  const keys = dryRun ? `${counted(undecided, 'key')} would be` : counted(undecided, 'key was', 'keys were');
  context.warnOfResult(`${keys} written without TTL: give one in the record, in the map, or with --ttl`);
}

/** Where the records are that could not be written. */
export function warnOfRejects(context: Context, { rejectsFile }: WarmResult): void {
  if (rejectsFile !== null)
    context.warnOfResult(`\`${rejectsFile}\` holds what could not be written, with the reasons`);
}

/** What did not go well although the work came to its end. */
export function warnOfProblems(
  context: Context,
  writing: FixtureWriting,
  result: WarmResult,
  allowsEvictions: boolean,
): void {
  const { failed, evictedKeys } = result;
  if (failed > 0) {
    const lines = problemLines(writing.problems.first, failed - result.unknown);
    context.warnOfResult(
      `${counted(failed, 'record')} could not be written${lines === '' ? '' : `:\n${lines}`}`,
    );
    if (result.unknown > 0)
      context.warnOfResult(
        `of ${counted(result.unknown, 'record')} nothing is known: the connection was lost before the answer, and sending ${result.unknown === 1 ? 'it' : 'them'} again could add elements twice`,
      );
  }
  if (result.ofOtherType > 0)
    context.warnOfResult(
      `${counted(result.ofOtherType, 'record was', 'records were')} left out, whose key holds another type:\n` +
        `${problemLines(writing.ofOtherType.first, result.ofOtherType)}\n` +
        'hint: `"type"` in the record names the type; --replace replaces these keys too',
    );
  if (writing.typesRefused !== null)
    context.warnOfResult(
      `whether keys held another type before is not known: the server answered \`${writing.typesRefused}\` to TYPE`,
    );
  warnOfRejects(context, result);
  const notSent = `${counted(result.notWritten, 'record was', 'records were')} not sent`;
  if (writing.stoppedByProblem)
    context.warnOfResult(`stopped at the first record that was refused; ${notSent}`);
  if (writing.stoppedByTime && result.notWritten > 0)
    context.warnOfResult(`the time of --budget was up: ${notSent}`);
  if (evictedKeys !== null && evictedKeys > 0 && !allowsEvictions) {
    const end = writing.stoppedByEvictions ? `; stopped, and ${notSent}` : '';
    context.warnOfResult(
      `the server evicted ${counted(evictedKeys, 'key')} meanwhile, which may be others than these${end}\n` +
        'hint: load fewer records or raise `maxmemory`; --allow-evictions continues anyway',
    );
  }
}

/** What was found otherwise, and what could not be compared. */
export function warnOfVerification(context: Context, verification: Verification): void {
  const { mismatched, differences, notCompared, problems } = verification;
  if (mismatched > 0)
    context.warnOfResult(
      `${counted(mismatched, 'record')} ${mismatched === 1 ? 'is' : 'are'} not as written:\n${problemLines(differences, mismatched)}`,
    );
  if (notCompared > 0)
    context.warnOfResult(
      `${counted(notCompared, 'record')} could not be compared:\n${problemLines(problems, notCompared)}`,
    );
}
