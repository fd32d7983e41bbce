import { performance } from 'node:perf_hooks';
import { setImmediate as nextTurn, setTimeout as sleep } from 'node:timers/promises';

/** Time as a benchmark sees it; a test hands in simulated time. */
export interface Clock {
  /** Milliseconds since any fixed moment, never going back, with a resolution below a microsecond. */
  now(): number;
  /** Resolves at `time`, at once where it has passed, and early where the signal is aborted. */
  until(time: number, signal: AbortSignal): Promise<void>;
  /** Starts to measure which share of the time this process is busy; what it gives ends the measurement. */
  startMeter(): () => number;
}

/** A timer may come this much late. */
const timerSlackMillis = 3;
const longestSleepMillis = 50;

export const systemClock: Clock = {
  now: () => performance.now(),
  async until(time, signal) {
    for (;;) {
      const left = time - performance.now();
      if (left <= 0 || signal.aborted) return;
      if (left > timerSlackMillis + 1) await sleep(Math.min(longestSleepMillis, left - timerSlackMillis));
      // Timers count whole milliseconds; the turns of the event loop are some microseconds apart.
      else await nextTurn();
    }
  },
  startMeter() {
    const before = performance.eventLoopUtilization();
    return () => performance.eventLoopUtilization(before).utilization;
  },
};
