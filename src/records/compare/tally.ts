import { SegmentTree } from '../../keyspace/segment-tree.ts';
import type { NamespaceMap } from '../../keyspace/map.ts';
import { keyFields } from '../../keyspace/key-text.ts';
import { asBytes, type ByteString } from '../../support/bytes.ts';
import type { Sighting } from './canonical.ts';
import { FirstFew, type KeyProblem } from '../problems.ts';
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

/** A key of one side alone. */
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
  /** Keys that are on both sides. */
  compared = 0;
  /** Vanished, or were about to, while they were compared. */
  skipped = 0;
  /** Keys of `a` that `b` has not. */
  readonly missing: FirstFew<LoneKey>;
  /** Keys of `b` that `a` has not. */
  readonly extra: FirstFew<LoneKey>;
  readonly differences: Readonly<Record<DifferenceKind, FirstFew<Difference>>>;
  readonly problems: FirstFew<KeyProblem>;
  /** With what the names of all keys of `a` begin, in the calls; null: it has none. */
  start: ByteString | null = null;
  private readonly tree: SegmentTree<Counts>;

  /**
   * @param limit how many of each kind are kept
   * @param swapped true where what is called `a` in the calls is `b` for the person
   */
  constructor(
    private readonly map: NamespaceMap,
    limit: number,
    private readonly swapped = false,
  ) {
    this.missing = new FirstFew(limit);
    this.extra = new FirstFew(limit);
    this.differences = { type: new FirstFew(limit), value: new FirstFew(limit), ttl: new FirstFew(limit) };
    this.problems = new FirstFew(limit);
    // As deep as `inspect` goes, with the map and without.
    const depth = map.isEmpty ? Number.POSITIVE_INFINITY : 1;
    this.tree = new SegmentTree({ map, depth, newLeaf: () => new Counts() });
  }

  /** A key of one side that the other has not. */
  addLone(key: ByteString, type: string, side: 'a' | 'b'): void {
    if (side === 'a') this.start = commonStart(this.start, key);
    const kind = (side === 'a') !== this.swapped ? 'missing' : 'extra';
    this[kind].add({ ...keyFields(key), type });
    this.rowOf(key)[kind]++;
  }

  enter(key: ByteString, verdict: Verdict): void {
    this.start = commonStart(this.start, key);
    switch (verdict.kind) {
      case 'skipped':
        this.skipped++;
        break;
      case 'missing':
        this.addLone(key, verdict.type, 'a');
        break;
      case 'failed':
        this.problems.add({ ...keyFields(key), reason: verdict.reason });
        break;
      case 'different': {
        const { kind: _kind, a, b, ...how } = verdict;
        this.compared++;
        this.rowOf(key).different++;
        const sides = this.swapped ? { a: b, b: a } : { a, b };
        this.differences[verdict.what].add({ ...keyFields(key), ...how, ...sides });
        break;
      }
      case 'equal':
        this.compared++;
    }
  }

  /** Those with differences, most first; of more than 40 the rest is `(other)`, the last. */
  namespaces(): NamespaceDifferences[] {
    const rows = this.tree.rows(mostNamed, (left, right) => right.keys - left.keys);
    return rows.map(({ namespace, leaf }) => ({ namespace, ...leaf.row }));
  }

  private rowOf(key: ByteString): Counts['row'] {
    return this.tree.leafOf(key, this.map.isEmpty ? null : this.map.classify(key)).row;
  }
}

function commonStart(start: ByteString | null, key: ByteString): ByteString {
  if (start === null || key.startsWith(start)) return start ?? key;
  let length = 0;
  while (length < start.length && start[length] === key[length]) length++;
  return asBytes(start.slice(0, length));
}
