import type { Destination } from './destination.ts';

/** A setting with where it came from: `--url`, `REDIS_URL`, `profile prod`, `default`, … */
export interface Sourced<T> {
  readonly value: T;
  readonly origin: string;
}

const missing = () => new Error('the last candidate is the default and must be there');

/** The first value that is there. */
export function firstOf<T extends string | number | Destination | null>(
  ...candidates: readonly (readonly [T | undefined, string])[]
): Sourced<T> {
  for (const [value, origin] of candidates) if (value !== undefined) return { value, origin };
  throw missing();
}

/** The same for values that have to be read; one that is a function is only read when its turn comes. */
export async function firstRead(
  ...candidates: readonly (readonly [Readable | (() => Promise<Readable>), string])[]
): Promise<Sourced<string | null>> {
  for (const [candidate, origin] of candidates) {
    const value = typeof candidate === 'function' ? await candidate() : candidate;
    if (value !== undefined) return { value, origin };
  }
  throw missing();
}

type Readable = string | null | undefined;

export const nonEmpty = (text: string | undefined): string | undefined => (text === '' ? undefined : text);
