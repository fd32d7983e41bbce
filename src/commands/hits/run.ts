import { isAbsolute, join } from 'node:path';
import type { SampleLimits } from '../../curves/sample-limits.ts';
import { unjudgedTargets } from '../../health/namespace-targets.ts';
import { mostKeys } from '../../traffic/figures/listed-keys.ts';
import { findingsOf } from '../../traffic/figures/findings.ts';
import { compareWithRecord, openHistory, readLastRecord, recordOf } from '../../traffic/history.ts';
import type { WindowAccesses } from '../../traffic/observation.ts';
import type { CostLimit } from '../../traffic/observe.ts';
import type { HitMode, TrafficReport } from '../../traffic/report.ts';
import { type KeySelection, keyFilter } from '../../keyspace/key-selection.ts';
import type { NamespaceMap } from '../../keyspace/map.ts';
import { given, pick } from '../../support/collections.ts';
import { InputError } from '../../support/failure.ts';
import type { Context, Execution, Outcome } from '../context.ts';
import { exitCodes } from '../exit-codes.ts';
import { type NameInput, selectionOf, selectionText } from '../key-selection.ts';
import { warnOfNoReads } from '../nothing-matched.ts';
import { observeWindow } from '../observing.ts';
import { unjudgedTexts } from '../unjudged-targets.ts';
import { gateText, judgeTargets, requireTargets } from './gate.ts';
import { blankHits, type HitsResult } from './result.ts';
import { liveBlocks, namespaceFields, viewHits } from './view.ts';
import { type LayoutInput, requireColumns, sortedRows } from '../namespace-columns.ts';

export interface HitsInput extends LayoutInput, NameInput {
  readonly patterns: readonly string[];
  /** Seconds. */
  readonly for: number;
  /** Until Ctrl-C. */
  readonly follow?: true;
  /** None: what the server permits and its load. */
  readonly mode?: HitMode;
  /** From 0 to 1. None: a tenth. */
  readonly duty?: number;
  /** None: 20, and for people what fits on the screen. */
  readonly limit?: number;
  readonly keys: number;
  readonly maxCost?: CostLimit;
  readonly maxBytes: number;
  /** A file. */
  readonly record?: string;
  /** A file. */
  readonly compare?: string;
  readonly failBelowTarget?: true;
}

/** `hits` from its options to its result. */
export function hitsExecution(input: HitsInput): Execution<HitsResult> {
  return {
    blank: blankHits,
    rows: 'namespaces',
    run: async (context) => (await readHits(context, input)).outcome,
    view: (result, _own, audience) => viewHits(result, input, audience),
  };
}

/** A window, and with limits for a sample also what was sampled of it in mode `exact`. */
export async function readHits(
  context: Context,
  input: HitsInput,
  sample?: SampleLimits,
): Promise<{ readonly outcome: Outcome<HitsResult>; readonly accesses: WindowAccesses | null }> {
  if (input.duty !== undefined && input.mode !== undefined && input.mode !== 'sampled')
    throw new InputError(
      `--duty is of \`--mode sampled\`, and has no effect with \`--mode ${input.mode}\``,
      'leave one of them out, or use `--mode sampled`',
    );
  requireColumns(namespaceFields, input);
  const selection = selectionOf(context.map, input.patterns, pick(input, ['namespace', 'exclude', 'regex']));
  const { accepts: isSelected = null } = keyFilter(context.map, selection);
  if (isSelected !== null && input.mode === 'counters') throw noNames();
  if (input.failBelowTarget) requireTargets(mapWithin(context.map, selection), input.mode ?? null);
  const pathOf = (file: string) =>
    isAbsolute(file) ? file : join(context.environment.workingDirectory, file);
  const before =
    input.compare === undefined ? null : await readLastRecord(pathOf(input.compare), context.signal);
  const asked = [...input.patterns, selectionText(input).trim()].join(' ').trim();
  if (before !== null && (before.selection ?? '') !== asked) throw otherSelection(before.selection);
  const history = input.record === undefined ? null : await openHistory(pathOf(input.record), context.signal);
  try {
    const server = await context.reconnect();
    const { address } = server;
    const { mode, duty, maxCost, maxBytes } = input;
    const seconds = input.follow ? null : input.for;
    const options = { seconds, maxBytes, isSelected, ...given({ mode, duty, maxCost, sample }) };
    const show = (report: TrafficReport) => liveBlocks(report, input);
    const { report, restored, failure, accesses } = await observeWindow(context, server, options, show);
    const now = context.now();
    const { missed: _recorded, outsideWords: _names, ...shown } = report;
    const result: HitsResult = {
      server: { address },
      endedAt: new Date(now).toISOString(),
      ...shown,
      mostMissed: report.mostMissed.slice(0, mostKeys),
      namespaces: sortedRows(report.namespaces, namespaceFields, input.sort),
      findings: findingsOf(report),
      unjudgedTargets: unjudgedTargets(mapWithin(context.map, selection), report, 'refused'),
      gate: input.failBelowTarget ? judgeTargets(report) : null,
      comparison: before === null ? null : compareWithRecord(report, before),
      notifications: restored,
      damaged: [],
    };
    await history?.append(recordOf(report, address, now, asked));
    warnOfMode(context, input, report, isSelected !== null);
    warnOfNoReads(context, report, input.patterns, selectionText(input));
    for (const { message } of restored) if (message !== null) context.warn(message);
    warnOfGate(context, result);
    const stuck = restored.some(({ outcome }) => outcome === 'failed');
    const isMet = report.valid && !stuck && result.gate?.met !== false;
    const exitCode = isMet ? exitCodes.success : exitCodes.negative;
    return { outcome: { result, exitCode, ...(failure && { error: failure }) }, accesses };
  } finally {
    history?.close();
  }
}

const otherSelection = (selection = '') =>
  new InputError(
    `--compare: the last result there is of ${selection === '' ? 'all keys' : `\`${selection}\``}`,
    'give the same patterns and options, or compare with another file',
  );

const noNames = () =>
  new InputError(
    '`--mode counters` knows no keys, and so takes no pattern, --namespace, --exclude or --regex',
    'use `--mode exact`, `sampled` or `misses-only`',
  );

/** The targets of what is left out by name are not missed. */
function mapWithin(map: NamespaceMap, { namespaces: wanted, excluded }: KeySelection): NamespaceMap {
  const isWanted = ({ name }: { readonly name: string }) =>
    (wanted.length === 0 || wanted.includes(name)) && excluded?.namespaces.includes(name) !== true;
  return { ...map, namespaces: map.namespaces.filter(isWanted) };
}

/** An exit code needs a reason, and a gate that passed says what it did not look at. */
function warnOfGate({ output, warnOfResult: warn }: Context, { gate, unjudgedTargets }: HitsResult): void {
  if (gate === null) return;
  const verdict = gateText(gate);
  if (verdict !== null) warn(verdict);
  // The table has them.
  if (output !== 'table') for (const text of unjudgedTexts(unjudgedTargets, '--mode')) warn(text);
}

/** What a person sees in the table, for those who have only rows. */
function warnOfMode(
  { output, warnOfResult: warn }: Context,
  { mode: asked, duty }: HitsInput,
  { mode, modeReason }: TrafficReport,
  isPart: boolean,
): void {
  if (isPart && mode === 'counters')
    warn(`the selection had no effect: counters are those of the whole server; ${modeReason}`);
  if (duty !== undefined && mode !== 'sampled')
    warn(`--duty had no effect: observed in mode ${mode}; \`--mode sampled\` reads commands in bursts`);
  if (output === 'table' || asked !== undefined || mode === 'exact' || mode === 'sampled') return;
  warn(`observed in mode ${mode}: ${modeReason}`);
}
