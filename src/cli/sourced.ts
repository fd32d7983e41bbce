import type { Destination } from './destination.ts';

/** A setting with where it came from: `--url`, `REDIS_URL`, `profile prod`, `default`, … */
export interface Sourced<T> {
  readonly value: T;
  readonly origin: string;
}

/** The first value that is there; one that is a function is only asked for when its turn comes. */
export function firstOf<T extends string | number | Destination | null>(
  ...candidates: readonly (readonly [T | undefined | (() => T | undefined), string])[]
): Sourced<T> {
  for (const [candidate, origin] of candidates) {
    const value = typeof candidate === 'function' ? candidate() : candidate;
    if (value !== undefined) return { value, origin };
  }
  throw new Error('the last candidate is the default and must be there');
}

export const nonEmpty = (text: string | undefined): string | undefined => (text === '' ? undefined : text);
