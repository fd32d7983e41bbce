import { sumOf } from '../../support/collections.ts';
import { LogHistogram } from '../../support/log-histogram.ts';
import { detailsOf, type RowGroup } from '../keys/namespace-rows.ts';
import { fewestLookups, type MissCauses, type NamespaceTraffic, reachesTarget } from '../report.ts';
import { causeNames, missesIn, type Span, sumIn } from '../streams/mark.ts';
import type { ReportInput } from './build-report.ts';
import { type MeanSize, memoryRemedy, ttlRemedy } from './remedies.ts';
import { estimateHits, estimateWrites, type UnmadeReads } from './window.ts';

/** One window over all nodes, with what its namespaces share. */
interface Window extends ReportInput {
  readonly groups: readonly RowGroup[];
  readonly allRows: readonly number[];
  readonly windowSeconds: number;
  readonly unmade: UnmadeReads;
}

/** The namespaces that had any traffic, those with most misses first. */
export function namespacesOf(window: Window): NamespaceTraffic[] {
  const { windows, map, bytesPerKey, groups, unmade, windowSeconds, history } = window;
  const [{ from, to }] = windows;
  const openGaps = history.openGaps(from.atMillis, to.atMillis);
  const shown = windows.flatMap(({ to }) => to.keys);
  const known = new Map(map.namespaces.map((namespace) => [namespace.name, namespace]));
  const totalMisses = missesIn(windows, window.allRows);
  const bytesPerEvictedKey = meanEvictedBytes(windows, groups, bytesPerKey);
  const unmadeReads = unmade.byGroup(windows, groups);
  const figures = groups.flatMap(({ rows, namespace, database }, index): NamespaceTraffic[] => {
    const configured = known.get(namespace);
    const causes = Object.fromEntries(
      causeNames.map((name) => [name, sumIn(windows, name, rows)]),
    ) as Readonly<MissCauses>;
    const misses = missesIn(windows, rows);
    const { hits, hitsInterval, writes } = hitsOf(window, rows, misses, unmadeReads[index] ?? 0);
    const reads = hits === null ? null : hits + misses;
    const newKeys = window.tellsNewKeys ? sumIn(windows, 'newKeys', rows) : null;
    const evictedKeys = sumIn(windows, 'evictedKeys', rows);
    if (misses === 0 && !reads && !writes && !newKeys && evictedKeys === 0) return [];
    const details = detailsOf(shown, rows);
    for (const row of rows) details.unreadForMillis.merge(openGaps.get(row) ?? noGaps);
    const hitRate = reads === null || hits === null ? null : ratio(hits, reads);
    const rateAt = (bound: number, otherwise: number) => ratio(bound, bound + misses) ?? otherwise;
    const hitRateInterval =
      hitsInterval && hitRate !== null
        ? ([rateAt(hitsInterval[0], 0), rateAt(hitsInterval[1], 1)] as const)
        : null;
    const target = configured?.hitRateTarget ?? null;
    // State is not cached: nothing is gained by reading it more often.
    const isJudged = configured?.kind !== 'state' && (reads ?? 0) >= fewestLookups;
    const { stampedes: count, extraMisses, largestStampede: largest } = details;
    return [
      {
        ...{ namespace, database, kind: configured?.kind ?? null, reads },
        readsInterval: hitsInterval && [hitsInterval[0] + misses, hitsInterval[1] + misses],
        ...{ hits, hitsInterval, misses, hitRate, hitRateInterval, hitRateTarget: target },
        targetMet:
          isJudged && target !== null && hitRate !== null
            ? reachesTarget(hitRateInterval ?? [hitRate, hitRate], target)
            : null,
        readsPerSecond: reads === null || windowSeconds === 0 ? null : reads / windowSeconds,
        missShare: ratio(misses, totalMisses),
        writes,
        readsPerWrite: reads === null || !writes ? null : reads / writes,
        ...{ newKeys, evictedKeys, causes, firstMisses: sumIn(windows, 'firstMisses', rows) },
        refill: refillOf(details.refillMillis),
        stampedes: { count, extraMisses, largest },
        remedy: {
          // Of keys that were forgotten, gaps are forgotten too: the long ones.
          ttl:
            history.table.forgotten > 0
              ? null
              : ttlRemedy(details, causes.expired, configured?.ttl ?? null, {
                  seconds: windowSeconds,
                  showsTtls: window.mode !== 'misses-only',
                }),
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
  return figures.sort(
    (left, right) => (right.misses ?? 0) - (left.misses ?? 0) || (right.reads ?? 0) - (left.reads ?? 0),
  );
}

/** @param unmadeReads of these rows, as they are taken off in mode `exact` */
function hitsOf(
  { mode, windows, allRows, unmade }: Window,
  rows: readonly number[],
  misses: number,
  unmadeReads: number,
): Pick<NamespaceTraffic, 'hits' | 'hitsInterval' | 'writes'> {
  if (mode === 'exact') {
    const shown = sumIn(windows, 'reads', rows);
    // Commands of modules miss keys that no rule says they read; what is left over is the residual.
    const hitsWithout = (count: number) => Math.max(0, shown - count - misses);
    const [least, most] = unmade.boundsOf(windows, rows);
    return {
      hits: hitsWithout(unmadeReads),
      hitsInterval: least === most ? null : [hitsWithout(most), hitsWithout(least)],
      writes: sumIn(windows, 'writes', rows),
    };
  }
  if (mode !== 'sampled') return { hits: null, hitsInterval: null, writes: null };
  const { value, interval } = estimateHits(windows, rows, allRows, unmade);
  const writes = Math.round(estimateWrites(windows, rows));
  return { hits: Math.round(value), hitsInterval: interval, writes };
}

function refillOf(refillMillis: LogHistogram): NamespaceTraffic['refill'] {
  const [half, most] = [refillMillis.quantile(0.5), refillMillis.quantile(0.95)];
  return half === null || most === null
    ? null
    : { count: refillMillis.count, p50Seconds: half / 1000, p95Seconds: most / 1000 };
}

/** Of the namespaces that lose keys, each by how many it loses; their errors are taken to go the same way. */
function meanEvictedBytes(
  windows: readonly Span[],
  groups: readonly RowGroup[],
  bytesPerKey: ReadonlyMap<string, MeanSize>,
): MeanSize | null {
  const parts = groups.flatMap(({ namespace, rows }) => {
    const size = bytesPerKey.get(namespace);
    return size ? [{ size, keys: sumIn(windows, 'evictedKeys', rows) }] : [];
  });
  const keys = sumOf(parts.map((part) => part.keys));
  const mean = (of: (size: MeanSize) => number) =>
    sumOf(parts.map((part) => part.keys * of(part.size))) / keys;
  return keys === 0
    ? null
    : {
        value: mean(({ value }) => value),
        interval: [mean(({ interval }) => interval[0]), mean(({ interval }) => interval[1])],
      };
}

const noGaps = new LogHistogram();

const ratio = (part: number, whole: number) => (whole === 0 ? null : part / whole);
