import { describe, expect, test } from 'vitest';
import type { FixtureRecord } from '../../src/records/fixtures/record.ts';
import { TtlPolicy } from '../../src/records/fixtures/ttl-policy.ts';
import { buildMap } from '../../src/config/build-map.ts';
import { bytesOf } from '../../src/support/bytes.ts';

const map = buildMap({
  namespaces: {
    fixed: { pattern: 'fixed:*', ttl: '1h', jitter: 0.5 },
    range: { pattern: 'range:*', ttl: { min: 100, max: 200 } },
    permanent: { pattern: 'permanent:*', ttl: 'permanent' },
    midnight: { pattern: 'midnight:*', ttl: { untilMidnight: 'Europe/Prague' } },
    silent: { pattern: 'silent:*' },
    guessed: { pattern: 'guessed:*', ttl: '1h', ttlGuessed: true },
  },
});

function given(
  name: string,
  ttlSeconds?: number | null,
  options: { seconds?: number; random?: number; now?: string } = {},
) {
  const key = bytesOf(`${name}:1`);
  const record: FixtureRecord = {
    key,
    value: { type: 'string', bytes: bytesOf('x') },
    ttlSeconds,
    valueBytes: 1,
  };
  const policy = new TtlPolicy({
    fallbackSeconds: options.seconds ?? null,
    fallbackJitter: 0.2,
    mapJitter: null,
    now: () => Date.parse(options.now ?? '2026-03-01T12:00:00Z'),
    random: () => options.random ?? 0,
  });
  return policy.ttlFor(record, map.classify(key));
}

describe('the TTL of a key', () => {
  test('is what the record says, to the letter', () => {
    expect(given('fixed', 0.5, { random: 0.9 })).toEqual({ seconds: 0.5, source: 'record' });
    expect(given('fixed', null)).toEqual({ seconds: null, source: 'record' });
  });

  test('is a guess of the map where nothing better is known, and what was asked for where it was', () => {
    expect(given('guessed', undefined)).toEqual({ seconds: 3600, source: 'map' });
    expect(given('guessed', undefined, { seconds: 10 })).toEqual({ seconds: 10, source: 'option' });
  });

  test('is what the map says, with its jitter, where the record is silent', () => {
    expect(given('fixed', undefined, { random: 0.5, seconds: 10 })).toEqual({ seconds: 2700, source: 'map' });
    expect(given('range', undefined, { random: 0.5 })).toEqual({ seconds: 150, source: 'map' });
    expect(given('permanent', undefined, { seconds: 10 })).toEqual({ seconds: null, source: 'map' });
    expect(given('midnight', undefined, { now: '2026-03-01T22:00:00Z' })).toEqual({
      seconds: 3600,
      source: 'map',
    });
  });

  test('is that of the option, with its jitter, where the map is silent too', () => {
    expect(given('silent', undefined, { seconds: 1000, random: 0.5 })).toEqual({
      seconds: 900,
      source: 'option',
    });
    expect(given('unknown', undefined, { seconds: 1000 })).toEqual({ seconds: 1000, source: 'option' });
  });

  test('is none where nobody says anything', () => {
    expect(given('unknown')).toEqual({ seconds: null, source: 'none' });
  });

  test('until midnight follows the clock, also into the next day', () => {
    let now = Date.parse('2026-03-01T22:59:00Z');
    const policy = new TtlPolicy({
      fallbackSeconds: null,
      fallbackJitter: 0,
      mapJitter: null,
      now: () => now,
      random: () => 0,
    });
    const key = bytesOf('midnight:1');
    const record: FixtureRecord = {
      key,
      value: { type: 'string', bytes: key },
      ttlSeconds: undefined,
      valueBytes: 1,
    };
    const seconds = () => policy.ttlFor(record, map.classify(key)).seconds;

    expect(seconds()).toBe(60);
    now += 45_000;
    expect(seconds()).toBe(15);
    now += 15_000;
    expect(seconds()).toBe(86_400);
  });
});
