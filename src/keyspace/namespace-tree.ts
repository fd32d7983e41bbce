import type { ByteString } from '../redis/bytes.ts';
import { detached, inferSegments } from './infer.ts';
import { type KeyReading, KeyStatistics, type KeyStatisticsState } from './key-statistics.ts';
import type { Namespace, NamespaceMap } from './map.ts';
import type { SamplePlace } from './tally.ts';
import type { TtlVerdict } from './ttl-verdict.ts';

export const unmappedName = '(unmapped)';
export const otherName = '(other)';

export interface NamespaceTreeOptions {
  readonly map: NamespaceMap;
  /** Levels told apart: with a map its namespaces are the first, then each segment is one. What is deeper is `*`. */
  readonly depth: number;
  /** Judges the TTL of a key by the rule of its namespace; null where there is none. */
  readonly verdictOn?: (namespace: Namespace, ttlMillis: number) => TtlVerdict | null;
}

/** A set of keys that belong together. The rows of one tree are disjoint and add up to its total. */
export interface NamespaceRow {
  /** The map's name, or the inferred pattern. */
  readonly namespace: string;
  /** The inferred pattern; null where only the map's namespace was asked for, and for `(other)`. */
  readonly pattern: string | null;
  /** The levels from the root: the map's name if there is a map, then inferred segments with their delimiters. */
  readonly path: readonly string[];
  readonly statistics: KeyStatistics;
}

/** A node of the tree in JSON's own types. */
export interface TreeState {
  readonly statistics?: KeyStatisticsState;
  readonly full?: true;
  readonly children: readonly (readonly [segment: string, TreeState])[];
}

/** The deepest level there is, whatever depth is asked for: a key may consist of delimiters alone. */
const deepestLevel = 16;
/** Different words that a level may have below the first before they count as one variable segment. */
const wordLimit = 32;
/** Different words at the start of keys; those that come later go to `(other)`. */
const firstWordLimit = 512;
/** Words that differ in their numbers alone, such as `page_7`, are taken for one pattern from this many on. */
const fewestNumbered = 8;
/** Nodes of the whole tree, which bounds its memory whatever the keys are. */
const nodeLimit = 20_000;
const anySegment = '<any>';
const anyRest = '*';

class TreeNode {
  /** Of the keys that end here. */
  statistics: KeyStatistics | undefined;
  readonly children = new Map<string, TreeNode>();
  /** How many of the children are words of the keys, and not patterns. */
  words = 0;
  /** No further word gets a child of its own. */
  full = false;

  /** @param last True where keys are not told apart any further. */
  constructor(readonly last: boolean) {}

  get keys(): number {
    return [...this.children.values()].reduce((sum, child) => sum + child.keys, this.statistics?.keys ?? 0);
  }
}

/**
 * Groups keys by namespace in bounded memory. A level with too many different words is taken for a variable one, so
 * `translation:<any>:cs` stands for what no rule of inference could know to be variable.
 */
export class NamespaceTree {
  /** Keys that were added. */
  keys = 0;
  private readonly root = new TreeNode(false);
  private nodes = 1;

  constructor(private readonly options: NamespaceTreeOptions) {}

  /** @param place where the key stands in a sample; null where every key is read */
  add(key: ByteString, reading: KeyReading, place: SamplePlace | null = null): void {
    this.keys++;
    const { map, verdictOn } = this.options;
    const namespace = map.isEmpty ? null : map.classify(key);
    const path = this.pathOf(key, namespace);
    let node = this.root;
    for (let level = 0; level < path.length && !node.last; level++) {
      node = this.descend(node, path[level] ?? '', level);
    }
    const verdict =
      namespace === null || reading.ttlMillis === null
        ? null
        : (verdictOn?.(namespace, reading.ttlMillis) ?? null);
    (node.statistics ??= new KeyStatistics()).add(reading, verdict, place);
  }

  /** The sums over all keys. */
  total(): KeyStatistics {
    const total = new KeyStatistics();
    for (const statistics of this.leaves()) total.merge(statistics);
    return total;
  }

  /** The disjoint sets of keys as they are told apart so far. */
  *leaves(): Generator<KeyStatistics> {
    const nodes = [this.root];
    for (let node = nodes.pop(); node !== undefined; node = nodes.pop()) {
      if (node.statistics) yield node.statistics;
      nodes.push(...node.children.values());
    }
  }

  /** The disjoint rows, largest first (by bytes, then keys); those beyond `limit` are summed up in `(other)`, the last. */
  rows(limit: number): NamespaceRow[] {
    this.tidy(this.root, 0);
    const named: NamespaceRow[] = [];
    const rest: NamespaceRow[] = [];
    const visit = (node: TreeNode, path: readonly string[]) => {
      if (node.statistics) {
        const row = { ...this.nameOf(path), path, statistics: node.statistics };
        (row.namespace === otherName ? rest : named).push(row);
      }
      for (const [segment, child] of node.children) visit(child, [...path, segment]);
    };
    visit(this.root, []);
    named.sort(bySize);
    // A sum of one would only hide its name.
    if (rest.length > 0 || named.length > limit + 1) rest.push(...named.splice(limit));
    if (rest.length === 0) return named;
    const statistics = new KeyStatistics();
    for (const row of rest) statistics.merge(row.statistics);
    return [...named, { namespace: otherName, pattern: null, path: [otherName], statistics }];
  }

  /** What `load` fills an empty tree with; of one that is no sample. */
  save(): TreeState {
    const stateOf = ({ statistics, full, children }: TreeNode): TreeState => ({
      ...(statistics && { statistics: statistics.save() }),
      ...(full && { full }),
      children: [...children].map(([segment, child]) => [segment, stateOf(child)] as const),
    });
    return stateOf(this.root);
  }

  load(state: TreeState): void {
    const fill = (node: TreeNode, { statistics, full, children }: TreeState): void => {
      if (statistics) {
        node.statistics = new KeyStatistics();
        node.statistics.load(statistics);
        this.keys += node.statistics.keys;
      }
      node.full = full === true;
      for (const [segment, child] of children) fill(this.childOf(node, segment), child);
    };
    fill(this.root, state);
  }

  /** How many sets of keys are held apart: grows with their variety up to a fixed limit, never with their number. */
  get size(): number {
    return this.nodes;
  }

  private pathOf(key: ByteString, namespace: Namespace | null): string[] {
    const { map } = this.options;
    const depth = Math.min(this.options.depth, deepestLevel);
    if (map.isEmpty) return segmentsOf(key, map.delimiters, depth);
    const name = namespace?.name ?? unmappedName;
    return depth <= 1 ? [name] : [name, ...segmentsOf(key, map.delimiters, depth - 1)];
  }

  private nameOf(path: readonly string[]): { namespace: string; pattern: string | null } {
    const [first = '', ...rest] = path;
    if (first === otherName) return { namespace: otherName, pattern: null };
    if (this.options.map.isEmpty) return { namespace: path.join(''), pattern: path.join('') };
    return { namespace: first, pattern: rest.length === 0 ? null : rest.join('') };
  }

  /** True for the level whose nodes are the map's namespaces. */
  private isMapped(level: number): boolean {
    return level === 0 && !this.options.map.isEmpty;
  }

  private descend(node: TreeNode, segment: string, level: number): TreeNode {
    const existing = node.children.get(segment);
    if (existing) return existing;
    if (this.isMapped(level)) return this.childOf(node, segment);
    const name = isWord(segment) ? this.placeOf(node, segment, level) : segment;
    const placed = node.children.get(name);
    if (placed) return placed;
    const kept = this.nodes < nodeLimit ? name : level === 0 ? otherName : anyRest;
    return this.childOf(node, detached(kept));
  }

  /** The child that a word without one of its own belongs to. */
  private placeOf(node: TreeNode, word: string, level: number): string {
    const pattern = numberedPattern(word);
    if (node.children.has(pattern)) return pattern;
    if (!node.full) {
      const limit = level === (this.options.map.isEmpty ? 0 : 1) ? firstWordLimit : wordLimit;
      if (node.words < limit) return word;
      this.joinNumbered(node);
      if (node.children.has(pattern)) return pattern;
      if (node.words < limit) return word;
      node.full = true;
      if (level > 0) this.joinWords(node);
    }
    return level === 0 ? otherName : anySegment + this.delimiterOf(word);
  }

  private childOf(node: TreeNode, name: string): TreeNode {
    const existing = node.children.get(name);
    if (existing) return existing;
    const child = new TreeNode(name === otherName || name === anyRest);
    node.children.set(name, child);
    if (isWord(name)) node.words++;
    this.nodes++;
    return child;
  }

  /** What could not be known while keys were still coming. */
  private tidy(node: TreeNode, level: number): void {
    if (!this.isMapped(level)) {
      this.joinNumbered(node);
      this.joinExceptions(node);
    }
    for (const child of node.children.values()) this.tidy(child, level + 1);
  }

  /** Makes one child of words that differ in their numbers alone. */
  private joinNumbered(node: TreeNode): void {
    const families = new Map<string, string[]>();
    for (const name of node.children.keys()) {
      const pattern = isWord(name) ? numberedPattern(name) : name;
      if (pattern !== name) families.set(pattern, [...(families.get(pattern) ?? []), name]);
    }
    for (const [pattern, names] of families) {
      if (names.length >= fewestNumbered || node.children.has(pattern)) this.join(node, names, pattern);
    }
  }

  /** Makes one variable child of all words. */
  private joinWords(node: TreeNode): void {
    for (const name of [...node.children.keys()].filter(isWord)) {
      this.join(node, [name], anySegment + this.delimiterOf(name));
    }
  }

  /** A digest that happens to have no letter joins the digests beside it, a token without a digit the tokens. */
  private joinExceptions(node: TreeNode): void {
    for (const [name, exceptions] of [...node.children]) {
      const rule = name.replace(/^<id>/, '<hash>').replace(/^<text>/, '<token>');
      const others = name === rule ? undefined : node.children.get(rule);
      if (others && exceptions.keys * 100 < others.keys) this.join(node, [name], rule);
    }
  }

  private join(node: TreeNode, names: readonly string[], into: string): void {
    for (const name of names) {
      const source = node.children.get(name);
      if (source === undefined) continue;
      node.children.delete(name);
      if (isWord(name)) node.words--;
      const target = node.children.get(into);
      if (target) this.absorb(target, source);
      else node.children.set(into, source);
    }
  }

  private absorb(target: TreeNode, source: TreeNode): void {
    if (source.statistics) (target.statistics ??= new KeyStatistics()).merge(source.statistics);
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
    if (!source.full && target.words <= wordLimit) return;
    target.full = true;
    this.joinWords(target);
  }

  private delimiterOf(segment: string): string {
    const last = segment.slice(-1);
    return this.options.map.delimiters.includes(last) ? last : '';
  }
}

/** The first segments of the key, and a star for all that follow. */
function segmentsOf(key: ByteString, delimiters: readonly string[], depth: number): string[] {
  const segments = inferSegments(key, delimiters, depth + 1);
  if (segments.length > depth) segments[depth] = anyRest;
  return segments;
}

/** True for a segment that stands in the keys as it is. */
function isWord(segment: string): boolean {
  return segment !== anyRest && !segment.includes('<');
}

/** `page_7` as `page_<id>`; a word without digits is its own pattern. */
function numberedPattern(word: string): string {
  return word.replace(/\d+/g, '<id>');
}

function bySize(left: NamespaceRow, right: NamespaceRow): number {
  return (
    right.statistics.memoryBytes - left.statistics.memoryBytes || right.statistics.keys - left.statistics.keys
  );
}
