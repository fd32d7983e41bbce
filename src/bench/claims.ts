import type { Limit } from './options.ts';

/** What is left to do of a phase, and the places in its timetable. Threads that share the memory share both. */
export class Claims {
  private readonly commandsClaimed = 0;
  private readonly batchesClaimed = 1;
  private readonly taken: BigInt64Array;

  /** @param memory Of `Claims.memory()`, for one phase. */
  constructor(
    private readonly limit: Limit,
    memory: SharedArrayBuffer = Claims.memory(),
  ) {
    this.taken = new BigInt64Array(memory);
  }

  static memory(): SharedArrayBuffer {
    return new SharedArrayBuffer(2 * BigInt64Array.BYTES_PER_ELEMENT);
  }

  /** Takes up to so many commands off what is left. @returns how many */
  commands(most: number): number {
    if (this.limit.kind === 'duration') return most;
    return Math.max(0, Math.min(most, this.limit.count - this.take(this.commandsClaimed, most)));
  }

  /** The number of the next batch, from 0. */
  batch(): number {
    return this.take(this.batchesClaimed, 1);
  }

  private take(cell: number, amount: number): number {
    return Number(Atomics.add(this.taken, cell, BigInt(amount)));
  }
}
