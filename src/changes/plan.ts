import { type NamespaceMap, unmappedName } from '../keyspace/map.ts';
import { inferPattern } from '../keyspace/infer.ts';
import type { ByteString } from '../support/bytes.ts';
import type { WalkAccount } from '../redis/account.ts';
import type { Mentions } from './mentions.ts';
import { unknownNamespace, isState } from './selection.ts';

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
  /** What making the plan cost the server. */
  readonly account: WalkAccount;
  readonly durationSeconds: number;
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

/** Where a key belongs, and why it stays although it was selected: it is state, or `--only` or `--exclude` says so. */
export interface ScopeVerdict {
  readonly namespace: string;
  readonly stays: 'state' | 'option' | null;
}

/** Which of the selected keys may go. */
export type Scope = (key: ByteString) => ScopeVerdict;

/**
 * @param only Namespaces to which the removal is limited; empty: all.
 * @param exclude Namespaces that are left alone.
 * @throws InputError where the map has no such namespace, or where a state namespace is asked for.
 */
export function scopeOf(map: NamespaceMap, only: readonly string[], exclude: readonly string[]): Scope {
  if (!map.isEmpty) {
    for (const name of [...only, ...exclude]) {
      if (name !== unmappedName && !map.namespaces.some((each) => each.name === name))
        throw unknownNamespace(name, map);
    }
    for (const name of only) {
      const namespace = map.namespaces.find((each) => each.name === name);
      if (namespace?.kind === 'state') throw isState(namespace);
    }
  }
  const admitted = (name: string) => (only.length === 0 || only.includes(name)) && !exclude.includes(name);
  return (key) => {
    if (map.isEmpty) {
      const name = inferPattern(key, map.delimiters);
      return { namespace: name, stays: admitted(name) ? null : 'option' };
    }
    const namespace = map.classify(key);
    const name = namespace?.name ?? unmappedName;
    return {
      namespace: name,
      stays: namespace?.kind === 'state' ? 'state' : admitted(name) ? null : 'option',
    };
  };
}
