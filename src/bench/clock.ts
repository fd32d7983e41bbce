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

/**
 * Hands out the moments at which batches are meant to start, evenly spaced, in the order of asking. A caller that
 * is late gets a moment that has passed, and does not wait: latency counted from that moment includes the wait, so a
 * server that stalls is charged for every batch it delayed, not for one.
 */
export class Pacer {
  private issued = 0;
  private turn: Promise<void> = Promise.resolve();
  private ownDelayMillis = 0;
  private punctual = 0;

  /** `intervalMillis` lies between two batches; none is meant to start at `endsAt` or later. */
  constructor(
    private readonly clock: Clock,
    private readonly signal: AbortSignal,
    private readonly startsAt: number,
    private readonly intervalMillis: number,
    private readonly endsAt: number,
  ) {}

  /** Waits for the next start, and gives the moment it was meant for; null when the time is up. */
  async next(askedAt: number): Promise<number | null> {
    const intended = this.startsAt + this.issued * this.intervalMillis;
    if (intended >= this.endsAt) return null;
    this.issued++;
    // One waits at a time: those behind it are meant to start later.
    const turn = this.turn.then(() => this.clock.until(intended, this.signal));
    this.turn = turn;
    await turn;
    const now = this.clock.now();
    if (askedAt < intended) {
      this.ownDelayMillis += Math.max(0, now - intended);
      this.punctual++;
    }
    return this.signal.aborted || now >= this.endsAt ? null : intended;
  }

  /** From the first start to the one that would come next. */
  get spanMillis(): number {
    return this.issued * this.intervalMillis;
  }

  /** How late those batches were sent, on average, whose callers were in time: the fault of this machine, not of the server. */
  get meanOwnDelayMillis(): number {
    return this.punctual === 0 ? 0 : this.ownDelayMillis / this.punctual;
  }
}
