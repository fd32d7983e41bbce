import { setImmediate as microtasksDone } from 'node:timers/promises';
import type { ClientTime, Clock } from '../../src/bench/clock.ts';
import type { LoadedConnection } from '../../src/bench/phase.ts';
import type { CommandSource } from '../../src/bench/workload.ts';
import { asBytes } from '../../src/support/bytes.ts';
import { RedisError } from '../../src/redis/errors.ts';
import { LookupTally } from '../../src/redis/lookups.ts';
import type { Reply } from '../../src/redis/reply.ts';

/**
 * Simulated time, for measurements with an outcome that can be computed on paper: nothing takes time but what is
 * scheduled, and the clock jumps from one event to the next.
 */
export class Simulation implements Clock {
  utilization = 0.5;
  private time = 0;
  private readonly events: { readonly at: number; readonly happen: () => void }[] = [];

  now(): number {
    return this.time;
  }

  until(time: number, signal: AbortSignal): Promise<void> {
    return new Promise((resolve) => {
      const wake = () => {
        signal.removeEventListener('abort', wake);
        resolve();
      };
      signal.addEventListener('abort', wake);
      this.at(time, wake);
    });
  }

  startMeter(): () => ClientTime {
    return () => ({ utilization: this.utilization, starvation: null });
  }

  at(time: number, happen: () => void): void {
    this.events.push({ at: Math.max(time, this.time), happen });
  }

  /** Lets time pass until the work is done. @throws Error where it waits for something that never happens */
  async run<T>(work: Promise<T>): Promise<T> {
    const state = { done: false };
    const settled = work.finally(() => (state.done = true));
    settled.catch(() => undefined);
    for (;;) {
      await microtasksDone();
      if (state.done) return settled;
      const next = this.events.reduce<number>(
        (best, { at }, index) => (at < (this.events[best]?.at ?? Infinity) ? index : best),
        0,
      );
      const [event] = this.events.splice(next, 1);
      if (event === undefined) throw new Error('the simulation stands still');
      this.time = event.at;
      event.happen();
    }
  }
}

/** A server that works on one batch at a time, as Redis does. */
export class SimulatedServer {
  /** Sizes of the batches, in order of arrival. */
  readonly batches: number[] = [];
  /** The most batches that one connection ever had on their way. */
  mostInFlight = 0;
  private freeAt = 0;

  constructor(
    private readonly simulation: Simulation,
    /** Milliseconds for a batch that is begun at `time`. */
    private readonly serviceMillis: (time: number) => number,
    private readonly answer: (command: number, time: number) => Reply | Error = () => asBytes('OK'),
  ) {}

  connect(): LoadedConnection {
    let inFlight = 0;
    return {
      address: 'simulated:1',
      lookups: new LookupTally(),
      leavesNoTouch: false,
      sendThen: (_payload, commandCount, resolve, reject) => {
        const firstCommand = this.batches.reduce((sum, size) => sum + size, 0);
        this.batches.push(commandCount);
        this.mostInFlight = Math.max(this.mostInFlight, ++inFlight);
        const begin = Math.max(this.freeAt, this.simulation.now());
        this.freeAt = begin + this.serviceMillis(begin);
        this.simulation.at(this.freeAt, () => {
          inFlight--;
          const replies = Array.from({ length: commandCount }, (_, index) =>
            this.answer(firstCommand + index, begin),
          );
          const failure = replies.find((reply): reply is RedisError => reply instanceof RedisError);
          if (failure) reject(failure);
          else resolve(replies as Reply[]);
        });
      },
    };
  }
}

export const anyCommands: CommandSource & { replies: number } = {
  ...{ replies: 0, lookups: 0, absent: 0, usesKeys: false },
  encode: (count) => {
    anyCommands.replies += count;
    return '.'.repeat(count);
  },
};
