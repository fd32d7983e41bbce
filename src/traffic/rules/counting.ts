/**
 * Where the keys of a command stand. Arguments are numbered as MONITOR shows them: 0 is the command's name, and the
 * subcommand of a container (`OBJECT ENCODING`) is argument 1.
 */
export type KeyPlaces =
  /** `last` may count from the end: -1 is the last argument. */
  | { readonly kind: 'range'; readonly first: number; readonly last: number; readonly step: number }
  /** Argument `countAt` says how many keys follow from `first` on. */
  | { readonly kind: 'counted'; readonly countAt: number; readonly first: number }
  /** The first half of what follows the word STREAMS. */
  | { readonly kind: 'streams' }
  /** Argument `at`, where one of these words stands at `from` or behind it; with `without`, where none does. */
  | {
      readonly kind: 'conditional';
      readonly at: number;
      readonly from: number;
      readonly words: readonly string[];
      readonly without?: true;
    }
  /** The argument behind the last of these words that stands at `from` or behind it: STORE. */
  | { readonly kind: 'after'; readonly from: number; readonly words: readonly string[] }
  /** Argument `at`; where it is empty, what follows the word KEYS. */
  | { readonly kind: 'key or KEYS'; readonly at: number };

/** How the server counts one command in `keyspace_hits` and `keyspace_misses`. */
export interface CountingRule {
  /** In capitals; of a container with its subcommand: `OBJECT ENCODING`. */
  readonly command: string;
  /** Keys that are looked up for reading: each adds `lookups` hits, or as many misses. Null: nothing is counted. */
  readonly reads: KeyPlaces | null;
  /** Lookups of each key; 1 unless said. */
  readonly lookups?: number;
  /** The reads are counted only where this word stands among the options: `GET` in `SET key value GET`. */
  readonly readsWith?: string;
  /**
   * The keys are looked up one after the other until one makes the command fail. Only the first lookup of the first key is
   * certain then, for MONITOR shows the command, and not that it failed.
   */
  readonly stopsAtError?: true;
  /** True where a miss is counted and no `keymiss` event tells of it. */
  readonly silentMiss?: true;
  /** Keys that are written: given a value, removed, or given another time to live. Null: none. */
  readonly writes: KeyPlaces | null;
  /** Keys that are given a value, where these are not all that are written. Null: none. */
  readonly stores?: KeyPlaces | null;
}
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

/** The same for commands over several keys that look up no further one behind an error. */
export function stoppingAtError(rules: readonly CountingRule[]): CountingRule[] {
  return rules.map((rule) => ({ ...rule, stopsAtError: true }));
}
