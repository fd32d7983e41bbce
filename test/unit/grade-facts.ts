import { factsOfInfos } from '../../src/health/facts.ts';
import { type GradeFacts, gradeOf } from '../../src/health/grade.ts';
import { healthyInfo } from './health-facts.ts';
import type { JudgedTarget, ObservedTraffic } from '../../src/health/namespace-targets.ts';

export const good: GradeFacts = {
  lifetime: { hits: 950, misses: 50 },
  window: null,
  observed: null,
  limits: {},
  server: serverWith({}),
};

/** Facts of the traffic, and fields of INFO: what is not given is as in a healthy cache. */
export type Changes = Partial<Omit<GradeFacts, 'server' | 'limits'>> & {
  readonly hitRateTarget?: number | null;
  readonly info?: Readonly<Record<string, string | undefined>>;
};

export function gradeFactsWith({ hitRateTarget = null, info = {}, ...traffic }: Changes): GradeFacts {
  const limits = hitRateTarget === null ? {} : { minHitRate: hitRateTarget };
  return { ...good, limits, server: serverWith(info), ...traffic };
}

/** A field that is undefined is not reported. */
function serverWith(changes: Readonly<Record<string, string | undefined>>) {
  const info: Readonly<Record<string, string | undefined>> = {
    ...healthyInfo,
    db0: 'keys=1000,expires=1000,avg_ttl=0',
    ...changes,
  };
  const reported = Object.entries(info).flatMap(([name, value]) =>
    value === undefined ? [] : [[name, value]],
  );
  return factsOfInfos([
    { address: '10.0.0.1:6379', info: Object.fromEntries(reported) as Record<string, string> },
  ]);
}

export const grade = (changes: Changes = {}) => gradeOf(gradeFactsWith(changes));
export const reason = (rule: string, changes: Changes) =>
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
