import { asBytes } from '../support/bytes.ts';
import { type DatasetBounds, datasetBoundsOf } from './dataset.ts';
import {
  countsScanType,
  databasesOf,
  type Info,
  infoNumber,
  keysWithFieldTtls,
  productOf,
  readInfoIfPermitted,
} from './info.ts';
import type { RedisNode } from './server.ts';

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
  /** Keys of the other databases; null where INFO is not permitted. */
  readonly otherKeys: number | null;
  /** Tells this process of the server from any other. */
  readonly runId: string | null;
  /** `allkeys-lru`, `noeviction`, … */
  readonly policy: string | null;
  /** True where keys of one slot lie together, and SCAN visits slot by slot. */
  readonly storedBySlot: boolean;
  /** See countsScanType. */
  readonly countsScanType: boolean;
}

export async function readNodeFacts(node: RedisNode): Promise<NodeFacts> {
  const [size] = await node.batch([['DBSIZE']]);
  const permitted = await readInfoIfPermitted(node);
  const info = permitted ?? {};
  const user = infoNumber(info, 'used_cpu_user');
  const system = infoNumber(info, 'used_cpu_sys');
  return {
    keys: typeof size === 'number' ? size : null,
    dataset: datasetBoundsOf(info),
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
    countsScanType: countsScanType(info),
  };
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
  const { product, version } = productOf(info);
  const [major = 0, minor = 0] = version.split('.').map(Number);
  return product === 'valkey' ? major >= 8 : major > 7 || (major === 7 && minor >= 4);
}

const allSlots = 16_384;

/** Keys by slot, of the slots that have any; null where the server does not tell. */
export async function readSlotSizes(node: RedisNode): Promise<ReadonlyMap<number, number> | null> {
  const sizes = new Map<number, number>();
  const lane = await node.openLane();
  try {
    const batch = 1024;
    for (let first = 0; first < allSlots; first += batch) {
      const replies = await lane.exchange(
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
    lane.close();
  }
}
