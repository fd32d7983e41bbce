import { given } from '../support/collections.ts';
import { SeededRandom } from '../support/random.ts';
import type { ReadingOptions } from '../keyspace/reading.ts';
import type { PaceLimits } from '../redis/pace.ts';
import { InputError } from '../support/failure.ts';
import type { Context } from './context.ts';

/** How fast a server may be worked on. */
export interface PaceInput {
  /** Keys per second. */
  readonly maxRate?: number;
  /** Seconds. */
  readonly latencyBudget?: number;
}

/** How keys are to be read. */
export interface ReadingInput extends PaceInput {
  readonly exact?: true;
  /** From 0 to 1. */
  readonly precision?: number;
  readonly count?: number;
  readonly seed?: number;
}

export function paceLimitsOf({ maxRate, latencyBudget }: PaceInput): PaceLimits {
  return given({
    maxKeysPerSecond: maxRate,
    latencyBudgetMillis: latencyBudget === undefined ? undefined : latencyBudget * 1000,
  });
}

/** @throws InputError for options that contradict each other */
export function readingOptionsOf(context: Context, input: ReadingInput): ReadingOptions {
  const { exact, precision, count } = input;
  if (exact && precision !== undefined) {
    throw new InputError(
      '--exact and --precision exclude each other',
      '--exact reads every key; --precision says how good a sample has to be',
    );
  }
  return {
    ...given({ exact, precision, pageSize: count }),
    ...paceLimitsOf(input),
    draw: new SeededRandom(input.seed ?? Math.floor(context.random() * 2 ** 32), 'sample'),
  };
}
