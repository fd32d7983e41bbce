import { longestTtlSeconds, secondsUntilMidnight, type TtlRule } from './ttl.ts';

/**
 * What a rule says of the time that a key has left:
 *
 * - `kept`: nothing speaks against it
 * - `missing`: the rule sets a TTL, and the key has none
 * - `too-long`: more time is left than the rule ever gives
 * - `unexpected`: the rule is `permanent`, and the key has a TTL
 * - `drifting`: the key is to end at midnight, and ends at another time
 */
export type TtlVerdict = 'kept' | 'missing' | 'too-long' | 'unexpected' | 'drifting';

/** Clocks of writer and server differ, and a walk takes time. */
const toleranceSeconds = 2;
const midnightToleranceMillis = 60_000;

/**
 * The judge of a rule, for readings at about the time `now` (milliseconds since the epoch).
 * @returns the verdict on a TTL in milliseconds, -1 for none
 */
export function ttlJudge(rule: TtlRule, now: number): (ttlMillis: number) => TtlVerdict {
  if (rule.kind === 'permanent') return (ttlMillis) => (ttlMillis < 0 ? 'kept' : 'unexpected');
  const mostMillis = ((longestTtlSeconds(rule) ?? Number.POSITIVE_INFINITY) + toleranceSeconds) * 1000;
  const midnights = rule.kind === 'untilMidnight' ? midnightsAround(rule.timeZone, now) : null;
  return (ttlMillis) => {
    if (ttlMillis < 0) return 'missing';
    if (ttlMillis > mostMillis) return 'too-long';
    if (midnights === null) return 'kept';
    const ends = midnights.some((millis) => Math.abs(ttlMillis - millis) <= midnightToleranceMillis);
    return ends ? 'kept' : 'drifting';
  };
}

/** Gives the judges of rules, made once for all namespaces that have the same one: to find midnight takes half a millisecond. */
export function ttlJudges(now: number): (rule: TtlRule) => (ttlMillis: number) => TtlVerdict {
  const judges = new Map<string, (ttlMillis: number) => TtlVerdict>();
  return (rule) => {
    const name = JSON.stringify(rule);
    const judge = judges.get(name) ?? ttlJudge(rule, now);
    judges.set(name, judge);
    return judge;
  };
}

/**
 * Milliseconds from `now` to the next midnight and, within the tolerance of one, to that on its other side: the clock of
 * the writer may not have struck yet, or already.
 */
function midnightsAround(timeZone: string, now: number): readonly number[] {
  return [-midnightToleranceMillis, 0, midnightToleranceMillis].map(
    (shift) => shift + secondsUntilMidnight(timeZone, now + shift) * 1000,
  );
}

/** With fewer keys the longest time left says little of what they are written with. */
const fewestForDrift = 100;

/**
 * True where a namespace is in use and yet no key has half of the time left that the rule gives at least: then keys are
 * written with a shorter TTL than the rule says. Keys are written all the time in a cache, so the longest time left is
 * close to what they are written with.
 */
export function fallsShort(
  rule: TtlRule,
  jitter: number,
  keysWithTtl: number,
  longestLeftSeconds: number,
): boolean {
  if (keysWithTtl < fewestForDrift) return false;
  if (rule.kind === 'fixed') return longestLeftSeconds < (rule.seconds * (1 - jitter)) / 2;
  return rule.kind === 'range' && longestLeftSeconds < rule.minSeconds / 2;
}
