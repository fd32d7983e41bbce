import { type Namespace, type NamespaceMap, unmappedName } from './map.ts';
import { groupBy } from '../support/collections.ts';
import type { ByteString } from '../support/bytes.ts';
import {
  areDigests,
  detached,
  exceptionTo,
  firstSegments,
  fewestPerException,
  fewestNumbered,
  furtherDelimiters,
  idsAmong,
  numberedPattern,
} from './infer.ts';
import { id, isWord, text } from './placeholders.ts';
import { isVersion, mostVersions, numberOf } from './key-versions.ts';
import { isStem, longestStem, stemsOf } from './stems.ts';
import { type Leaf, type SegmentTreeState, setFlags, stateOf, TreeNode } from './tree-node.ts';

export const otherName = '(other)';

export interface SegmentTreeOptions<L> {
  readonly map: NamespaceMap;
  /** Levels that are distinguished: with a map its namespaces are the first, then each segment is one. What is deeper is `*`. */
  readonly depth: number;
  readonly newLeaf: () => L;
  /** First segments behind which a number is a version, and no id, as other keys have shown. */
  readonly versionedPrefixes?: ReadonlySet<string>;
}

/** A set of keys that belong together. The rows of one tree are disjoint. */
export interface SegmentRow<L> {
  /** The map's name, or the inferred pattern. */
  readonly namespace: string;
  /** The inferred pattern; null where only the map's namespace was asked for, and for `(other)`. */
  readonly pattern: string | null;
  /** The levels from the root: the map's name if there is a map, then inferred segments with their delimiters. */
  readonly path: readonly string[];
  readonly leaf: L;
}

/** The deepest level there is, whatever depth is asked for: a key may consist of delimiters alone. */
const deepestLevel = 16;
/** Different words that a level may have below the first before they count as one variable segment. */
const wordLimit = 32;
/** Different words at the start of keys; those that come later go to `(other)`. */
const firstWordLimit = 512;
/** Words that begin alike, such as `wc_cart_hash` and `wc_report`, are taken for one pattern from this many on, where there are too many. */
const fewestOfStem = 8;
/** Nodes of the whole tree, which bounds its memory whatever the keys are. */
const nodeLimit = 20_000;
const anyRest = '*';
/** A random word with so many keys behind it, at their start, is the name of a pool of a cache. */
const fewestOfPrefix = 8;

type Named = Pick<Namespace, 'name'>;

/**
 * Finds the place of each key among the namespaces, in bounded memory. A level with too many different words is taken
 * for a variable one, so `translation:<text>:cs` covers what no rule of inference could know to be variable; the
 * leaves below its words are merged.
 */
export class SegmentTree<L extends Leaf<L>> {
  private readonly root = new TreeNode<L>(false);
  private nodes = 1;

  constructor(private readonly options: SegmentTreeOptions<L>) {}

  /**
   * The leaf that a key belongs to, made where there is none yet. It is good until the next call, which may merge it
   * into another one.
   *
   * @param namespace what the map makes of the key
   */
  leafOf(key: ByteString, namespace: Named | null): L {
    const { isEmpty } = this.options.map;
    const path = this.pathOf(key, namespace);
    let node = this.root;
    for (let level = 0; level < path.length && !node.last; level++) {
      const segment = path[level] ?? '';
      const mayBe =
        level === 1 && isEmpty && (node.number !== null || node.hasVersions || isVersion(segment));
      const version = mayBe ? this.versionOf(key, path, node) : null;
      if (version !== null) node = this.childOf(node, version);
      else node = this.descend(node, segment, level);
    }
    return (node.leaf ??= this.options.newLeaf());
  }

  /** The disjoint sets of keys as they are distinguished so far. */
  *leaves(): Generator<L> {
    const nodes = [this.root];
    for (let node = nodes.pop(); node !== undefined; node = nodes.pop()) {
      if (node.leaf !== undefined) yield node.leaf;
      nodes.push(...node.children.values());
    }
  }

  /**
   * The rows in order, those beyond `limit` and what is `(other)` already as one `(other)` behind them. Joins first what could not be
   * known to belong together while keys were still coming.
   */
  rows(limit = Number.POSITIVE_INFINITY, compare: (left: L, right: L) => number = () => 0): SegmentRow<L>[] {
    this.tidy(this.root, 0);
    const rows: SegmentRow<L>[] = [];
    const visit = (node: TreeNode<L>, path: readonly string[]) => {
      if (node.leaf !== undefined) rows.push({ ...this.rowNameOf(path), path, leaf: node.leaf });
      for (const [segment, child] of node.children) visit(child, [...path, segment]);
    };
    visit(this.root, []);
    rows.sort((left, right) => compare(left.leaf, right.leaf));
    const named = rows.filter(({ namespace }) => namespace !== otherName);
    const rest = rows.filter(({ namespace }) => namespace === otherName);
    // A sum of one would only hide its name.
    if (rest.length > 0 || named.length > limit + 1) rest.push(...named.splice(limit));
    const [first, ...more] = rest;
    if (first === undefined) return named;
    const leaf = more.length === 0 ? first.leaf : this.options.newLeaf();
    if (more.length > 0) for (const row of rest) leaf.merge(row.leaf);
    return [...named, { namespace: otherName, pattern: null, path: [otherName], leaf }];
  }

  /** The name of the row that holds the key, and keys like it; null where no key that was added is like it. Asked for once `rows` was. */
  nameOf(key: ByteString, namespace: Named | null = null): Omit<SegmentRow<L>, 'leaf' | 'path'> | null {
    const found: string[] = [];
    let node: TreeNode<L> | undefined = this.root;
    const path = this.pathOf(key, namespace);
    for (const [level, segment] of path.entries()) {
      const parent: TreeNode<L> = node;
      const version =
        level === 1 && parent.hasVersions ? numberOf(key, segment, this.options.map.delimiters) : null;
      const places = [...(version === null ? [] : [version]), ...this.placesOf(parent, segment)];
      const name = places.find((each) => parent.children.has(each));
      node = name === undefined ? undefined : parent.children.get(name);
      if (name === undefined || node === undefined) return null;
      found.push(name);
      if (node.last) break;
    }
    return node.leaf === undefined ? null : this.rowNameOf(found);
  }

  /** What `load` fills an empty tree with. */
  save(): SegmentTreeState<L> {
    return stateOf(this.root);
  }

  /** @param merge fills a new leaf with a saved one */
  load<S>(state: SegmentTreeState<S>, merge: (leaf: L, saved: S) => void): void {
    const fill = (node: TreeNode<L>, saved: SegmentTreeState<S>): void => {
      if (saved.leaf !== undefined) merge((node.leaf = this.options.newLeaf()), saved.leaf);
      setFlags(node, saved);
      for (const [segment, child] of saved.children) fill(this.childOf(node, segment), child);
    };
    fill(this.root, state);
  }

  /** How many sets of keys are held apart: grows with their variety up to a fixed limit, never with their number. */
  get size(): number {
    return this.nodes;
  }

  private pathOf(key: ByteString, namespace: Named | null): string[] {
    const { map } = this.options;
    const depth = Math.min(this.options.depth, deepestLevel);
    if (map.isEmpty) return firstSegments(key, map.delimiters, depth, anyRest);
    const name = namespace?.name ?? unmappedName;
    return depth <= 1 ? [name] : [name, ...firstSegments(key, map.delimiters, depth - 1, anyRest)];
  }

  private rowNameOf(path: readonly string[]): { namespace: string; pattern: string | null } {
    const [first = '', ...rest] = path;
    if (first === otherName) return { namespace: otherName, pattern: null };
    if (this.options.map.isEmpty) return { namespace: path.join(''), pattern: path.join('') };
    return { namespace: first, pattern: rest.length === 0 ? null : rest.join('') };
  }

  /** True for the level whose nodes are the map's namespaces. */
  private isMapped(level: number): boolean {
    return level === 0 && !this.options.map.isEmpty;
  }

  private descend(node: TreeNode<L>, segment: string, level: number): TreeNode<L> {
    const existing = node.children.get(segment);
    if (existing) return existing;
    if (this.isMapped(level)) return this.childOf(node, segment);
    const name = isWord(segment) ? this.placeOf(node, segment, level) : segment;
    const placed = node.children.get(name);
    if (placed) return placed;
    const kept = this.nodes < nodeLimit ? name : level === 0 ? otherName : anyRest;
    return this.childOf(node, detached(kept));
  }

  /**
   * The second segment of a key whose prefix has versions of keys in its place; null: it is none, or not known to be one yet. What
   * comes before that is known is noted.
   */
  private versionOf(
    key: ByteString,
    [first = '', second = '']: readonly string[],
    prefix: TreeNode<L>,
  ): string | null {
    prefix.hasVersions ||= this.isVersioned(first, second);
    const number = numberOf(key, second, this.options.map.delimiters);
    if (prefix.hasVersions)
      return number !== null && (prefix.children.has(number) || prefix.words < mostVersions) ? number : null;
    prefix.number = prefix.number === undefined || prefix.number === number ? number : null;
    return null;
  }

  private isVersioned(first: string, second: string): boolean {
    return this.options.versionedPrefixes?.has(first) === true || (first.length > 1 && isVersion(second));
  }

  /** The child that a word without one of its own belongs to. */
  private placeOf(node: TreeNode<L>, word: string, level: number): string {
    const limit = level === (this.options.map.isEmpty ? 0 : 1) ? firstWordLimit : wordLimit;
    let joined = this.joinedPlaceOf(node, word);
    for (const join of [() => this.joinNumbered(node), () => this.joinStems(node)]) {
      if (joined !== undefined || node.full) break;
      if (node.words < limit) return word;
      join();
      joined = this.joinedPlaceOf(node, word);
    }
    if (joined !== undefined) return joined;
    if (!node.full) {
      if (node.words < limit) return word;
      node.full = true;
      if (level > 0) this.joinWords(node);
    }
    return level === 0 ? otherName : text + this.delimiterOf(word);
  }

  /** The child for words like this one, if there is one already. */
  private joinedPlaceOf(node: TreeNode<L>, word: string): string | undefined {
    const pattern = /\d/.test(word) ? numberedPattern(word) : word;
    if (pattern !== word && node.children.has(pattern)) return pattern;
    return node.hasStems
      ? stemsOf(word, this.delimiterOf(word)).find((stem) => node.children.has(stem))
      : undefined;
  }

  /** Where a segment may be found, the likeliest first. */
  private placesOf(node: TreeNode<L>, segment: string): string[] {
    const delimiter = this.delimiterOf(segment);
    const places = isWord(segment)
      ? [numberedPattern(segment), ...(node.hasStems ? stemsOf(segment, delimiter) : [])]
      : [];
    const [token, free] = [`<token>${delimiter}`, text + delimiter];
    return [segment, ...places, exceptionTo(segment), token, free, anyRest, otherName];
  }

  private childOf(node: TreeNode<L>, name: string): TreeNode<L> {
    const existing = node.children.get(name);
    if (existing) return existing;
    const child = new TreeNode<L>(name === otherName || name === anyRest);
    node.children.set(name, child);
    if (isWord(name)) node.words++;
    this.nodes++;
    return child;
  }

  /** What could not be known while keys were still coming. */
  private tidy(node: TreeNode<L>, level: number): void {
    if (!this.isMapped(level)) {
      this.joinVersions(node);
      this.joinNumbered(node);
      this.joinExceptions(node);
      this.joinIds(node, level);
      this.joinDigests(node);
      // A word at the start is a namespace, unless it is a whole key, and one of many that begin alike.
      if (level === 0) this.joinStems(node, (name) => this.delimiterOf(name) === '');
    }
    for (const child of node.children.values()) this.tidy(child, level + 1);
  }

  /** Keys that came before their number was known to be a version: all of them have it. */
  private joinVersions(node: TreeNode<L>): void {
    const { number } = node;
    if (node.hasVersions && number != null) this.join(node, [id + this.delimiterOf(number)], number);
  }

  /** Makes one child of words that differ in their numbers alone. */
  private joinNumbered(node: TreeNode<L>): void {
    const numbered = [...node.children.keys()].filter(
      (name) => isWord(name) && /\d/.test(name) && !(node.hasVersions && isVersion(name)),
    );
    for (const [pattern, names] of groupBy(numbered, numberedPattern)) {
      if (names.length >= fewestNumbered || node.children.has(pattern)) this.join(node, names, pattern);
    }
  }

  /** Makes one child of many words that begin alike. */
  private joinStems(node: TreeNode<L>, isMeant: (name: string) => boolean = () => true): void {
    const words = [...node.children.keys()].filter((name) => isWord(name) && !isStem(name) && isMeant(name));
    if (words.length < wordLimit) return;
    for (const [stem, names] of groupBy(words, (name) => stemsOf(name, this.delimiterOf(name)).at(-1)))
      if (stem !== undefined && names.length >= fewestOfStem)
        this.join(
          node,
          names,
          longestStem(names, stem, (name) => this.delimiterOf(name)),
        );
    node.hasStems ||= [...node.children.keys()].some(isStem);
  }

  /** Makes one variable child of all words. */
  private joinWords(node: TreeNode<L>): void {
    const words = [...node.children.keys()].filter((each) => isWord(each) && !isStem(each));
    node.hasDigests ||= areDigests(words.map((name) => this.withoutDelimiter(name)));
    for (const name of words) this.join(node, [name], text + this.delimiterOf(name));
  }

  /** A digest that happens to have no letter joins its sibling digests, a token that looks like something else its sibling tokens. */
  private joinExceptions(node: TreeNode<L>): void {
    for (const [name, exceptions] of [...node.children]) {
      const rule = exceptionTo(name);
      const others = name === rule ? undefined : node.children.get(rule);
      if (others && exceptions.keys * fewestPerException(rule) < others.keys) this.join(node, [name], rule);
    }
  }

  /** Makes one child of words that are ids, as their siblings show. */
  private joinIds(node: TreeNode<L>, level: number): void {
    for (const delimiter of new Set([...node.children.keys()].map((name) => this.delimiterOf(name)))) {
      const words = [...node.children.keys()]
        .filter((name) => isWord(name) && this.delimiterOf(name) === delimiter)
        .filter(
          (name) => level > 0 || delimiter === '' || (node.children.get(name)?.keys ?? 0) < fewestOfPrefix,
        )
        .map((name) => this.withoutDelimiter(name));
      const token = `<token>${delimiter}`;
      const { tokens, ids } = idsAmong(words, node.children.has(token));
      const named = (texts: readonly string[]) => texts.map((each) => each + delimiter);
      this.join(node, named(tokens), token);
      this.join(node, named(ids), text + delimiter);
      node.hasDigests ||= areDigests(ids);
    }
  }

  /** Digests without a letter, which look like numbers. Of those of three digits one in four is. */
  private joinDigests(node: TreeNode<L>): void {
    if (!node.hasDigests) return;
    for (const [name, { keys }] of [...node.children]) {
      const delimiter = this.delimiterOf(name);
      const others = node.children.get(text + delimiter);
      if (name === id + delimiter && others && keys * 3 < others.keys)
        this.join(node, [name], text + delimiter);
    }
  }

  private join(node: TreeNode<L>, names: readonly string[], into: string): void {
    for (const name of names) {
      const source = node.children.get(name);
      if (source === undefined) continue;
      node.children.delete(name);
      if (isWord(name)) node.words--;
      const target = node.children.get(into);
      if (target) {
        this.absorb(target, source);
        continue;
      }
      node.children.set(into, source);
      if (isWord(into)) node.words++;
    }
  }

  private absorb(target: TreeNode<L>, source: TreeNode<L>): void {
    if (source.leaf !== undefined) {
      if (target.leaf === undefined) target.leaf = source.leaf;
      else target.leaf.merge(source.leaf);
    }
    this.nodes--;
    for (const [name, child] of source.children) {
      const existing = target.children.get(name);
      if (existing) {
        this.absorb(existing, child);
      } else {
        target.children.set(name, child);
        if (isWord(name)) target.words++;
      }
    }
    target.hasStems ||= source.hasStems;
    target.hasVersions ||= source.hasVersions;
    target.hasDigests ||= source.hasDigests;
    if (source.number !== target.number) target.number = null;
    if (!source.full && target.words <= wordLimit) return;
    target.full = true;
    this.joinWords(target);
  }

  private withoutDelimiter(segment: string): string {
    return segment.slice(0, segment.length - this.delimiterOf(segment).length);
  }

  private delimiterOf(segment: string): string {
    const last = segment.slice(-1);
    return this.options.map.delimiters.includes(last) || furtherDelimiters.includes(last) ? last : '';
  }
}
