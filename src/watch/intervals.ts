import { setTimeout as sleep } from 'node:timers/promises';
import type { WatchInterval } from './interval.ts';

/** So often is looked whether the interval was changed meanwhile. */
const lookMillis = 100;

export interface IntervalOptions {
  /** Asked anew all the time: it may change while an interval runs. */
  readonly intervalSeconds: () => number;
  /** Ends the intervals at once; one that is being read is given up. */
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
    // A rhythm that was lost is not made up for.
    lastAt = now() - due > intervalSeconds() * 1000 ? now() : due;
  }
}
