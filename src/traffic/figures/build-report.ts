import { infoNumber } from '../../redis/info.ts';
import { missingKeysOf } from './missing-keys.ts';
import { failedReads, UnmadeReads } from './unmade-reads.ts';
import { namespacesOf, type ReportInput } from './namespace-figures.ts';
import type { HitMode, NamespaceTraffic, ObservationCost, TrafficReport } from '../report.ts';
import {
  type Burst,
  cpuBetween,
  growth,
  lookupsBetween,
  missesBetween,
  type NodeWindow,
  readsBetween,
  writesBetween,
} from './window.ts';

/** Lookups that may stay unattributed before the window counts as invalid: this share, and not fewer than so many. */
const residualShare = 0.01;
const residualLookups = 10;

export function buildReport(input: ReportInput): TrafficReport {
  const { mode, windows, history } = input;
  const windowSeconds =
    windows.reduce((sum, { from, to }) => sum + (to.atMillis - from.atMillis), 0) / windows.length / 1000;
  const groups = input.rows.groups();
  const allRows = groups.flatMap(({ rows }) => rows);
  // Marks of other observers miss, each of them, and are no traffic.
  const marks = input.rows.marks === 0 ? [] : [input.rows.marks];
  const ofOthers = sumOf(windows.map(({ from, to }) => missesBetween(from, to, marks)));
  const counted = windows.map(({ from, to }) => lookupsBetween(from, to));
  const resets = counted.includes(null);
  const unreported = ['keyspace_hits', 'keyspace_misses'].find((field) =>
    windows.some(({ to }) => infoNumber(to.info, field) === null),
  );
  const areHitsKnown = !isSpoiledByScans(input, allRows, marks);
  const allHits = !areHitsKnown || resets ? null : sumOf(counted.map((each) => each?.hits ?? 0));
  const misses = resets ? null : sumOf(counted.map((each) => each?.misses ?? 0)) - ofOthers;
  const unmade = new UnmadeReads(windows, [...allRows, ...marks]);
  const namespaces =
    mode === 'counters'
      ? []
      : namespacesOf(
          areHitsKnown ? input : { ...input, mode: 'misses-only' },
          groups,
          allRows,
          windowSeconds,
          unmade,
        );
  const scans = input.rows.scans;
  const monitoredSpans = mode === 'sampled' ? windows.flatMap(({ bursts }) => bursts) : windows;
  const scanCalls = sumOf(monitoredSpans.map(({ from, to }) => writesBetween(from, to, [scans])));
  const raw = residualOf(areHitsKnown ? mode : 'misses-only', windows, allRows, marks, namespaces, unmade, {
    hits: allHits,
    misses,
  });
  // Before 8.0, SCAN … TYPE counts a hit for each key that it goes through, and names none of them.
  const mostScanned = sumOf(windows.map(({ from, to }) => readsBetween(from, to, [scans])));
  const scanned = mode === 'exact' ? Math.max(0, Math.min(raw.hits ?? 0, mostScanned)) : 0;
  const hits = allHits === null ? null : allHits - scanned;
  const residual =
    scanned === 0 || raw.reads === null || raw.hits === null
      ? raw
      : { ...raw, reads: raw.reads - scanned, hits: raw.hits - scanned };
  const lookups = (hits ?? 0) + (misses ?? 0);
  // Reads are held against the counters where MONITOR ran.
  const monitored = mode === 'sampled' ? lookupsIn(windows.flatMap(({ bursts }) => bursts)) : lookups;
  const unattributed = [
    [residual.reads ?? 0, monitored],
    [residual.misses ?? 0, lookups],
  ] as const;
  const invalidReasons = [
    ...input.lost,
    ...(unreported === undefined ? [] : [`the server does not report \`${unreported}\``]),
    ...(resets && unreported === undefined
      ? ['the counters of the server went back: it was started anew, or CONFIG RESETSTAT was called']
      : []),
    ...unattributed
      .filter(([left, of]) => isTooMany(left, of))
      .slice(0, 1)
      .map(
        ([left, of]) =>
          `${Math.abs(left)} of ${of} lookups cannot be attributed to a namespace${left < 0 ? failures(failedReads(windows)) : ''}`,
      ),
  ];
  return {
    mode,
    modeReason: input.modeReason,
    windowSeconds,
    valid: invalidReasons.length === 0,
    invalidReasons,
    remarks: [
      ...input.remarks,
      ...othersRemark(ofOthers),
      ...scanRemark(scanCalls, scanned, areHitsKnown),
      ...unmadeRemark(unmade, monitoredSpans),
    ],
    endedBy: input.endedBy,
    isReplica: input.isReplica,
    reads: hits === null || misses === null ? null : hits + misses,
    hits,
    misses,
    hitRate: hits === null || misses === null ? null : ratio(hits, hits + misses),
    residual,
    namespaces,
    mostMissed: missingKeysOf(windows, groups, namespaces),
    remembered: {
      keysRemembered: history.table.remembered,
      keysBound: history.table.bound,
      forgotten: history.table.forgotten,
    },
    serverCost: costOf(mode, windows, windowSeconds),
  };
}

function residualOf(
  mode: HitMode,
  windows: readonly NodeWindow[],
  allRows: readonly number[],
  marks: readonly number[],
  namespaces: readonly NamespaceTraffic[],
  unmade: UnmadeReads,
  { hits, misses }: Pick<TrafficReport, 'hits' | 'misses'>,
): TrafficReport['residual'] {
  if (mode === 'counters' || misses === null) return { reads: null, hits: null, misses: null };
  const missResidual = misses - sumOf(windows.map(({ from, to }) => missesBetween(from, to, allRows)));
  if (mode === 'misses-only' || hits === null) return { reads: null, hits: null, misses: missResidual };
  if (mode === 'exact') {
    const reads = hits + misses - sumOf(namespaces.map((each) => each.reads ?? 0));
    return { reads, hits: reads - missResidual, misses: missResidual };
  }
  // What MONITOR shows can be held against the counters within the bursts alone.
  const bursts = windows.flatMap((window) => window.bursts);
  const rows = [...allRows, ...marks];
  const reads =
    lookupsIn(bursts) -
    sumOf(bursts.map((burst) => readsBetween(burst.from, burst.to, rows) - unmade.in(burst)));
  return { reads, hits: reads, misses: missResidual };
}

/** As the server counted them. */
function lookupsIn(spans: readonly Burst[]): number {
  return sumOf(
    spans.map(({ from, to }) => {
      const counted = lookupsBetween(from, to);
      return (counted?.hits ?? 0) + (counted?.misses ?? 0);
    }),
  );
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
function unmadeRemark(unmade: UnmadeReads, spans: readonly Burst[]): string[] {
  const reads = sumOf(spans.map((span) => unmade.in(span)));
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

/**
 * True where SCAN … TYPE counted so many of the hits in the bursts that nothing is known of those between them. Misses are
 * none of it: each has its event.
 */
function isSpoiledByScans(
  { mode, windows, rows }: ReportInput,
  allRows: readonly number[],
  marks: readonly number[],
): boolean {
  if (mode !== 'sampled') return false;
  const bursts = windows.flatMap((window) => window.bursts);
  const most = sumOf(bursts.map(({ from, to }) => readsBetween(from, to, [rows.scans])));
  const counted = lookupsIn(bursts);
  const left = counted - sumOf(bursts.map(({ from, to }) => readsBetween(from, to, [...allRows, ...marks])));
  return left > 0 && left <= most && isTooMany(left, counted);
}

const isTooMany = (unattributed: number, lookups: number) =>
  Math.abs(unattributed) > Math.max(residualLookups, residualShare * lookups);

/** What others did who look at the same server. */
function othersRemark(lookups: number): string[] {
  if (lookups === 0) return [];
  return [
    `another cachectl observes this server too: ${lookups} of its lookups are taken off, its cost is not`,
  ];
}

function costOf(mode: HitMode, windows: readonly NodeWindow[], windowSeconds: number): ObservationCost {
  const cpu = windows.map(({ from, to }) => cpuBetween(from, to));
  const commands = windows.map(({ from, to }) => growth(from.info, to.info, 'total_commands_processed'));
  const bursts = windows.flatMap((window) => window.bursts);
  const burstSeconds = sumOf(bursts.map(({ from, to }) => to.atMillis - from.atMillis)) / 1000;
  const grown = (of: (mark: NodeWindow['to']) => number) =>
    sumOf(windows.map(({ from, to }) => of(to) - of(from)));
  return {
    serverCpuSeconds: cpu.includes(null) ? null : sumOf(cpu.map((each) => each ?? 0)),
    commands: commands.includes(null) ? null : sumOf(commands.map((each) => each ?? 0)),
    markLookups: sumOf(windows.map(({ to }) => to.ownMisses)),
    monitorBytes: grown((mark) => mark.monitorBytes),
    eventBytes: grown((mark) => mark.eventBytes),
    monitoredCommands:
      mode === 'sampled'
        ? sumOf(bursts.map(({ from, to }) => to.monitoredCommands - from.monitoredCommands))
        : grown((mark) => mark.monitoredCommands),
    events: grown((mark) => mark.eventCount),
    duty:
      mode === 'exact'
        ? 1
        : mode === 'sampled' && windowSeconds > 0
          ? burstSeconds / windows.length / windowSeconds
          : 0,
    maxLagSeconds: Math.max(...windows.map(({ to }) => to.maxLagSeconds)),
  };
}

const sumOf = (values: readonly number[]) => values.reduce((sum, value) => sum + value, 0);
const ratio = (part: number, whole: number) => (whole === 0 ? null : part / whole);
