import { sumOf } from '../../support/collections.ts';
import { sumReports, serverReportOf, type ServerReport } from '../../redis/server-report.ts';
import type { NodeCounters } from '../../health/lookups/differences.ts';
import type { NamespaceMap } from '../../keyspace/map.ts';
import { otherName } from '../../keyspace/segment-tree.ts';
import type { MetricFamily, MetricSample } from '../../render/exposition.ts';
import type { CommandTotals, CounterTotals } from '../../watch/totals.ts';
import type { SizeReading } from '../../watch/namespaces.ts';
import { keyspaceFiguresOf } from '../keyspace-report.ts';
import type { IntervalOrNull, NamespaceSummary } from '../namespace-summary.ts';
import { catalog, type MetricName } from './catalog.ts';

export type Samples = Readonly<Partial<Record<MetricName, readonly MetricSample[]>>>;
type Labels = MetricSample['labels'];

/** Families in the order of the catalog; those without a sample are left out. */
export function familiesOf(...parts: readonly Samples[]): MetricFamily[] {
  const all: Samples = Object.assign({}, ...parts) as Samples;
  return (Object.keys(catalog) as MetricName[]).flatMap((name) => {
    const [type, help] = catalog[name];
    const samples = all[name] ?? [];
    return samples.length === 0 ? [] : [{ name: `cachectl_${name}`, type, help, samples }];
  });
}

/** One sample; none where the value is not known. */
export const sample = (value: number | null | undefined, labels: Labels = {}): MetricSample[] =>
  value == null ? [] : [{ labels, value }];

/** What INFO reports now, and what its counters add up to. */
export function serverSamples(nodes: readonly NodeCounters[], totals: CounterTotals): Samples {
  const [first, ...others] = nodes.map(({ info }) => serverReportOf(info));
  if (first === undefined) return {};
  const report = sumReports([first, ...others]);
  const { sums } = totals;
  const commands = [...totals.commands].sort(([left], [right]) => (left < right ? -1 : 1));
  const each = (value: (total: CommandTotals) => number) =>
    commands.flatMap(([name, total]) => sample(value(total), { command: name.toLowerCase() }));
  const { product, version, role, mode, policy } = report;
  const info = { product, version, role: role ?? '', mode: mode ?? '', maxmemory_policy: policy ?? '' };
  return {
    server_info: sample(1, info),
    nodes: sample(nodes.length),
    uptime_seconds: sample(report.uptimeSeconds),
    hits_total: sample(totals.hits),
    misses_total: sample(totals.misses),
    metadata_lookups_total: sample(totals.metadataLookups),
    commands_processed_total: sample(sums.commands),
    command_calls_total: each(({ calls }) => calls),
    command_duration_seconds_total: each(({ seconds }) => seconds),
    evicted_keys_total: sample(sums.evictedKeys),
    expired_keys_total: sample(sums.expiredKeys),
    network_received_bytes_total: sample(sums.bytesIn),
    network_sent_bytes_total: sample(sums.bytesOut),
    cpu_seconds_total: [
      ...sample(sums.systemSeconds, { mode: 'system' }),
      ...sample(sums.userSeconds, { mode: 'user' }),
    ],
    own_commands_total: sample(sums.ownCommands),
    memory_used_bytes: sample(report.usedBytes),
    memory_peak_bytes: sample(report.peakBytes),
    memory_max_bytes: sample(report.maxBytes),
    memory_fragmentation_ratio: sample(report.fragmentation),
    connected_clients: sample(report.connectedClients),
    blocked_clients: sample(report.blockedClients),
    max_clients: sample(report.maxClients),
    ...databaseSamples(report),
  };
}

function databaseSamples({ databases }: ServerReport): Samples {
  const each = (value: (database: NonNullable<ServerReport['databases']>[number]) => number | null) =>
    (databases ?? []).flatMap((database) => sample(value(database), { db: String(database.database) }));
  return {
    database_keys: each(({ keys }) => keys),
    database_keys_without_ttl: each(({ keys, keysWithTtl }) =>
      keysWithTtl === null ? null : keys - keysWithTtl,
    ),
  };
}

/** The names that have samples of their own: so many at most, for each is a time series; the rest is `(other)`. */
export class BoundedNames {
  private readonly admitted: Set<string>;

  /** Those of the map come first. */
  constructor(
    map: NamespaceMap,
    private readonly most: number,
  ) {
    this.admitted = new Set(map.namespaces.slice(0, most).map(({ name }) => name));
  }

  /** The name to show for this one. */
  shown(name: string): string {
    if (name !== otherName && this.admitted.size < this.most) this.admitted.add(name);
    return this.admitted.has(name) ? name : otherName;
  }
}

const ttlViolations = ['missing', 'tooLong', 'unexpected', 'drifting'] as const;
const ttlLabels = { missing: 'missing', tooLong: 'too_long', unexpected: 'unexpected', drifting: 'drifting' };

/** What the keys were that were read last, by namespace. */
export function keyspaceSamples(
  reading: SizeReading | null,
  map: NamespaceMap,
  names: BoundedNames,
): Samples {
  const targets = map.namespaces.flatMap(({ name, hitRateTarget }) =>
    sample(hitRateTarget, { namespace: names.shown(name) }),
  );
  const namespace_hit_ratio_target = targets.filter(({ labels }) => labels['namespace'] !== otherName);
  if (reading === null) return { namespace_hit_ratio_target };
  const { analysis, readAt, exact, mostUnseenKeys } = reading;
  const rows = keyspaceFiguresOf(analysis, map).namespaces(Number.POSITIVE_INFINITY);
  const sums = new NamespaceSums(rows, names);
  const bounds = (
    interval: (row: NamespaceSummary) => IntervalOrNull,
    value: (row: NamespaceSummary) => number | null,
  ) =>
    exact
      ? []
      : [
          ...sums.of((row) => interval(row)?.[0] ?? value(row), { bound: 'low' }),
          ...sums.of((row) => interval(row)?.[1] ?? value(row), { bound: 'high' }),
        ];
  return {
    namespace_hit_ratio_target,
    namespace_keys: sums.of(({ keys }) => keys),
    namespace_memory_bytes: sums.of(({ memoryBytes }) => memoryBytes),
    namespace_keys_bound: bounds(
      ({ keysInterval }) => keysInterval,
      ({ keys }) => keys,
    ),
    namespace_memory_bound_bytes: bounds(
      ({ memoryBytesInterval }) => memoryBytesInterval,
      ({ memoryBytes }) => memoryBytes,
    ),
    namespace_keys_without_ttl: sums.of(({ withoutTtl }) => withoutTtl),
    namespace_ttl_violations: ttlViolations.flatMap((name) =>
      sums.of(({ ttlRule }) => ttlRule?.[name] ?? null, { violation: ttlLabels[name] }),
    ),
    namespaces_read_timestamp_seconds: sample(readAt / 1000),
    namespaces_sampled: sample(exact ? 0 : 1),
    namespaces_unseen_keys: sample(mostUnseenKeys),
  };
}

/** Adds up the rows that are shown under one name. */
class NamespaceSums {
  private readonly groups = new Map<string, NamespaceSummary[]>();

  constructor(rows: readonly NamespaceSummary[], names: BoundedNames) {
    for (const row of rows) {
      const name = names.shown(row.namespace);
      this.groups.set(name, [...(this.groups.get(name) ?? []), row]);
    }
  }

  of(value: (row: NamespaceSummary) => number | null, labels: Labels = {}): MetricSample[] {
    return [...this.groups].flatMap(([namespace, rows]) => {
      const known = rows.map(value).filter((each) => each !== null);
      const kind = namespace === otherName ? '' : (rows[0]?.kind ?? '');
      return known.length === 0 ? [] : sample(sumOf(known), { namespace, kind, ...labels });
    });
  }
}
