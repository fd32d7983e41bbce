import type { ByteString } from '../support/bytes.ts';
import { compareSpecificity, compilePattern, type KeyPattern, patternShape, prefixOf } from './pattern.ts';

/** All that have a pattern which matches the same keys, in the order in which they were given. */
interface Entry<Value> {
  readonly pattern: KeyPattern;
  readonly values: Value[];
  /** Place in the order of precedence. */
  rank: number;
  /** Made when it is first needed: of a large map most patterns never are. */
  matches: ((key: ByteString) => boolean) | undefined;
}

/** The patterns that have one prefix, by rank. */
interface Bucket<Value> {
  entries: Entry<Value>[];
  /** Where there are many: those that have further text, by the rarest piece of it, which their keys must hold somewhere. */
  byText: LiteralTrie<Entry<Value>[]> | null;
}

/** As many are tested one by one, which costs no more than to look for their texts. */
const fewEntries = 8;

/**
 * Many patterns, compiled for the question which of them match a key. The text before the first wildcard leads through a
 * tree to the few that can match at all, so a key costs nearly the same whether there are ten patterns or thousands.
 */
export class PatternIndex<Value> {
  private readonly prefixes = new LiteralTrie<Bucket<Value>>();
  private readonly expressions = new Map<string, RegExp>();

  constructor(
    items: Iterable<{ readonly pattern: KeyPattern; readonly value: Value }>,
    private readonly delimiters: readonly string[],
  ) {
    const entries = new Map<string, Entry<Value>>();
    for (const { pattern, value } of items) {
      const shape = patternShape(pattern);
      const entry = entries.get(shape);
      if (entry) entry.values.push(value);
      else entries.set(shape, { pattern, values: [value], rank: 0, matches: undefined });
    }
    [...entries.values()]
      .sort((left, right) => compareSpecificity(left.pattern, right.pattern))
      .forEach((entry, rank) => {
        entry.rank = rank;
        this.prefixes
          .valueOf(prefixOf(entry.pattern), () => ({ entries: [], byText: null }))
          .entries.push(entry);
      });
    for (const bucket of this.prefixes.values()) if (bucket.entries.length > fewEntries) divide(bucket);
  }

  /** The value of the most specific pattern that matches, and of equal ones the first; null where none does. */
  find(key: ByteString): Value | null {
    // A longer prefix is more specific than a shorter one, whatever follows; of a pattern without wildcards it is the key.
    for (let node = this.deepest(key); node !== null; node = node.parent) {
      if (node.value === undefined) continue;
      const best = this.bestOf(node.value, key);
      if (best !== null) return best.values[0] ?? null;
    }
    return null;
  }

  /** The values of all patterns that match, each once. */
  findAll(key: ByteString): Set<Value> {
    const found = new Set<Value>();
    const take = ({ values }: Entry<Value>) => values.forEach((value) => found.add(value));
    const test = (entry: Entry<Value>) => {
      if (this.matches(entry, key)) take(entry);
    };
    for (let node = this.deepest(key); node !== null; node = node.parent) {
      node.value?.entries.forEach(test);
      if (node.value?.byText) eachHeld(node.value.byText, key, test);
    }
    return found;
  }

  private deepest(key: ByteString): TrieNode<Bucket<Value>> | null {
    return this.prefixes.deepest(key, 0);
  }

  private bestOf({ entries, byText }: Bucket<Value>, key: ByteString): Entry<Value> | null {
    let best = entries.find((entry) => this.matches(entry, key)) ?? null;
    if (byText !== null) {
      eachHeld(byText, key, (entry) => {
        if ((best === null || entry.rank < best.rank) && this.matches(entry, key)) best = entry;
      });
    }
    return best;
  }

  private matches(entry: Entry<Value>, key: ByteString): boolean {
    entry.matches ??= compilePattern(entry.pattern, this.delimiters, this.expressions);
    return entry.matches(key);
  }
}

/** Files entries under the rarest of their texts behind the prefix, the longest of the rarest. */
function divide<Value>(bucket: Bucket<Value>): void {
  const textsOf = ({ pattern }: Entry<Value>) =>
    pattern.parts.flatMap((part, index) => (index > 0 && part.kind === 'literal' ? [part.bytes] : []));
  const counts = new Map<ByteString, number>();
  for (const entry of bucket.entries)
    for (const text of new Set(textsOf(entry))) counts.set(text, (counts.get(text) ?? 0) + 1);
  const byText = new LiteralTrie<Entry<Value>[]>();
  bucket.entries = bucket.entries.filter((entry) => {
    const [rarest] = textsOf(entry).sort(
      (left, right) => (counts.get(left) ?? 0) - (counts.get(right) ?? 0) || right.length - left.length,
    );
    if (rarest !== undefined) byText.valueOf(rarest, () => []).push(entry);
    return rarest === undefined;
  });
  bucket.byText = byText;
}

/** Calls back for the entries of each text that the key holds anywhere; more than once where it holds one repeatedly. */
function eachHeld<Value>(
  byText: LiteralTrie<Entry<Value>[]>,
  key: ByteString,
  call: (entry: Entry<Value>) => void,
): void {
  for (let at = 0; at < key.length; at++) {
    let node: TrieNode<Entry<Value>[]> | null = byText.deepest(key, at);
    for (; node !== null; node = node.parent) node.value?.forEach(call);
  }
}

/** The end of a text in the trie, or a place where texts part. */
export interface TrieNode<Value> {
  /** What leads here from the parent. */
  text: string;
  parent: TrieNode<Value> | null;
  value: Value | undefined;
  children: Map<number, TrieNode<Value>> | undefined;
}

/** Texts by their bytes, as a radix tree: to find those that a key holds at a place costs as many steps as they have bytes. */
export class LiteralTrie<Value> {
  private readonly root: TrieNode<Value> = nodeOf('', null);

  /** The value of a text, made where there is none yet. */
  valueOf(text: ByteString, make: () => Value): Value {
    return (this.insert(text).value ??= make());
  }

  /** The node of the longest text, or part of a text, that the key holds at `at`; shorter texts are above it. */
  deepest(key: ByteString, at: number): TrieNode<Value> {
    let node = this.root;
    for (;;) {
      const child = node.children?.get(key.charCodeAt(at));
      if (child === undefined || !key.startsWith(child.text, at)) return node;
      at += child.text.length;
      node = child;
    }
  }

  *values(): Generator<Value> {
    const nodes = [this.root];
    for (let node = nodes.pop(); node !== undefined; node = nodes.pop()) {
      if (node.value !== undefined) yield node.value;
      nodes.push(...(node.children?.values() ?? []));
    }
  }

  private insert(text: ByteString): TrieNode<Value> {
    let node = this.root;
    let at = 0;
    while (at < text.length) {
      const first = text.charCodeAt(at);
      const child = node.children?.get(first);
      if (child === undefined) return attach(nodeOf(text.slice(at), node), node);
      const shared = sharedLength(child.text, text, at);
      if (shared === child.text.length) {
        node = child;
      } else {
        const middle = attach<Value>(nodeOf(child.text.slice(0, shared), node), node);
        child.text = child.text.slice(shared);
        child.parent = middle;
        node = middle;
        attach(child, middle);
      }
      at += shared;
    }
    return node;
  }
}

function nodeOf<Value>(text: string, parent: TrieNode<Value> | null): TrieNode<Value> {
  return { text, parent, value: undefined, children: undefined };
}

function attach<Value>(child: TrieNode<Value>, parent: TrieNode<Value>): TrieNode<Value> {
  parent.children ??= new Map();
  parent.children.set(child.text.charCodeAt(0), child);
  return child;
}

/** How many bytes of `text` stand in `key` at `at`. */
function sharedLength(text: string, key: string, at: number): number {
  let length = 0;
  while (length < text.length && text.charCodeAt(length) === key.charCodeAt(at + length)) length++;
  return length;
}
