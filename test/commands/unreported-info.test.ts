import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { cli, type CliOptions } from '../run-cli.ts';
import { type Proxy, startProxy } from '../server/proxy.ts';
import type { RedisProcess } from '../server/redis-process.ts';
import { startPrivateServer } from '../server/redis.ts';
import { json } from './reading.ts';
import { temporaryFolder } from '../server/own.ts';

let redis: RedisProcess;
let proxy: Proxy;
const folder = temporaryFolder();

beforeAll(async () => {
  redis = await startPrivateServer();
  proxy = await startProxy(redis.port);
  const keys = Array.from({ length: 20 }, (_, index) => `{"key":"user:${index}","value":"x","ttl":600}`);
  await cli(['warm', '-'], { url: redis.url, input: keys.join('\n') });
  await json(['get', 'user:1'], { url: redis.url });
});
afterAll(async () => {
  await proxy.stop();
  await redis.stop();
});

/** Runs a command against a server whose INFO lacks the lines that match. */
async function without(missing: RegExp, args: readonly string[], options: CliOptions = {}) {
  proxy.rewriteInfo((line) => (missing.test(line) ? null : line));
  const outcome = await cli(['--no-color', ...args], {
    url: proxy.url,
    env: { XDG_STATE_HOME: folder },
    ...options,
  });
  proxy.rewriteInfo(null);
  expect(outcome.exitCode, outcome.stderr).toBeLessThan(2);
  expect(outcome.stdout + outcome.stderr).not.toMatch(/\bNaN\b|\bundefined\b|Infinity/);
  return outcome;
}

async function resultWithout(missing: RegExp, args: readonly string[]) {
  const { stdout } = await without(missing, [...args, '-o', 'json']);
  const document = JSON.parse(stdout) as { readonly result?: unknown };
  return (document.result ?? document) as Readonly<Record<string, unknown>>;
}

const at = (result: unknown, path: string) =>
  path.split('.').reduce<unknown>((value, step) => (value as Record<string, unknown> | null)?.[step], result);

/** Matches text without it. */
const no = (part: string) => new RegExp(`^(?![^]*${part})`);

/** The field of INFO, where `stats` has it in JSON, and what its text says instead, or no longer says. */
const figures: readonly (readonly [field: string, path: string, says: RegExp | null])[] = [
  ['role', 'server.role', /role not reported/],
  // Valkey has a name of its own for it.
  ['(?:redis|server)_mode', 'server.mode', null],
  ['uptime_in_seconds', 'server.uptimeSeconds', no('up \\d')],
  ['keyspace_hits', 'lifetime.hits', /hit rate .*not reported/],
  ['keyspace_misses', 'lifetime.misses', /hit rate .*not reported/],
  ['evicted_keys', 'server.evictedKeys', /evictions not reported/],
  ['expired_keys', 'server.expiredKeys', /expiries not reported/],
  ['instantaneous_ops_per_sec', 'server.operationsPerSecond', /operations +- /],
  ['total_commands_processed', 'server.commandsProcessed', null],
  ['used_memory', 'server.usedBytes', /memory +- /],
  ['used_memory_peak', 'server.peakBytes', /peak -/],
  ['maxmemory', 'server.hasMemoryLimit', /limit not reported/],
  ['maxmemory_policy', 'server.policy', /policy not reported/],
  ['mem_fragmentation_ratio', 'server.fragmentation', no('fragmentation \\d')],
  ['connected_clients', 'server.connectedClients', no('clients')],
  ['maxclients', 'server.maxClients', null],
  ['blocked_clients', 'server.blockedClients', null],
];

describe('a figure that INFO leaves out', () => {
  test.each(figures)('is null and "not reported" in stats: %s', async (field, path, says) => {
    const missing = new RegExp(`^${field}:`);
    expect(at(await resultWithout(/^no such field/, ['stats', '--no-namespaces']), path)).not.toBeNull();
    expect(at(await resultWithout(missing, ['stats', '--no-namespaces']), path)).toBeNull();
    if (says === null) return;
    const { stdout } = await without(missing, ['stats', '--no-namespaces'], { terminal: true });
    expect(stdout).toMatch(says);
  });

  test('is no count of keys, where it is those of the databases', async () => {
    const missing = /^(# Keyspace|db\d+:)/;
    expect(await resultWithout(missing, ['stats', '--no-namespaces'])).toMatchObject({
      databases: null,
      keys: null,
    });
    expect(await resultWithout(missing, ['stats'])).toMatchObject({ databases: null, keys: 20 });
    expect(await resultWithout(missing, ['inspect'])).toMatchObject({ keys: 20 });
    const { stdout } = await without(missing, ['check', '--no-write'], { terminal: true });
    expect(stdout).toContain('database 0 is selected; its keys are not reported');
  });

  test('is no database without TTLs, where `expires` is missing', async () => {
    proxy.rewriteInfo((line) => line.replace(/,expires=\d+/, ''));
    const { result } = await json(['stats', '--no-namespaces'], { url: proxy.url });
    proxy.rewriteInfo(null);
    expect(result).toMatchObject({ keys: 20, databases: [{ database: 0, keys: 20, keysWithTtl: null }] });
    expect(JSON.stringify(result)).not.toContain('have no TTL');
  });

  test.each([
    ['maxmemory', 'memory', 'skip'],
    ['used_memory', 'memory', 'skip'],
    ['evicted_keys', 'evictions', 'skip'],
    ['keyspace_hits', 'hit-rate', 'skip'],
    ['connected_clients', 'clients', 'skip'],
    ['role', 'role', 'skip'],
    ['mem_fragmentation_ratio', 'fragmentation', 'skip'],
    ['mem_fragmentation_bytes|used_memory_rss', 'fragmentation', 'skip'],
    ['rdb_last_bgsave_status', 'persistence', 'skip'],
    ['aof_enabled', 'persistence', 'skip'],
    ['connected_slaves', 'replication-lag', 'skip'],
    ['uptime_in_seconds', 'evictions', 'pass'],
  ])('skips its check: %s', async (field, id, status) => {
    const result = await resultWithout(new RegExp(`^(${field}):`), ['check', '--no-write']);
    const check = (result['checks'] as { id: string; status: string; message: string }[]).find(
      (each) => each.id === id,
    );
    expect(check).toMatchObject({ status });
    expect(check?.message).toMatch(status === 'skip' ? /the server does not report `/ : /since the start$/);
  });

  test('leaves the memory of watch without a limit that nobody set', async () => {
    const result = await resultWithout(/^(maxmemory|evicted_keys|# Keyspace|db0):?/, [
      ...['watch', '--count', '1', '--interval', '200ms'],
    ]);
    const text = JSON.stringify(result);
    expect(text).toMatch(/"hasMemoryLimit":null/);
    expect(text).toMatch(/"evictedKeys":null/);
    expect(text).toMatch(/"keys":null/);
  });
});

test('hits says that the counters are not reported, not that they went back', async () => {
  const result = await resultWithout(/^keyspace_hits:/, ['hits', '--for', '200ms']);
  expect(result['valid']).toBe(false);
  expect(result['invalidReasons']).toEqual(['the server does not report `keyspace_hits`']);
  expect(result['hits']).toBeNull();
});

describe('a section that INFO leaves out', () => {
  const sections = {
    Server:
      /^(# Server|redis_|os:|arch_bits|run_id|tcp_port|server_time|uptime_|hz|config|process_id|executable|gcc|mono|multi|atomic|lru_clock|io_threads_active|listener)/,
    Clients:
      /^(# Clients|connected_clients|cluster_connections|maxclients|client_|blocked_|tracking_|clients_)/,
    Memory:
      /^(# Memory|used_memory|maxmemory|mem_|allocator|rss_|total_system|active_defrag|lazyfree|number_of)/,
    Persistence: /^(# Persistence|rdb_|aof_|loading|async_|current_|module_fork)/,
    Stats:
      /^(# Stats|total_|instantaneous|keyspace_|expired|evicted|sync_|pubsub|latest|migrate|slave_expires|io_thread|reply_|dump_)/,
    Replication: /^(# Replication|role|connected_slaves|master_|second_repl|repl_)/,
    CPU: /^(# CPU|used_cpu)/,
    Commandstats: /^(# Commandstats|cmdstat_)/,
    Keyspace: /^(# Keyspace|db\d)/,
    all: /^(?!# Server)/,
  };

  test.each(Object.entries(sections))('breaks no command: %s', async (_name, missing) => {
    for (const args of [
      ['stats'],
      ['stats', '--window', '100ms'],
      ['check'],
      ['inspect'],
      ['hits', '--for', '300ms'],
      ['bench', '--operations', '100', '--keys', '20', '--warmup', '0s'],
    ]) {
      const { stderr } = await without(missing, args, { terminal: true });
      expect(stderr).not.toMatch(/bug|internal/);
    }
  });
});
