import type { Thresholds } from '../keyspace/map.ts';
import type { Check, CheckStatus, Finding } from './check.ts';
import { durability } from './checks/durability.ts';
import { memory } from './checks/memory.ts';
import { traffic } from './checks/traffic.ts';
import { wayIn } from './checks/way-in.ts';
import { work } from './checks/work.ts';
import type { Facts } from './facts.ts';
import { questions } from './questions.ts';

/** Every question, in the order of reports. */
export const rules: readonly Check[] = [...wayIn, ...work, ...memory, ...traffic, ...durability];

/** Those of `check`. */
export const checks = rules.filter(({ id }) => !('gradeOnly' in questions[id]));

/** A check with its answer. */
export interface Answer extends Finding {
  readonly id: string;
  readonly title: string;
  readonly durationMillis: number;
}

/**
 * Puts the chosen checks to the facts. Where the way in failed, the check that says so is there even if it was not
 * chosen: a report without it would not tell why all others were skipped.
 */
export function answer(facts: Facts, limits: Thresholds, chosen: ReadonlySet<string>): Answer[] {
  const decisive = facts.stop === null ? null : facts.stop.at === 'work' ? 'connect' : facts.stop.at;
  return checks
    .filter(({ id }) => chosen.has(id) || id === decisive)
    .map(({ id, assess, durationMillis }) => ({
      id,
      title: questions[id].title,
      ...assess(facts, limits),
      durationMillis: durationMillis?.(facts) ?? 0,
    }));
}

export interface Tally {
  /** `fail` where a check failed, or warned under `strict`; `skip` where none could be answered. */
  readonly status: CheckStatus;
  readonly passed: number;
  readonly warned: number;
  readonly failed: number;
  readonly skipped: number;
}

export function tallyOf(answers: readonly { readonly status: CheckStatus }[], strict: boolean): Tally {
  const numberOf = (status: CheckStatus) => answers.filter((each) => each.status === status).length;
  const tally = {
    passed: numberOf('pass'),
    warned: numberOf('warn'),
    failed: numberOf('fail'),
    skipped: numberOf('skip'),
  };
  const failed = tally.failed > 0 || (strict && tally.warned > 0);
  return {
    status: failed ? 'fail' : tally.warned > 0 ? 'warn' : tally.passed > 0 ? 'pass' : 'skip',
    ...tally,
  };
}
