import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { type TtlRule, ttlSecondsFor, fallsShort, ttlJudge } from '../../src/keyspace/ttl.ts';
import { rounds } from '../server/effort.ts';

const noTtl = -1;
const hour: TtlRule = { kind: 'fixed', seconds: 3600 };
const range: TtlRule = { kind: 'range', minSeconds: 600, maxSeconds: 1200 };
const midnight: TtlRule = { kind: 'untilMidnight', timeZone: 'Europe/Prague' };

/** An hour before midnight in Prague. */
const atEleven = Date.UTC(2026, 0, 15, 22, 0, 0);

describe('the verdict on a TTL', () => {
  test.each<[string, TtlRule, number, string]>([
    ['none, where a TTL is meant', hour, noTtl, 'missing'],
    ['none, in a range', range, noTtl, 'missing'],
    ['none, until midnight', midnight, noTtl, 'missing'],
    ['none, where none is meant', { kind: 'permanent' }, noTtl, 'kept'],
    ['some, where none is meant', { kind: 'permanent' }, 5000, 'unexpected'],
    ['zero, where none is meant', { kind: 'permanent' }, 0, 'unexpected'],
    ['just what the rule gives', hour, 3_600_000, 'kept'],
    ['a second more: clocks differ', hour, 3_601_000, 'kept'],
    ['three seconds more', hour, 3_603_000, 'too-long'],
    ['what is left of it', hour, 1, 'kept'],
    ['less than the least of a range: it was written a while ago', range, 1000, 'kept'],
    ['more than the most of a range', range, 1_203_000, 'too-long'],
    ['the end of the day', midnight, 3_600_000, 'kept'],
    ['half a minute before the end of the day', midnight, 3_570_000, 'kept'],
    ['two minutes before it', midnight, 3_480_000, 'drifting'],
    ['two minutes after it', midnight, 3_720_000, 'drifting'],
    ['midnight of the day after', midnight, 90_000_000, 'drifting'],
    ['more than any day has', midnight, 91_000_000, 'too-long'],
  ])('of %s', (_what, rule, ttlMillis, verdict) => {
    expect(ttlJudge(rule, atEleven)(ttlMillis)).toBe(verdict);
  });

  test('is never against a key that was written by the rule, however long ago', () => {
    const rules = fc.oneof(
      fc.integer({ min: 1, max: 1_000_000 }).map((seconds): TtlRule => ({ kind: 'fixed', seconds })),
      fc
        .tuple(fc.integer({ min: 1, max: 100_000 }), fc.nat(100_000))
        .map(([least, more]): TtlRule => ({ kind: 'range', minSeconds: least, maxSeconds: least + more })),
      fc
        .constantFrom('UTC', 'Europe/Prague', 'Asia/Kathmandu', 'America/Los_Angeles', 'Pacific/Kiritimati')
        .map((timeZone): TtlRule => ({ kind: 'untilMidnight', timeZone })),
    );
    const unit = fc.double({ min: 0, max: 1, maxExcluded: true, noNaN: true });
    // A year with both changes of the clocks.
    const times = fc.integer({ min: Date.UTC(2026, 0, 1), max: Date.UTC(2027, 0, 1) });
    fc.assert(
      fc.property(rules, unit, unit, unit, times, (rule, jitter, random, age, writtenAt) => {
        const seconds = ttlSecondsFor(rule, jitter, writtenAt, () => random) ?? 0;
        const ageMillis = Math.floor(age * seconds * 1000);
        const left = seconds * 1000 - ageMillis;
        expect(ttlJudge(rule, writtenAt + ageMillis)(left)).toBe('kept');
      }),
      { numRuns: rounds(300) },
    );
  });
});

describe('keys that are written with less than the rule says', () => {
  test('are told by the longest time left, once there are a hundred', () => {
    expect(fallsShort(hour, 0, 100, 1799)).toBe(true);
    expect(fallsShort(hour, 0, 100, 1800)).toBe(false);
    expect(fallsShort(hour, 0, 99, 60)).toBe(false);
    expect(fallsShort(range, 0, 500, 299)).toBe(true);
    expect(fallsShort(range, 0, 500, 300)).toBe(false);
  });

  test('may be as short as the jitter makes them', () => {
    expect(fallsShort(hour, 0.5, 100, 899)).toBe(true);
    expect(fallsShort(hour, 0.5, 100, 901)).toBe(false);
  });

  test('are none where the rule gives no least time', () => {
    expect(fallsShort(midnight, 0, 1000, 1)).toBe(false);
    expect(fallsShort({ kind: 'permanent' }, 0, 1000, 1)).toBe(false);
  });
});
