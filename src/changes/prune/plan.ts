import { dealFrom } from '../../keyspace/deal.ts';
import type { Namespace } from '../../keyspace/map.ts';
import { unmappedName } from '../../keyspace/namespace-tree.ts';
import type { WalkAccount } from '../../redis/account.ts';
import type { ByteString } from '../../support/bytes.ts';
import type { Finding, Reason, Verdict } from './findings.ts';

/** What a pruning will change, and nothing else: keys that appear after it was made are left alone. */
export interface PruningPlan {
  /** The keys to change by what speaks against them; no key is in two lists. */
  readonly keys: Readonly<Record<Finding, readonly ByteString[]>>;
  /** Of these keys; null where no size is known. */
  readonly memoryBytes: number | null;
  /** Those with keys to change first, then by keys. */
  readonly namespaces: readonly PrunedNamespace[];
  /** Some of the keys to change, from every namespace. */
  readonly sample: readonly { readonly key: ByteString; readonly finding: Finding }[];
  /** Keys in the database when the plan was made; null where DBSIZE is not permitted. */
  readonly keyspaceKeys: number | null;
  /** False where the walk ended before every key was seen: interrupted, or because the plan was full. */
  readonly complete: boolean;
  /** True where the plan holds as many keys as one run takes on. */
  readonly full: boolean;
  /** Replicas that the primaries feed: what is read there counts as unused on the primary. */
  readonly replicas: number | null;
  readonly account: WalkAccount;
  readonly durationSeconds: number;
}

/** The keys of a namespace that something speaks against. */
export interface PrunedNamespace {
  readonly name: string;
  /** Null for the keys outside the map. */
  readonly namespace: Namespace | null;
  readonly found: Readonly<Record<Finding, number>>;
  /** Of the keys found, as far as their sizes are known; null where no size is. */
  readonly memoryBytes: number | null;
  /** How many of them stay as they are, and why. */
  readonly left: { readonly keys: number; readonly reason: Reason } | null;
}

const sampleSize = 10;

interface Row {
  readonly namespace: Namespace | null;
  readonly found: Record<Finding, number>;
  bytes: number | null;
  left: { keys: number; readonly reason: Reason } | null;
  readonly sample: { key: ByteString; finding: Finding }[];
}

/** Gathers the findings of a walk one by one, and holds the keys that are to be changed. */
export class Gathering {
  readonly keys: Record<Finding, ByteString[]> = { withoutTtl: [], tooLong: [], idle: [] };
  private readonly seen = new Set<ByteString>();
  private readonly rows = new Map<Namespace | null, Row>();
  private planned = 0;
  private bytes: number | null = null;

  /** @param mostKeys How many keys to change it holds at most. */
  constructor(private readonly mostKeys: number) {}

  isFull(): boolean {
    return this.planned >= this.mostKeys;
  }

  /** Takes a key that something speaks against; what is full takes no more. */
  add(
    key: ByteString,
    namespace: Namespace | null,
    { finding, stays }: Verdict,
    memoryBytes: number | null,
  ): void {
    if (this.isFull() || this.seen.has(key)) return;
    // SCAN gives a key twice only while its table grows: of what is only counted, not all need to be remembered.
    if (stays === null || this.seen.size < this.mostKeys) this.seen.add(key);
    const row = this.rowOf(namespace);
    row.found[finding]++;
    if (memoryBytes !== null) row.bytes = (row.bytes ?? 0) + memoryBytes;
    if (stays !== null) {
      row.left ??= { keys: 0, reason: stays };
      row.left.keys++;
      return;
    }
    this.planned++;
    this.keys[finding].push(key);
    if (memoryBytes !== null) this.bytes = (this.bytes ?? 0) + memoryBytes;
    if (row.sample.length < sampleSize) row.sample.push({ key, finding });
  }

  result(): Pick<PruningPlan, 'keys' | 'memoryBytes' | 'namespaces' | 'sample'> {
    const rows = [...this.rows.values()].sort(
      (left, right) => Number(staysWhole(left)) - Number(staysWhole(right)) || sumOf(right) - sumOf(left),
    );
    return {
      keys: this.keys,
      memoryBytes: this.planned === 0 ? 0 : this.bytes,
      namespaces: rows.map(({ namespace, found, bytes, left }) => ({
        name: namespace?.name ?? unmappedName,
        namespace,
        found,
        memoryBytes: bytes,
        left,
      })),
      sample: dealFrom(
        rows.map(({ sample }) => sample),
        sampleSize,
      ),
    };
  }

  private rowOf(namespace: Namespace | null): Row {
    let row = this.rows.get(namespace);
    if (row === undefined) {
      const found = { withoutTtl: 0, tooLong: 0, idle: 0 };
      this.rows.set(namespace, (row = { namespace, found, bytes: null, left: null, sample: [] }));
    }
    return row;
  }
}

const sumOf = ({ found }: Row) => found.withoutTtl + found.tooLong + found.idle;
const staysWhole = (row: Row) => row.left?.keys === sumOf(row);
