import type { CountingRule, KeyPlaces } from './counting.ts';

export const keyAt = (at: number): KeyPlaces => ({ kind: 'range', first: at, last: at, step: 1 });

/** @param last may count from the end: -1 is the last argument */
export const keysFrom = (first: number, last = -1, step = 1): KeyPlaces => ({
  kind: 'range',
  first,
  last,
  step,
});

/** The keys stand behind the argument that says how many they are. */
export const countedAt = (countAt: number): KeyPlaces => ({ kind: 'counted', countAt, first: countAt + 1 });

/** The argument behind the option STORE, or its like. */
export const storedAfter = (from: number, ...words: readonly string[]): KeyPlaces => ({
  kind: 'after',
  from,
  words,
});

/** One rule for commands that look up keys in the same places, and write none. */
export function reading(reads: KeyPlaces, ...commands: readonly string[]): CountingRule[] {
  return commands.map((command) => ({ command, reads, writes: null }));
}

/** One rule for commands that write keys in the same places, and whose lookups are not counted. */
export function writing(writes: KeyPlaces, ...commands: readonly string[]): CountingRule[] {
  return commands.map((command) => ({ command, reads: null, writes }));
}

/** One rule for commands that look up some keys, and write the same or others. */
export function readingAndWriting(
  reads: KeyPlaces,
  writes: KeyPlaces,
  ...commands: readonly string[]
): CountingRule[] {
  return commands.map((command) => ({ command, reads, writes }));
}

/** The same for commands that take values away, or change how long they live. */
export function storingNothing(rules: readonly CountingRule[]): CountingRule[] {
  return rules.map((rule) => ({ ...rule, stores: null }));
}

/** The same reason for each of these rules. */
export function irregular(reason: string, rules: readonly CountingRule[]): CountingRule[] {
  return rules.map((rule) => ({ ...rule, irregular: reason }));
}

/** Why a command that takes from the first key that holds something writes fewer keys than it names. */
export const takesFromOne = 'it writes only the first of the keys that holds something';
/** Why a command over several keys may look up fewer than it names. */
export const stopsAtWrongType = 'it looks up no further key behind one of a wrong type';
