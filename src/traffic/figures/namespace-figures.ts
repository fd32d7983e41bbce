import { causeNames } from './counts.ts';
import { type NamespaceRows, type RowGroup, type RowDetails, detailsOf } from '../keys/namespace-rows.ts';
import { fewestLookups, type HitMode, type NamespaceTraffic } from '../report.ts';
import { type MeanSize, memoryRemedy, ttlRemedy } from './remedies.ts';
import {
  causesBetween,
  estimateHits,
  estimateWrites,
  evictedKeyColumn,
  firstMissColumn,
  missesBetween,
  newKeyColumn,
  type NodeWindow,
  readsBetween,
  sumEvents,
  writesBetween,
} from './window.ts';
import type { NamespaceMap } from '../../keyspace/map.ts';
import type { UnmadeReads } from './unmade-reads.ts';
import type { KeyHistory } from '../keys/key-history.ts';

/** The namespaces that had any traffic, those with most misses first. */
export function namespacesOf(
  input: ReportInput,
  groups: readonly RowGroup[],
  allRows: readonly number[],
  windowSeconds: number,
  unmade: UnmadeReads,
): NamespaceTraffic[] {
  const { mode, windows, map, bytesPerKey } = input;
  const shown = windows.flatMap(({ to }) => to.keys);
  const known = new Map(map.namespaces.map((namespace) => [namespace.name, namespace]));
  const totalMisses = sumOf(windows.map(({ from, to }) => missesBetween(from, to, allRows)));
  const bytesPerEvictedKey = meanEvictedBytes(windows, groups, bytesPerKey);
  const unmadeReads = unmade.byGroup(windows, groups);
  const figures = groups.flatMap((group, index): NamespaceTraffic[] => {
    const { rows, namespace, database } = group;
    const configured = known.get(namespace);
    const causes = causesBetween(windows, rows);
    const misses = sumOf(causeNames.map((name) => causes[name]));
    const { hits, hitsInterval, reads, writes } =
      mode === 'exact'
        ? countedLookups(windows, rows, misses, unmade, unmadeReads[index] ?? 0)
        : mode === 'sampled'
          ? estimatedLookups(windows, rows, allRows, misses, unmade)
          : { reads: null, hits: null, hitsInterval: null, writes: null };
    const newKeys = input.tellsNewKeys ? sumEvents(windows, newKeyColumn, rows) : null;
    if (misses === 0 && !reads && !writes && !newKeys) return [];
    const details = detailsOf(shown, rows);
    const hitRate = hits === null ? null : ratio(hits, hits + misses);
    const hitRateInterval =
      hitsInterval === null || hitRate === null
        ? null
        : ([
            ratio(hitsInterval[0], hitsInterval[0] + misses) ?? 0,
            ratio(hitsInterval[1], hitsInterval[1] + misses) ?? 1,
          ] as const);
    const target = configured?.hitRateTarget ?? null;
    return [
      {
        namespace,
        database,
        kind: configured?.kind ?? null,
        reads,
        readsInterval: hitsInterval && [hitsInterval[0] + misses, hitsInterval[1] + misses],
        hits,
        hitsInterval,
        misses,
        hitRate,
        hitRateInterval,
        hitRateTarget: target,
        // State is not cached: nothing is gained by reading it more often.
        targetMet:
          configured?.kind === 'state' || (reads ?? 0) < fewestLookups
            ? null
            : targetMet(target, hitRate, hitRateInterval),
        readsPerSecond: reads === null || windowSeconds === 0 ? null : reads / windowSeconds,
        missShare: ratio(misses, totalMisses),
        writes,
        readsPerWrite: reads === null || !writes ? null : reads / writes,
        newKeys,
        causes,
        firstMisses: sumEvents(windows, firstMissColumn, rows),
        refill: spanOf(details),
        stampedes: {
          count: details.stampedes,
          extraMisses: details.extraMisses,
          largest: details.largestStampede,
        },
        remedy: {
          ttl: ttlRemedy(details, causes.expired, configured?.ttl ?? null, windowSeconds),
          memory: memoryRemedy(
            details,
            causes.evicted,
            bytesPerKey.get(namespace)?.value ?? null,
            bytesPerEvictedKey,
          ),
        },
      },
    ];
  });
  return figures.sort(byMisses);
}

type LookupFigures = Pick<NamespaceTraffic, 'hits' | 'hitsInterval' | 'reads' | 'writes'>;

/** @param unmadeReads of these rows, as they are taken off */
function countedLookups(
  windows: readonly NodeWindow[],
  rows: readonly number[],
  misses: number,
  unmade: UnmadeReads,
  unmadeReads: number,
): LookupFigures {
  const shown = sumOf(windows.map(({ from, to }) => readsBetween(from, to, rows)));
  const bounds = windows.map((window) => unmade.boundsOf(window, rows));
  const [least, most] = [sumOf(bounds.map(([low]) => low)), sumOf(bounds.map(([, high]) => high))];
  // Commands of modules miss keys that no rule says they read; what is left over is told as the residual.
  const hitsWithout = (count: number) => Math.max(0, shown - count - misses);
  const hits = hitsWithout(unmadeReads);
  return {
    reads: hits + misses,
    hits,
    hitsInterval: least === most ? null : [hitsWithout(most), hitsWithout(least)],
    writes: sumOf(windows.map(({ from, to }) => writesBetween(from, to, rows))),
  };
}

function estimatedLookups(
  windows: readonly NodeWindow[],
  rows: readonly number[],
  allRows: readonly number[],
  misses: number,
  unmade: UnmadeReads,
): LookupFigures {
  const { value, interval } = estimateHits(windows, rows, allRows, unmade);
  return {
    reads: Math.round(value) + misses,
    hits: Math.round(value),
    hitsInterval: interval,
    writes: Math.round(estimateWrites(windows, rows)),
  };
}

function targetMet(
  target: number | null,
  hitRate: number | null,
  interval: NamespaceTraffic['hitRateInterval'],
): boolean | null {
  if (target === null || hitRate === null) return null;
  const [low, high] = interval ?? [hitRate, hitRate];
  return low >= target ? true : high < target ? false : null;
}

function spanOf({ refillMillis }: RowDetails): NamespaceTraffic['refill'] {
  const [half, most] = [refillMillis.quantile(0.5), refillMillis.quantile(0.95)];
  return half === null || most === null
    ? null
    : { count: refillMillis.count, p50Seconds: half / 1000, p95Seconds: most / 1000 };
}

/** Of the namespaces that lose keys, each by how many it loses; their errors are taken to go the same way. */
function meanEvictedBytes(
  windows: readonly NodeWindow[],
  groups: readonly RowGroup[],
  bytesPerKey: ReadonlyMap<string, MeanSize>,
): MeanSize | null {
  let [keys, bytes, least, most] = [0, 0, 0, 0];
  for (const { namespace, rows } of groups) {
    const size = bytesPerKey.get(namespace);
    if (size === undefined) continue;
    const evicted = sumEvents(windows, evictedKeyColumn, rows);
    keys += evicted;
    bytes += evicted * size.value;
    least += evicted * size.interval[0];
    most += evicted * size.interval[1];
  }
  return keys === 0 ? null : { value: bytes / keys, interval: [least / keys, most / keys] };
}

function byMisses(left: NamespaceTraffic, right: NamespaceTraffic): number {
  return (right.misses ?? 0) - (left.misses ?? 0) || (right.reads ?? 0) - (left.reads ?? 0);
}

const sumOf = (values: readonly number[]) => values.reduce((sum, value) => sum + value, 0);
const ratio = (part: number, whole: number) => (whole === 0 ? null : part / whole);

/** What a report is made from. */
export interface ReportInput {
  readonly mode: HitMode;
  readonly modeReason: string;
  readonly windows: readonly [NodeWindow, ...NodeWindow[]];
  readonly map: NamespaceMap;
  readonly rows: NamespaceRows;
  readonly history: KeyHistory;
  readonly tellsNewKeys: boolean;
  /** Why what was observed is not known to be right. */
  readonly lost: readonly string[];
  readonly remarks: readonly string[];
  readonly endedBy: string | null;
  readonly isReplica: boolean;
  /** Mean size of the keys of a row group in bytes, by the group's name; those whose keys were evicted. */
  readonly bytesPerKey: ReadonlyMap<string, MeanSize>;
}
