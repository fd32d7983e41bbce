import { setImmediate as nextTurn } from 'node:timers/promises';
import type { Clock } from './clock.ts';
import { LatencyRecorder, type LatencySummary, summaryOf } from './latency.ts';

/** A gap in which this process did not run, though it had nothing to wait for. */
export interface HostJitter {
  readonly durationSeconds: number;
  /** Share of the time that was lost in gaps of 10 µs or more. */
  readonly lostRatio: number;
  /** Gaps by their length. */
  readonly gaps: readonly { readonly overMicros: number; readonly count: number }[];
  /** Of gaps of 10 µs or more; null where there was none. */
  readonly latency: LatencySummary | null;
  /** The longest gap of each second, in order; 0 where none was that long. */
  readonly series: readonly { readonly maxMicros: number }[];
}

interface JitterTerms {
  readonly clock: Pick<Clock, 'now'>;
  readonly seconds: number;
  readonly signal: AbortSignal;
  readonly onProgress?: (seconds: number) => void;
}

const burstMillis = 100;
const shortestGapMillis = 0.01;
const bounds = [100, 1000, 10_000] as const;

/**
 * Reads the clock over and over: between two readings lies next to nothing, unless the system runs something else in place of this
 * process, or a hypervisor another machine. No server can answer more evenly than that. (As `redis-cli --intrinsic-latency`.)
 */
export async function measureJitter(terms: JitterTerms): Promise<HostJitter> {
  const { clock, seconds, signal } = terms;
  const gaps = new LatencyRecorder();
  const counts = bounds.map(() => 0);
  const series: { maxMicros: number }[] = [];
  let [lostMillis, measuredMillis] = [0, 0];
  while (measuredMillis < seconds * 1000 && !signal.aborted) {
    const startedAt = clock.now();
    const end = startedAt + Math.min(burstMillis, seconds * 1000 - measuredMillis);
    let last = startedAt;
    const second = (series[Math.floor(measuredMillis / 1000)] ??= { maxMicros: 0 });
    while (last < end) {
      const read = clock.now();
      const gap = read - last;
      last = read;
      if (gap < shortestGapMillis) continue;
      gaps.record(gap);
      lostMillis += gap;
      bounds.forEach((bound, index) => {
        if (gap * 1000 > bound) counts[index] = (counts[index] ?? 0) + 1;
      });
      second.maxMicros = Math.max(second.maxMicros, gap * 1000);
    }
    measuredMillis += last - startedAt;
    terms.onProgress?.(measuredMillis / 1000);
    // A signal is only seen between two bursts.
    await nextTurn();
  }
  return {
    durationSeconds: measuredMillis / 1000,
    lostRatio: measuredMillis === 0 ? 0 : lostMillis / measuredMillis,
    gaps: bounds.map((overMicros, index) => ({ overMicros, count: counts[index] ?? 0 })),
    latency: summaryOf(gaps.distribution),
    series,
  };
}
