import { isAbsolute, join } from 'node:path';
import { unjudgedTargets } from '../../health/namespace-targets.ts';
import { findingsOf } from '../../traffic/figures/findings.ts';
import { compareWithRecord, openHistory, readLastRecord, recordOf } from '../../traffic/history.ts';
import type { CostLimit } from '../../traffic/observe.ts';
import type { HitMode, TrafficReport } from '../../traffic/report.ts';
import { given } from '../../support/collections.ts';
import { InputError } from '../../support/failure.ts';
import type { Context, Execution, Outcome } from '../context.ts';
import { exitCodes } from '../exit-codes.ts';
import { observeWindow } from '../observing.ts';
import { unjudgedTexts } from '../unjudged-targets.ts';
import { gateText, judgeTargets, requireTargets } from './gate.ts';
import { blankHits, type HitsResult } from './result.ts';
import { liveBlocks, namespaceFields, viewHits } from './view.ts';
import { type LayoutInput, requireColumns, sortedRows } from '../namespace-columns.ts';

export interface HitsInput extends LayoutInput {
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
    run: (context) => readHits(context, input),
    view: (result, _own, audience) => viewHits(result, input, audience),
  };
}

async function readHits(context: Context, input: HitsInput): Promise<Outcome<HitsResult>> {
  if (input.duty !== undefined && input.mode !== undefined && input.mode !== 'sampled')
    throw new InputError(
      `--duty is of \`--mode sampled\`, and has no effect with \`--mode ${input.mode}\``,
      'leave one of them out, or use `--mode sampled`',
    );
  requireColumns(namespaceFields, input);
  if (input.failBelowTarget) requireTargets(context.map, input.mode ?? null);
  const pathOf = (file: string) =>
    isAbsolute(file) ? file : join(context.environment.workingDirectory, file);
  const before =
    input.compare === undefined ? null : await readLastRecord(pathOf(input.compare), context.signal);
  const history = input.record === undefined ? null : await openHistory(pathOf(input.record), context.signal);
  try {
    const server = await context.reconnect();
    const { address } = server;
    const { mode, duty, maxCost, maxBytes } = input;
    const seconds = input.follow ? null : input.for;
    const options = { seconds, maxBytes, ...given({ mode, duty, maxCost }) };
    const show = (report: TrafficReport) => liveBlocks(report, input);
    const { report, restored, failure } = await observeWindow(context, server, options, show);
    const now = context.now();
    const result: HitsResult = {
      server: { address },
      endedAt: new Date(now).toISOString(),
      ...report,
      namespaces: sortedRows(report.namespaces, namespaceFields, input.sort),
      findings: findingsOf(report),
      unjudgedTargets: unjudgedTargets(context.map, report, 'refused'),
      gate: input.failBelowTarget ? judgeTargets(report) : null,
      comparison: before === null ? null : compareWithRecord(report, before),
      notifications: restored,
      damaged: [],
    };
    await history?.append(recordOf(report, address, now));
    warnOfMode(context, input, report);
    for (const { message } of restored) if (message !== null) context.warn(message);
    warnOfGate(context, result);
    const stuck = restored.some(({ outcome }) => outcome === 'failed');
    return {
      result,
      exitCode: report.valid && !stuck && result.gate?.met !== false ? exitCodes.success : exitCodes.negative,
      ...(failure && { error: failure }),
    };
  } finally {
    history?.close();
  }
}

/** An exit code needs a reason, and a gate that passed says what it did not look at. */
function warnOfGate({ output, warn }: Context, { gate, unjudgedTargets }: HitsResult): void {
  if (gate === null) return;
  const verdict = gateText(gate);
  if (verdict !== null) warn(verdict);
  // The table has them.
  if (output !== 'table') for (const text of unjudgedTexts(unjudgedTargets, '--mode')) warn(text);
}

/** What a person sees in the table, for those who have only rows. */
function warnOfMode(
  { output, warn }: Context,
  { mode: asked, duty }: HitsInput,
  { mode, modeReason }: TrafficReport,
): void {
  if (duty !== undefined && mode !== 'sampled')
    warn(`--duty had no effect: observed in mode ${mode}; \`--mode sampled\` reads commands in bursts`);
  if (output === 'table' || asked !== undefined || mode === 'exact' || mode === 'sampled') return;
  warn(`observed in mode ${mode}: ${modeReason}`);
}
