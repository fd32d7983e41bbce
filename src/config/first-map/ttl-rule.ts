import type { KeyStatistics } from '../../keyspace/key-statistics.ts';
import { isMidnight } from '../../keyspace/ttl.ts';
import type { TtlRuleConfig } from '../schema.ts';

/** TTLs that people choose, in seconds. */
const usualSeconds = [
  1, 2, 5, 10, 15, 20, 30, 45, 60, 90, 120, 180, 300, 600, 900, 1200, 1800, 2700, 3600, 5400, 7200, 10_800,
  14_400, 21_600, 28_800, 43_200, 86_400, 172_800, 259_200, 604_800, 1_209_600, 2_592_000, 5_184_000,
  7_776_000, 15_552_000, 31_536_000,
] as const;

/** Below this number of keys the longest TTL seen says little about the one they were written with. */
const enoughKeys = 20;

/** A TTL rule drawn from what is left of the TTLs of some keys. */
export interface ObservedRule {
  /** Undefined where no TTL was readable. */
  readonly rule: TtlRuleConfig | undefined;
  /** False where there were too few keys to tell. */
  readonly sure: boolean;
}

/** The server counts idle time in whole seconds of a clock that it sets once a second, and reads it after the TTL. */
const idleSlackSeconds = 2;

/**
 * The longest TTL that any of the keys was written with, as far as can be known: a key that was used `idle` ago had that much
 * more time left then. What was used since it was written had more still, so this is a lower bound, and the closer the more
 * keys there are.
 */
export function writtenTtlSeconds({ ttlMaxSeconds, ttlWithIdleMaxSeconds }: KeyStatistics): number {
  return Math.max(ttlMaxSeconds, ttlWithIdleMaxSeconds - idleSlackSeconds);
}

/** The TTL that keys were probably written with: the longest that can be known, rounded up to one that people choose. */
export function observedRule(statistics: KeyStatistics, now: number, localTimeZone: string): ObservedRule {
  const { ttlKnown, withoutTtl, ttlMaxSeconds } = statistics;
  const sure = ttlKnown >= enoughKeys;
  if (ttlKnown === 0) return { rule: undefined, sure: false };
  if (withoutTtl > ttlKnown / 2) return { rule: 'permanent', sure };
  if (sure && expireAtMidnight(statistics, now)) {
    const { ttlMinSeconds, ttlWithIdleMinSeconds } = statistics;
    const writtenOverTime = Number.isFinite(ttlWithIdleMinSeconds);
    const tolerance = writtenOverTime ? toleranceSeconds : exactSeconds;
    const end = now + ttlMinSeconds * 1000;
    const zone = [localTimeZone, 'UTC'].find((each) => isMidnight(end, each, tolerance));
    if (zone !== undefined) return { rule: { untilMidnight: zone }, sure };
    if (writtenOverTime && ttlMaxSeconds < 86_400) return { rule: durationText(86_400), sure };
  }
  return { rule: durationText(roundedUp(writtenTtlSeconds(statistics))), sure };
}

/** How far moments may lie apart and still be one: a walk takes time, in which the TTLs it reads go down. */
const toleranceSeconds = 60;

/**
 * The same without idle times, as under an LFU policy: nothing shows then that keys which end together were written over a day, and
 * not all at once with one TTL. So only midnight itself counts, in the local time zone or in UTC, and by the key that was read last:
 * to end there by chance is a matter of some 20 seconds in a day, where it is one in fifteen near any half hour.
 */
const exactSeconds = 5;

/** True where the keys expire together, at a moment that may be midnight in some time zone. */
export function expireAtMidnight(statistics: KeyStatistics, now: number): boolean {
  const { ttlSummary, ttlKnown, withoutTtl, ttlWithIdleMinSeconds, ttlWithIdleMaxSeconds } = statistics;
  if (ttlSummary === null || ttlKnown - withoutTtl < enoughKeys) return false;
  // Keys that were written together with one TTL end together too, at any moment; those of a day were written over it.
  if (Math.abs(ttlWithIdleMaxSeconds - ttlWithIdleMinSeconds) < toleranceSeconds) return false;
  const { minSeconds, maxSeconds } = ttlSummary;
  // Time zones differ by multiples of a quarter of an hour, nearly all of them by multiples of half an hour.
  const past = (now / 1000 + maxSeconds) % 1800;
  return maxSeconds - minSeconds < toleranceSeconds && Math.min(past, 1800 - past) < toleranceSeconds;
}

function roundedUp(seconds: number): number {
  return usualSeconds.find((each) => each >= seconds) ?? Math.ceil(seconds / 86_400) * 86_400;
}

/** `1h`, `90m`, `26h`, `7d`: the largest unit that needs no fraction. */
export function durationText(seconds: number): string {
  for (const [unit, size] of [
    ['d', 86_400],
    ['h', 3600],
    ['m', 60],
  ] as const) {
    if (seconds >= size && seconds % size === 0) return `${seconds / size}${unit}`;
  }
  return `${seconds}s`;
}
