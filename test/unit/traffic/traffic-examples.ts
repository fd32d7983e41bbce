import type { MissCauses, NamespaceTraffic, WindowReport } from '../../../src/traffic/report.ts';

const noCauses: MissCauses = {
  ...{ expired: 0, evicted: 0, invalidated: 0, renamed: 0, neverCached: 0, goneOrNew: 0, unknown: 0 },
};

/** A namespace that does well, but for what the test says. */
export function trafficOf(
  changes: Partial<Omit<NamespaceTraffic, 'causes'>> & { causes?: Partial<MissCauses> | null } = {},
): NamespaceTraffic {
  const { causes = {}, ...others } = changes;
  return {
    ...{ namespace: 'users', database: 0, kind: 'cache', reads: 1000, readsInterval: null },
    ...{ hits: 900, hitsInterval: null, misses: 100, hitRate: 0.9, hitRateInterval: null },
    ...{ hitRateTarget: null, targetMet: null, readsPerSecond: 100, missShare: 1 },
    ...{ writes: 10, readsPerWrite: 100, evictedKeys: 0, newKeys: 50, firstMisses: 20 },
    causes: causes === null ? null : { ...noCauses, ...causes },
    refill: null,
    stampedes: { count: 0, extraMisses: 0, largest: 0 },
    remedy: { ttl: null, memory: null },
    ...others,
  };
}

export function reportOf(
  namespaces: readonly NamespaceTraffic[],
  changes: Partial<WindowReport> = {},
): WindowReport {
  return {
    ...{ mode: 'exact', modeReason: 'asked for', windowSeconds: 10, valid: true, invalidReasons: [] },
    ...{
      remarks: [],
      endedBy: null,
      unknownReads: [],
      isReplica: false,
      reads: 1000,
      hits: 900,
      misses: 100,
      hitRate: 0.9,
    },
    residual: { reads: 0, hits: 0, misses: 0 },
    notSelected: null,
    namespaces,
    mostMissed: [],
    missed: { keys: [], othersAtMost: 0 },
    outsideWords: new Map(),
    mostRead: [],
    remembered: { keysRemembered: 0, keysBound: 1, forgotten: 0 },
    serverCost: {
      ...{ serverCpuSeconds: 0, commands: 0, markLookups: 0, monitorBytes: 0, eventBytes: 0 },
      ...{ monitoredCommands: 0, events: 0, duty: 1, maxLagSeconds: 0 },
    },
    ...changes,
  };
}
