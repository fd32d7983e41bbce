import { noLookups } from '../../src/redis/lookups.ts';
import { RedisError } from '../../src/redis/errors.ts';
import { lookupCountersOf } from '../../src/health/lookups/counters.ts';
import { nothingRemembered } from '../../src/health/lookups/ledger.ts';
import type { NodeCounters } from '../../src/health/lookups/differences.ts';
import { failedInterval, type WatchInterval } from '../../src/watch/interval.ts';
import type { WatchedNamespace } from '../../src/watch/namespaces.ts';

/** An interval of a cache that does well, but for what is given. */
export function interval(changes: Partial<WatchInterval> = {}): WatchInterval {
  return {
    endedAt: '2026-03-01T12:00:01.000Z',
    ok: true,
    error: null,
    windowSeconds: 1,
    reset: null,
    hits: 930,
    misses: 70,
    hitRate: 0.93,
    hitRateInterval: null,
    metadataLookups: 0,
    operationsPerSecond: 1204,
    usedBytes: 1_500_000_000,
    maxBytes: 2_000_000_000,
    hasMemoryLimit: true,
    evictedKeys: 0,
    expiredKeys: 12,
    latency: { p50Micros: 120, p99Micros: 900, samples: 48 },
    connectedClients: 24,
    cpuRatio: 0.12,
    bytesInPerSecond: 1_200_000,
    bytesOutPerSecond: 4_500_000,
    keys: 123_456,
    uptimeSeconds: 3 * 86_400,
    ownCommands: 49,
    trafficMode: null,
    trafficModeReason: null,
    trafficInvalid: [],
    namespacesReadAt: '2026-03-01T11:59:51.000Z',
    namespacesExact: true,
    namespacesMostUnseenKeys: null,
    namespaces: [],
    ...changes,
  };
}

export const lost = (message: string) =>
  failedInterval('2026-03-01T12:00:02.000Z', new RedisError('lost', 'ECONNREFUSED', message));

export function namespace(name: string, changes: Partial<WatchedNamespace> = {}): WatchedNamespace {
  return {
    namespace: name,
    kind: 'cache',
    ...{ keys: 100, keysInterval: null, memoryBytes: 10_000, memoryBytesInterval: null },
    ...{ memoryShare: 0.1, memoryShareInterval: null },
    ...{ readsPerSecond: null, readsPerSecondInterval: null, missesPerSecond: null },
    ...{ hits: null, hitsInterval: null, misses: null, hitRate: null, hitRateInterval: null },
    hitRateTarget: null,
    targetMet: null,
    causes: null,
    topCause: null,
    ...changes,
  };
}

/** Counters of one node from fields of INFO. */
export function counters(
  fields: Readonly<Record<string, number | string>>,
  { ownCommands = 0, address = 'a:1' } = {},
): NodeCounters {
  const texts = Object.entries(fields).map(([name, value]) => [name, String(value)] as const);
  const info = { run_id: 'r1', uptime_in_seconds: '1000', ...Object.fromEntries(texts) };
  return {
    address,
    info,
    lookups: lookupCountersOf(info, { lookups: noLookups }, nothingRemembered),
    ownCommands,
  };
}
