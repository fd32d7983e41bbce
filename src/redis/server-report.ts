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
  /** Null where no limit is set. */
  readonly maxBytes: number | null;
  readonly policy: string | null;
  readonly fragmentation: number | null;
  readonly connectedClients: number | null;
  readonly maxClients: number | null;
  readonly blockedClients: number | null;
  readonly databases: readonly DatabaseInfo[];
}

export function serverReportOf(info: Info): ServerReport {
  const host = info['master_host'];
  return {
    ...productOf(info),
    role:
      info['role'] === 'master' ? 'primary' : info['role'] === 'slave' ? 'replica' : (info['role'] ?? null),
    mode: info['redis_mode'] ?? null,
    uptimeSeconds: infoNumber(info, 'uptime_in_seconds'),
    primary: host === undefined ? null : `${host}:${info['master_port'] ?? ''}`,
    hits: infoNumber(info, 'keyspace_hits'),
    misses: infoNumber(info, 'keyspace_misses'),
    evictedKeys: infoNumber(info, 'evicted_keys'),
    expiredKeys: infoNumber(info, 'expired_keys'),
    operationsPerSecond: infoNumber(info, 'instantaneous_ops_per_sec'),
    commandsProcessed: infoNumber(info, 'total_commands_processed'),
    usedBytes: infoNumber(info, 'used_memory'),
    peakBytes: infoNumber(info, 'used_memory_peak'),
    maxBytes: infoNumber(info, 'maxmemory') || null,
    policy: info['maxmemory_policy'] ?? null,
    fragmentation: infoNumber(info, 'mem_fragmentation_ratio'),
    connectedClients: infoNumber(info, 'connected_clients'),
    maxClients: infoNumber(info, 'maxclients'),
    blockedClients: infoNumber(info, 'blocked_clients'),
    databases: databasesOf(info),
  };
}
