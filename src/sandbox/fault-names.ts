/** What a sandbox can do wrong on purpose. Each makes misses of one cause. */
export const faultNames = ['short-ttl', 'small-memory', 'invalidation-loop', 'unstable-keys'] as const;

export type FaultName = (typeof faultNames)[number];

export const faultDescriptions: Readonly<Record<FaultName, string>> = {
  'short-ttl': 'a namespace is written with a TTL far too short: misses are expired',
  'small-memory': 'maxmemory is less than what is read needs: misses are evicted',
  'invalidation-loop': 'a write path removes what is read most: misses are invalidated',
  'unstable-keys': 'no process finds the keys of another: misses were never cached',
};
