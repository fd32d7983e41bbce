import { otherName } from '../keyspace/segment-tree.ts';
import { type NamespaceMap, unmappedName } from '../keyspace/map.ts';
import { detached, inferPattern, inferSegments, isWithinPart } from '../keyspace/infer.ts';
import { escapeGlob, markWildcards } from '../keyspace/pattern.ts';
import { KeySet } from '../support/key-set.ts';
import { asBytes, type ByteString, bytesOf } from '../support/bytes.ts';

/** Keys that contain an id as a whole word and were not selected, so that they stay. */
export interface Mentions {
  readonly keys: number;
  /** Those whose keys contain the name of the entity first, then most keys first. */
  readonly namespaces: readonly MentioningNamespace[];
}

export interface MentioningNamespace {
  readonly namespace: string;
  /** With `<id>` in the place of the id, as a map would have it; null where the namespaces were too many to distinguish. */
  readonly pattern: string | null;
  readonly keys: number;
  readonly example: ByteString;
  /** The key has the name of the entity as a word: `cart:{user12}` of a user, and not `flag:feature-12`. */
  readonly namesEntity: boolean;
}

/** Where a key contains an id. */
interface Place {
  readonly start: number;
  readonly end: number;
}

const mostNamespaces = 200;
const mostExamples = 1000;

/** Gathers the keys that a walk meets and an entity does not select, in bounded memory. */
export class MentionTally {
  /** For the server's MATCH: lets every key with an id through; null: every key must be looked at. */
  readonly match: ByteString | null;
  /** The first of the keys. */
  readonly examples: ByteString[] = [];
  private readonly placeIn: (key: ByteString) => Place | null;
  private readonly seen = new KeySet();
  private readonly rows = new Map<string, { namespace: string; keys: number; example: ByteString }>();
  private keys = 0;

  constructor(
    private readonly entity: string,
    ids: readonly string[],
    private readonly map: NamespaceMap,
  ) {
    const [only = '', ...more] = ids;
    this.match = more.length > 0 ? null : asBytes(`*${escapeGlob(bytesOf(only))}*`);
    this.placeIn = placeFinder(ids, map.delimiters);
  }

  /** Counts the key where it contains one of the ids, and was not selected by its whole name. */
  add(key: ByteString, selected: { readonly has: (key: ByteString) => boolean }): void {
    const place = this.placeIn(key);
    if (place === null || selected.has(key) || !this.seen.add(key)) return;
    this.keys++;
    if (this.examples.length < mostExamples) this.examples.push(key);
    const pattern = this.patternOf(key, place);
    const { map } = this;
    const namespace = map.isEmpty ? pattern : (map.classify(key)?.name ?? unmappedName);
    const isFull = this.rows.size >= mostNamespaces && !this.rows.has(pattern);
    const name = isFull ? otherName : pattern;
    const row = this.rows.get(name) ?? { namespace: isFull ? otherName : namespace, keys: 0, example: key };
    row.keys++;
    this.rows.set(name, row);
  }

  result(): Mentions {
    const namesEntity = wordFinder(this.entity);
    const namespaces = [...this.rows]
      .map(([name, { namespace, keys, example }]) => {
        const pattern = name === otherName ? null : name;
        return { namespace, pattern, keys, example, namesEntity: pattern !== null && namesEntity(example) };
      })
      .sort(
        (left, right) =>
          Number(right.namesEntity) - Number(left.namesEntity) ||
          right.keys - left.keys ||
          (left.example < right.example ? -1 : 1),
      );
    return { keys: this.keys, namespaces };
  }

  /** The other variable parts have another name, for an id has one place in a pattern. */
  private patternOf(key: ByteString, { start, end }: Place): string {
    const { delimiters } = this.map;
    const inferred = (part: string) =>
      part === ''
        ? ''
        : markWildcards(inferPattern(part as ByteString, delimiters).replaceAll('<id>', '<other>'));
    return detached(`${inferred(key.slice(0, start))}<id>${inferred(key.slice(end))}`);
  }
}

/** Finds a name in a key as a word of its own, also in the plural and in camel case: `users` and `userCart`, not `superuser`. */
function wordFinder(name: string): (key: ByteString) => boolean {
  const apart = (text: string) => text.replace(/([a-z0-9])([A-Z])/g, '$1 $2').toLowerCase();
  const singular = apart(bytesOf(name)).replace(/s$/, '');
  const word = new RegExp(`(?<![a-z])${singular.replace(/\W/g, '\\$&')}(?:s|es)?(?![a-z])`);
  return (key) => word.test(apart(key));
}

/** A byte of a word; those above ASCII are parts of letters. */
const wordByte = '[0-9A-Za-z\\x80-\\xff]';
const isWord = new RegExp(`^${wordByte}+$`);

/**
 * Finds the first place where a key contains one of the ids as a whole word: between bytes that are no letters or digits, or a number
 * at the end of a word of letters alone (`user123`). A number within a date, a UUID, a digest or a token is none (`477ada42`), nor is that
 * of a version (`v1`). The cost does not grow with the number of ids.
 */
function placeFinder(
  ids: readonly string[],
  delimiters: readonly string[],
): (key: ByteString) => Place | null {
  const table = new Set<string>(ids.map(bytesOf));
  const candidates = candidatesFor([...table]);
  return (key) => {
    for (const candidate of candidates) {
      candidate.lastIndex = 0;
      for (let match = candidate.exec(key); match !== null; match = candidate.exec(key)) {
        const { index: start } = match;
        const [, text = ''] = match;
        const end = start + text.length;
        if (table.has(text) && !isWithinValue(key, start, end, delimiters)) return { start, end };
        // Candidates may overlap.
        candidate.lastIndex = start + 1;
      }
    }
    return null;
  };
}

/** Expressions whose first group is each text that could be one of the ids, by its length and by the bytes around it. */
function candidatesFor(ids: readonly string[]): RegExp[] {
  const sources = new Set<string>();
  const lengths = new Map<string, { least: number; most: number }>();
  for (const id of ids) {
    const start = startOf(id);
    const { length } = id;
    // What is one word needs no expression for each length: its end is that of the word.
    if (isWord.test(id)) {
      const { least, most } = lengths.get(start) ?? { least: length, most: length };
      lengths.set(start, { least: Math.min(least, length), most: Math.max(most, length) });
    } else sources.add(`${start}(?=(.{${length}})${isWord.test(id.charAt(length - 1)) ? wordEnd : ''})`);
  }
  for (const [start, { least, most }] of lengths)
    sources.add(`${start}(?=(${wordByte}{${least},${most}})${wordEnd})`);
  return [...sources].map((source) => new RegExp(source, 'gs'));
}

const wordEnd = `(?!${wordByte})`;

/** A digit may follow a word of letters, unless that is the `v` of a version or may be hexadecimal digits. */
const wordBeforeDigit = `(?<=(?<!${wordByte})(?!v[0-9]|[a-f]{3,}[0-9])[A-Za-z\\x80-\\xff]*)`;

function startOf(id: string): string {
  if (/^[0-9]/.test(id)) return `${wordBeforeDigit}(?=[0-9])`;
  return isWord.test(id.charAt(0)) ? `(?<!${wordByte})(?=[^0-9])` : '';
}

/** A digest of 512 bits in hexadecimal digits; what is longer is looked at no further, for keys can be long. */
const longestValue = 128;

/** True where the segment around the place is a value of another kind. */
function isWithinValue(key: string, start: number, end: number, delimiters: readonly string[]): boolean {
  const isDelimiter = (at: number) => delimiters.includes(key.charAt(at));
  let from = start;
  while (from > 0 && start - from < longestValue && !isDelimiter(from - 1)) from--;
  let to = end;
  while (to < key.length && to - end < longestValue && !isDelimiter(to)) to++;
  if (from === start && to === end) return false;
  const segment = key.slice(from, to) as ByteString;
  const [inferred = ''] = inferSegments(segment, delimiters);
  return /^<(?:uuid|hash|date|token)>$/.test(inferred) || isWithinPart(segment, start - from, end - from);
}
