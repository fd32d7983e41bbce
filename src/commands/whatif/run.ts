import { InputError } from '../../support/failure.ts';
import { isAbsolute, join } from 'node:path';
import { setImmediate } from 'node:timers/promises';
import { answersOf } from '../../curves/answers.ts';
import type { Policy } from '../../curves/policy.ts';
import { usualSample } from '../../curves/sample-limits.ts';
import { answerWhatIf } from '../../curves/what-if.ts';
import type { WindowRecord } from '../../curves/window-record.ts';
import { worthOf, worthOfChange } from '../../curves/worth.ts';
import { keyFilter } from '../../keyspace/key-selection.ts';
import { given, pick, sumOf } from '../../support/collections.ts';
import { finished, type InParts } from '../../support/in-parts.ts';
import { outsideName } from '../../traffic/keys/namespace-rows.ts';
import type { CostLimit } from '../../traffic/observe.ts';
import type { Context, Execution, Outcome } from '../context.ts';
import { exitCodes } from '../exit-codes.ts';
import { type NameInput, selectionOf, selectionText } from '../key-selection.ts';
import { type LayoutInput, requireColumns, sortedRows } from '../namespace-columns.ts';
import { warnOfNoReads } from '../nothing-matched.ts';
import { observeWindow } from '../observing.ts';
import { confirmReplacing } from '../protection.ts';
import { readRecording, requirePlace, writeRecording } from './recording.ts';
import { blankWhatif, type NamespaceAnswer, type WhatifResult } from './result.ts';
import { namespaceFields, viewWhatif } from './view.ts';
import { recordOf } from './window.ts';

export interface WhatifInput extends LayoutInput, NameInput {
  readonly patterns: readonly string[];
  /** Seconds. */
  readonly for: number;
  /** Bytes. */
  readonly memory?: readonly number[];
  /** Seconds. */
  readonly ttl?: readonly number[];
  /** From 0 to 1. */
  readonly target?: number;
  readonly policy?: Policy;
  readonly limit?: number;
  /** From 0 to 1. */
  readonly rate: number;
  readonly maxSample: number;
  /** A file. */
  readonly record?: string;
  /** Also where it is there. */
  readonly force?: true;
  /** A file. */
  readonly from?: string;
  readonly maxCost?: CostLimit;
  readonly maxBytes: number;
}

/** `whatif` from its options to its result. */
export function whatifExecution(input: WhatifInput): Execution<WhatifResult> {
  return {
    blank: blankWhatif,
    rows: 'namespaces',
    run: (context) => answer(context, input),
    view: (result, _own, audience) => viewWhatif(result, input, audience),
  };
}

export type Observation = Pick<WhatifResult, 'valid' | 'invalidReasons' | 'remarks' | 'notifications'>;

async function answer(context: Context, input: WhatifInput): Promise<Outcome<WhatifResult>> {
  requireColumns(namespaceFields, input);
  requireNoPattern(input);
  const pathOf = (file: string) =>
    isAbsolute(file) ? file : join(context.environment.workingDirectory, file);
  await confirmReplacing(context, input.record, input.force);
  if (input.record !== undefined) requirePlace(pathOf(input.record));
  const { record, observed } =
    input.from === undefined
      ? await observeRecord(context, input)
      : { record: await readRecording(pathOf(input.from), context.signal), observed: asWritten };
  if (input.record !== undefined) await writeRecording(context, pathOf(input.record), record);
  const worked = await resultOf(context, input, record);
  const remarks = worked.memory.length === 0 ? [...observed.remarks, unworkedText(input)] : observed.remarks;
  const result = { ...worked, ...observed, remarks };
  for (const { message } of observed.notifications) if (message !== null) context.warn(message);
  const stuck = observed.notifications.some(({ outcome }) => outcome === 'failed');
  const met = result.forTarget === null || result.forTarget.point !== null;
  return {
    result,
    exitCode: observed.valid && !stuck && met ? exitCodes.success : exitCodes.negative,
  };
}

/** @throws InputError for keys that are chosen from a recording, which has no names of them */
function requireNoPattern({ from, patterns }: WhatifInput): void {
  if (from === undefined || patterns.length === 0) return;
  throw new InputError(
    'keys cannot be chosen from a recording: it has no names of keys',
    'choose them when it is made: `cachectl whatif PATTERN --record FILE`',
  );
}

const unworkedText = ({ record, from }: WhatifInput) =>
  'interrupted before the curves were worked out: these are the counts of the window' +
  (record === undefined && from === undefined
    ? ''
    : `; \`cachectl whatif --from ${record ?? from}\` works them out`);

/** What was recorded was observed whole. */
export const asWritten: Observation = { valid: true, invalidReasons: [], remarks: [], notifications: [] };

async function observeRecord(context: Context, input: WhatifInput) {
  const selection = selectionOf(context.map, input.patterns, pick(input, ['namespace', 'exclude', 'regex']));
  const { accepts: isSelected = null } = keyFilter(context.map, selection);
  const server = await context.reconnect();
  const { maxCost, maxBytes, rate, maxSample } = input;
  const { report, restored, failure, accesses } = await observeWindow(context, server, {
    ...{ seconds: input.for, mode: 'exact', maxBytes, isSelected, ...given({ maxCost }) },
    sample: { ...usualSample, rate, maxKeys: maxSample },
  });
  // Of a server that is gone nothing is known beyond the stream.
  if (failure !== null || accesses === null) throw failure ?? new Error('no accesses were sampled');
  const { valid, invalidReasons, remarks, windowSeconds, endedBy } = report;
  const names = selectionText(pick(input, ['namespace', 'exclude', 'regex']));
  warnOfNoReads(context, report, input.patterns, names);
  const record = await recordOf(accesses, {
    at: new Date(context.now()).toISOString(),
    server: server.address,
    selection: [...input.patterns, names.trim()].join(' ').trim(),
    windowSeconds,
  });
  const early = endedBy === null ? [] : [`the window ended early: ${endedBy}`];
  const refused = record.nodes.flatMap(({ sizesRefused, address }) =>
    sizesRefused === null
      ? []
      : [`${address} gives no sizes of keys, and each counts as their mean: ${sizesRefused}`],
  );
  const observed: Observation = {
    ...{ valid, invalidReasons, notifications: restored },
    remarks: [...remarks, ...early, ...refused],
  };
  return { record, observed };
}

/** Null where it was given up because of a signal. One that has ended the window already leaves time to say what it held. */
async function unlessInterrupted<Result>(
  { signal, progress }: Pick<Context, 'signal' | 'progress'>,
  work: InParts<Result>,
): Promise<Result | null> {
  const hadEnded = signal.aborted;
  progress.start('working out the curves', 'parts', null);
  try {
    for (let parts = 1; ; parts++) {
      const step = work.next();
      if (step.done === true) return step.value;
      progress.update(parts);
      await setImmediate();
      if (signal.aborted && !hadEnded) return null;
    }
  } finally {
    progress.stop();
  }
}

/** What a window says of what is asked, without curves where that was interrupted; how it was observed is left to the caller. */
export async function resultOf(
  context: Pick<Context, 'map' | 'signal' | 'progress'>,
  input: Pick<WhatifInput, 'memory' | 'ttl' | 'policy' | 'target' | 'from' | 'sort'>,
  record: WindowRecord,
): Promise<Omit<WhatifResult, keyof Observation>> {
  const { map } = context;
  const { memory = [], ttl = [], policy = null, target = null, from = null } = input;
  const questions = { memoryBytes: memory, ttlSeconds: ttl, policy };
  const { whole, namespaces, ...sample } =
    (await unlessInterrupted(context, answerWhatIf(record, questions))) ??
    finished(answerWhatIf(record, null));
  const [node] = record.nodes;
  const allActive = sumOf(namespaces.map(({ activeBytes }) => activeBytes ?? 0));
  const missCostOf = (namespace: string) =>
    map.namespaces.find(({ name }) => name === namespace)?.missCost ?? null;
  const terms = { todayBytes: sample.todayBytes, windowSeconds: record.windowSeconds };
  const worthAt = (share: number) =>
    worthOfChange(share, namespaces, missCostOf, map.gigabyteHourCost, terms);
  const answers = namespaces
    .filter(({ namespace }) => namespace !== outsideName)
    .map((each): NamespaceAnswer => ({
      ...each,
      memoryShare: each.activeBytes === null || allActive === 0 ? null : each.activeBytes / allActive,
      ...worthOf(each, missCostOf(each.namespace), map.gigabyteHourCost, record.windowSeconds),
    }))
    .sort((left, right) => right.reads - left.reads);
  const { reads, misses, hitRate, modelledHitRate } = whole;
  return {
    server: { address: record.server },
    ...{ endedAt: record.at, windowSeconds: record.windowSeconds, from },
    ...{ policy: policy ?? node?.eviction.policy ?? '', serverPolicy: node?.serverPolicy ?? null },
    hasEvicted: record.nodes.some(({ hasEvicted }) => hasEvicted),
    ...{ reads, misses, hitRate, modelledHitRate },
    ...{ ...sample, ...answersOf(whole, target), memory: whole.memory, ttl: whole.ttl },
    namespaces: sortedRows(answers, namespaceFields, input.sort),
    ...{ halfWorth: worthAt(0.5), twiceWorth: worthAt(2), gigabyteHourCost: map.gigabyteHourCost },
  };
}
