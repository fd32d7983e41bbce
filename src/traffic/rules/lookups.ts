import type { ByteString } from '../../support/bytes.ts';
import type { CountingRule, KeyPlaces } from './counting-rules.ts';

/** What one command does to keys. A key that is named twice is looked up, and listed here, twice. */
export interface CommandLookups {
  readonly readKeys: readonly ByteString[];
  /** Hits or misses that each of the read keys adds. */
  readonly lookupsPerKey: number;
  readonly writtenKeys: readonly ByteString[];
  /** Those of them that are given a value. */
  readonly storedKeys: readonly ByteString[];
}

/** SET key value, and then its options. */
const firstOptionOfSet = 3;

/**
 * What the server counts for one command, were it to run without an error.
 * @param argv as MONITOR shows it, from the command's name on
 */
export function lookupsOf(rule: CountingRule, argv: readonly ByteString[]): CommandLookups {
  const read = rule.readsWith === undefined || lastOf(argv, firstOptionOfSet, [rule.readsWith]) !== undefined;
  return {
    readKeys: read ? keysAt(rule.reads, argv) : [],
    lookupsPerKey: rule.lookups ?? 1,
    writtenKeys: keysAt(rule.writes, argv),
    storedKeys: keysAt(rule.stores === undefined ? rule.writes : rule.stores, argv),
  };
}

/** Of the lookups of a key, those that are made only if the command does not fail. @param first of the keys it reads */
export function uncertainLookups(rule: CountingRule, first: boolean): number {
  return rule.stopsAtError ? (rule.lookups ?? 1) - (first ? 1 : 0) : 0;
}

/** The keys in these places; none where the server refuses the arguments before it looks a key up. */
function keysAt(places: KeyPlaces | null, argv: readonly ByteString[]): ByteString[] {
  switch (places?.kind) {
    case undefined:
      return [];
    case 'range': {
      const last = places.last < 0 ? argv.length + places.last : Math.min(places.last, argv.length - 1);
      return argv.filter(
        (_, index) => index >= places.first && index <= last && (index - places.first) % places.step === 0,
      );
    }
    case 'counted': {
      const count = Number(argv[places.countAt]);
      const end = places.first + count * places.step;
      const fits = Number.isInteger(count) && count > 0 && end <= argv.length;
      return fits ? argv.slice(places.first, end).filter((_, index) => index % places.step === 0) : [];
    }
    case 'streams': {
      const first = startOfStreams(argv);
      const count = (argv.length - first) / 2;
      return Number.isInteger(count) ? argv.slice(first, first + count) : [];
    }
    case 'conditional': {
      const isThere = lastOf(argv, places.from, places.words) !== undefined;
      return isThere !== (places.without ?? false) ? argv.slice(places.at, places.at + 1) : [];
    }
    case 'after': {
      const at = lastOf(argv, places.from, places.words);
      return at === undefined ? [] : argv.slice(at + 1, at + 2);
    }
    case 'key or KEYS': {
      if (argv[places.at] !== '') return argv.slice(places.at, places.at + 1);
      const at = lastOf(argv, places.at + 1, ['KEYS']);
      return at === undefined ? [] : argv.slice(at + 1);
    }
  }
}

/** Where the last of these words is. */
function lastOf(argv: readonly ByteString[], from: number, words: readonly string[]): number | undefined {
  for (let at = argv.length - 1; at >= from; at--)
    if (words.includes((argv[at] ?? '').toUpperCase())) return at;
  return undefined;
}

/** How many arguments the options of XREAD and XREADGROUP take, themselves included. */
const streamOptions: Readonly<Record<string, number>> = { COUNT: 2, BLOCK: 2, CLAIM: 2, GROUP: 3 };

/** Behind the word STREAMS, which may also be the name of a group; the end where it is missing. */
function startOfStreams(argv: readonly ByteString[]): number {
  for (let at = 1; at < argv.length;) {
    const word = (argv[at] ?? '').toUpperCase();
    if (word === 'STREAMS') return at + 1;
    at += streamOptions[word] ?? 1;
  }
  return argv.length;
}
