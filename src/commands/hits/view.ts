import { type Block, caveats, costNote, fact, factsOf, note, notes } from '../../render/blocks.ts';
import { fieldsOf, tableOf } from '../../render/table.ts';
import { counted, formatBytes, formatCell, formatRatio, formatSeconds } from '../../render/units.ts';
import type { Comparison, NamespaceChange } from '../../traffic/history.ts';
import type { MissCause, MissingKey, NamespaceTraffic, TrafficReport } from '../../traffic/report.ts';
import { causeTexts, headed, lookupsText, restoredNotes, trafficFields } from '../traffic-columns.ts';
import { unjudgedTexts } from '../unjudged-targets.ts';
import { findingNotes } from './finding-text.ts';
import type { HitsResult } from './result.ts';

interface Limits {
  readonly limit: number;
  readonly keys: number;
}

/** The result of `hits` for people, and as rows. */
export function viewHits(result: HitsResult, limits: Limits): Block[] {
  const { endedBy, remembered } = result;
  const { forgotten, keysBound } = remembered;
  const overflow =
    `more than ${formatCell(keysBound, 'count')} keys had to be remembered: ${counted(forgotten, 'key')} were forgotten, ` +
    'and misses of them count as unknown';
  return [
    ...figureBlocks(result, limits),
    ...(limits.keys > 0 ? missingKeyBlocks(result, limits.keys) : []),
    ...(result.comparison ? [comparisonTable(result.comparison)] : []),
    ...caveats('bad', ...result.invalidReasons.map((reason) => `this window is not valid: ${reason}`)),
    ...caveats('warning', (endedBy !== null && ends[endedBy]) ?? null),
    ...findingNotes(result.findings),
    ...notes('plain', ...unjudgedTexts(result.unjudgedTargets, '--mode')),
    ...caveats('warning', ...result.remarks, forgotten > 0 && overflow),
    ...restoredNotes(result.notifications),
    costNote(costText(result)),
  ];
}

/** What is known so far, while the window is open. */
export const liveBlocks = (report: TrafficReport, limits: Limits): Block[] => [
  ...figureBlocks(report, limits),
  note('dim', 'Ctrl-C ends it here'),
];

function figureBlocks(report: TrafficReport, { limit }: Limits): Block[] {
  const { mode, modeReason, windowSeconds, valid, reads, hits, misses, hitRate, residual } = report;
  const rate = windowSeconds === 0 || reads === null ? null : reads / windowSeconds;
  const left = residual.reads ?? residual.misses;
  const also = residual.reads !== null && residual.misses ? counted(residual.misses, 'miss', 'misses') : null;
  const unexplained = `${residual.reads === null ? 'misses' : 'lookups'} in the server's counters that the stream did not show`;
  const isWhole = mode === 'counters';
  return [
    factsOf(
      'window',
      `Traffic of ${formatSeconds(Math.round(windowSeconds * 10) / 10)}`,
      fact('mode', 'mode', mode, 'text', modeReason),
      fact('hitRate', 'hit rate', hitRate, 'ratio', lookupsText(hits, misses)),
      fact('readsPerSecond', 'reads', rate, 'perSecond'),
      fact('windowSeconds', 'window', windowSeconds, 'seconds'),
      fact('valid', 'valid', valid, 'text'),
      ...(isWhole
        ? []
        : [fact('residual', 'unexplained', left, 'count', unexplained + (also === null ? '' : `; ${also}`))]),
    ),
    ...(isWhole ? [] : [namespaceTable(report.namespaces, limit)]),
  ];
}

const { text, count, seconds, number } = fieldsOf<NamespaceTraffic>();
const { hitRate, hitRateError, hitRateLow, hitRateHigh, hitRateTarget, target } = trafficFields;
const { reads, misses, readsPerSecond, missShare, mainCause } = trafficFields;
const namespace = text('namespace', 'NAMESPACE');
const writes = count('writes', 'WRITES');

/** For people, the most important first: a narrow terminal leaves out the last. Those that no row knows are left out. */
const shownFields = [
  ...[namespace, hitRate, headed(readsPerSecond, 'READS'), misses, mainCause],
  ...[target, hitRateError, missShare, writes],
  number('readsPerWrite', 'READS/WRITE'),
  seconds('refill', 'REFILLED IN', ({ refill }) => refill?.p50Seconds ?? null),
];
const alwaysShown: readonly unknown[] = [misses, missShare, mainCause];

/** For programs. */
const dataFields = [
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

function namespaceTable(namespaces: readonly NamespaceTraffic[], limit: number): Block {
  const fields = shownFields.filter(
    (field) => alwaysShown.includes(field) || namespaces.some((each) => field[1](each) !== null),
  );
  return tableOf('namespaces', namespaces, dataFields, {
    title:
      namespaces.length > limit
        ? `Namespaces: the ${limit} with most misses, of ${namespaces.length}`
        : 'Namespaces, most misses first',
    shown: { rows: namespaces.slice(0, limit), fields },
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
  return [tableOf('mostMissed', rows, fields, { title: 'Keys that miss most', shown })];
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
    `${formatBytes(monitorBytes)} of commands (${formatRatio(duty)} of the time), ${formatBytes(eventBytes)} of events`,
    `${counted(markLookups, 'lookup')} of our own, taken off`,
    `at most ${formatSeconds(maxLagSeconds)} behind`,
  ];
  return [work || 'not reported', ...(mode === 'counters' ? [] : seen)].join(' · ');
}
