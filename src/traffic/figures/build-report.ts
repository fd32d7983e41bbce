import type { NamespaceMap } from '../../keyspace/map.ts';
import { infoNumber } from '../../redis/info.ts';
import { pick, sumOf, sumOrNull } from '../../support/collections.ts';
import type { SharedTraffic } from '../node-traffic.ts';
import { outsideName } from '../keys/namespace-rows.ts';
import type { HitMode, NamespaceTraffic, ObservationCost, TrafficReport, WindowReport } from '../report.ts';
import { missesIn, type Span, sumIn } from '../streams/mark.ts';
import { missedKeysOf, outstandingOf, readKeysOf } from './listed-keys.ts';
import { namespacesOf } from './namespace-figures.ts';
import type { MeanSize } from './remedies.ts';
import {
  cpuBetween,
  estimateHits,
  failedReads,
  growth,
  lookupsIn,
  type NodeWindow,
  refusalsIn,
  UnmadeReads,
} from './window.ts';

/** What a report is made from. */
export interface ReportInput
  extends SharedTraffic, Pick<TrafficReport, 'mode' | 'modeReason' | 'endedBy' | 'unknownReads'> {
  readonly windows: readonly [NodeWindow, ...NodeWindow[]];
  readonly map: NamespaceMap;
  /** Why what was observed is not known to be right. */
  readonly lost: readonly string[];
  readonly remarks: readonly string[];
  /** Mean size of the keys of a row group in bytes, by the group's name; those whose keys were evicted. */
  readonly bytesPerKey: ReadonlyMap<string, MeanSize>;
}

/** Lookups that may stay unattributed before the window counts as invalid: this share, and not fewer than so many. */
const residualShare = 0.01;
const residualLookups = 10;

const isTooMany = (unattributed: number, lookups: number) =>
  Math.abs(unattributed) > Math.max(residualLookups, residualShare * lookups);

export function buildReport(input: ReportInput): WindowReport {
  const { mode, windows, history, endedBy, isReplica, modeReason, unknownReads } = input;
  const windowSeconds =
    sumOf(windows.map(({ from, to }) => to.atMillis - from.atMillis)) / windows.length / 1000;
  const groups = input.rows.groups();
  const allRows = groups.flatMap(({ rows }) => rows);
  const ourRows = [input.rows.ours];
  const shownRows = [...allRows, ...ourRows, input.rows.marks];
  const scanRows = [input.rows.scans];
  /** Where MONITOR ran. */
  const monitored: readonly Span[] = mode === 'sampled' ? windows.flatMap(({ bursts }) => bursts) : windows;
  const unmade = new UnmadeReads(windows, shownRows);

  const counted = lookupsIn(windows);
  // Marks of other observers miss, each of them, and are no traffic.
  const ofOthers = missesIn(windows, [input.rows.marks]);
  const misses = counted && counted.misses - ofOthers;
  const monitoredLookups = totalOf(lookupsIn(monitored));
  // Before 8.0, SCAN … TYPE counts a hit for each key that it goes through, and names none of them. In a sample, nothing is
  // known then of the hits between the bursts; misses are none of it.
  const mostScanned = sumIn(monitored, 'reads', scanRows);
  const scanCalls = sumIn(monitored, 'writes', scanRows);
  const beyond = monitoredLookups - sumIn(monitored, 'reads', shownRows);
  const areHitsKnown =
    mode !== 'sampled' || beyond <= 0 || beyond > mostScanned || !isTooMany(beyond, monitoredLookups);
  const shownMode = areHitsKnown ? mode : 'misses-only';
  const allHits = areHitsKnown && counted ? counted.hits : null;
  const lookedUpRows = [...allRows, ...ourRows];
  const window = { ...input, mode: shownMode, groups, allRows: lookedUpRows, windowSeconds, unmade };
  const namespaces = mode === 'counters' ? [] : namespacesOf(window);

  // Reads by this program find their keys, for it asks for those that SCAN gave; one that misses counts as a miss of its namespace.
  const ofOurs =
    shownMode === 'exact'
      ? sumIn(windows, 'reads', ourRows)
      : shownMode === 'sampled'
        ? Math.round(estimateHits(windows, ourRows, lookedUpRows, unmade).value)
        : 0;
  const missResidual = mode === 'counters' || misses === null ? null : misses - missesIn(windows, allRows);
  const readResidual =
    missResidual === null || misses === null || allHits === null || shownMode === 'misses-only'
      ? null
      : // What MONITOR shows can be held against the counters where it ran alone.
        mode === 'sampled'
        ? beyond + unmade.in(monitored)
        : allHits + misses - ofOurs - sumOf(namespaces.map((each) => each.reads ?? 0));
  const hitsLeft = readResidual === null ? null : readResidual - (mode === 'exact' ? (missResidual ?? 0) : 0);
  const scanned = mode === 'exact' ? Math.max(0, Math.min(hitsLeft ?? 0, mostScanned)) : 0;
  const less = (figure: number | null) => (figure === null ? null : figure - scanned);
  const hits = allHits === null ? null : Math.max(0, allHits - scanned - ofOurs);
  const residual = { reads: less(readResidual), hits: less(hitsLeft), misses: missResidual };

  const reads = hits === null || misses === null ? null : hits + misses;
  const lookups = (hits ?? 0) + (misses ?? 0);
  const unattributed = [
    [residual.reads ?? 0, mode === 'sampled' ? monitoredLookups : lookups],
    [residual.misses ?? 0, lookups],
  ] as const;
  const tooMany = unattributed.find(([left, of]) => isTooMany(left, of));
  const invalidReasons = [
    ...input.lost,
    ...resetReason(windows, counted === null),
    ...refusedReason(windows, lookups),
    ...(tooMany === undefined
      ? []
      : [
          `${Math.abs(tooMany[0])} of ${tooMany[1]} lookups cannot be attributed to a namespace${tooMany[0] < 0 ? failures(failedReads(windows)) : ''}`,
        ]),
  ];
  const missed = missedKeysOf(windows, groups, namespaces);
  return {
    ...{ mode, modeReason, windowSeconds, valid: invalidReasons.length === 0, invalidReasons },
    remarks: [
      ...input.remarks,
      ...othersRemark(ofOthers),
      ...oursRemark(ofOurs),
      ...scanRemark(scanCalls, scanned, areHitsKnown),
      ...unmadeRemark(unmade, monitored),
      ...unknownRemark(unknownReads),
    ],
    ...{ endedBy, isReplica, reads, hits, misses, hitRate: hits === null || !reads ? null : hits / reads },
    ...{ residual, unknownReads, ...selectedOf(namespaces, input.rows.isPart && mode !== 'counters') },
    ...{ missed, mostMissed: outstandingOf(missed), outsideWords: input.rows.outsideWords },
    mostRead: mode === 'exact' ? readKeysOf(windows, groups, namespaces, reads) : [],
    remembered: {
      keysRemembered: history.table.remembered,
      keysBound: history.table.bound,
      forgotten: history.table.forgotten,
    },
    serverCost: costOf(mode, windows, monitored, windowSeconds),
  };
}

const none = { reads: 0, hits: 0, misses: 0, writes: 0 };

/** What is outside the selection, apart from the namespaces. */
function selectedOf(
  all: readonly NamespaceTraffic[],
  isPart: boolean,
): Pick<TrafficReport, 'namespaces' | 'notSelected'> {
  const outside = all.find(({ namespace }) => namespace === outsideName);
  return {
    namespaces: all.filter((each) => each !== outside),
    notSelected: isPart ? pick(outside ?? none, ['reads', 'hits', 'misses', 'writes']) : null,
  };
}

const totalOf = (lookups: ReturnType<typeof lookupsIn>) => (lookups?.hits ?? 0) + (lookups?.misses ?? 0);

/** Why the counters cannot be used, where they cannot. */
function resetReason(windows: readonly Span[], isReset: boolean): string[] {
  const unreported = ['keyspace_hits', 'keyspace_misses'].find((field) =>
    windows.some(({ to }) => infoNumber(to.info, field) === null),
  );
  if (unreported !== undefined) return [`the server does not report \`${unreported}\``];
  return isReset
    ? ['the counters of the server went back: it was started anew, or CONFIG RESETSTAT was called']
    : [];
}

/** What was asked while the server answered nothing is in no counter: few reads may be shown where many were wanted. */
function refusedReason(windows: readonly Span[], lookups: number): string[] {
  const refusals = [...refusalsIn(windows)];
  const refused = sumOf(refusals.map(([, count]) => count));
  if (!isTooMany(refused, lookups + refused)) return [];
  const codes = refusals.map(([code, count]) => `\`${code}\` ${count}`).join(', ');
  return [
    `the server refused ${refused} commands in the window (${codes}); reads among them count as neither hits nor misses`,
  ];
}

/** What was looked up without a rule. */
function unknownRemark(unknown: TrafficReport['unknownReads']): string[] {
  if (!unknown?.length) return [];
  const calls = unknown.map(({ command, calls }) => `\`${command}\` ${calls}`).join(', ');
  return [
    `how the server counts the lookups of these commands is not known, they are in no namespace; calls: ${calls}`,
  ];
}

/** The lookups that `SCAN … TYPE` counted, which belong to no namespace. */
function scanRemark(calls: number, scanned: number, areHitsKnown: boolean): string[] {
  if (!areHitsKnown)
    return [
      `hits and reads are not reported: ${calls} calls of SCAN with TYPE were seen, each of which counts hits of no namespace; ` +
        'misses and their causes are complete, and `--mode exact` takes such hits off',
    ];
  if (scanned === 0) return [];
  return [
    `${calls} calls of SCAN with TYPE counted ${scanned} hits, which are no reads of data and are taken off; a client that ` +
      'clears a namespace scans so (`keyv.clear()`)',
  ];
}

/** Reads of commands that failed, where MONITOR ran. */
function unmadeRemark(unmade: UnmadeReads, spans: readonly Span[]): string[] {
  const reads = unmade.in(spans);
  if (reads === 0) return [];
  const why = unmade.failed === null ? '; commands over several keys stop at an error' : '';
  return [
    `${reads} reads that MONITOR showed were not made by the server, and are taken off${why}${failures(unmade.failed)}`,
  ];
}

/** Calls that failed over an argument have a line in MONITOR, and may have looked up nothing. */
function failures(failed: ReadonlyMap<string, number> | null): string {
  const calls = [...(failed ?? [])].map(([command, count]) => `\`${command}\` ${count}`);
  return calls.length === 0 ? '' : `; calls that failed: ${calls.join(', ')}`;
}

/** What others did who look at the same server. */
function othersRemark(lookups: number): string[] {
  if (lookups === 0) return [];
  return [
    `another cachectl observes this server too: ${lookups} of its lookups are taken off, its cost is not`,
  ];
}

/** What other commands of this program read meanwhile. */
const oursRemark = (reads: number): string[] =>
  reads === 0 ? [] : [`${reads} reads by other commands of cachectl are taken off`];

function costOf(
  mode: HitMode,
  windows: readonly Span[],
  monitored: readonly Span[],
  windowSeconds: number,
): ObservationCost {
  const grown = (of: (mark: Span['to']) => number, spans = windows) =>
    sumOf(spans.map(({ from, to }) => of(to) - of(from)));
  const share = grown((mark) => mark.atMillis, monitored) / 1000 / windows.length / windowSeconds;
  return {
    serverCpuSeconds: sumOrNull(windows.map(({ from, to }) => cpuBetween(from, to))),
    commands: sumOrNull(
      windows.map(({ from, to }) => growth(from.info, to.info, 'total_commands_processed')),
    ),
    markLookups: sumOf(windows.map(({ to }) => to.ownMisses)),
    monitorBytes: grown((mark) => mark.monitorBytes),
    eventBytes: grown((mark) => mark.eventBytes),
    monitoredCommands: grown((mark) => mark.monitoredCommands, monitored),
    events: grown((mark) => mark.eventCount),
    duty: mode === 'exact' ? 1 : mode === 'sampled' && windowSeconds > 0 ? share : 0,
    maxLagSeconds: Math.max(...windows.map(({ to }) => to.maxLagSeconds)),
  };
}
