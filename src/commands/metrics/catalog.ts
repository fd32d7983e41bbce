type Entry = readonly [type: 'counter' | 'gauge', help: string];

/**
 * Every metric, in the order of the output: its name without `cachectl_`, its type, and what it is. Base units, and `_total` for
 * counters. @see https://prometheus.io/docs/practices/naming/
 */
export const catalog = {
  build_info: ['gauge', 'The version of cachectl; always 1.'],
  up: ['gauge', 'Whether the server answered the last time that it was asked: 1 or 0.'],
  read_timestamp_seconds: ['gauge', 'When the counters of the server were read.'],
  read_duration_seconds: ['gauge', 'How long that took.'],
  scrape_errors_total: ['counter', 'What could not be read, by reason; its metrics are absent.'],
  own_commands_total: ['counter', 'Commands that cachectl sent to the server.'],

  server_info: ['gauge', 'Product, version, role, mode and eviction policy of the server; always 1.'],
  nodes: ['gauge', 'Servers that were read: 1, or the primaries of a cluster.'],
  uptime_seconds: ['gauge', 'Uptime of the server, of a cluster that of its youngest node.'],
  hits_total: ['counter', 'Lookups that found their key, those of cachectl taken off.'],
  misses_total: ['counter', 'Lookups that found no key, those of cachectl taken off.'],
  metadata_lookups_total: ['counter', 'Of hits and misses, those that carry no data (TYPE, PTTL, OBJECT).'],
  commands_processed_total: ['counter', 'Commands of all other clients.'],
  command_calls_total: ['counter', 'Calls of each command, by whatever client.'],
  command_duration_seconds_total: ['counter', 'Time that the server spent in each command.'],
  evicted_keys_total: ['counter', 'Keys that were evicted for want of memory.'],
  expired_keys_total: ['counter', 'Keys whose TTL ran out.'],
  network_received_bytes_total: ['counter', 'Bytes that the server received.'],
  network_sent_bytes_total: ['counter', 'Bytes that the server sent.'],
  cpu_seconds_total: ['counter', 'CPU time of the server process, by mode.'],
  memory_used_bytes: ['gauge', 'Memory that the server has allocated.'],
  memory_peak_bytes: ['gauge', 'The most that it ever had.'],
  memory_max_bytes: ['gauge', 'The limit, maxmemory; absent without one.'],
  memory_fragmentation_ratio: ['gauge', 'Memory that the system gave, over memory that was allocated.'],
  connected_clients: ['gauge', 'Clients that are connected.'],
  blocked_clients: ['gauge', 'Clients that wait in a blocking command.'],
  max_clients: ['gauge', 'The most clients that may connect.'],
  database_keys: ['gauge', 'Keys of each database.'],
  database_keys_without_ttl: ['gauge', 'Those of them without a TTL.'],

  namespace_keys: ['gauge', 'Keys of each namespace.'],
  namespace_memory_bytes: ['gauge', 'Memory that they take.'],
  namespace_keys_bound: ['gauge', 'Bounds of namespace_keys with 95 % certainty, where it is an estimate.'],
  namespace_memory_bound_bytes: ['gauge', 'The same of namespace_memory_bytes.'],
  namespace_keys_without_ttl: ['gauge', 'Keys of each namespace without a TTL (with --ttls).'],
  namespace_ttl_violations: ['gauge', 'Keys that break the TTL rule of the map, by how (with --ttls).'],
  namespace_hit_ratio_target: ['gauge', 'The hit rate that the map asks for, from 0 to 1.'],
  namespaces_read_timestamp_seconds: [
    'gauge',
    'When the keys were read that the figures by namespace are of.',
  ],
  namespaces_sampled: ['gauge', 'Whether they are estimates from a sample: 1 or 0.'],
  namespaces_unseen_keys: ['gauge', 'A namespace of up to so many keys may be missing from the sample.'],

  traffic_observed: ['gauge', 'Whether hits by namespace are being observed (with --hits): 1 or 0.'],
  traffic_info: ['gauge', 'How: exact, sampled, misses-only or counters; always 1 (with --hits).'],
  namespace_hits_total: ['counter', 'Reads that found their key, by namespace (with --hits).'],
  namespace_misses_total: ['counter', 'Reads that found no key, by namespace and cause (with --hits).'],
  namespace_writes_total: ['counter', 'Keys that were given a value (with --hits).'],
  namespace_new_keys_total: ['counter', 'Keys that came into being (with --hits, from Redis 7.0 on).'],
  namespace_evicted_keys_total: ['counter', 'Keys that were evicted for want of memory (with --hits).'],
  namespace_refill_seconds: [
    'gauge',
    'From the first miss of a key until it was stored, in the last window (with --hits).',
  ],
} as const satisfies Readonly<Record<string, Entry>>;

export type MetricName = keyof typeof catalog;
