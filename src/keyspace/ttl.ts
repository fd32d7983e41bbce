/** The TTL that a namespace's keys are meant to be written with. */
export type TtlRule =
  | { readonly kind: 'fixed'; readonly seconds: number }
  | { readonly kind: 'range'; readonly minSeconds: number; readonly maxSeconds: number }
  | { readonly kind: 'untilMidnight'; readonly timeZone: string }
  | { readonly kind: 'permanent' };

/**
 * The TTL for a key written at `now` (milliseconds since the epoch), in whole seconds, or null for a permanent key.
 * `jitter` (0 to 1) shortens it by a random share up to that size, so that keys written together do not expire
 * together. `random` gives numbers from 0 to 1.
 */
export function ttlSecondsFor(
  rule: TtlRule,
  jitter: number,
  now: number,
  random: () => number,
): number | null {
  const shorten = (seconds: number) => Math.max(1, Math.round(seconds * (1 - jitter * random())));
  switch (rule.kind) {
    case 'permanent':
      return null;
    case 'fixed':
      return shorten(rule.seconds);
    case 'range':
      return Math.max(1, Math.round(rule.minSeconds + (rule.maxSeconds - rule.minSeconds) * random()));
    case 'untilMidnight':
      return secondsUntilMidnight(rule.timeZone, now);
  }
}

/** The longest TTL that the rule allows at `now`, in seconds; null where there is no limit. */
export function longestTtlSeconds(rule: TtlRule): number | null {
  switch (rule.kind) {
    case 'permanent':
      return null;
    case 'fixed':
      return rule.seconds;
    case 'range':
      return rule.maxSeconds;
    case 'untilMidnight':
      // A day on which clocks are set back has 25 hours.
      return 25 * 3600;
  }
}

/** Seconds from `now` to the next midnight in the time zone, at least 1. */
export function secondsUntilMidnight(timeZone: string, now: number): number {
  const format = new Intl.DateTimeFormat('en-CA', { timeZone, dateStyle: 'short' });
  const dayOf = (millis: number) => format.format(millis);
  const today = dayOf(now);
  // Days differ in length where clocks change, so the boundary is searched, to the second.
  let low = now;
  let high = now + 26 * 3_600_000;
  while (high - low > 500) {
    const middle = (low + high) / 2;
    if (dayOf(middle) === today) low = middle;
    else high = middle;
  }
  return Math.max(1, Math.round((high - now) / 1000));
}

/** True where it is midnight in the time zone, or so many seconds from it. */
export function isMidnight(millis: number, timeZone: string, toleranceSeconds: number): boolean {
  const format = new Intl.DateTimeFormat('en-GB', { timeZone, timeStyle: 'medium' });
  const [hours = 0, minutes = 0, seconds = 0] = format.format(millis).split(':').map(Number);
  const since = hours * 3600 + minutes * 60 + seconds;
  return Math.min(since, 86_400 - since) <= toleranceSeconds;
}

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
const midnightToleranceMillis = 60000;

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
