import { describe, expect, test } from 'vitest';
import { expireAtMidnight, observedRule } from '../../src/config/first-map/ttl-rule.ts';
import { observedEncoding } from '../../src/config/first-map/kind.ts';
import { KeyStatistics } from '../../src/keyspace/key-statistics.ts';
import { asBytes, bytesOf } from '../../src/support/bytes.ts';

const now = Date.parse('2026-03-05T10:20:30Z');

/** `count` keys whose TTLs lie evenly between the two, in seconds; `permanent` more without TTL. */
function statisticsOf(count: number, minSeconds: number, maxSeconds: number, permanent = 0): KeyStatistics {
  const statistics = new KeyStatistics();
  const add = (ttlMillis: number | null) => statistics.add({ memoryBytes: null, type: null, ttlMillis });
  for (let index = 0; index < count; index++) {
    const share = count === 1 ? 1 : index / (count - 1);
    add((minSeconds + share * (maxSeconds - minSeconds)) * 1000);
  }
  for (let index = 0; index < permanent; index++) add(-1);
  return statistics;
}

const ruleOf = (statistics: KeyStatistics, timeZone = 'UTC') => observedRule(statistics, now, timeZone).rule;

describe('the TTL rule drawn from what is left of TTLs', () => {
  test.each([
    [28, '30s'],
    [296, '5m'],
    [3599.5, '1h'],
    [7020, '2h'],
    [86_283, '1d'],
    [600_907, '7d'],
    [2_591_038, '30d'],
  ])('rounds %d s up to a duration that people choose: %s', (longest, rule) => {
    expect(ruleOf(statisticsOf(100, 1, longest))).toBe(rule);
  });

  test.each([
    [93_501, '2d'],
    [95, '2m'],
    [5000, '90m'],
    [40_000_000, '463d'],
  ])('rounds up also where many keys show an unusual one: %d s', (longest, rule) => {
    expect(ruleOf(statisticsOf(500, 1, longest))).toBe(rule);
  });

  test('is not sure where there are few keys', () => {
    expect(observedRule(statisticsOf(3, 1, 93_501), now, 'UTC')).toEqual({ rule: '2d', sure: false });
  });

  test('adds the time since the last use to what is left, less what clocks may differ by', () => {
    const statistics = statisticsOf(30, 1, 2000);
    const add = (ttlMillis: number, idleSeconds: number) =>
      statistics.add({ memoryBytes: null, type: null, ttlMillis, idleSeconds });
    add(1_000_000, 2601);
    expect(ruleOf(statistics)).toBe('1h');
    add(-1, 90_000);
    expect(ruleOf(statistics)).toBe('1h');
    add(1_000_000, 2603);
    expect(ruleOf(statistics)).toBe('90m');
    const sum = statisticsOf(30, 1, 2000);
    sum.merge(statistics);
    expect(ruleOf(sum)).toBe('90m');
  });

  test('is permanent where most keys have no TTL', () => {
    expect(ruleOf(statisticsOf(4, 1, 60, 6))).toBe('permanent');
    expect(ruleOf(statisticsOf(6, 1, 60, 4))).toBe('1m');
  });

  test('is unknown where no TTL could be read', () => {
    const statistics = new KeyStatistics();
    statistics.add({ memoryBytes: null, type: null, ttlMillis: null });
    expect(ruleOf(statistics)).toBeUndefined();
  });

  const until = (moment: string) => (Date.parse(moment) - now) / 1000;

  test.each([
    ['2026-03-06T00:00:00Z', 'UTC', 'UTC'],
    ['2026-03-06T00:00:00Z', 'Europe/Prague', 'UTC'],
    ['2026-03-05T23:00:00Z', 'Europe/Prague', 'Europe/Prague'],
    ['2026-03-05T18:30:00Z', 'Asia/Kolkata', 'Asia/Kolkata'],
  ])('ends at midnight where all keys expire at %s, seen from %s', (moment, local, timeZone) => {
    const left = until(moment);
    expect(ruleOf(statisticsOf(50, left - 2, left), local)).toEqual({ untilMidnight: timeZone });
  });

  test('is no midnight where keys were only written together', () => {
    expect(expireAtMidnight(statisticsOf(50, 3590, 3592), now)).toBe(false);
    expect(ruleOf(statisticsOf(50, 3590, 3592))).toBe('1h');
  });

  /** 30 keys that end together, each written as long ago as `idleSeconds` says. */
  const endingAt = (moment: string, idleSeconds: (index: number) => number) => {
    const statistics = new KeyStatistics();
    const reading = { memoryBytes: null, type: null, ttlMillis: until(moment) * 1000 };
    for (let index = 0; index < 30; index++) statistics.add({ ...reading, idleSeconds: idleSeconds(index) });
    return statistics;
  };

  test('is a day where keys of many hours expire together at what is midnight somewhere else', () => {
    expect(ruleOf(endingAt('2026-03-05T17:30:00Z', (index) => index * 600))).toBe('1d');
  });

  test('is no midnight where keys with one TTL were written together, and end when it is midnight somewhere', () => {
    const moment = '2026-03-05T17:30:00Z';
    expect(ruleOf(endingAt(moment, () => 8 * 3600 - until(moment)))).toBe('8h');
  });

  test.each([
    ['2026-03-05T17:30:00Z', '8h'],
    ['2026-03-05T23:59:40Z', '1d'],
    ['2026-03-06T00:00:30Z', '1d'],
    ['2026-03-06T00:00:00Z', { untilMidnight: 'UTC' }],
  ])('without idle times is of midnight only where keys expire at midnight itself: %s', (moment, rule) => {
    const left = until(moment);
    expect(ruleOf(statisticsOf(50, left, left + 2))).toEqual(rule);
  });

  test('is no midnight where few keys expire together by chance', () => {
    const left = until('2026-03-06T00:00:00Z');
    expect(expireAtMidnight(statisticsOf(5, left, left), now)).toBe(false);
  });
});

describe('the encoding drawn from values', () => {
  const encodingOf = (...values: readonly string[]) =>
    observedEncoding(values.map((value) => ({ bytes: bytesOf(value), truncated: false })));

  test.each([
    ['{"id":1}', { encoding: 'json' }],
    ['[1,2]', { encoding: 'json' }],
    ['{"data":{},"timestamp":1,"type":"x"}', { encoding: 'json-envelope' }],
    [
      '{"response":"…","model":"m","cached_at":"t"}',
      { encoding: 'json-envelope', envelopeField: 'response' },
    ],
    ['{"data":{},"type":"x"}', { encoding: 'json' }],
    ['{"created_at":"t","name":"x"}', { encoding: 'json' }],
    ['42', { encoding: 'integer' }],
    ['dobrý den', { encoding: 'text' }],
  ])('of %s', (value, encoding) => {
    expect(encodingOf(value)).toEqual(encoding);
  });

  test('is binary where the bytes are no text', () => {
    expect(observedEncoding([{ bytes: asBytes('\xff\xf3\x84\xc4'), truncated: false }])).toEqual({
      encoding: 'binary',
    });
  });

  test('of a long value is drawn from its start', () => {
    const start = `{"items":[${'1,'.repeat(100)}`;
    expect(observedEncoding([{ bytes: bytesOf(start), truncated: true }])).toEqual({ encoding: 'json' });
  });

  test('is unknown where values differ, or there are none', () => {
    expect(encodingOf('{"id":1}', 'text')).toBeNull();
    expect(encodingOf()).toBeNull();
  });
});
