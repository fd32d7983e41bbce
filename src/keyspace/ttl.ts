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
