import type { ByteString } from '../support/bytes.ts';
import type { Mentions } from './mentions.ts';

/** What an invalidation will remove, and nothing else: keys that appear after it was made are left alone. */
export interface InvalidationPlan {
  readonly keys: readonly ByteString[];
  /** Of the keys, as far as their sizes are known; null where no size is. */
  readonly memoryBytes: number | null;
  /** Largest first. */
  readonly namespaces: readonly PlannedNamespace[];
  /** Keys that were selected and stay. */
  readonly excluded: readonly ExcludedNamespace[];
  /** Some of the keys, from every namespace. */
  readonly sample: readonly ByteString[];
  /** Keys that only contain an id; null where the keyspace was not looked through for them. */
  readonly mentions: Mentions | null;
  /** Keys in the database when the plan was made; null where DBSIZE is not permitted. */
  readonly keyspaceKeys: number | null;
  /** True where keys were found by a walk over the whole keyspace. */
  readonly walked: boolean;
  /** False where the walk was interrupted. */
  readonly complete: boolean;
  readonly cost: PlanCost;
}

export interface PlannedNamespace {
  readonly namespace: string;
  readonly keys: number;
  readonly memoryBytes: number | null;
}

export interface ExcludedNamespace {
  readonly namespace: string;
  readonly keys: number;
  readonly reason: 'state' | 'option';
}

/** What making the plan cost the server. */
export interface PlanCost {
  readonly commands: number;
  readonly bytesReceived: number;
  readonly durationSeconds: number;
  /** Keys whose size this user may not read. */
  readonly unreadableKeys: number;
  /** The server's words where it refused MEMORY USAGE altogether. */
  readonly sizesRefused: string | null;
}

/** How much of the cache is rebuilt after the removal. */
export type RiskLevel = 'low' | 'medium' | 'high';

/**
 * The load that comes back: every removed key is a miss at its next read. From a quarter of the keyspace, or 100,000
 * keys, the source behind the cache feels it at once; from a twentieth, or 1,000 keys, it may.
 */
export function riskOf(keys: number, keyspaceKeys: number | null): RiskLevel {
  const share = keyspaceKeys === null || keyspaceKeys < smallKeyspace ? 0 : keys / keyspaceKeys;
  if (share >= 0.25 || keys >= 100_000) return 'high';
  if (share >= 0.05 || keys >= 1000) return 'medium';
  return 'low';
}

/** Of a few hundred keys any share is rebuilt in a moment. */
const smallKeyspace = 1000;
