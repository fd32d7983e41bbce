import type { ByteString } from '../../support/bytes.ts';
import { pick } from '../../support/collections.ts';
import { InputError } from '../../support/failure.ts';
import type { Progress } from '../../support/progress.ts';
import { analyzeKeyspace } from '../../keyspace/analyze.ts';
import { keyFields } from '../../keyspace/key-text.ts';
import type { NamespaceMap } from '../../keyspace/map.ts';
import type { Analysis, AnalysisOptions } from '../../keyspace/reading.ts';
import type { Context, Execution, Outcome } from '../context.ts';
import { keyspaceFiguresOf, warnOfTouches } from '../keyspace-report.ts';
import { rowName } from '../namespace-summary.ts';
import { confirmReplacing } from '../protection.ts';
import { selectionOf, selectionText, warnOfUnjudged } from '../key-selection.ts';
import { warnOfNothing } from '../nothing-matched.ts';
import { comparisonOf, requireColumns, sortedRows } from '../namespace-columns.ts';
import { defaultLimit, namespaceFields } from './namespace-table.ts';
import { readingOptionsOf } from '../reading-options.ts';
import type { Browsed } from './browse.ts';
import { openCheckpoint } from './checkpoint.ts';
import { growthSince, loadSnapshot, saveSnapshot, scopeOf } from './snapshot.ts';
import { viewInspect } from './view.ts';
import { defaultTop, type InspectInput, type InspectResult } from './result.ts';
import type { OpenScreen } from '../screen.ts';
import { blankOf } from '../blank.ts';

/** `inspect` from its input to its result. */
export function inspectExecution(input: InspectInput): Execution<InspectResult> {
  return {
    blank: blankOf<InspectResult>()(`
      exact reading keys keysInterval memoryBytes memoryBytesInterval overheadBytes withoutTtl
      withoutTtlInterval withoutTtlSource namespaces[] total ttlRules[] largest[] mostElements growth serverCost
    `),
    rows: 'namespaces',
    run: (context) => inspect(context, input),
    view: (result, own) => viewInspect(result, own, input),
  };
}

const columns = { memory: true, type: true, ttl: true } as const;
const selectionNames = [
  ...(['patterns', 'namespace', 'match', 'exclude', 'regex'] as const),
  ...(['type', 'ttl', 'size', 'idle', 'elements'] as const),
];
const details = { encoding: true, idle: true, frequency: true } as const;

/** So many of the largest keys are kept to look through: most namespaces have some among them. */
const mostLargest = 1000;

async function inspect(context: Context, input: InspectInput): Promise<Outcome<InspectResult>> {
  requireColumns(namespaceFields, input);
  const openScreen = input.browse === true ? screenFor(context, input) : null;
  const { limit = defaultLimit, top = defaultTop } = input;
  const map = withDelimiters(context.map, input.delimiters);
  const selection = selectionOf(map, input.patterns, input);
  const reading = readingOptionsOf(context, input);
  const since = input.since === undefined ? null : await loadSnapshot(context, input.since, scopeOf(input));
  // Who compares with the file and saves to it has named it twice: it is carried forward.
  await confirmReplacing(context, input.save, input.force === true || input.save === input.since);
  await confirmReplacing(context, input.checkpoint, input.force);
  const checkpoint = await openCheckpoint(context, input);
  const server = await context.connect();
  const defaultDepth =
    map.isEmpty || openScreen !== null || (input.namespace ?? []).length > 0 ? Number.POSITIVE_INFINITY : 1;
  const options: Omit<AnalysisOptions, 'signal' | 'progress'> = {
    map,
    depth: input.depth ?? defaultDepth,
    columns,
    details,
    selection,
    top: openScreen === null ? top : mostLargest,
    mostElements: input.mostElements === true ? top : undefined,
    reading: { ...reading, ...(await checkpoint.readingOptions(server)) },
    now: context.now,
  };
  const read = async (signal: AbortSignal, progress: Progress): Promise<Browsed> => {
    const analysis = await analyzeKeyspace(server, { ...options, signal, progress });
    checkpoint.finish(analysis.account.complete, analysis.failure);
    const { figures, namespaces } = keyspaceFiguresOf(analysis, map);
    const whole = { ...figures, namespaces: namespaces(Number.POSITIVE_INFINITY) };
    const unsaved =
      input.save === undefined
        ? null
        : await saveSnapshot(
            context,
            input.save,
            server.address,
            scopeOf(input),
            whole,
            analysis.method.kind,
          );
    const oldestIdle = whole.total.idleHistogram?.findLast(({ keys }) => keys > 0);
    // A removal on the screen warns of it itself.
    if (
      openScreen === null &&
      oldestIdle !== undefined &&
      !context.signal.aborted &&
      analysis.failure === null
    )
      await warnOfTouches(context, server, oldestIdle.upToSeconds ?? Number.POSITIVE_INFINITY);
    warnOfUnjudged(context, analysis.account.unjudgedKeys);
    if (figures.keys === 0 && analysis.account.complete && analysis.failure === null)
      await warnOfNothing(context, server, input.patterns, selectionText(input));
    if (since !== null && since.server !== server.address)
      context.warnOfResult(`the snapshot is of ${since.server}, and this is ${server.address}`);
    const error = (analysis.failure && checkpoint.explain(analysis.failure)) ?? unsaved;
    const largest = largestOf(analysis);
    const result: InspectResult = {
      ...figures,
      namespaces: sortedRows(
        whole.namespaces.length <= limit
          ? whole.namespaces
          : namespaces(limit, comparisonOf(namespaceFields, input.sort)),
        namespaceFields,
        input.sort,
      ),
      ttlRules: whole.namespaces.flatMap((row) =>
        row.ttlRule === null ? [] : [{ namespace: rowName(row), ...row.ttlRule }],
      ),
      largest: largest.slice(0, top),
      mostElements:
        analysis.mostElements?.map(({ key, type, ...figures }) => ({
          ...{ type, ...keyFields(key), namespace: rowOf(analysis, key), ...figures },
        })) ?? null,
      growth: since && growthSince(since, whole, context.now()),
    };
    return {
      outcome: { result, ...(error && { error }) },
      result: { ...result, ...whole, largest },
      ...{ top, own: context.ownLookups(), map },
      rowOf: (key) => rowOf(analysis, key),
      among: pick(input, selectionNames),
    };
  };
  if (openScreen === null) return (await read(context.signal, context.progress)).outcome;
  const { lookThrough } = await import('./browse.ts');
  return lookThrough(context, openScreen, server.address, read);
}

/** @throws InputError where there is no terminal to look through something at */
function screenFor(
  { openScreen, environment }: Context,
  { since, columns, sort, limit, mostElements }: InspectInput,
): OpenScreen {
  if ([since, columns, sort, limit, mostElements].some((each) => each !== undefined))
    throw new InputError(
      '--browse has columns of its own, lists every namespace, and shows no growth',
      'leave out --browse for --since, --columns, --sort, --limit and --most-elements',
    );
  const { isTTY } = environment.stdin as { readonly isTTY?: boolean };
  if (openScreen !== null && isTTY === true) return openScreen;
  throw new InputError(
    '--browse needs a terminal on stdin and stdout, and no other --output than table',
    'leave it out: `cachectl inspect` prints the same as a tree, and --output json as raw numbers',
  );
}

function largestOf({ tree }: Analysis): InspectResult['largest'] {
  return tree.largest.list().map(({ key, memoryBytes, type }) => ({
    ...keyFields(key),
    namespace: rowOf({ tree }, key),
    memoryBytes,
    type,
  }));
}

/** The name of the row that the key is counted to; null: of none. */
function rowOf({ tree }: Pick<Analysis, 'tree'>, key: ByteString): string | null {
  const row = tree.nameOf(key);
  return row && rowName(row);
}

function withDelimiters(map: NamespaceMap, delimiters: string | undefined): NamespaceMap {
  if (delimiters === undefined) return map;
  if (!/^[!-~]+$/.test(delimiters)) {
    throw new InputError(
      `--delimiters \`${delimiters}\` is not a list of ASCII characters`,
      "write them side by side, such as --delimiters ':/'",
    );
  }
  return { ...map, delimiters: [...new Set(delimiters)] };
}
