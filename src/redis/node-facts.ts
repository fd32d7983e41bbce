import { asBytes } from '../support/bytes.ts';
import { sumOf, sumOrNull } from '../support/collections.ts';
import {
  countsScanType,
  databasesOf,
  type Info,
  infoNumber,
  isFrom,
  keysWithFieldTtls,
  productOf,
  readInfoWithCommandsIfPermitted,
  type Release,
} from './info.ts';
import type { RedisNode, RedisServer } from './server.ts';

/** What a reader of the keyspace wants to know of a node beforehand. */
export interface NodeFacts {
  /** Keys in the database; null where DBSIZE is not permitted. */
  readonly keys: number | null;
  /** Keys of the database without TTL; null where INFO is not permitted or does not report them. */
  readonly persistentKeys: number | null;
  /** See keysWithFieldTtls. */
  readonly keysWithFieldTtls: number | null;
  /** CPU that the server has used since it started; null where INFO is not permitted. */
  readonly cpuSeconds: number | null;
  /** What its keys take by its own accounts, those of other databases included; null where INFO does not report it. */
  readonly dataset: DatasetBounds | null;
  /** See stringSizesOf. */
  readonly stringSizes: ReadonlyMap<number, number> | null;
  /** Keys of the other databases; null where INFO is not permitted. */
  readonly otherKeys: number | null;
  /** Distinguishes this process of the server from any other. */
  readonly runId: string | null;
  /** `allkeys-lru`, `noeviction`, … */
  readonly policy: string | null;
  /** True where keys of one slot lie together, and SCAN visits slot by slot. */
  readonly storedBySlot: boolean;
  readonly release: Release;
  /** See countsScanType. */
  readonly countsScanType: boolean;
}

export async function readNodeFacts(node: RedisNode): Promise<NodeFacts> {
  const [size] = await node.batch([['DBSIZE']]);
  const permitted = await readInfoWithCommandsIfPermitted(node);
  const info = permitted ?? {};
  const user = infoNumber(info, 'used_cpu_user');
  const system = infoNumber(info, 'used_cpu_sys');
  return {
    keys: typeof size === 'number' ? size : null,
    dataset: datasetBoundsOf(info),
    stringSizes: stringSizesOf(info, node.database),
    otherKeys:
      permitted &&
      (databasesOf(permitted)?.reduce(
        (sum, { database, keys }) => sum + (database === node.database ? 0 : keys),
        0,
      ) ??
        null),
    keysWithFieldTtls: keysWithFieldTtls(info, node.database),
    persistentKeys: permitted && persistentKeysOf(permitted, node.database),
    cpuSeconds: user === null || system === null ? null : user + system,
    runId: info['run_id'] ?? null,
    policy: info['maxmemory_policy'] ?? null,
    storedBySlot: isStoredBySlot(info),
    release: productOf(info),
    countsScanType: countsScanType(info),
  };
}

/** Of all nodes. @throws RedisError */
export const readAllNodeFacts = (server: RedisServer): Promise<NodeFacts[]> =>
  Promise.all(server.nodes.map(readNodeFacts));

/** Hashes with TTLs of single fields; null where no node reports them, as of servers that have no such TTLs. */
export function fieldTtlsOf(facts: readonly NodeFacts[]): number | null {
  const counts = facts.flatMap(({ keysWithFieldTtls: hashes }) => hashes ?? []);
  return counts.length === 0 ? null : sumOf(counts);
}

/** CPU that the nodes used between two readings; null where one of them is not known. */
export function cpuSecondsBetween(before: readonly NodeFacts[], after: readonly NodeFacts[]): number | null {
  if (after.length !== before.length) return null;
  const [start, end] = [before, after].map((facts) => sumOrNull(facts.map(({ cpuSeconds }) => cpuSeconds)));
  return typeof start === 'number' && typeof end === 'number' ? end - start : null;
}

/** Keys that have expired and are still there have a TTL, and so are in neither figure or in both. */
function persistentKeysOf(info: Info, database: number): number | null {
  const databases = databasesOf(info);
  if (databases === null) return null;
  const { keys, keysWithTtl } = databases.find((each) => each.database === database) ?? {
    keys: 0,
    keysWithTtl: 0,
  };
  return keysWithTtl === null ? null : keys - keysWithTtl;
}

/** Redis 7.4 and Valkey 8.0 as cluster nodes have one table for each slot. @see src/kvstore.c */
export function isStoredBySlot(info: Info): boolean {
  if (info['cluster_enabled'] !== '1') return false;
  const release = productOf(info);
  return isFrom(release, release.product === 'valkey' ? [8, 0] : [7, 4]);
}

const allSlots = 16_384;

/** Keys by slot, of the slots that have any; null where the server does not report them. */
export async function readSlotSizes(node: RedisNode): Promise<ReadonlyMap<number, number> | null> {
  const sizes = new Map<number, number>();
  const connection = await node.openConnection();
  try {
    const batch = 1024;
    for (let first = 0; first < allSlots; first += batch) {
      const replies = await connection.exchange(
        Array.from(
          { length: batch },
          (_, index) => ['CLUSTER', asBytes('COUNTKEYSINSLOT'), first + index] as const,
        ),
      );
      for (const [index, reply] of replies.entries()) {
        if (typeof reply !== 'number') return null;
        if (reply > 0) sizes.set(first + index, reply);
      }
    }
    return sizes;
  } finally {
    connection.close();
  }
}

/**
 * Strings of a database by their length: how many have from so many bytes to less than twice as many, as Redis from 8.0 on keeps
 * count. Null: not reported. @see updateKeysizesHist in src/db.c
 */
export function stringSizesOf(info: Info, database: number): ReadonlyMap<number, number> | null {
  if (info['# Keysizes'] === undefined) return null;
  const units = { '': 1, K: 2 ** 10, M: 2 ** 20, G: 2 ** 30 };
  const sizes = new Map<number, number>();
  const text = info[`db${database}_distrib_strings_sizes`] ?? '';
  for (const [, size, unit, count] of text.matchAll(/(\d+)([KMG]?)=(\d+)/g))
    sizes.set(Number(size) * units[(unit ?? '') as keyof typeof units], Number(count));
  return sizes;
}

/** Bounds of what MEMORY USAGE of every key of a server comes to, by the server's own accounts. */
export interface DatasetBounds {
  readonly lowBytes: number;
  readonly highBytes: number;
}

/** What the server needs for itself and counts as data: slow log, tables of clients. Measured: 50 kB on an idle one. */
const ownBytes = 512 * 1024;

/**
 * The histogram of latencies that Redis from 7.0 on, and Valkey, keep of each command that was called: measured, 51 of them took
 * 1.23 MB.
 */
const histogramBytes = 24_800;

function histogramsOf(info: Info): number {
  const release = productOf(info);
  if (release.product === 'redis' && !isFrom(release, [7, 0])) return 0;
  return histogramBytes * Object.keys(info).filter((name) => name.startsWith('cmdstat_')).length;
}

/**
 * `used_memory_dataset` leaves out of each key what INFO counts as overhead, and MEMORY USAGE counts with the key: the entry
 * in the dictionary (24 bytes) and the header of the value (16). The accounts take 24 bytes for an entry, of keys and of
 * TTLs; an allocator whose sizes are multiples of 16 takes 32. docs/inspection.md has what was measured.
 *
 * @param info with the calls of each command
 * @returns null where the server does not report it
 * @see getMemoryOverheadData and memoryCommand in src/object.c
 */
export function datasetBoundsOf(info: Info): DatasetBounds | null {
  const dataset = infoNumber(info, 'used_memory_dataset');
  const used = infoNumber(info, 'used_memory');
  // What is less than nothing is printed as a number without a sign.
  if (dataset === null || used === null || dataset > used) return null;
  const databases = databasesOf(info);
  if (databases === null) return null;
  let [keys, expires] = [0, 0];
  for (const database of databases) {
    keys += database.keys;
    if (database.keysWithTtl === null) return null;
    expires += database.keysWithTtl;
  }
  const release = productOf(info);
  const { product } = release;
  const own = ownBytes + histogramsOf(info);
  const of = (low: number, high: number) => ({ lowBytes: Math.max(0, low - own), highBytes: high });
  // From 8.1 on it keeps key, entry and short values in one block, and MEMORY USAGE leaves out a part of it.
  if (product === 'valkey' && isFrom(release, [8, 1])) return of(dataset - 20 * keys, dataset + 16 * keys);
  if (product !== 'redis' && product !== 'valkey') return null;
  const fine = dataset + 40 * keys;
  const coarse = fine - 8 * (keys + expires);
  return of(coarse, hasCoarseAllocator(info) ? coarse : fine);
}

/** The servers' own jemalloc has sizes in multiples of 8; one of another version is the system's, with multiples of 16. */
function hasCoarseAllocator(info: Info): boolean {
  const jemalloc = /^jemalloc-(.*)$/.exec(info['mem_allocator'] ?? '')?.[1];
  const release = productOf(info);
  if (jemalloc === undefined || !isFrom(release, [6, 0])) return false;
  return jemalloc !== (isFrom(release, [7, 2]) ? '5.3.0' : isFrom(release, [7, 0]) ? '5.2.1' : '5.1.0');
}
