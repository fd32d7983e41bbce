import { dealFrom } from '../keyspace/key-text.ts';
import { otherName } from '../keyspace/segment-tree.ts';
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
  readonly found: Record<Finding, number>;
  /** Of the keys found, as far as their sizes are known; null where no size is. */
  memoryBytes: number | null;
  /** How many of them stay as they are, and why. */
  left: { keys: number; readonly reason: Reason } | null;
  /** Some of those that are changed. */
  readonly sample: { readonly key: ByteString; readonly finding: Finding }[];
}

/** Gathers the keys of a plan one by one: holds those that are changed, and counts all by namespace. */
export class PlanTally<Finding extends string, Reason extends string> {
  readonly keys: Record<Finding, ByteString[]>;
  private readonly seen = new Set<ByteString>();
  private readonly rows = new Map<string, PlanRow<Finding, Reason>>();
  private planned = 0;
  private memoryBytes: number | null = null;

  /** @param mostKeys to change, which it holds at most. @param mostNamespaces beyond which keys are counted together */
  constructor(
    private readonly findings: readonly Finding[],
    private readonly mostKeys: number,
    private readonly mostNamespaces = Number.POSITIVE_INFINITY,
  ) {
    this.keys = each(findings, (): ByteString[] => []);
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
   * @param memoryBytes Null where the size is not known.
   */
  take(
    key: ByteString,
    namespace: string,
    { finding, stays }: Verdict<Finding, Reason>,
    memoryBytes: number | null,
  ): boolean {
    if (this.isFull || this.seen.has(key)) return false;
    // A key comes twice only while the table grows: of what is only counted, not all need to be remembered.
    if (stays === null || this.seen.size < this.mostKeys) this.seen.add(key);
    const row = this.rowOf(namespace);
    row.found[finding]++;
    row.memoryBytes = sumOf(row.memoryBytes, memoryBytes);
    if (stays !== null) {
      row.left ??= { keys: 0, reason: stays };
      row.left.keys++;
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
    const namespaces = [...this.rows.values()].sort(order);
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

  private rowOf(namespace: string): PlanRow<Finding, Reason> {
    const name = this.rows.has(namespace) || this.rows.size < this.mostNamespaces ? namespace : otherName;
    let row = this.rows.get(name);
    if (row === undefined) {
      row = { name, found: each(this.findings, () => 0), memoryBytes: null, left: null, sample: [] };
      this.rows.set(name, row);
    }
    return row;
  }
}

const each = <Finding extends string, Value>(findings: readonly Finding[], valueOf: () => Value) =>
  Object.fromEntries(findings.map((finding) => [finding, valueOf()])) as Record<Finding, Value>;

const sumOf = (sum: number | null, bytes: number | null) => (bytes === null ? sum : (sum ?? 0) + bytes);
