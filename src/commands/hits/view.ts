import { type Block, type Cell, type Column, type Fact, note } from '../../render/blocks.ts';
import { counted, formatBytes, formatCell, formatRatio, formatSeconds } from '../../render/units.ts';
import type { Comparison } from '../../traffic/history.ts';
import type { NamespaceTraffic, TrafficReport } from '../../traffic/report.ts';
import { causeTexts, hitRateErrorText, mainCauseText, targetText } from '../miss-causes.ts';
import { unjudgedTexts } from '../unjudged-targets.ts';
import { findingNotes } from './finding-text.ts';
import type { HitsResult } from './result.ts';

interface Limits {
  readonly limit: number;
  readonly keys: number;
}

/** The result of `hits` for people, and as rows. */
export function viewHits(result: HitsResult, limits: Limits): Block[] {
  return [
    ...windowBlocks(result),
    ...(result.mode === 'counters' ? [] : [namespaceTable(result.namespaces, limits.limit)]),
    ...(limits.keys > 0 ? missingKeyBlocks(result, limits.keys) : []),
    ...(result.comparison ? [comparisonTable(result.comparison)] : []),
    ...result.invalidReasons.map((reason) => note('bad', `this window is not valid: ${reason}`)),
    ...endNotes(result),
    ...findingNotes(result.findings),
    ...unjudgedTexts(result.unjudgedTargets, '--mode').map((text) => note('plain', text)),
    ...result.remarks.map((remark) => note('warning', remark)),
    ...memoryNotes(result),
    ...notificationNotes(result),
    note('dim', costText(result)),
  ];
}

/** What is known so far, while the window goes on. */
export function liveBlocks(report: TrafficReport, { limit }: Limits): Block[] {
  return [
    ...windowBlocks(report),
    ...(report.mode === 'counters' ? [] : [namespaceTable(report.namespaces, limit)]),
    note('dim', 'Ctrl-C ends it here'),
  ];
}

function windowBlocks(report: TrafficReport): Block[] {
  const { mode, modeReason, windowSeconds, valid, reads, hits, misses, hitRate, residual } = report;
  const rate = windowSeconds === 0 || reads === null ? null : reads / windowSeconds;
  return [
    {
      kind: 'facts',
      name: 'window',
      title: `Traffic of ${formatSeconds(Math.round(windowSeconds * 10) / 10)}`,
      facts: [
        fact('mode', 'mode', mode, 'text', modeReason),
        fact(
          'hitRate',
          'hit rate',
          hitRate,
          'ratio',
          hits === null || misses === null
            ? undefined
            : `${counted(hits, 'hit')}, ${counted(misses, 'miss', 'misses')}`,
        ),
        fact('readsPerSecond', 'reads', rate, 'perSecond'),
        fact('windowSeconds', 'window', windowSeconds, 'seconds'),
        fact('valid', 'valid', valid, 'text'),
        ...(mode === 'counters' ? [] : [residualFact(residual)]),
      ],
    },
  ];
}

function residualFact({ reads, misses }: TrafficReport['residual']): Fact {
  const left = reads ?? misses;
  const what = reads === null ? 'misses' : 'lookups';
  const also =
    reads !== null && misses !== null && misses !== 0 ? `; ${counted(misses, 'miss', 'misses')}` : '';
  return fact(
    'residual',
    'unexplained',
    left,
    'count',
    `${what} in the server's counters that the stream did not show${also}`,
  );
}

function namespaceTable(namespaces: readonly NamespaceTraffic[], limit: number): Block {
  const knows = (of: (each: NamespaceTraffic) => unknown) => namespaces.some((each) => of(each) !== null);
  const shown = namespaces.slice(0, limit);
  const sampled = knows(({ hitRateInterval }) => hitRateInterval);
  const columns: [Column, (each: NamespaceTraffic) => Cell, boolean][] = [
    [column('namespace', 'NAMESPACE', 'text'), (each) => each.namespace, true],
    [column('hitRate', 'HIT RATE', 'ratio'), (each) => each.hitRate, knows(({ hitRate }) => hitRate)],
    [column('hitRateError', '±', 'text'), hitRateErrorText, sampled],
    [column('target', 'TARGET', 'text'), targetText, knows(({ hitRateTarget }) => hitRateTarget)],
    [
      column('readsPerSecond', 'READS', 'perSecond'),
      (each) => each.readsPerSecond,
      knows(({ readsPerSecond }) => readsPerSecond),
    ],
    [column('misses', 'MISSES', 'count'), (each) => each.misses, true],
    [column('missShare', 'OF ALL', 'ratio'), (each) => each.missShare, true],
    [column('cause', 'WHY', 'text'), ({ causes, misses }) => mainCauseText(causes, misses), true],
    [column('writes', 'WRITES', 'count'), (each) => each.writes, knows(({ writes }) => writes)],
    [
      column('readsPerWrite', 'READS/WRITE', 'number'),
      (each) => each.readsPerWrite,
      knows(({ readsPerWrite }) => readsPerWrite),
    ],
    [
      column('refill', 'REFILLED IN', 'seconds'),
      ({ refill }) => refill?.p50Seconds ?? null,
      knows(({ refill }) => refill),
    ],
  ];
  const display = columns.filter(([, , isShown]) => isShown);
  return {
    kind: 'table',
    name: 'namespaces',
    title:
      namespaces.length > limit
        ? `Namespaces: the ${limit} with most misses, of ${namespaces.length}`
        : 'Namespaces, most misses first',
    columns: dataColumns.map(([data]) => data),
    rows: namespaces.map((each) => dataColumns.map(([, of]) => of(each))),
    display: {
      columns: display.map(([each]) => each),
      rows: shown.map((each) => display.map(([, of]) => of(each))),
    },
  };
}

const dataColumns: readonly (readonly [Column, (each: NamespaceTraffic) => Cell])[] = [
  [column('namespace', 'NAMESPACE', 'text'), (each) => each.namespace],
  [column('database', 'DB', 'text'), (each) => String(each.database)],
  [column('reads', 'READS', 'count'), (each) => each.reads],
  [column('hits', 'HITS', 'count'), (each) => each.hits],
  [column('misses', 'MISSES', 'count'), (each) => each.misses],
  [column('hitRate', 'HIT RATE', 'ratio'), (each) => each.hitRate],
  [column('hitRateLow', 'FROM', 'ratio'), (each) => each.hitRateInterval?.[0] ?? null],
  [column('hitRateHigh', 'TO', 'ratio'), (each) => each.hitRateInterval?.[1] ?? null],
  [column('hitRateTarget', 'TARGET', 'ratio'), (each) => each.hitRateTarget],
  [column('readsPerSecond', 'READS/S', 'perSecond'), (each) => each.readsPerSecond],
  [column('missShare', 'OF ALL', 'ratio'), (each) => each.missShare],
  [column('expired', 'EXPIRED', 'count'), (each) => each.causes?.expired ?? null],
  [column('evicted', 'EVICTED', 'count'), (each) => each.causes?.evicted ?? null],
  [column('invalidated', 'INVALIDATED', 'count'), (each) => each.causes?.invalidated ?? null],
  [column('renamed', 'RENAMED', 'count'), (each) => each.causes?.renamed ?? null],
  [column('neverCached', 'NEVER CACHED', 'count'), (each) => each.causes?.neverCached ?? null],
  [column('unknown', 'UNKNOWN', 'count'), (each) => each.causes?.unknown ?? null],
  [column('writes', 'WRITES', 'count'), (each) => each.writes],
  [column('newKeys', 'NEW KEYS', 'count'), (each) => each.newKeys],
  [column('refillP50Seconds', 'REFILLED IN', 'seconds'), (each) => each.refill?.p50Seconds ?? null],
  [column('stampedes', 'STAMPEDES', 'count'), (each) => each.stampedes?.count ?? null],
];

function missingKeyBlocks(result: HitsResult, limit: number): Block[] {
  if (result.mostMissed.length > 0) return [missingKeyTable(result, limit)];
  return result.namespaces.some(({ misses }) => misses !== null && misses > 0)
    ? [note('dim', 'no key stands out by its misses')]
    : [];
}

function missingKeyTable({ mostMissed }: HitsResult, limit: number): Block {
  return {
    kind: 'table',
    name: 'mostMissed',
    title: 'Keys that miss most',
    columns: [
      column('key', 'KEY', 'text'),
      column('namespace', 'NAMESPACE', 'text'),
      column('misses', 'MISSES', 'count'),
      column('missesAtLeast', 'AT LEAST', 'count'),
      column('cause', 'LAST CAUSE', 'text'),
    ],
    rows: mostMissed
      .slice(0, limit)
      .map(({ key, namespace, misses, missesAtLeast, cause }) => [
        key,
        namespace,
        misses,
        missesAtLeast,
        causeTexts[cause],
      ]),
  };
}

function comparisonTable({ endedAt, changes }: Comparison): Block {
  return {
    kind: 'table',
    name: 'comparison',
    title: `Since ${endedAt}`,
    columns: [
      column('namespace', 'NAMESPACE', 'text'),
      column('change', 'CHANGE', 'text'),
      column('hitRateBefore', 'HIT RATE WAS', 'ratio'),
      column('hitRate', 'IS', 'ratio'),
      column('readsPerSecondBefore', 'READS WERE', 'perSecond'),
      column('readsPerSecond', 'ARE', 'perSecond'),
      column('missesPerSecondBefore', 'MISSES WERE', 'perSecond'),
      column('missesPerSecond', 'ARE', 'perSecond'),
    ],
    rows: changes.map((each) => [
      each.namespace,
      each.change,
      each.hitRateBefore,
      each.hitRate,
      each.readsPerSecondBefore,
      each.readsPerSecond,
      each.missesPerSecondBefore,
      each.missesPerSecond,
    ]),
  };
}

const ends: Readonly<Record<string, string>> = {
  'max-cost': 'the window ended early: the server was busier than --max-cost allows',
  'max-bytes': 'the window ended early: more came over the network than --max-bytes allows',
  interrupted: 'the window was ended early',
};

function endNotes({ endedBy }: HitsResult): Block[] {
  const text = endedBy === null ? undefined : ends[endedBy];
  return text === undefined ? [] : [note('warning', text)];
}

function memoryNotes({ remembered: { forgotten, keysBound } }: HitsResult): Block[] {
  if (forgotten === 0) return [];
  return [
    note(
      'warning',
      `more than ${formatCell(keysBound, 'count')} keys had to be remembered: ${counted(forgotten, 'key')} were forgotten, ` +
        'and misses of them count as unknown',
    ),
  ];
}

function notificationNotes({ notifications }: HitsResult): Block[] {
  return notifications
    .filter(({ outcome }) => outcome === 'restored')
    .map(({ address, to }) =>
      note(
        'dim',
        `\`notify-keyspace-events\` of ${address} is ${to === '' ? '`""`' : `\`${to ?? ''}\``} again`,
      ),
    );
}

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
  return `cost to the server: ${[work || 'not reported', ...(mode === 'counters' ? [] : seen)].join(' · ')}`;
}

function column(name: string, header: string, unit: Column['unit']): Column {
  return { name, header, unit };
}

function fact(name: string, label: string, value: Fact['value'], unit: Fact['unit'], remark?: string): Fact {
  return { name, label, value, unit, ...(remark !== undefined && { remark }) };
}
