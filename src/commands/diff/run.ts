import { statSync } from 'node:fs';
import { resolve } from 'node:path';
import {
  compareFiles,
  compareFileWithServer,
  compareServers,
  type ComparisonScope,
} from '../../records/compare/compare-sides.ts';
import { defaultToleranceMillis } from '../../records/compare/canonical.ts';
import { ComparisonTally } from '../../records/compare/tally.ts';
import { InputError } from '../../support/failure.ts';
import { keyFilter } from '../../keyspace/key-selection.ts';
import { keyText } from '../../keyspace/key-text.ts';
import { quotePattern } from '../../keyspace/pattern.ts';
import { sumAccounts, type WalkAccount } from '../../redis/account.ts';
import { shellWord } from '../../render/shell-word.ts';
import { counted } from '../../render/units.ts';
import { type Context, type Execution, InterruptedError, type Outcome } from '../context.ts';
import { exitCodes } from '../exit-codes.ts';
import { costOfWalks } from '../keyspace-report.ts';
import { type SelectionInput, selectionOf, selectionText, warnOfUnjudged } from '../key-selection.ts';
import { warnOfNothing } from '../nothing-matched.ts';
import { problemLines } from '../problem-lines.ts';
import { blankDiff, type DiffResult, diffResultOf, viewDiff } from './result.ts';
import { FileRecords } from '../../records/compare/file-records.ts';
import { openFile } from '../../records/fixtures/source.ts';
import type { RedisServer } from '../../redis/server.ts';
import { asBytes, type ByteString } from '../../support/bytes.ts';

interface DiffInput extends SelectionInput {
  readonly a: string;
  /** Undefined: the server of the run. */
  readonly b: string | undefined;
  /** None: all. */
  readonly pattern?: readonly string[];
  /** Seconds. */
  readonly ttlTolerance?: number;
  readonly ignoreTtl?: true;
  readonly limit: number;
}

/** `diff` from its input to its result. */
export function diffExecution(input: DiffInput): Execution<DiffResult> {
  return {
    blank: blankDiff,
    rows: 'differences',
    run: (context) => diff(context, input),
    view: viewDiff,
  };
}

async function diff(context: Context, input: DiffInput): Promise<Outcome<DiffResult>> {
  const scope = scopeOf(context, input);
  const names = [await sideNamed(context, input.a), await sideNamed(context, input.b)] as const;
  requireReported(input, scope, names);
  const accepts = scope.filter.accepts ?? (() => true);
  const startedAt = context.now();
  // Servers first: one that cannot be reached is reported before large files are read.
  const order = names[0].kind === 'server' ? ([0, 1] as const) : ([1, 0] as const);
  const opened: [OpenSide?, OpenSide?] = [];
  for (const index of order) opened[index] = await names[index].open(accepts);
  const [a, b] = opened as [OpenSide, OpenSide];
  const swapped = a.kind === 'server' && b.kind === 'file';
  const tally = new ComparisonTally(context.map, input.limit, swapped);
  const accounts: WalkAccount[] = [];
  const complete = await compare(a, b, scope, tally, accounts);
  const cost = costOfWalks(accounts, (context.now() - startedAt) / 1000, null);
  warnOfUnjudged(context, sumAccounts(accounts, 0).unjudgedKeys);
  const result = diffResultOf(a.name, b.name, tally, complete, cost);
  const { server = null } = b.kind === 'server' ? b : a.kind === 'server' ? a : {};
  const met = result.compared + result.missing + result.extra + result.skipped + result.failed;
  if (server !== null && complete && met === 0)
    await warnOfNothing(context, server, input.pattern ?? [], selectionText(input));
  if (result.failed > 0) {
    const lines = problemLines(result.problems, result.failed);
    context.warnOfResult(`${counted(result.failed, 'key')} could not be compared:\n${lines}`);
  }
  const file = a.kind === 'file' ? a.file : b.kind === 'file' ? b.file : null;
  if (result.differentTtls > 0 && a.kind !== b.kind && (file?.exportedTtls ?? 0) > 0) {
    context.warnOfResult(
      `${counted(result.differentTtls, 'key differs', 'keys differ')} in the TTL alone: \`warm\` starts the TTLs of records anew, and \`diff\` goes by the moments of the export; --ignore-ttl leaves TTLs out`,
    );
  }
  if (a.kind !== b.kind) remarkOnOthers(context, input, tally, swapped);
  if (!complete) {
    const error = new InterruptedError(`interrupted: ${counted(result.compared, 'key')} had been compared`);
    return { result, error };
  }
  return { result, exitCode: result.equal === true ? exitCodes.success : exitCodes.negative };
}

const fewestOthers = 20;

/** Keys that the server has and a file of one kind of keys cannot have bury the differences. */
function remarkOnOthers(
  { map, warnOfResult }: Context,
  { pattern = [], namespace, regex }: DiffInput,
  { start, missing, extra }: ComparisonTally,
  swapped: boolean,
): void {
  const others = (swapped ? missing : extra).total;
  const ends = map.delimiters.map((delimiter) => (start ?? '').lastIndexOf(delimiter) + 1);
  const length = Math.max(0, ...ends);
  const isNarrowed = pattern.length > 0 || namespace !== undefined || regex !== undefined;
  if (start === null || length === 0 || others < fewestOthers || isNarrowed) return;
  const shared = `${quotePattern(keyText(asBytes(start.slice(0, length))))}*`;
  warnOfResult(
    `${counted(others, 'key')} of the server are not in the file, whose keys all fit \`${shared}\`: --pattern ${shellWord(shared)} compares these alone`,
  );
}

function compare(
  a: OpenSide,
  b: OpenSide,
  scope: ComparisonScope,
  tally: ComparisonTally,
  accounts: WalkAccount[],
): Promise<boolean> {
  if (a.kind === 'server')
    return b.kind === 'server'
      ? compareServers(a.server, b.server, scope, tally, accounts)
      : compareFileWithServer(b.file, a.server, scope, tally, accounts);
  return b.kind === 'server'
    ? compareFileWithServer(a.file, b.server, scope, tally, accounts)
    : compareFiles(a.file, b.file, scope, tally);
}

function scopeOf(context: Context, input: DiffInput): ComparisonScope {
  const { map, signal, progress, now } = context;
  const { pattern = [], ignoreTtl, ttlTolerance } = input;
  if (ignoreTtl && ttlTolerance !== undefined)
    throw new InputError('--ignore-ttl and --ttl-tolerance exclude each other', 'leave one of them out');
  return {
    filter: keyFilter(map, selectionOf(map, pattern, input)),
    ttlToleranceMillis: ignoreTtl
      ? null
      : ttlTolerance === undefined
        ? defaultToleranceMillis
        : ttlTolerance * 1000,
    ...{ signal, progress, now },
  };
}

/** @throws InputError where keys of a file would have to be judged by what only a server reports */
function requireReported(
  { a, b = '', match }: DiffInput,
  { filter: { type, conditions } }: ComparisonScope,
  sides: readonly NamedSide[],
): void {
  const file = sides.findIndex(({ kind }) => kind === 'file');
  if (file < 0 || (type === undefined && conditions === undefined && match === undefined)) return;
  throw new InputError(
    `\`${[a, b][file] ?? ''}\` is a file, and --type, --size, --ttl, --idle, --elements and --match are judged by a server`,
    'compare two servers, or select by name: --pattern, --exclude, --regex, --namespace',
  );
}

/** One side, opened; `name` is for messages. */
type OpenSide =
  | { readonly kind: 'server'; readonly name: string; readonly server: RedisServer }
  | { readonly kind: 'file'; readonly name: string; readonly file: FileRecords };

/** What an argument names, before anything is opened. */
interface NamedSide {
  readonly kind: OpenSide['kind'];
  /** @throws RedisError, InputError */
  readonly open: (accepts: (key: ByteString) => boolean) => Promise<OpenSide>;
}

/** @param argument Undefined: the server of the run. @throws InputError where it names nothing */
async function sideNamed(context: Context, argument: string | undefined): Promise<NamedSide> {
  const { workingDirectory } = context.environment;
  const target = argument === undefined ? null : await context.targetOf(argument);
  if (argument === undefined || target !== null) {
    const open = async () => {
      const server = await (target === null ? context.connect() : context.connectTo(target));
      return { kind: 'server', name: server.address, server } as const;
    };
    return { kind: 'server', open };
  }
  if (statSync(resolve(workingDirectory, argument), { throwIfNoEntry: false }) === undefined)
    throw new InputError(
      `\`${argument}\` is no profile of the map, no address of a server and no file`,
      '`cachectl config show` names the map in force; an address is host:port, or a URL with redis://, rediss:// or unix://',
    );
  const open: NamedSide['open'] = async (accepts) => {
    const source = await openFile(argument, workingDirectory, context.signal);
    const file = await FileRecords.open(source, context.map, accepts, context.now);
    return { kind: 'file', name: argument, file };
  };
  return { kind: 'file', open };
}
