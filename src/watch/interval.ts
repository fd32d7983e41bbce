import { setTimeout as sleep } from 'node:timers/promises';
import { pick } from '../support/collections.ts';
import type { Differences, NodeCounters } from '../health/lookups/differences.ts';
import type { RedisError } from '../redis/errors.ts';
import { type ServerReport, serverReportOf, sumReports } from '../redis/server-report.ts';
import type { HitMode } from '../traffic/report.ts';
import type { LatencyFigures } from './latency.ts';
import type { WatchedNamespace } from './namespaces.ts';

/** What the counters say of an interval. A null: not reported. */
export interface CounterFigures
  extends
    Pick<Differences, 'reset' | 'hits' | 'misses' | 'evictedKeys' | 'expiredKeys'>,
    Pick<ServerReport, 'connectedClients' | 'uptimeSeconds' | 'usedBytes' | 'maxBytes' | 'hasMemoryLimit'> {
  /** What the interval took; longer after a lost connection, for it counts from the last answer. */
  readonly windowSeconds: number | null;
  /**
   * Of the reads of data, from 0 to 1; null where there were none, and where it is not known to within 10 points: whether
   * metadata lookups hit is not reported.
   */
  readonly hitRate: number | null;
  /** Null where the hit rate is exact, or nothing was read. */
  readonly hitRateInterval: readonly [low: number, high: number] | null;
  /** Lookups that carry no data (TYPE, PTTL, OBJECT, …), whoever made them; null: not reported. */
  readonly metadataLookups: number | null;
  /** Commands of others: what this program asks is taken off. */
  readonly operationsPerSecond: number | null;
  /** CPU time of the server's processes as a share of the time: 1 is one core kept busy by each. */
  readonly cpuRatio: number | null;
  readonly bytesInPerSecond: number | null;
  readonly bytesOutPerSecond: number | null;
  readonly keys: number | null;
  /** Commands that this program sent in the interval. */
  readonly ownCommands: number | null;
}

/** What the server did in one interval. A null: not reported, or the server was not there to be asked. */
export interface WatchInterval extends CounterFigures {
  /** When the interval ended, ISO 8601. */
  readonly endedAt: string;
  /** False where the server could not be asked; `error` says why. */
  readonly ok: boolean;
  readonly error: { readonly code: string; readonly message: string } | null;
  readonly latency: LatencyFigures | null;
  /** How hits and misses by namespace came about; null without them. */
  readonly trafficMode: HitMode | null;
  /** Why in this way: what the server permits, or its load. */
  readonly trafficModeReason: string | null;
  /** Why they are not to be relied on. */
  readonly trafficInvalid: readonly string[];
  /** When the keys were read that `namespaces` has its sizes from; null: not yet. */
  readonly namespacesReadAt: string | null;
  /** False where these sizes are estimates from a sample, with their intervals; null: not read yet. */
  readonly namespacesExact: boolean | null;
  /** A namespace of no more than so many keys may be missing from the sample; null where every key was read. */
  readonly namespacesMostUnseenKeys: number | null;
  readonly namespaces: readonly WatchedNamespace[];
}

/**
 * @param done what the interval added to the counters
 * @param after the reading that it ended with
 */
export function counterFigures(
  done: Differences,
  after: readonly [NodeCounters, ...NodeCounters[]],
  elapsedSeconds: number,
): CounterFigures {
  const [first, ...others] = after.map(({ info }) => serverReportOf(info));
  const now = sumReports([first as ServerReport, ...others]);
  const { hits, misses, reset, dataReads, systemSeconds, userSeconds } = done;
  // After a restart the counters are of no longer than the server's uptime.
  const seconds =
    reset === 'restart' && now.uptimeSeconds !== null
      ? Math.min(elapsedSeconds, now.uptimeSeconds + 1)
      : elapsedSeconds;
  const perSecond = (value: number | null) => (value === null || seconds <= 0 ? null : value / seconds);
  const cpuSeconds =
    systemSeconds === null || userSeconds === null ? null : (systemSeconds + userSeconds) / after.length;
  return {
    ...{ windowSeconds: elapsedSeconds, reset, hits, misses },
    ...rateOf(dataReads?.hitRateInterval ?? null),
    metadataLookups: dataReads?.metadataLookups ?? null,
    operationsPerSecond: perSecond(done.commands),
    ...pick(now, ['usedBytes', 'maxBytes', 'hasMemoryLimit']),
    ...pick(done, ['evictedKeys', 'expiredKeys']),
    connectedClients: now.connectedClients,
    cpuRatio: perSecond(cpuSeconds),
    bytesInPerSecond: perSecond(done.bytesIn),
    bytesOutPerSecond: perSecond(done.bytesOut),
    keys: now.databases?.reduce((all, { keys }) => all + keys, 0) ?? null,
    ...{ uptimeSeconds: now.uptimeSeconds, ownCommands: done.ownCommands },
  };
}

/** An interval in which the server could not be asked. */
export const failedInterval = (endedAt: string, { code, message }: RedisError): WatchInterval => ({
  ...{ endedAt, ok: false, error: { code, message } },
  ...{ windowSeconds: null, reset: null, hits: null, misses: null, hitRate: null, hitRateInterval: null },
  ...{ metadataLookups: null, operationsPerSecond: null, usedBytes: null, maxBytes: null },
  ...{ hasMemoryLimit: null, evictedKeys: null, expiredKeys: null, latency: null },
  ...{ connectedClients: null, cpuRatio: null, bytesInPerSecond: null, bytesOutPerSecond: null },
  ...{ keys: null, uptimeSeconds: null, ownCommands: null, trafficMode: null, trafficModeReason: null },
  ...{ trafficInvalid: [], namespacesReadAt: null, namespacesExact: null },
  ...{ namespacesMostUnseenKeys: null, namespaces: [] },
});

/** A hit rate with a wider interval is not worth showing. */
const widestRate = 0.1;

function rateOf(
  bounds: readonly [low: number, high: number] | null,
): Pick<WatchInterval, 'hitRate' | 'hitRateInterval'> {
  if (bounds === null) return { hitRate: null, hitRateInterval: null };
  const [low, high] = bounds;
  if (low === high) return { hitRate: low, hitRateInterval: null };
  return { hitRate: high - low > widestRate ? null : (low + high) / 2, hitRateInterval: bounds };
}

/** How often a wait checks whether the interval was changed. */
const lookMillis = 100;

export interface IntervalOptions {
  /** May change while an interval runs. */
  readonly intervalSeconds: () => number;
  /** Ends the intervals at once; one that is being read is dropped. */
  readonly signal: AbortSignal;
  readonly now: () => number;
  readonly mostIntervals: number;
  readonly mostSeconds: number;
}

/** An interval at a time, at a steady rhythm: what a reading takes is no part of the next wait. */
export async function* intervalsOf(
  next: () => Promise<WatchInterval>,
  { intervalSeconds, signal, now, mostIntervals, mostSeconds }: IntervalOptions,
): AsyncGenerator<WatchInterval, void> {
  const aborted = new Promise<null>((resolve) =>
    signal.addEventListener('abort', () => resolve(null), { once: true }),
  );
  const startedAt = now();
  const endsAt = startedAt + mostSeconds * 1000;
  let lastAt = startedAt;
  for (let count = 0; count < mostIntervals; count++) {
    const dueAt = () => Math.min(endsAt, lastAt + intervalSeconds() * 1000);
    for (let wait = dueAt() - now(); wait > 0 && !signal.aborted; wait = dueAt() - now())
      await sleep(Math.min(lookMillis, wait), undefined, { signal }).catch(() => undefined);
    if (signal.aborted) return;
    const due = dueAt();
    const interval = await Promise.race([next(), aborted]);
    if (interval === null) return;
    yield interval;
    if (now() >= endsAt) return;
    // Intervals that were missed are not made up for.
    lastAt = now() - due > intervalSeconds() * 1000 ? now() : due;
  }
}
