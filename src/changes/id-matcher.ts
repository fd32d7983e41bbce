import { bindPlaceholder, compilePattern, type KeyPattern, prefixOf } from '../keyspace/pattern.ts';
import { type ByteString, bytesOf } from '../support/bytes.ts';

/** The placeholder that an id takes the place of. */
export const idPlaceholder = 'id';

/**
 * Gives the ids with which in the place of `<id>` a key fits the pattern. Its cost does not grow with the number of ids: the
 * places where an id can stand in the key are looked up in a table, and only what is found there is tested in full.
 */
export function idFinder(
  pattern: KeyPattern,
  ids: readonly string[],
  delimiters: readonly string[],
): (key: ByteString) => readonly string[] {
  const place = pattern.parts.findIndex((part) => part.kind === 'placeholder' && part.name === idPlaceholder);
  if (place < 0) {
    const fits = compilePattern(pattern, delimiters);
    return (key) => (fits(key) ? ids : none);
  }
  const table = new Map(ids.map((id) => [bytesOf(id), id]));
  const lengths = [...new Set([...table.keys()].map(({ length }) => length))].sort((a, b) => a - b);
  const tests = new Map<string, (key: ByteString) => boolean>();
  const fitsWhole = (id: string, key: ByteString): boolean => {
    let test = tests.get(id);
    if (test === undefined) {
      test = compilePattern(bindPlaceholder(pattern, idPlaceholder, id), delimiters);
      tests.set(id, test);
    }
    return test(key);
  };
  const prefix = prefixOf(pattern);
  const nextStart = startsAfter(pattern.parts[place - 1], place - 1, delimiters);
  const endsAt = endsBefore(pattern.parts[place + 1], delimiters);
  return (key) => {
    if (!key.startsWith(prefix)) return none;
    const found: string[] = [];
    for (let start = nextStart(key, 0); start >= 0; start = nextStart(key, start + 1)) {
      for (const length of lengths) {
        if (start + length > key.length) break;
        if (!endsAt(key, start + length)) continue;
        const id = table.get(key.slice(start, start + length) as ByteString);
        if (id !== undefined && !found.includes(id) && fitsWhole(id, key)) found.push(id);
      }
    }
    return found;
  };
}

const none: readonly string[] = [];

type Part = KeyPattern['parts'][number];

/** Gives the first place at or after `from` where an id can start, or -1. */
function startsAfter(
  left: Part | undefined,
  leftIndex: number,
  delimiters: readonly string[],
): (key: ByteString, from: number) => number {
  if (left === undefined) return (_key, from) => (from === 0 ? 0 : -1);
  if (left.kind !== 'literal') {
    return (key, from) => {
      for (let at = from; at < key.length; at++)
        if (at === 0 || delimiters.includes(key.charAt(at - 1))) return at;
      return -1;
    };
  }
  const { bytes } = left;
  // The prefix is at the start; any other text may occur more than once.
  if (leftIndex === 0) return (_key, from) => (from <= bytes.length ? bytes.length : -1);
  return (key, from) => {
    const at = key.indexOf(bytes, Math.max(0, from - bytes.length));
    return at < 0 ? -1 : at + bytes.length;
  };
}

/** Tells whether an id can end at a place. */
function endsBefore(
  right: Part | undefined,
  delimiters: readonly string[],
): (key: ByteString, end: number) => boolean {
  if (right === undefined) return (key, end) => end === key.length;
  if (right.kind === 'literal') return (key, end) => key.startsWith(right.bytes, end);
  return (key, end) => end === key.length || delimiters.includes(key.charAt(end));
}
