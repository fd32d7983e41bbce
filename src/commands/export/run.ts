import { relative, resolve } from 'node:path';
import { archiveChunks } from '../../records/export/archive-chunks.ts';
import { fixtureChunks } from '../../records/export/fixture-chunks.ts';
import { type ExportScope, ExportTally } from '../../records/export/read-batches.ts';
import { writePending } from '../../records/export/write-file.ts';
import { InputError, fileFailureText, isSystemError } from '../../support/failure.ts';
import { readExistence } from '../../changes/existing-keys.ts';
import { bytesOf } from '../../support/bytes.ts';
import { keyFilter } from '../../keyspace/key-selection.ts';
import { sumOrNull } from '../../support/collections.ts';
import { RedisError, refusal } from '../../redis/errors.ts';
import { cpuSecondsBetween, fieldTtlsOf, type NodeFacts, readAllNodeFacts } from '../../redis/node-facts.ts';
import { sumAccounts } from '../../redis/account.ts';
import type { RedisServer } from '../../redis/server.ts';
import { escapeJson } from '../../render/json-text.ts';
import { shellWord } from '../../render/shell-word.ts';
import { counted } from '../../render/units.ts';
import { LinkError } from '../../support/files.ts';
import { type Context, type Execution, InterruptedError, type Outcome } from '../context.ts';
import { exitCodes } from '../exit-codes.ts';
import { type SelectionInput, selectionOf, selectionText, warnOfUnjudged } from '../key-selection.ts';
import { type PaceInput, paceLimitsOf } from '../reading-options.ts';
import { costOfWalks } from '../keyspace-report.ts';
import { problemLines } from '../problem-lines.ts';
import { warnOfNothing } from '../nothing-matched.ts';
import { confirmReplacing } from '../protection.ts';
import { type ExportForm, exportFormOf } from './form.ts';
import { blankExport, type ExportResult, exportNotes, groupsText, viewExport } from './result.ts';

export interface ExportInput extends PaceInput, SelectionInput {
  readonly patterns: readonly string[];
  /** `-`, or none: stdout. */
  readonly to?: string;
  /** Replace the file. */
  readonly force?: true;
  readonly form?: ExportForm;
  readonly limit?: number;
  readonly count?: number;
}

/** `export` from its input to its result. */
export function exportExecution(input: ExportInput): Execution<ExportResult> {
  return { blank: blankExport, run: (context) => exportKeys(context, input), view: viewExport };
}

async function exportKeys(context: Context, input: ExportInput): Promise<Outcome<ExportResult>> {
  const to = input.to === '-' ? undefined : input.to;
  const form = exportFormOf(input.form, to);
  if (form === 'archive' && to === undefined && context.environment.stdoutIsTerminal) {
    throw new InputError('an archive is binary, and stdout is a terminal', 'name a file with --to FILE');
  }
  const scope = scopeOf(context, input);
  await confirmReplacing(context, to, input.force);
  const server = await context.connect();
  if (input.to === undefined) await refuseFileNames(server, input.patterns);
  const tally = new ExportTally();
  const startedAt = context.now();
  const before = await readAllNodeFacts(server);
  context.progress.start('exporting', 'keys', populationOf(before, scope));
  const chunks = chunksOf(context, input, form, server, scope, tally);
  const { file, bytes } = await (to === undefined
    ? writeToStdout(context, form, chunks)
    : writeToFile(context, to, chunks, tally));
  context.progress.stop();
  if (tally.keys === 0 && tally.complete && tally.problems.total === 0)
    await warnOfNothing(context, server, input.patterns, selectionText(input));
  const after = tally.stopped === null ? await readAllNodeFacts(server).catch(() => []) : [];
  const durationSeconds = (context.now() - startedAt) / 1000;
  const serverCost = costOfWalks(tally.accounts, durationSeconds, cpuSecondsBetween(before, after));
  const result: ExportResult = {
    ...{ file, form, keys: tally.keys, fileBytes: bytes, skipped: tally.skipped },
    failed: tally.problems.total,
    unreadableKeys: serverCost.unreadableKeys,
    complete: tally.complete,
    hashesWithFieldTtls: fieldTtlsOf(before),
    streamsWithoutGroups: form === 'archive' ? 0 : tally.streamsWithGroups,
    types: tally.types,
    idleTimesReset: !tally.leavesIdleTimes,
    problems: tally.problems.first,
    serverCost,
  };
  if (input.to === undefined && input.limit === undefined && !tally.complete && tally.keys === mostOnTerminal)
    context.warnOfResult(
      `a terminal shows the first ${mostOnTerminal} records: --to FILE writes all of them, --limit shows more`,
    );
  if (to === undefined) await context.remark(exportNotes(result, context.ownLookups()));
  warnOfLosses(context, result, tally.fieldTtlsRefused);
  warnOfUnjudged(context, sumAccounts(tally.accounts, 0).unjudgedKeys);
  const error = failureOf(context, tally, result, server);
  return {
    result,
    ...(to === undefined && { printed: true as const }),
    ...(error !== null && { error }),
    ...(result.failed > 0 && { exitCode: exitCodes.negative }),
  };
}

const fileName = /^(?:\.{0,2}\/|~)|\.(?:json|ndjson|jsonl|archive|cachectl|gz|zst|txt|rdb)$/i;

/** `export 'user:*' users.ndjson` would take the file for a second pattern. @throws InputError */
async function refuseFileNames(server: RedisServer, patterns: readonly string[]): Promise<void> {
  const name = patterns.find((text) => fileName.test(text) && !/[*<]/.test(text));
  if (name === undefined) return;
  const key = bytesOf(name);
  const [isThere] = await readExistence((commands) => server.nodeFor(key).batch(commands), [key]);
  if (isThere === true) return;
  throw new InputError(
    `\`${name}\` is no key, and looks like a file: the arguments of \`export\` are patterns of keys`,
    `write to a file with --to ${name}`,
  );
}

/** More than anyone reads on a terminal. */
const mostOnTerminal = 100;

function scopeOf({ map, signal, environment }: Context, input: ExportInput): ExportScope {
  const isForReading = input.to === undefined && environment.stdoutIsTerminal;
  const { count, limit = isForReading ? mostOnTerminal : Number.POSITIVE_INFINITY } = input;
  return {
    walk: keyFilter(map, selectionOf(map, input.patterns, input)),
    ...(count !== undefined && { pageSize: count }),
    pace: paceLimitsOf(input),
    limit,
    signal,
  };
}

/** How many keys there will be, where that is known. */
function populationOf(facts: readonly NodeFacts[], { walk, limit }: ExportScope): number | null {
  if (Object.keys(walk).length > 0) return null;
  const keys = sumOrNull(facts.map((each) => each.keys));
  return keys === null ? null : Math.min(keys, limit);
}

async function* chunksOf(
  context: Context,
  input: ExportInput,
  form: ExportForm,
  server: RedisServer,
  scope: ExportScope,
  tally: ExportTally,
): AsyncGenerator<Buffer> {
  const chunks =
    form === 'archive'
      ? archiveChunks(server, scope, headerOf(context, input, server), tally, context.now)
      : fixtureChunks(server, scope, form, tally, context.now);
  for await (const chunk of chunks) {
    yield chunk;
    context.progress.update(tally.seen);
  }
}

const patternsOf = ({ patterns }: ExportInput) => (patterns.length === 0 ? ['*'] : patterns);

function headerOf(context: Context, input: ExportInput, server: RedisServer) {
  return {
    kind: 'export',
    createdAt: new Date(context.now()).toISOString(),
    server: server.address,
    database: server.nodes[0].database,
    profile: context.profile?.name ?? null,
    action: ['export', ...patternsOf(input).map(shellWord)].join(' ') + selectionText(input),
    patterns: patternsOf(input),
    withValues: true,
  } as const;
}

/** Where the data went, and how much of it. */
interface Written {
  readonly file: string | null;
  readonly bytes: number;
}

async function writeToStdout(
  context: Context,
  form: ExportForm,
  chunks: AsyncGenerator<Buffer>,
): Promise<Written> {
  const decoder = new TextDecoder();
  let bytes = 0;
  for await (const chunk of chunks) {
    bytes += chunk.length;
    // A terminal would act on controls that JSON leaves as they are.
    if (context.environment.stdoutIsTerminal && form !== 'archive')
      await context.write(escapeJson(decoder.decode(chunk, { stream: true })));
    else await context.writeBytes(chunk);
  }
  return { file: null, bytes };
}

async function writeToFile(
  context: Context,
  to: string,
  chunks: AsyncGenerator<Buffer>,
  tally: ExportTally,
): Promise<Written> {
  const { workingDirectory, processes } = context.environment;
  try {
    const file = await writePending(resolve(workingDirectory, to), chunks, processes, context.signal);
    if (tally.stopped === null && !context.signal.aborted) {
      await file.complete();
      return { file: to, bytes: file.bytes };
    }
    if (tally.keys === 0) {
      await file.discard();
      return { file: null, bytes: 0 };
    }
    const partial = relative(workingDirectory, await file.keepPartial());
    return { file: partial, bytes: file.bytes };
  } catch (error) {
    if (!isSystemError(error) && !(error instanceof LinkError)) throw error;
    throw new InputError(
      `\`${to}\` cannot be written: ${fileFailureText(error)}; nothing was kept`,
      'name another file with --to FILE',
    );
  }
}

/** What is not in the file, whatever the form of the report. */
function warnOfLosses(
  { warnOfResult: warn }: Context,
  result: ExportResult,
  fieldTtlsRefused: string | null,
): void {
  const { failed, problems, streamsWithoutGroups, hashesWithFieldTtls } = result;
  if (fieldTtlsRefused !== null) {
    const hashes =
      hashesWithFieldTtls === null
        ? 'fields of hashes may have TTLs'
        : `${counted(hashesWithFieldTtls, 'hash', 'hashes')} of the database ${hashesWithFieldTtls === 1 ? 'has' : 'have'} fields with a TTL`;
    warn(
      `${hashes} of their own, which could not be read (the server answered \`${fieldTtlsRefused}\`): ` +
        'loaded again, these fields do not expire; --form archive keeps them',
    );
  }
  if (failed > 0) warn(`${counted(failed, 'key')} could not be exported:\n${problemLines(problems, failed)}`);
  if (streamsWithoutGroups > 0) warn(groupsText(streamsWithoutGroups));
}

/** Why the export did not come to its end, with how far it had come; null where it did. */
function failureOf(
  context: Context,
  tally: ExportTally,
  { keys, file }: ExportResult,
  server: RedisServer,
): Error | null {
  const far = `${counted(keys, 'key')} ${keys === 1 ? 'was' : 'were'} exported${file === null ? '' : ` to \`${file}\``}`;
  const { stopped, refused } = tally;
  if (stopped instanceof RedisError)
    return new RedisError(
      stopped.failure,
      stopped.code,
      `${stopped.message}; ${far}`,
      stopped.hint,
      stopped.refused,
    );
  if (stopped !== null) return stopped;
  if (context.signal.aborted) return new InterruptedError(`interrupted: ${far}`);
  if (keys === 0 && refused !== undefined)
    return refusal(refused.reply, `\`${refused.command}\``, server.address);
  return null;
}
