import { readFileSync } from 'node:fs';
import { performance } from 'node:perf_hooks';
import { setImmediate as nextTurn, setTimeout as sleep } from 'node:timers/promises';

/** Time as a benchmark sees it; a test hands in simulated time. */
export interface Clock {
  /** Milliseconds since any fixed moment, never going back, with a resolution below a microsecond. */
  now(): number;
  /** Resolves at `time`, at once where it has passed, and early where the signal is aborted. */
  until(time: number, signal: AbortSignal): Promise<void>;
  /** Starts to measure what this process does with its time; what it gives ends the measurement. */
  startMeter(): () => ClientTime;
}

/** Shares of a time, from 0 to 1. */
export interface ClientTime {
  /** The process was busy. */
  readonly utilization: number;
  /** It was ready, and had to wait for a processor; null where the system does not report it. */
  readonly starvation: number | null;
}

/** A timer may come this much late. */
const timerSlackMillis = 3;
const longestSleepMillis = 50;

/**
 * How long this thread has been ready and not running, since it began: the second number in Linux's schedstat, in nanoseconds.
 * @see https://docs.kernel.org/scheduler/sched-stats.html
 */
function waitedMillis(): number | null {
  try {
    const [, waited] = readFileSync('/proc/thread-self/schedstat', 'latin1').split(' ');
    return waited === undefined ? null : Number(waited) / 1e6;
  } catch {
    return null;
  }
}

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
    const [startedAt, waitedBefore] = [performance.now(), waitedMillis()];
    return () => {
      const [waited, elapsed] = [waitedMillis(), performance.now() - startedAt];
      return {
        utilization: performance.eventLoopUtilization(before).utilization,
        starvation:
          waited === null || waitedBefore === null || elapsed <= 0
            ? null
            : Math.min(1, Math.max(0, (waited - waitedBefore) / elapsed)),
      };
    };
  },
};

/**
 * Hands out the moments at which batches are meant to start, evenly spaced, in the order of asking. A caller that
 * is late gets a moment that has passed, and does not wait: latency counted from that moment includes the wait, so a
 * server that stalls is charged for every batch it delayed, not for one.
 */
export class Pacer {
  /** Batches that are meant to have started, over all that share the timetable. */
  private due = 0;
  private turn: Promise<void> = Promise.resolve();
  private ownDelayMillis = 0;
  private punctual = 0;
  private queued = 0;

  /**
   * @param nextNumber The place of the next batch in the timetable, from 0.
   * @param intervalMillis From one to the next; none is meant to start at `endsAt` or later.
   */
  constructor(
    private readonly clock: Clock,
    private readonly signal: AbortSignal,
    private readonly nextNumber: () => number,
    private readonly startsAt: number,
    private readonly intervalMillis: number,
    private readonly endsAt: number,
  ) {}

  /** Waits for the next start, and gives the moment it was meant for; null when the time is up. */
  async next(askedAt: number): Promise<number | null> {
    const number = this.nextNumber();
    const intended = this.startsAt + number * this.intervalMillis;
    if (intended >= this.endsAt) return null;
    this.due = number + 1;
    // One waits at a time: those behind it are meant to start later.
    const turn = this.turn.then(() => this.clock.until(intended, this.signal));
    this.turn = turn;
    await turn;
    const now = this.clock.now();
    if (askedAt < intended) {
      this.ownDelayMillis += Math.max(0, now - intended);
      this.punctual++;
    } else this.queued++;
    return this.signal.aborted || now >= this.endsAt ? null : intended;
  }

  /** From the first start to the one that would come next. */
  get spanMillis(): number {
    return this.due * this.intervalMillis;
  }

  /** Share of the batches that were due before a connection was free for them. */
  get queuedRatio(): number {
    const issued = this.queued + this.punctual;
    return issued === 0 ? 0 : this.queued / issued;
  }

  /** How late those batches were sent, on average, whose callers were in time: the fault of this machine, not of the server. */
  get meanOwnDelayMillis(): number {
    return this.punctual === 0 ? 0 : this.ownDelayMillis / this.punctual;
  }
}
