import { type GradeFacts, gradeOf } from '../../src/health/grade.ts';
import type { JudgedTarget, ObservedTraffic } from '../../src/health/namespace-targets.ts';

export const good: GradeFacts = {
  lifetime: { hits: 950, misses: 50 },
  window: null,
  observed: null,
  hitRateTarget: null,
  usedBytes: 50e6,
  maxBytes: 100e6,
  hasMemoryLimit: true,
  policy: 'allkeys-lru',
  fragmentation: 1.1,
  evictedKeys: 0,
  keys: 1000,
  keysWithTtl: 1000,
};
export const grade = (changes: Partial<GradeFacts> = {}) => gradeOf({ ...good, ...changes });
export const reason = (rule: string, changes: Partial<GradeFacts>) =>
  grade(changes).reasons.find((candidate) => candidate.rule === rule);

export const target = (
  namespace: string,
  reads: number,
  hitRate: number,
  hitRateTarget: number,
): JudgedTarget => ({
  namespace,
  reads,
  hitRate,
  hitRateTarget,
  isMet: hitRate >= hitRateTarget,
});

/** An observation of these namespaces and of reads that no target is held against. */
export function observed(
  judged: readonly JudgedTarget[],
  untargeted = { hits: 0, misses: 0 },
): { observed: ObservedTraffic } {
  const hits = judged.reduce((sum, { reads, hitRate }) => sum + reads * hitRate, untargeted.hits);
  const misses = judged.reduce((sum, { reads, hitRate }) => sum + reads * (1 - hitRate), untargeted.misses);
  return {
    observed: {
      lookups: { hits: Math.round(hits), misses: Math.round(misses) },
      judged,
      untargeted,
      faults: [],
    },
  };
}
