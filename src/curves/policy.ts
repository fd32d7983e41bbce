/** How a server chooses what it evicts, as its `maxmemory-policy` names it. `lru`: exactly the key that was used least recently. */
export const policies = [
  ...(['lru', 'allkeys-lru', 'allkeys-lfu', 'allkeys-random'] as const),
  ...(['volatile-lru', 'volatile-lfu', 'volatile-random', 'volatile-ttl'] as const),
] as const;
export type Policy = (typeof policies)[number];

/** The settings of a server that its choice depends on. */
export interface EvictionTerms {
  readonly policy: Policy;
  /** `maxmemory-samples` */
  readonly samples: number;
  /** `lfu-log-factor` */
  readonly lfuLogFactor: number;
  /** `lfu-decay-time`; 0: counters do not decay. */
  readonly lfuDecayMinutes: number;
}

/** As a server has them that says nothing else. */
export const usualEviction: EvictionTerms = {
  ...{ policy: 'allkeys-lru', samples: 5, lfuLogFactor: 10, lfuDecayMinutes: 1 },
};
