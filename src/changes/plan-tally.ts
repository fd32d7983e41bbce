import { dealFrom } from '../keyspace/key-text.ts';
import type { NamespaceMap } from '../keyspace/map.ts';
import { SegmentTree } from '../keyspace/segment-tree.ts';
import type { Leaf } from '../keyspace/tree-node.ts';
import type { WalkAccount } from '../redis/account.ts';
import type { ByteString } from '../support/bytes.ts';

const sampleSize = 10;

/** What plans have in common: what is changed is in them, and nothing else. Keys that appear after one was made are left alone. */
export interface Plan {
  /** Of the keys to change, as far as their sizes are known; null where no size is. */
  readonly memoryBytes: number | null;
  /** Keys in the database when the plan was made; null where DBSIZE is not permitted. */
  readonly keyspaceKeys: number | null;
  /** False where the walk ended before every key was seen: interrupted, or because the plan was full. */
  readonly complete: boolean;
  /** What making the plan cost the server. */
  readonly account: WalkAccount;
  readonly durationSeconds: number;
}

/** What a key was found for, and why it stays all the same; null: it is changed. */
export interface Verdict<Finding extends string, Reason extends string> {
  readonly finding: Finding;
  readonly stays: Reason | null;
}

/** The keys of a namespace that were found. */
export interface PlanRow<Finding extends string, Reason extends string> {
  readonly name: string;
  /** Those that stay included. */
  readonly found: Readonly<Record<Finding, number>>;
  /** Of the keys found, as far as their sizes are known; null where no size is. */
  readonly memoryBytes: number | null;
  /** How many of them stay as they are, and why. */
  readonly left: { readonly keys: number; readonly reason: Reason } | null;
  /** Some of those that are changed. */
  readonly sample: readonly { readonly key: ByteString; readonly finding: Finding }[];
}

/** A row that is still filled, and may turn out to be a part of another one. */
class RowTally<Finding extends string, Reason extends string> implements Leaf<RowTally<Finding, Reason>> {
  readonly found: Record<Finding, number>;
  memoryBytes: number | null = null;
  left: { keys: number; readonly reason: Reason } | null = null;
  readonly sample: { readonly key: ByteString; readonly finding: Finding }[] = [];
  keys = 0;

  constructor(private readonly findings: readonly Finding[]) {
    this.found = each(findings, () => 0);
  }

  merge(other: RowTally<Finding, Reason>): void {
    for (const finding of this.findings) this.found[finding] += other.found[finding];
    this.memoryBytes = sumOf(this.memoryBytes, other.memoryBytes);
    if (other.left !== null) this.leave(other.left.reason, other.left.keys);
    this.sample.push(...other.sample.slice(0, sampleSize - this.sample.length));
    this.keys += other.keys;
  }

  leave(reason: Reason, keys: number): void {
    this.left ??= { keys: 0, reason };
    this.left.keys += keys;
  }
}

/** Gathers the keys of a plan one by one: holds those that are changed, and counts all by namespace. */
export class PlanTally<Finding extends string, Reason extends string> {
  readonly keys: Record<Finding, ByteString[]>;
  private readonly seen = new Set<ByteString>();
  private readonly tree: SegmentTree<RowTally<Finding, Reason>>;
  private planned = 0;
  private memoryBytes: number | null = null;

  /** @param mostKeys to change, which it holds at most. @param mostNamespaces beyond which keys are counted together */
  constructor(
    findings: readonly Finding[],
    map: NamespaceMap,
    private readonly mostKeys: number,
    private readonly mostNamespaces = Number.POSITIVE_INFINITY,
  ) {
    this.keys = each(findings, (): ByteString[] => []);
    const depth = map.isEmpty ? Number.POSITIVE_INFINITY : 1;
    this.tree = new SegmentTree({ map, depth, newLeaf: () => new RowTally(findings) });
  }

  get isFull(): boolean {
    return this.planned >= this.mostKeys;
  }

  get seenKeys(): number {
    return this.seen.size;
  }

  has(key: ByteString): boolean {
    return this.seen.has(key);
  }

  /**
   * What is full takes no more. False also where the key came before: SCAN may give it twice.
   * @param namespace of the map; null where there is none
   * @param memoryBytes Null where the size is not known.
   */
  take(
    key: ByteString,
    namespace: string | null,
    { finding, stays }: Verdict<Finding, Reason>,
    memoryBytes: number | null,
  ): boolean {
    if (this.isFull || this.seen.has(key)) return false;
    // A key comes twice only while the table grows: of what is only counted, not all need to be remembered.
    if (stays === null || this.seen.size < this.mostKeys) this.seen.add(key);
    const row = this.tree.leafOf(key, namespace === null ? null : { name: namespace });
    row.keys++;
    row.found[finding]++;
    row.memoryBytes = sumOf(row.memoryBytes, memoryBytes);
    if (stays !== null) {
      row.leave(stays, 1);
      return true;
    }
    this.planned++;
    this.keys[finding].push(key);
    this.memoryBytes = sumOf(this.memoryBytes, memoryBytes);
    if (row.sample.length < sampleSize) row.sample.push({ key, finding });
    return true;
  }

  /** `memoryBytes` is of the keys that are changed; the sample has some of them, from every namespace. */
  result(order: (left: PlanRow<Finding, Reason>, right: PlanRow<Finding, Reason>) => number) {
    const bySize = (left: RowTally<Finding, Reason>, right: RowTally<Finding, Reason>) =>
      (right.memoryBytes ?? 0) - (left.memoryBytes ?? 0) || right.keys - left.keys;
    const namespaces = this.tree
      .rows(this.mostNamespaces, bySize)
      .map(({ namespace, leaf }): PlanRow<Finding, Reason> => ({
        ...{ name: namespace, found: leaf.found, memoryBytes: leaf.memoryBytes },
        ...{ left: leaf.left, sample: leaf.sample },
      }))
      .sort(order);
    return {
      keys: this.keys as Readonly<Record<Finding, readonly ByteString[]>>,
      memoryBytes: this.planned === 0 ? 0 : this.memoryBytes,
      namespaces,
      sample: dealFrom(
        namespaces.map(({ sample }) => sample),
        sampleSize,
      ),
    };
  }
}

const each = <Finding extends string, Value>(findings: readonly Finding[], valueOf: () => Value) =>
  Object.fromEntries(findings.map((finding) => [finding, valueOf()])) as Record<Finding, Value>;

const sumOf = (sum: number | null, bytes: number | null) => (bytes === null ? sum : (sum ?? 0) + bytes);
