import type { Thresholds } from '../../keyspace/map.ts';
import type { Phrase } from '../../support/phrase.ts';
import { keyRules } from './key-rules.ts';
import {
  type Cost,
  type Examination,
  Missing,
  type Rule,
  severities,
  type Severity,
  type Symptom,
} from './rule.ts';
import { securityRules } from './security-rules.ts';
import { serverRules } from './server-rules.ts';
import { trafficRules } from './traffic-rules.ts';

/** All of them, in the order of their numbers. */
export const doctorRules: readonly Rule[] = [...serverRules, ...keyRules, ...trafficRules, ...securityRules];

/** Limits where the map has none: a replica hears of an idle primary every ten seconds. */
export const defaultLimits: Thresholds = { maxReplicationLagSeconds: 30 };

/** True where one of them takes a walk over the keys. */
export const needKeys = (rules: readonly Rule[]): boolean =>
  rules.some((rule) => keyRules.includes(rule) && rule.id !== 'keys-without-ttl');

/** By number or by id, in any case. */
export function ruleNamed(name: string): Rule | undefined {
  const wanted = name.toLowerCase();
  return doctorRules.find(({ number, id }) => number.toLowerCase() === wanted || id === wanted);
}

export interface DoctorFinding
  extends Omit<Symptom, 'remedy' | 'cost' | 'severity'>, Pick<Rule, 'id' | 'source'> {
  /** The number of the rule. */
  readonly rule: string;
  readonly severity: Severity;
  readonly remedy: string;
  readonly cost: Cost;
}

/** What the rules say. */
export interface DoctorReport {
  /** The worst first, then by the number of the rule. */
  readonly findings: readonly DoctorFinding[];
  readonly notJudged: readonly { readonly rule: Rule; readonly reason: Phrase }[];
  /** Rules that found nothing. */
  readonly passed: readonly Rule[];
}

const noCost: Cost = { bytes: null, missesPerSecond: null, costPerHour: null };

/** So many things that one rule found, the first ones. */
const mostOfOneRule = 20;

/** Puts the rules to what was found out. */
export function diagnose(examination: Examination, rules: readonly Rule[]): DoctorReport {
  const verdicts = rules.map((rule) => ({ rule, found: rule.assess(examination) }));
  return {
    findings: verdicts
      .flatMap(({ rule, found }) =>
        found instanceof Missing ? [] : found.slice(0, mostOfOneRule).map((each) => findingOf(rule, each)),
      )
      .sort((left, right) => severities.indexOf(left.severity) - severities.indexOf(right.severity)),
    notJudged: verdicts.flatMap(({ rule, found }) =>
      found instanceof Missing ? { rule, reason: found.reason } : [],
    ),
    passed: verdicts.flatMap(({ rule, found }) => (found instanceof Missing || found.length > 0 ? [] : rule)),
  };
}

const findingOf = (
  { number, id, severity, remedy, source }: Rule,
  { cost, ...found }: Symptom,
): DoctorFinding => ({
  ...{ rule: number, id, severity: found.severity ?? severity, subject: found.subject },
  ...{ message: found.message, evidence: found.evidence },
  ...{ remedy: found.remedy ?? remedy, cost: { ...noCost, ...cost }, source },
});
