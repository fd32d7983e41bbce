import { SegmentTree } from '../../keyspace/segment-tree.ts';
import type { NamespaceMap } from '../../keyspace/map.ts';
import { keyFields } from '../../keyspace/key-text.ts';
import type { ByteString } from '../../support/bytes.ts';
import type { Sighting } from './canonical.ts';
import type { Verdict } from './compare-keys.ts';

/** In what two keys of the same name differ; of several the first counts. */
export type DifferenceKind = 'type' | 'value' | 'ttl';

export interface Difference {
  readonly key: string;
  readonly keyBase64?: string;
  readonly what: DifferenceKind;
  /** The TTL of the key is the same, and those of fields are not. */
  readonly inFieldTtls?: true;
  readonly a: Sighting;
  readonly b: Sighting;
}

/** A key that stands on one side alone. */
export interface LoneKey {
  readonly key: string;
  readonly keyBase64?: string;
  readonly type: string;
}

export interface NamespaceDifferences {
  readonly namespace: string;
  readonly missing: number;
  readonly extra: number;
  readonly different: number;
}

/** Rows of differences by namespace; what is beyond is summed up in `(other)`. */
const mostNamed = 39;

class Counts {
  readonly row = { missing: 0, extra: 0, different: 0 };

  get keys(): number {
    return this.row.missing + this.row.extra + this.row.different;
  }

  merge({ row: { missing, extra, different } }: Counts): void {
    this.row.missing += missing;
    this.row.extra += extra;
    this.row.different += different;
  }
}

/** What was found, complete in its counts; of each kind the first few are kept. */
export class ComparisonTally {
  /** Keys that stand on both sides. */
  compared = 0;
  missing = 0;
  extra = 0;
  readonly different: Record<DifferenceKind, number> = { type: 0, value: 0, ttl: 0 };
  /** Vanished, or were about to, while they were compared. */
  skipped = 0;
  failed = 0;
  readonly missingKeys: LoneKey[] = [];
  readonly extraKeys: LoneKey[] = [];
  readonly differences: Difference[] = [];
  readonly problems: { key: string; keyBase64?: string; reason: string }[] = [];
  private readonly tree: SegmentTree<Counts>;

  /**
   * @param limit how many of each kind are kept
   * @param swapped true where what is called `a` in the calls is `b` for the person
   */
  constructor(
    private readonly map: NamespaceMap,
    private readonly limit: number,
    private readonly swapped = false,
  ) {
    // As deep as `inspect` goes, with the map and without.
    const depth = map.isEmpty ? Number.POSITIVE_INFINITY : 1;
    this.tree = new SegmentTree({ map, depth, newLeaf: () => new Counts() });
  }

  /** A key of `a` that `b` has not. */
  addMissing(key: ByteString, type: string): void {
    this.addLone(key, type, this.swapped ? 'extra' : 'missing');
  }

  /** A key of `b` that `a` has not. */
  addExtra(key: ByteString, type: string): void {
    this.addLone(key, type, this.swapped ? 'missing' : 'extra');
  }

  enter(key: ByteString, verdict: Verdict): void {
    switch (verdict.kind) {
      case 'skipped':
        this.skipped++;
        break;
      case 'missing':
        this.addMissing(key, verdict.type);
        break;
      case 'failed':
        this.fail(key, verdict.reason);
        break;
      case 'different':
        this.compared++;
        this.addDifference(key, verdict);
        break;
      case 'equal':
        this.compared++;
    }
  }

  fail(key: ByteString, reason: string): void {
    this.failed++;
    if (this.problems.length < this.limit) this.problems.push({ ...keyFields(key), reason });
  }

  /** Those with differences, most first; of more than 40 the rest is `(other)`, the last. */
  namespaces(): NamespaceDifferences[] {
    const rows = this.tree.rows(mostNamed, (left, right) => right.keys - left.keys);
    return rows.map(({ namespace, leaf }) => ({ namespace, ...leaf.row }));
  }

  get differentKeys(): number {
    const { type, value, ttl } = this.different;
    return type + value + ttl;
  }

  private addDifference(key: ByteString, { what, inFieldTtls, a, b }: Verdict & { kind: 'different' }): void {
    this.different[what]++;
    this.rowOf(key).different++;
    if (this.differences.length >= this.limit) return;
    const sides = this.swapped ? { a: b, b: a } : { a, b };
    this.differences.push({ ...keyFields(key), what, ...(inFieldTtls && { inFieldTtls }), ...sides });
  }

  private addLone(key: ByteString, type: string, kind: 'missing' | 'extra'): void {
    this[kind]++;
    this.rowOf(key)[kind]++;
    const list = kind === 'missing' ? this.missingKeys : this.extraKeys;
    if (list.length < this.limit) list.push({ ...keyFields(key), type });
  }

  private rowOf(key: ByteString): Counts['row'] {
    return this.tree.leafOf(key, this.map.isEmpty ? null : this.map.classify(key)).row;
  }
}
