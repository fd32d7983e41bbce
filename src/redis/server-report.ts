import { sumOrNull } from '../support/collections.ts';
import { type DatabaseInfo, databasesOf, type Info, infoNumber, productOf } from './info.ts';

/** INFO in numbers with units. A null: the server does not report it. */
export interface ServerReport {
  readonly product: string;
  readonly version: string;
  readonly role: string | null;
  /** `standalone`, `cluster` or `sentinel`. */
  readonly mode: string | null;
  readonly uptimeSeconds: number | null;
  /** `host:port` of the primary, on a replica. */
  readonly primary: string | null;
  readonly hits: number | null;
  readonly misses: number | null;
  readonly evictedKeys: number | null;
  readonly expiredKeys: number | null;
  readonly operationsPerSecond: number | null;
  readonly commandsProcessed: number | null;
  readonly usedBytes: number | null;
  readonly peakBytes: number | null;
  /** Null where no limit is set, and where it is not reported. */
  readonly maxBytes: number | null;
  /** Null: whether there is one is not reported. */
  readonly hasMemoryLimit: boolean | null;
  readonly policy: string | null;
  readonly fragmentation: number | null;
  readonly connectedClients: number | null;
  readonly maxClients: number | null;
  readonly blockedClients: number | null;
  readonly databases: readonly DatabaseInfo[] | null;
}

export function serverReportOf(info: Info): ServerReport {
  const { master_host: host, master_port: port } = info;
  const limit = infoNumber(info, 'maxmemory');
  return {
    ...productOf(info),
    role:
      info['role'] === 'master' ? 'primary' : info['role'] === 'slave' ? 'replica' : (info['role'] ?? null),
    mode: info['redis_mode'] ?? info['server_mode'] ?? null,
    uptimeSeconds: infoNumber(info, 'uptime_in_seconds'),
    primary: host === undefined || port === undefined ? null : `${host}:${port}`,
    hits: infoNumber(info, 'keyspace_hits'),
    misses: infoNumber(info, 'keyspace_misses'),
    evictedKeys: infoNumber(info, 'evicted_keys'),
    expiredKeys: infoNumber(info, 'expired_keys'),
    operationsPerSecond: infoNumber(info, 'instantaneous_ops_per_sec'),
    commandsProcessed: infoNumber(info, 'total_commands_processed'),
    usedBytes: infoNumber(info, 'used_memory'),
    peakBytes: infoNumber(info, 'used_memory_peak'),
    maxBytes: limit === 0 ? null : limit,
    hasMemoryLimit: limit === null ? null : limit > 0,
    policy: info['maxmemory_policy'] ?? null,
    fragmentation: infoNumber(info, 'mem_fragmentation_ratio'),
    connectedClients: infoNumber(info, 'connected_clients'),
    maxClients: infoNumber(info, 'maxclients'),
    blockedClients: infoNumber(info, 'blocked_clients'),
    databases: databasesOf(info),
  };
}

/**
 * The reports of all nodes of a cluster as one: counters and memory added up, the uptime of the youngest node.
 * What one node does not report is not known of the whole; a limit of memory holds only where every node has one.
 */
export function sumReports(reports: readonly [ServerReport, ...ServerReport[]]): ServerReport {
  const [first, ...others] = reports;
  if (others.length === 0) return first;
  const figures = Object.fromEntries(
    summed.map((name) => [name, sumOrNull(reports.map((report) => report[name]))]),
  ) as Pick<ServerReport, (typeof summed)[number]>;
  const uptimes = reports.map(({ uptimeSeconds }) => uptimeSeconds);
  const weights = reports.map(({ usedBytes }) => usedBytes ?? 0);
  const weight = weights.reduce((sum, each) => sum + each, 0);
  const fragmentations = reports.map(({ fragmentation }) => fragmentation);
  return {
    ...first,
    ...figures,
    uptimeSeconds: uptimes.includes(null) ? null : Math.min(...uptimes.map((each) => each ?? 0)),
    policy: reports.every(({ policy }) => policy === first.policy) ? first.policy : null,
    fragmentation:
      weight === 0 || fragmentations.includes(null)
        ? null
        : fragmentations.reduce<number>(
            (sum, each, index) => sum + ((each ?? 0) * (weights[index] ?? 0)) / weight,
            0,
          ),
    hasMemoryLimit: reports.some((report) => report.hasMemoryLimit === null)
      ? null
      : reports.every((report) => report.hasMemoryLimit),
    databases: reports.some(({ databases }) => databases === null)
      ? null
      : sumDatabases(reports.flatMap(({ databases }) => databases ?? [])),
  };
}

const summed = [
  'hits',
  'misses',
  'evictedKeys',
  'expiredKeys',
  'operationsPerSecond',
  'commandsProcessed',
  'usedBytes',
  'peakBytes',
  'maxBytes',
  'connectedClients',
  'maxClients',
  'blockedClients',
] as const;

function sumDatabases(all: readonly DatabaseInfo[]): DatabaseInfo[] {
  const sums = new Map<number, DatabaseInfo>();
  for (const each of all) {
    const sum = sums.get(each.database) ?? { database: each.database, keys: 0, keysWithTtl: 0 };
    const keysWithTtl = sumOrNull([sum.keysWithTtl, each.keysWithTtl]);
    sums.set(each.database, { ...sum, keys: sum.keys + each.keys, keysWithTtl });
  }
  return [...sums.values()].sort((left, right) => left.database - right.database);
}
