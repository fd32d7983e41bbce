import type { Cell, Column } from '../../render/blocks.ts';
import type { WatchInterval } from '../../watch/interval.ts';

/** An interval in tab-separated lines and csv: what is one figure of the whole server. */
export const intervalColumns: readonly Column[] = [
  { name: 'endedAt', header: 'AT', unit: 'text' },
  { name: 'ok', header: 'OK', unit: 'text' },
  { name: 'windowSeconds', header: 'SECONDS', unit: 'number' },
  { name: 'hitRate', header: 'HIT RATE', unit: 'ratio' },
  { name: 'hits', header: 'HITS', unit: 'count' },
  { name: 'misses', header: 'MISSES', unit: 'count' },
  { name: 'operationsPerSecond', header: 'OPS', unit: 'perSecond' },
  { name: 'usedBytes', header: 'MEMORY', unit: 'bytes' },
  { name: 'maxBytes', header: 'LIMIT', unit: 'bytes' },
  { name: 'evictedKeys', header: 'EVICTED', unit: 'count' },
  { name: 'expiredKeys', header: 'EXPIRED', unit: 'count' },
  { name: 'p50Micros', header: 'P50', unit: 'micros' },
  { name: 'p99Micros', header: 'P99', unit: 'micros' },
];

/** In the order of the columns. */
export function cellsOf(interval: WatchInterval): readonly Cell[] {
  const { latency } = interval;
  return [
    interval.endedAt,
    interval.ok,
    interval.windowSeconds,
    interval.hitRate,
    interval.hits,
    interval.misses,
    interval.operationsPerSecond,
    interval.usedBytes,
    interval.maxBytes,
    interval.evictedKeys,
    interval.expiredKeys,
    latency?.p50Micros ?? null,
    latency?.p99Micros ?? null,
  ];
}
