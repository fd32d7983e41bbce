import type { MissCause, NamespaceTraffic, SpanQuantiles, TrafficReport } from '../../traffic/report.ts';
import type { MetricSample } from '../../render/exposition.ts';
import { otherName } from '../../keyspace/segment-tree.ts';
import { type BoundedNames, type Samples, sample } from './families.ts';

const summed = ['hits', 'writes', 'newKeys', 'evictedKeys'] as const;

interface Totals {
  readonly kind: string;
  readonly sums: Record<(typeof summed)[number], number | null>;
  readonly misses: Map<MissCause, number>;
  /** Of the last window that had one. */
  refill: SpanQuantiles | null;
}

/** Traffic by namespace, window after window, as counters that only grow. */
export class TrafficTotals {
  private readonly namespaces = new Map<string, Totals>();

  constructor(private readonly names: BoundedNames) {}

  add(report: TrafficReport): void {
    for (const each of report.namespaces) this.addNamespace(each);
  }

  samples(): Samples {
    const each = (samplesOf: (totals: Totals, labels: MetricSample['labels']) => MetricSample[]) =>
      [...this.namespaces].flatMap(([namespace, totals]) =>
        samplesOf(totals, { namespace, kind: totals.kind }),
      );
    const sum = (name: (typeof summed)[number]) => each(({ sums }, labels) => sample(sums[name], labels));
    return {
      namespace_hits_total: sum('hits'),
      namespace_misses_total: each(({ misses }, labels) =>
        [...misses].flatMap(([cause, count]) => sample(count, { ...labels, cause: causeLabels[cause] })),
      ),
      namespace_writes_total: sum('writes'),
      namespace_new_keys_total: sum('newKeys'),
      namespace_evicted_keys_total: sum('evictedKeys'),
      namespace_refill_seconds: each(({ refill }, labels) => [
        ...sample(refill?.p50Seconds, { ...labels, quantile: '0.5' }),
        ...sample(refill?.p95Seconds, { ...labels, quantile: '0.95' }),
      ]),
    };
  }

  private addNamespace(traffic: NamespaceTraffic): void {
    const name = this.names.shown(traffic.namespace);
    const totals = this.namespaces.get(name) ?? {
      kind: name === otherName ? '' : (traffic.kind ?? ''),
      sums: { hits: null, writes: null, newKeys: null, evictedKeys: null },
      misses: new Map<MissCause, number>(),
      refill: null,
    };
    this.namespaces.set(name, totals);
    for (const figure of summed) {
      const value = traffic[figure];
      if (value !== null) totals.sums[figure] = (totals.sums[figure] ?? 0) + value;
    }
    for (const [cause, count] of Object.entries(traffic.causes ?? {}) as [MissCause, number][])
      totals.misses.set(cause, (totals.misses.get(cause) ?? 0) + count);
    totals.refill = traffic.refill ?? totals.refill;
  }
}

const causeLabels: Readonly<Record<MissCause, string>> = {
  expired: 'expired',
  evicted: 'evicted',
  invalidated: 'invalidated',
  renamed: 'renamed',
  neverCached: 'never_cached',
  goneOrNew: 'gone_or_new',
  unknown: 'unknown',
};
