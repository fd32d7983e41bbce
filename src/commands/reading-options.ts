import { Draw } from '../support/random.ts';
import type { ReadingOptions } from '../keyspace/reading.ts';
import { InputError } from '../support/failure.ts';
import type { Context } from './context.ts';

/** How the keys are to be read, as `inspect` and `stats` take it from their options. */
export interface ReadingInput {
  readonly exact: boolean;
  /** From 0 to 1. */
  readonly precision: number | undefined;
  /** Keys per second. */
  readonly maxRate: number | undefined;
  /** Seconds. */
  readonly latencyBudget: number | undefined;
  readonly count: number | undefined;
  readonly seed: number | undefined;
}

/** @throws InputError for options that contradict each other */
export function readingOptionsOf(context: Context, input: ReadingInput): ReadingOptions {
  if (input.exact && input.precision !== undefined) {
    throw new InputError(
      '--exact and --precision exclude each other',
      '--exact reads every key; --precision says how good a sample has to be',
    );
  }
  return {
    ...(input.exact && { exact: true }),
    ...(input.precision !== undefined && { precision: input.precision }),
    ...(input.maxRate !== undefined && { maxKeysPerSecond: input.maxRate }),
    ...(input.latencyBudget !== undefined && { latencyBudgetMillis: input.latencyBudget * 1000 }),
    ...(input.count !== undefined && { pageSize: input.count }),
    draw: new Draw(input.seed ?? Math.floor(context.random() * 2 ** 32), 'sample'),
  };
}

/** The texts of the options that readers of the keyspace have in common. */
export const readingTexts = {
  exact: 'read every key, and all that is read of keys (default: names and sizes of up to 250,000 keys)',
  precision: 'how close a sample has to be for large namespaces, 95 % of the time (default: 2%)',
  maxRate: 'read at most so many keys per second',
  latencyBudget: 'slow down when a round trip takes longer, such as 2ms',
  count: 'keys per SCAN',
  seed: 'number that the sample is drawn with, to draw the same one again',
} as const;
