import type { ByteString } from '../redis/bytes.ts';
import { inferSegments } from './infer.ts';
import { type KeyReading, KeyStatistics } from './key-statistics.ts';
import type { NamespaceMap } from './map.ts';

export const unmappedName = '(unmapped)';
export const otherName = '(other)';

export interface NamespaceTreeOptions {
  readonly map: NamespaceMap;
  /** Levels kept: with a map its namespaces are the first, without one each segment is a level. */
  readonly depth: number;
}

/** A set of keys that belong together. The rows of one tree are disjoint and add up to its total. */
export interface NamespaceRow {
  /** The map's name, or the inferred pattern. */
  readonly namespace: string;
  /** The inferred pattern; null where only the map's namespace was asked for. */
  readonly pattern: string | null;
  /** The levels from the root: the map's name if there is a map, then inferred segments with their delimiters. */
  readonly path: readonly string[];
  readonly statistics: KeyStatistics;
}

/** Distinct literal segments a level may have below the first before they count as one variable segment. */
const segmentLimit = 32;
/** Distinct first segments; the keys of later ones go to `(other)`. */
const rootLimit = 512;
/** Nodes of the whole tree, which bounds its memory whatever the keys are. */
const nodeLimit = 20_000;
const anySegment = '<any>';

class TreeNode {
  /** Of the keys that end here. */
  statistics: KeyStatistics | undefined;
  children: Map<string, TreeNode> | undefined;
  literalChildren = 0;
}

/**
 * Groups keys by namespace in bounded memory. A level with too many different words is taken for a variable one, so
 * `translation:<any>:cs` stands for what no rule of inference could know to be variable.
 */
export class NamespaceTree {
  readonly total = new KeyStatistics();
  private readonly root = new TreeNode();
  private nodes = 1;

  constructor(private readonly options: NamespaceTreeOptions) {}

  add(key: ByteString, reading: KeyReading): void {
    this.total.add(reading);
    let node = this.root;
    this.pathOf(key).forEach((segment, level) => {
      node = this.descend(node, segment, level);
    });
    (node.statistics ??= new KeyStatistics()).add(reading);
  }

  /** The disjoint rows, largest first (by bytes, then keys); those beyond `limit` are summed up in `(other)`. */
  rows(limit: number): NamespaceRow[] {
    const all: NamespaceRow[] = [];
    const visit = (node: TreeNode, path: readonly string[]) => {
      if (node.statistics) all.push({ ...this.nameOf(path), path, statistics: node.statistics });
      for (const [segment, child] of childrenOf(node)) visit(child, [...path, segment]);
    };
    visit(this.root, []);
    all.sort(bySize);
    // The row of the keys beyond the tree's own limit already has that name.
    const kept = all.filter((row, index) => index < limit && row.namespace !== otherName);
    const rest = all.filter((row) => !kept.includes(row));
    if (rest.length === 0) return kept;
    const statistics = new KeyStatistics();
    for (const row of rest) statistics.merge(row.statistics);
    return [...kept, { namespace: otherName, pattern: null, path: [otherName], statistics }];
  }

  private pathOf(key: ByteString): string[] {
    const { map, depth } = this.options;
    if (map.isEmpty) return inferSegments(key, map.delimiters, depth);
    const name = map.classify(key)?.name ?? unmappedName;
    return depth <= 1 ? [name] : [name, ...inferSegments(key, map.delimiters, depth - 1)];
  }

  private nameOf(path: readonly string[]): { namespace: string; pattern: string | null } {
    const [first = '', ...rest] = path;
    if (first === otherName) return { namespace: otherName, pattern: null };
    if (this.options.map.isEmpty) return { namespace: path.join(''), pattern: path.join('') };
    return { namespace: first, pattern: rest.length === 0 ? null : rest.join('') };
  }

  private descend(node: TreeNode, segment: string, level: number): TreeNode {
    const existing = node.children?.get(segment);
    if (existing) return existing;
    const isVariable = segment.startsWith('<') || segment === '*';
    const mapped = level === 0 && !this.options.map.isEmpty;
    if (!isVariable && !mapped) {
      if (
        level === 0 &&
        this.options.map.isEmpty &&
        (node.literalChildren >= rootLimit || this.nodes >= nodeLimit)
      ) {
        return this.childOf(node, otherName);
      }
      if (level > 0 && (node.literalChildren >= segmentLimit || this.nodes >= nodeLimit)) {
        collapseLiterals(node, this.options.map.delimiters);
        return this.childOf(node, anySegment + trailingDelimiter(segment, this.options.map.delimiters));
      }
      node.literalChildren++;
    }
    return this.childOf(node, segment);
  }

  private childOf(node: TreeNode, segment: string): TreeNode {
    node.children ??= new Map();
    let child = node.children.get(segment);
    if (child === undefined) {
      child = new TreeNode();
      node.children.set(segment, child);
      this.nodes++;
    }
    return child;
  }
}

/** The children, after a digest that happens to have no letter has joined the digests beside it. */
function childrenOf(node: TreeNode): [string, TreeNode][] {
  if (node.children === undefined) return [];
  for (const [segment, numbers] of node.children) {
    if (!segment.startsWith('<id>')) continue;
    const digests = node.children.get(segment.replace('<id>', '<hash>'));
    if (digests === undefined || sumOf(numbers).keys * 100 >= sumOf(digests).keys) continue;
    mergeNode(digests, numbers);
    node.children.delete(segment);
  }
  return [...node.children];
}

/** Makes one variable child of all literal ones. */
function collapseLiterals(node: TreeNode, delimiters: readonly string[]): void {
  for (const [segment, child] of node.children ?? []) {
    if (segment.startsWith('<') || segment === '*') continue;
    const joined = anySegment + trailingDelimiter(segment, delimiters);
    node.children?.delete(segment);
    const target = node.children?.get(joined);
    if (target) mergeNode(target, child);
    else node.children?.set(joined, child);
  }
}

function trailingDelimiter(segment: string, delimiters: readonly string[]): string {
  const last = segment.slice(-1);
  return delimiters.includes(last) ? last : '';
}

function mergeNode(target: TreeNode, source: TreeNode): void {
  if (source.statistics) (target.statistics ??= new KeyStatistics()).merge(source.statistics);
  target.literalChildren += source.literalChildren;
  for (const [segment, child] of source.children ?? []) {
    target.children ??= new Map();
    const existing = target.children.get(segment);
    if (existing) mergeNode(existing, child);
    else target.children.set(segment, child);
  }
}

function sumOf(node: TreeNode): KeyStatistics {
  if (node.children === undefined && node.statistics) return node.statistics;
  const sum = new KeyStatistics();
  if (node.statistics) sum.merge(node.statistics);
  for (const child of node.children?.values() ?? []) sum.merge(sumOf(child));
  return sum;
}

function bySize(left: { statistics: KeyStatistics }, right: { statistics: KeyStatistics }): number {
  return (
    right.statistics.memoryBytes - left.statistics.memoryBytes || right.statistics.keys - left.statistics.keys
  );
}
