import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { ttlRuleOf } from '../../src/config/build-map.ts';
import {
  longestTtlSeconds,
  secondsUntilMidnight,
  type TtlRule,
  ttlSecondsFor,
} from '../../src/keyspace/ttl.ts';
import { rounds } from '../server/effort.ts';

const hour = 3600;
const at = (text: string) => Date.parse(text);

describe('a TTL rule of the map', () => {
  test.each([
    ['permanent', { kind: 'permanent' }],
    [3600, { kind: 'fixed', seconds: 3600 }],
    ['90', { kind: 'fixed', seconds: 90 }],
    ['1h30m', { kind: 'fixed', seconds: 5400 }],
    [
      { min: '30s', max: 3600 },
      { kind: 'range', minSeconds: 30, maxSeconds: 3600 },
    ],
    [{ untilMidnight: 'Europe/Prague' }, { kind: 'untilMidnight', timeZone: 'Europe/Prague' }],
  ] as const)('%j is read', (config, rule) => {
    expect(ttlRuleOf(config)).toEqual(rule);
  });

  test.each([
    [{ kind: 'permanent' }, null],
    [{ kind: 'fixed', seconds: 60 }, 60],
    [{ kind: 'range', minSeconds: 1, maxSeconds: 60 }, 60],
    [{ kind: 'untilMidnight', timeZone: 'UTC' }, 25 * hour],
  ] as const)('%j knows its longest TTL', (rule, longest) => {
    expect(longestTtlSeconds(rule)).toBe(longest);
  });
});

describe('the TTL of a key', () => {
  const now = at('2026-03-28T22:30:00Z');

  test('is none where keys are meant to be permanent', () => {
    expect(ttlSecondsFor({ kind: 'permanent' }, 0.5, now, () => 0.5)).toBeNull();
  });

  test('is the fixed one where there is no jitter', () => {
    expect(ttlSecondsFor({ kind: 'fixed', seconds: 3600 }, 0, now, () => 0.999)).toBe(3600);
  });

  test('is shortened by no more than the jitter, and never made longer', () => {
    fc.assert(
      fc.property(
        fc.integer({ min: 1, max: 10_000_000 }),
        fc.double({ min: 0, max: 1, noNaN: true }),
        fc.double({ min: 0, max: 1, maxExcluded: true, noNaN: true }),
        (seconds, jitter, draw) => {
          const ttl = ttlSecondsFor({ kind: 'fixed', seconds }, jitter, now, () => draw) ?? 0;
          expect(Number.isInteger(ttl)).toBe(true);
          expect(ttl).toBeLessThanOrEqual(seconds);
          expect(ttl).toBeGreaterThanOrEqual(Math.max(1, Math.floor(seconds * (1 - jitter))));
        },
      ),
    );
  });

  test('uses the whole width of the jitter', () => {
    const rule: TtlRule = { kind: 'fixed', seconds: 1000 };
    expect(ttlSecondsFor(rule, 0.2, now, () => 0)).toBe(1000);
    expect(ttlSecondsFor(rule, 0.2, now, () => 0.999_999)).toBe(800);
  });

  test('of a range lies within it, and is at least a second', () => {
    fc.assert(
      fc.property(
        fc.integer({ min: 0, max: 1000 }),
        fc.integer({ min: 0, max: 1000 }),
        fc.double({ min: 0, max: 1, maxExcluded: true, noNaN: true }),
        (least, width, draw) => {
          const rule: TtlRule = { kind: 'range', minSeconds: least / 10, maxSeconds: (least + width) / 10 };
          const ttl = ttlSecondsFor(rule, 0, now, () => draw) ?? 0;
          expect(ttl).toBeGreaterThanOrEqual(Math.max(1, Math.floor(rule.minSeconds)));
          expect(ttl).toBeLessThanOrEqual(Math.max(1, Math.ceil(rule.maxSeconds)));
        },
      ),
    );
  });

  test('until midnight takes no jitter', () => {
    const rule: TtlRule = { kind: 'untilMidnight', timeZone: 'UTC' };
    expect(ttlSecondsFor(rule, 0.5, now, () => 0.9)).toBe(1.5 * hour);
  });
});

describe('midnight', () => {
  test.each([
    ['in UTC', 'UTC', '2026-06-01T12:00:00Z', 12 * hour],
    ['in Prague in winter', 'Europe/Prague', '2026-01-15T12:00:00Z', 11 * hour],
    ['in Prague in summer', 'Europe/Prague', '2026-07-15T12:00:00Z', 10 * hour],
    [
      'at the start of the day that clocks in Prague shorten',
      'Europe/Prague',
      '2026-03-28T23:00:00Z',
      23 * hour,
    ],
    ['after the hour that Prague skips', 'Europe/Prague', '2026-03-29T01:00:00Z', 21 * hour],
    [
      'at the start of the day that clocks in Prague lengthen',
      'Europe/Prague',
      '2026-10-24T22:00:00Z',
      25 * hour,
    ],
    ['in the hour that Prague has twice', 'Europe/Prague', '2026-10-25T00:30:00Z', 22.5 * hour],
    ['in New York on the short day', 'America/New_York', '2026-03-08T05:00:00Z', 23 * hour],
    [
      'on Lord Howe Island, whose clocks change by half an hour',
      'Australia/Lord_Howe',
      '2026-04-04T13:00:00Z',
      24.5 * hour,
    ],
    ['in Kathmandu, 5 h 45 min from UTC', 'Asia/Kathmandu', '2026-06-01T18:00:00Z', 0.25 * hour],
    ['on Kiritimati, where it is tomorrow', 'Pacific/Kiritimati', '2026-06-01T09:59:00Z', 60],
    ['in Cairo on the day that begins at one', 'Africa/Cairo', '2026-04-23T21:00:00Z', hour],
    ['one second before', 'Europe/Prague', '2026-01-15T22:59:59Z', 1],
    ['less than a second before', 'Europe/Prague', '2026-01-15T22:59:59.900Z', 1],
    ['at midnight itself, of the next day', 'Europe/Prague', '2026-01-15T23:00:00Z', 24 * hour],
  ])('is found %s', (_where, timeZone, now, seconds) => {
    expect(secondsUntilMidnight(timeZone, at(now))).toBe(seconds);
  });

  test('starts the next date, in any zone and at any moment', () => {
    const zones = [
      ...['Europe/Prague', 'America/Sao_Paulo', 'Africa/Cairo', 'Asia/Beirut', 'Australia/Lord_Howe'],
      ...['America/St_Johns', 'Pacific/Apia', 'Asia/Tehran', 'America/Havana', 'UTC'],
    ];
    fc.assert(
      fc.property(
        fc.constantFrom(...zones),
        fc.integer({ min: at('2009-01-01'), max: at('2030-01-01') }),
        (timeZone, now) => {
          const dateOf = new Intl.DateTimeFormat('en-CA', { timeZone, dateStyle: 'short' });
          const seconds = secondsUntilMidnight(timeZone, now);
          const midnight = now + seconds * 1000;
          expect(seconds).toBeLessThanOrEqual(25 * hour);
          expect(dateOf.format(midnight + 1000)).not.toBe(dateOf.format(now));
          if (seconds > 1) expect(dateOf.format(midnight - 1000)).toBe(dateOf.format(now));
        },
      ),
      { numRuns: rounds(500) },
    );
  });
});
