import type { ByteString } from '../support/bytes.ts';
import { type KeyReading, KeyStatistics, type KeyStatisticsState } from './key-statistics.ts';
import type { Namespace, NamespaceMap } from './map.ts';
import { otherName, type SegmentRow, SegmentTree, type SegmentTreeState } from './segment-tree.ts';
import type { SamplePlace } from './tally.ts';
import type { TtlVerdict } from './ttl.ts';

export interface NamespaceTreeOptions {
  readonly map: NamespaceMap;
  /** Levels told apart, see SegmentTree. */
  readonly depth: number;
  /** Judges the TTL of a key by the rule of its namespace; null where there is none. */
  readonly verdictOn?: (namespace: Namespace, ttlMillis: number) => TtlVerdict | null;
}

/** A set of keys that belong together. The rows of one tree are disjoint and add up to its total. */
export interface NamespaceRow extends Omit<SegmentRow<KeyStatistics>, 'leaf'> {
  readonly statistics: KeyStatistics;
}

/** A node of the tree in JSON's own types. */
export type TreeState = SegmentTreeState<KeyStatisticsState>;

/** Groups keys by namespace in bounded memory, and sums up what is read of them. */
export class NamespaceTree {
  /** Keys that were added. */
  keys = 0;
  private readonly tree: SegmentTree<KeyStatistics>;

  constructor(private readonly options: NamespaceTreeOptions) {
    const { map, depth } = options;
    this.tree = new SegmentTree({ map, depth, newLeaf: () => new KeyStatistics() });
  }

  /** @param place where the key stands in a sample; null where every key is read */
  add(key: ByteString, reading: KeyReading, place: SamplePlace | null = null): void {
    this.keys++;
    const { map, verdictOn } = this.options;
    const namespace = map.isEmpty ? null : map.classify(key);
    const verdict =
      namespace === null || reading.ttlMillis === null
        ? null
        : (verdictOn?.(namespace, reading.ttlMillis) ?? null);
    this.tree.leafOf(key, namespace).add(reading, verdict, place);
  }

  /** The sums over all keys. */
  total(): KeyStatistics {
    const total = new KeyStatistics();
    for (const statistics of this.leaves()) total.merge(statistics);
    return total;
  }

  /** The disjoint sets of keys as they are told apart so far. */
  leaves(): Generator<KeyStatistics> {
    return this.tree.leaves();
  }

  /** The disjoint rows, largest first (by bytes, then keys); those beyond `limit` are summed up in `(other)`, the last. */
  rows(limit: number): NamespaceRow[] {
    const named: NamespaceRow[] = [];
    const rest: NamespaceRow[] = [];
    for (const { leaf: statistics, ...row } of this.tree.rows()) {
      (row.namespace === otherName ? rest : named).push({ ...row, statistics });
    }
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
    return this.tree.save((statistics) => statistics.save());
  }

  load(state: TreeState): void {
    this.tree.load(state, (statistics, saved: KeyStatisticsState) => {
      statistics.load(saved);
      this.keys += statistics.keys;
    });
  }

  /** How many sets of keys are held apart, see SegmentTree. */
  get size(): number {
    return this.tree.size;
  }
}

function bySize(left: NamespaceRow, right: NamespaceRow): number {
  return (
    right.statistics.memoryBytes - left.statistics.memoryBytes || right.statistics.keys - left.statistics.keys
  );
}
