import type { AccessTrace } from './access-sample.ts';
import type { Population } from './key-census.ts';
import type { EvictionTerms } from './policy.ts';

/** The memory of one server as it reported it at the end of the window. */
export interface NodeMemory {
  readonly usedBytes: number;
  /** 0: no limit. */
  readonly maxmemoryBytes: number;
  /** What `maxmemory` counts and no key takes: the program itself, slots of tables, buffers of clients and replication. */
  readonly fixedBytes: number;
  /** What each key takes beyond what MEMORY USAGE says of it: its place in the tables of keys and of TTLs. */
  readonly tableBytesPerKey: number;
  /** Mean of all its keys; 0: not reported. */
  readonly meanKeyBytes: number;
}

/** What a window showed of one node. */
export interface NodeWindowRecord {
  readonly address: string;
  readonly memory: NodeMemory;
  /** The `maxmemory-policy`; null where it is not reported. */
  readonly serverPolicy: string | null;
  readonly eviction: EvictionTerms;
  readonly hasEvicted: boolean;
  /** Keys that were read or written; null: too many to tell. */
  readonly distinctKeys: number | null;
  /** The rows are namespaces. Null: not known, or all are in the sample. */
  readonly population: Population | null;
  /** By namespace. */
  readonly reads: readonly number[];
  readonly misses: readonly number[];
  /** The rows of its keys are namespaces, by their index. */
  readonly trace: AccessTrace;
  /** Why sizes could not be read; null where they could. */
  readonly sizesRefused: string | null;
}

/** A window, with all that the curves are made from. No names of keys and no values. */
export interface WindowRecord {
  /** When the window ended, ISO 8601. */
  readonly at: string;
  /** The URL without its password. */
  readonly server: string;
  /** Which keys, as the command line had it; empty: all. */
  readonly selection: string;
  readonly windowSeconds: number;
  readonly namespaces: readonly { readonly namespace: string; readonly database: number }[];
  readonly nodes: readonly NodeWindowRecord[];
}

/**
 * The sample with the bytes of all its keys in the tables of the server too; those that are not known with the mean of their row, or
 * of all. @returns with it, how many were known
 */
export function sizedTrace({ memory, trace }: NodeWindowRecord): {
  readonly trace: AccessTrace;
  readonly known: number;
} {
  const { bytes, row: rows } = trace.keys;
  const sums = new Map<number, { bytes: number; keys: number }>();
  let [total, known] = [0, 0];
  bytes.forEach((size, key) => {
    if (Number.isNaN(size)) return;
    const row = rows[key] ?? 0;
    const sum = sums.get(row) ?? { bytes: 0, keys: 0 };
    sums.set(row, { bytes: sum.bytes + size, keys: sum.keys + 1 });
    total += size;
    known++;
  });
  const usual = known > 0 ? total / known : Math.max(1, memory.meanKeyBytes - memory.tableBytesPerKey);
  const meanOf = (row: number) => {
    const sum = sums.get(row);
    return sum === undefined ? usual : sum.bytes / sum.keys;
  };
  const sized = bytes.map(
    (size, key) => (Number.isNaN(size) ? meanOf(rows[key] ?? 0) : size) + memory.tableBytesPerKey,
  );
  return { trace: { ...trace, keys: { ...trace.keys, bytes: sized } }, known };
}

/** The memory that a node has today: its limit where it has reached it, else what it uses. */
export const todayBytesOf = ({ memory, hasEvicted }: NodeWindowRecord): number =>
  hasEvicted && memory.maxmemoryBytes > 0 ? memory.maxmemoryBytes : memory.usedBytes;
