import { asides, type Block, caveats, costNote, fact, note, notes } from '../../render/blocks.ts';
import { fieldsOf, plainFacts, tableOf } from '../../render/table.ts';
import { sumOf, sumOrNull } from '../../support/collections.ts';
import { counted, formatBytes, formatCell, formatRatio, formatSeconds } from '../../render/units.ts';
import type { Comparison, NamespaceChange } from '../../traffic/history.ts';
import type { Gain } from '../../traffic/missed-keys.ts';
import {
  type MissCause,
  type MissingKey,
  type NamespaceTraffic,
  type ReadKey,
  topCauseOf,
  type TrafficReport,
} from '../../traffic/report.ts';
import type { Audience } from '../context.ts';
import { chosenFields, type LayoutInput, sortedRows } from '../namespace-columns.ts';
import { errorText } from '../namespace-summary.ts';
import { causeTexts, headed, restoredNotes, trafficFields } from '../traffic-columns.ts';
import { unjudgedTexts } from '../unjudged-targets.ts';
import { findingNotes } from './finding-text.ts';
import type { HitsResult } from './result.ts';

interface TableInput extends LayoutInput {
  readonly limit?: number;
  readonly keys: number;
}

const defaultLimit = 20;

/** The result of `hits`: for people what it comes to first, and no more than a screen; as rows figure by figure. */
export function viewHits(
  result: HitsResult,
  input: TableInput,
  { isPerson }: Pick<Audience, 'isPerson'>,
): Block[] {
  const { endedBy, remembered, mode, namespaces } = result;
  const { forgotten, keysBound } = remembered;
  const unstored = result.findings.flatMap(({ rule, namespace }) =>
    rule === 'never-stored' ? namespace : [],
  );
  const overflow =
    `more than ${formatCell(keysBound, 'count')} keys had to be remembered: ${counted(forgotten, 'key was', 'keys were')} forgotten, ` +
    'whose misses count as unknown';
  const tables = [
    ...(mode === 'counters' || (isPerson && namespaces.length === 0)
      ? []
      : [namespaceTable(namespaces, input)]),
    ...(input.keys > 0 ? missingKeyBlocks(result, input.keys) : []),
    ...(input.keys > 0 && result.mostRead.length > 0 ? [readKeyTable(result, input.keys)] : []),
    ...(result.comparison ? [comparisonTable(result.comparison)] : []),
  ];
  if (!isPerson) return [windowFacts(result), ...tables];
  return [
    note('title', conclusionOf(result)),
    ...caveats('bad', ...result.invalidReasons.map((reason) => `this window is not valid: ${reason}`)),
    ...caveats('warning', (endedBy !== null && ends[endedBy]) ?? null),
    ...findingNotes(result.findings),
    ...asides(
      'plain',
      ...unjudgedTexts(result.unjudgedTargets, '--mode'),
      namespaces.some(
        ({ namespace, causes }) =>
          causes && topCauseOf(causes) === 'goneOrNew' && !unstored.includes(namespace),
      ) && windowBound,
    ),
    ...tables,
    ...(result.comparison?.gain ? [note('plain', gainText(result.comparison.gain))] : []),
    ...caveats('warning', ...result.remarks, forgotten > 0 && overflow),
    ...restoredNotes(result.notifications),
    ...notes('dim', notSelectedText(result), windowText(result)),
    costNote(costText(result)),
  ];
}

/** What is known so far, while the window is open. */
export const liveBlocks = (report: TrafficReport, input: TableInput): Block[] => [
  note('title', conclusionOf(report)),
  ...(report.mode === 'counters'
    ? []
    : [namespaceTable(sortedRows(report.namespaces, namespaceFields, input.sort), input)]),
  ...notes('dim', notSelectedText(report), windowText(report), 'Ctrl-C ends it here'),
];

/** `88.0 % of 1,020 reads/s hit; session misses most: 94 % of its 122 misses had expired` */
function conclusionOf(report: TrafficReport): string {
  const { namespaces } = report;
  const { reads, misses, hitRate } = wholeOf(report);
  const rate = readsPerSecondOf({ ...report, reads });
  const found =
    hitRate !== null && rate !== null
      ? `${formatRatio(hitRate)} of ${formatCell(rate, 'perSecond').replace('/s', ' reads/s')} hit`
      : misses !== null && reads !== 0
        ? counted(misses, 'miss', 'misses')
        : `no reads were observed in ${spanText(report)}${report.notSelected === null ? '' : ' of the keys selected'}`;
  const missesOf = (each: NamespaceTraffic) => each.misses ?? 0;
  const worst = namespaces.reduce<NamespaceTraffic | null>(
    (most, each) => (missesOf(each) > (most === null ? 0 : missesOf(most)) ? each : most),
    null,
  );
  if (worst?.misses == null) return found;
  const cause = worst.causes && topCauseOf(worst.causes);
  const all = counted(worst.misses, 'miss', 'misses');
  const why =
    worst.causes === null || cause == null
      ? all
      : `${formatRatio(worst.causes[cause] / worst.misses)} of its ${all} ${causeVerbs[cause]}`;
  return `${found}; \`${worst.namespace}\` misses most: ${why}`;
}

/** The figures that a window is about: of the server, or of the keys that are selected. */
function wholeOf(
  report: TrafficReport,
): Pick<TrafficReport, 'reads' | 'misses'> & { readonly hitRate: number | null } {
  const { notSelected, namespaces } = report;
  if (notSelected === null) return report;
  const reads = sumOrNull(namespaces.map((each) => each.reads));
  const misses = sumOf(namespaces.map((each) => each.misses ?? 0));
  return { reads, misses, hitRate: reads ? (reads - misses) / reads : null };
}

/** What the window cannot know. */
const windowBound =
  'gone or new: the key was gone before the window began, or was never stored; a longer window leaves fewer of these';

const causeVerbs: Readonly<Record<MissCause, string>> = {
  expired: 'had expired',
  evicted: 'had been evicted',
  invalidated: 'had been invalidated',
  renamed: 'had been renamed',
  neverCached: 'ask again for keys that were not stored',
  goneOrNew: 'are of keys gone before the window, or new',
  unknown: 'have no known cause',
};

/** What was left out. */
function notSelectedText({ notSelected, reads: all }: TrafficReport): string | null {
  if (notSelected === null) return null;
  const { reads, misses } = notSelected;
  const missed = counted(misses ?? 0, 'miss', 'misses');
  return `not selected: ${reads === null ? missed : `${counted(reads, 'read')} with ${missed}, of ${formatCell(all, 'count')} in all`}`;
}

const spanText = ({ windowSeconds }: Pick<TrafficReport, 'windowSeconds'>) =>
  formatSeconds(Math.round(windowSeconds * 10) / 10);

/** How the figures came about. */
function windowText({ mode, modeReason, windowSeconds, valid, residual }: TrafficReport): string {
  const { reads, misses } = residual;
  const left = [
    ...(reads ? [counted(reads, 'lookup')] : []),
    ...(misses ? [counted(misses, 'miss', 'misses')] : []),
  ];
  return (
    `${spanText({ windowSeconds })} in mode ${mode} (${modeReason})${valid ? '' : ', not valid'}` +
    (mode === 'counters' || left.length === 0
      ? ''
      : `; ${left.join(' and ')} in the server's counters that the stream did not show`)
  );
}

/** For programs. */
const windowFacts = (report: TrafficReport): Block => ({
  kind: 'facts',
  name: 'window',
  facts: [
    ...plainFacts(report, 'text', 'mode', 'hitRate'),
    fact('readsPerSecond', 'readsPerSecond', readsPerSecondOf(report), 'number'),
    ...plainFacts(report, 'text', 'windowSeconds', 'valid'),
    ...(report.mode === 'counters'
      ? []
      : [fact('residual', 'residual', report.residual.reads ?? report.residual.misses, 'count')]),
  ],
});

const readsPerSecondOf = ({ reads, windowSeconds }: TrafficReport): number | null =>
  windowSeconds === 0 || reads === null ? null : reads / windowSeconds;

const { text, count, seconds, number } = fieldsOf<NamespaceTraffic>();
const { hitRate, hitRateError, hitRateLow, hitRateHigh, hitRateTarget, target } = trafficFields;
const { reads, misses, readsPerSecond, missShare, mainCause } = trafficFields;
const namespace = text('namespace', 'NAMESPACE');
const writes = count('writes', 'WRITES');

/** For people, the most important first: a narrow terminal leaves out the last. Those that no row knows are left out. */
const shownFields = [
  ...[namespace, hitRate, misses, mainCause, headed(readsPerSecond, 'READS')],
  ...[target, hitRateError, missShare, writes],
  number('readsPerWrite', 'READS/WRITE'),
  seconds('refill', 'REFILLED IN', ({ refill }) => refill?.p50Seconds ?? null),
];
const alwaysShown: readonly unknown[] = [misses, missShare, mainCause];

/** For programs. */
export const namespaceFields = [
  ...[namespace, text('database', 'DB', ({ database }) => String(database))],
  ...[reads, count('hits', 'HITS'), misses, hitRate, hitRateLow, hitRateHigh, hitRateTarget],
  ...[readsPerSecond, missShare],
  ...(Object.keys(causeTexts) as MissCause[]).map((cause) =>
    count(cause, causeTexts[cause].toUpperCase(), ({ causes }) => causes?.[cause] ?? null),
  ),
  ...[writes, count('newKeys', 'NEW KEYS')],
  seconds('refillP50Seconds', 'REFILLED IN', ({ refill }) => refill?.p50Seconds ?? null),
  count('stampedes', 'STAMPEDES', ({ stampedes }) => stampedes?.count ?? null),
];

function namespaceTable(namespaces: readonly NamespaceTraffic[], input: TableInput): Block {
  const { limit = defaultLimit, sort } = input;
  const chosen = chosenFields(namespaceFields, input);
  const fields = shownFields.filter(
    (field) => alwaysShown.includes(field) || namespaces.some((each) => field[1](each) !== null),
  );
  const order = sort === undefined ? 'most misses first' : `by ${sort}`;
  return tableOf('namespaces', namespaces, chosen ?? namespaceFields, {
    title:
      namespaces.length > limit
        ? `${limit} of ${namespaces.length} namespaces, ${order}`
        : `Namespaces, ${order}`,
    shown: { rows: namespaces.slice(0, limit), fields: chosen ?? fields },
    ...(input.limit === undefined && { moreWith: `--limit ${namespaces.length}` }),
  });
}

function missingKeyBlocks({ mostMissed, namespaces }: HitsResult, limit: number): Block[] {
  if (mostMissed.length === 0)
    return namespaces.some(({ misses }) => misses !== null && misses > 0)
      ? [note('dim', 'no key stands out by its misses')]
      : [];
  const { text, count } = fieldsOf<MissingKey>();
  const atLeast = count('missesAtLeast', 'AT LEAST');
  const fields = [
    ...[text('key', 'KEY'), text('namespace', 'NAMESPACE'), count('misses', 'MISSES')],
    atLeast,
    text('cause', 'LAST CAUSE', ({ cause }) => causeTexts[cause]),
  ];
  const rows = mostMissed.slice(0, limit);
  const areExact = rows.every(({ misses, missesAtLeast }) => misses === missesAtLeast);
  const shown = { rows, fields: fields.filter((field) => field !== atLeast || !areExact) };
  const moreWith = `--keys ${limit}`;
  return [
    tableOf('mostMissed', rows, fields, { title: 'Keys that miss most', shown, moreWith, isSecondary: true }),
  ];
}

/** Those with a large share of the reads that all hit may do better in the memory of the application. */
function readKeyTable({ mostRead }: HitsResult, limit: number): Block {
  const { text, count, ratio } = fieldsOf<ReadKey>();
  const rows = mostRead.slice(0, limit);
  const fields = [
    ...[text('key', 'KEY'), text('namespace', 'NAMESPACE'), count('reads', 'READS')],
    ...(rows.some(({ readsInterval }) => readsInterval !== null)
      ? [text('readsError', '± READS', (row) => errorText(row.reads, row.readsInterval, 'count'))]
      : []),
    ...[ratio('readShare', 'OF READS'), count('misses', 'MISSES'), ratio('hitRate', 'HIT RATE')],
  ];
  return tableOf('mostRead', mostRead, fields, {
    title: 'Keys that are read most',
    shown: { rows },
    moreWith: `--keys ${limit}`,
    isSecondary: true,
  });
}

function comparisonTable({ endedAt, changes }: Comparison): Block {
  const { text, ratio, perSecond } = fieldsOf<NamespaceChange>();
  return tableOf(
    'comparison',
    changes,
    [
      ...[text('namespace', 'NAMESPACE'), text('change', 'CHANGE')],
      ...[ratio('hitRateBefore', 'HIT RATE WAS'), ratio('hitRate', 'IS')],
      ...[perSecond('readsPerSecondBefore', 'READS WERE'), perSecond('readsPerSecond', 'ARE')],
      ...[perSecond('missesPerSecondBefore', 'MISSES WERE'), perSecond('missesPerSecond', 'ARE')],
    ],
    { title: `Since ${endedAt}` },
  );
}

/** What a warm-up has brought, among others. */
function gainText({ keys, misses, expectedMisses, hitsGained, hitsGainedInterval }: Gain): string {
  const count = (value: number) => formatCell(Math.round(value), 'count');
  const [low, high] = hitsGainedInterval;
  const least = Math.min(Math.abs(low), Math.abs(high));
  const most = Math.max(Math.abs(low), Math.abs(high));
  const change =
    low <= 0 && high >= 0
      ? 'too close to tell a gain from a loss'
      : `${count(Math.abs(hitsGained))} hits ${hitsGained > 0 ? 'more' : 'fewer'} (${count(least)} to ${count(most)})`;
  return (
    `the ${counted(keys, 'key')} that missed then ${keys === 1 ? 'has' : 'have'} ${counted(misses, 'miss', 'misses')} now, ` +
    `where ${count(expectedMisses)} would have been expected: ${change}`
  );
}

const ends: Readonly<Record<string, string>> = {
  'max-cost': 'the window ended early: the server was busier than --max-cost allows',
  'max-bytes': 'the window ended early: more came over the network than --max-bytes allows',
  interrupted: 'the window was ended early',
};

function costText({ serverCost: cost, mode, windowSeconds }: HitsResult): string {
  const { serverCpuSeconds, commands, monitorBytes, eventBytes, markLookups, duty, maxLagSeconds } = cost;
  const work = [
    ...(commands === null ? [] : [counted(commands, 'command')]),
    ...(serverCpuSeconds === null || windowSeconds === 0
      ? []
      : [`${formatRatio(serverCpuSeconds / windowSeconds)} of a core with all its work`]),
  ].join(', ');
  const seen = [
    `${formatBytes(monitorBytes)} of commands (${duty >= 1 ? 'all the time' : `${formatRatio(duty)} of the time`}), ${formatBytes(eventBytes)} of events`,
    `${counted(markLookups, 'lookup')} of our own, taken off`,
    `read within ${formatSeconds(maxLagSeconds)}`,
  ];
  return [work || 'not reported', ...(mode === 'counters' ? [] : seen)].join(' · ');
}
