import type { Thresholds } from '../keyspace/map.ts';
import { type GradeReason, percent } from './check.ts';
import type { Facts } from './facts.ts';
import { type HitRateVerdict, hiddenByText, judgeHitRate, type LookupCounts } from './hit-rate.ts';
import type { JudgedTarget, ObservedTraffic } from './namespace-targets.ts';
import { rules } from './report.ts';

/** What a grade is made from. Ratios from 0 to 1; null: not known. */
export interface GradeFacts {
  /** Since the server's counters began. */
  readonly lifetime: LookupCounts | null;
  /** Lookups over the last seconds, where these were measured: what happens now says more than a lifetime. */
  readonly window: LookupCounts | null;
  /** What a valid observation of the traffic found; null without one. It says more than the window. */
  readonly observed: ObservedTraffic | null;
  /** The map's. */
  readonly limits: Thresholds;
  /** What the rules of `check` judge too; null: INFO was refused. */
  readonly server: Facts | null;
}

export interface Grade {
  /** Null where there are too few reads to say what the cache is worth, or where it is not known how many of them hit. */
  readonly letter: 'A' | 'B' | 'C' | 'D' | 'F' | null;
  readonly reasons: readonly GradeReason[];
}

/** Points for a hit rate of nothing, and for namespaces with all the reads and half their target or less. */
const mostHitRatePoints = 60;

/**
 * Judges a cache: 100 points less what each rule takes off; 90 is an A, then a letter for every ten points. Where a target is
 * missed, or the traffic shows a fault, B is the best.
 */
export function gradeOf(facts: GradeFacts): Grade {
  const lookups = lookupsOf(facts);
  const hitRate = lookups === null ? [] : hitRateReasons(lookups, facts);
  const faults = faultReason(facts);
  const reasons = [...hitRate, ...faults, ...ruleReasons(facts)];
  const isJudged = lookups !== null && areEnough(lookups) && hitRate.some(({ tone }) => tone !== 'plain');
  if (!isJudged) return { letter: null, reasons };
  const score = scoreOf(reasons);
  const isAtFault = faults.length > 0 || hitRate.some(({ tone }) => tone === 'bad');
  if (score < 90 || !isAtFault) return { letter: letterOf(score), reasons };
  const text = `no better than B while ${faults.length > 0 ? 'the traffic shows a fault' : 'a target is missed'}`;
  const capped = [...reasons, { rule: 'cap', points: score - 89, tone: 'warning' as const, text }];
  return { letter: letterOf(scoreOf(capped)), reasons: capped };
}

const scoreOf = (reasons: readonly GradeReason[]) => reasons.reduce((left, { points }) => left - points, 100);

const letterOf = (score: number): Grade['letter'] =>
  score >= 90 ? 'A' : score >= 80 ? 'B' : score >= 70 ? 'C' : score >= 60 ? 'D' : 'F';

interface SpanLookups extends LookupCounts {
  /** Words for where they were counted. */
  readonly span: string;
}

/** The latest that has enough to judge by, else the latest. */
function lookupsOf({ lifetime, window, observed }: GradeFacts): SpanLookups | null {
  const candidates = [
    observed?.lookups && { ...observed.lookups, span: ' while observed' },
    window && { ...window, span: ' in the window' },
    lifetime && { ...lifetime, span: ' since the counters began' },
  ].filter((each) => each !== null && each !== undefined);
  return candidates.find(areEnough) ?? candidates[0] ?? null;
}

const areEnough = (lookups: LookupCounts) => judgeHitRate(lookups).kind !== 'few';

/** `50.0 %`, or `between 50.0 % and 100.0 %`. */
function rateText({ low, high }: HitRateVerdict): string {
  const [lowest, highest] = [percent(low), percent(high)];
  return lowest === highest ? `hit rate ${lowest}` : `hit rate between ${lowest} and ${highest}`;
}

function faultReason({ observed }: GradeFacts): GradeReason[] {
  const [first, ...others] = observed?.faults ?? [];
  if (first === undefined) return [];
  const more = others.length === 0 ? '' : `, and ${others.length} more`;
  const text = `${first.namespace}: ${first.text}${more}; \`cachectl hits\` has the figures`;
  return [{ rule: 'traffic-faults', points: 5, tone: 'warning', text }];
}

/** No miss costs points twice: neither as one of its namespace and one of the whole server, nor against two targets. */
function hitRateReasons(lookups: SpanLookups, { observed, limits }: GradeFacts): GradeReason[] {
  const { minHitRate } = limits;
  if (observed === null || observed.judged.length === 0) return [hitRateReason(lookups, minHitRate)];
  const { judged, untargeted } = observed;
  const untargetedReads = untargeted.hits + untargeted.misses;
  const reads = judged.reduce((sum, each) => sum + each.reads, untargetedReads);
  const targets = targetReason(judged, reads);
  if (minHitRate !== undefined) return [targets, lessPaid(hitRateReason(lookups, minHitRate), targets)];
  if (areEnough(untargeted)) {
    const others = { ...untargeted, span: ' of the caches without a target' };
    return [targets, hitRateReason(others, undefined, untargetedReads / reads)];
  }
  const text = `${rateText(judgeHitRate(lookups))}${lookups.span}: judged by the targets of the namespaces`;
  return [targets, { rule: 'hit-rate', points: 0, tone: 'plain', text }];
}

/** @param reads of the namespaces and of all that is judged in addition to them */
function targetReason(judged: readonly JudgedTarget[], reads: number): GradeReason {
  const rule = 'namespace-targets';
  const costs = judged
    .filter(({ isMet }) => !isMet)
    .map((each) => ({ ...each, cost: (each.reads / reads) * shortfallOf(each) }))
    .sort((left, right) => right.cost - left.cost);
  const [worst] = costs;
  const [first] = judged;
  if (worst === undefined) {
    const text =
      judged.length === 1 && first !== undefined
        ? `${first.namespace} reaches its target: hit rate ${percent(first.hitRate)}, target ${percent(first.hitRateTarget)}`
        : `all ${judged.length} namespaces with a target that were observed reach it`;
    return { rule, points: 0, tone: 'good', text };
  }
  const who =
    judged.length === 1
      ? `${worst.namespace} misses its target`
      : costs.length === 1
        ? `1 of ${judged.length} namespaces misses its target, ${worst.namespace}`
        : `${costs.length} of ${judged.length} namespaces miss their targets, most of all ${worst.namespace}`;
  const cost = costs.reduce((sum, each) => sum + each.cost, 0);
  // Enough to be seen, however small the namespace.
  const points = Math.max(5, Math.round(mostHitRatePoints * cost));
  const text = `${who}: hit rate ${percent(worst.hitRate)}, target ${percent(worst.hitRateTarget)}`;
  return { rule, points, tone: 'bad', text };
}

/** From 0 at the target to 1 at half of it, where a namespace misses what it was made for. */
function shortfallOf({ hitRate, hitRateTarget }: JudgedTarget): number {
  return Math.min(1, 2 * (1 - hitRate / hitRateTarget));
}

/** The whole server's reason, less the points that its namespaces cost already. */
function lessPaid(whole: GradeReason, targets: GradeReason): GradeReason {
  if (targets.points === 0) return whole;
  const points = Math.max(0, whole.points - targets.points);
  if (points > 0) return { ...whole, points };
  const text =
    whole.points === 0
      ? `${whole.text}, as a mean of all namespaces`
      : `${whole.text}: counted with the namespaces`;
  return { ...whole, points, tone: 'plain', text };
}

const howToMeasure = '`cachectl stats --window 10s` measures it now, `--hits 10s` by namespace';

/** @param share of the judged reads, from 0 to 1; the points are as many */
function hitRateReason({ span, ...lookups }: SpanLookups, limit: number | undefined, share = 1): GradeReason {
  const rule = 'hit-rate';
  const verdict = judgeHitRate(lookups, limit);
  const { kind, reads, high, target } = verdict;
  const found = `${rateText(verdict)}${span}`;
  const against = `${limit === undefined ? 'the default target' : "the map's target"} of ${percent(target)}`;
  switch (kind) {
    case 'few': {
      const few = reads === 0 ? 'no traffic' : reads === 1 ? 'only 1 read' : `only ${reads} reads`;
      return { rule, points: 0, tone: 'plain', text: `hit rate not judged: ${few}${span}` };
    }
    case 'reached':
      return { rule, points: 0, tone: 'good', text: `${found} reaches ${against}` };
    case 'unclear': {
      const text = `${found}, target ${percent(target)}: ${hiddenByText(lookups) ?? 'lookups that read no data'} hide it`;
      return { rule, points: 0, tone: 'plain', text: `${text}; ${howToMeasure}` };
    }
    case 'missed': {
      // A rate of half the target costs half of the points.
      const points = Math.max(1, Math.round(share * Math.max(10, mostHitRatePoints * (1 - high / target))));
      return { rule, points, tone: 'bad', text: `${found} is below ${against}` };
    }
  }
}

/** What the rules that `check` shares find; of several nodes it is that of the worst. */
function ruleReasons({ server, limits }: GradeFacts): GradeReason[] {
  if (server === null) return [];
  return rules.flatMap(({ id, assess, grade }) => {
    const reason = grade?.(assess(server, limits), server);
    return reason ? [{ rule: id, ...reason }] : [];
  });
}
