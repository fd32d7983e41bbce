import { unmappedName } from '../../src/keyspace/map.ts';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { buildMap } from '../../src/config/build-map.ts';
import { PlanTally } from '../../src/changes/plan-tally.ts';
import {
  byKeys,
  type Finding,
  findings,
  KeyJudge,
  type PruningGoals,
  type Reason,
} from '../../src/changes/prune.ts';
import { asBytes } from '../../src/support/bytes.ts';

const map = buildMap({
  namespaces: {
    wide: { pattern: 'user:*', ttl: '1h' },
    session: { pattern: 'user:<id>:session', kind: 'state', ttl: '1h' },
    forever: { pattern: 'badge:*', ttl: 'permanent' },
    loose: { pattern: 'draft:*' },
    daily: { pattern: 'day:*', ttl: { untilMidnight: 'Europe/Prague' } },
  },
});
const everything: PruningGoals = { withoutTtl: true, tooLong: true, idleSeconds: 100, namespaces: [] };
const at = (text: string) => Date.parse(text);
const noon = at('2026-03-05T12:00:00+01:00');
const hour = 3_600_000;

const judged = (
  key: string,
  ttlMillis: number | null,
  idleSeconds: number | null,
  goals = everything,
  now = noon,
) => new KeyJudge(map, goals).judge(map.classify(asBytes(key)), ttlMillis, idleSeconds, now);

describe('what speaks against a key', () => {
  test.each([
    ['user:1', -1, 0, { finding: 'withoutTtl', stays: null }],
    ['user:1', hour, 0, null],
    ['user:1', hour + 1500, 0, null],
    ['user:1', 2 * hour, 0, { finding: 'tooLong', stays: null }],
    ['user:1', -1, 99, { finding: 'withoutTtl', stays: null }],
    ['user:1', -1, 100, { finding: 'idle', stays: null }],
    ['user:1', null, null, null],
    ['user:1:session', -1, 0, { finding: 'withoutTtl', stays: 'state' }],
    ['user:1:session', 2 * hour, 0, { finding: 'tooLong', stays: 'state' }],
    ['user:1:session', hour, 500, { finding: 'idle', stays: 'state' }],
    ['badge:1', -1, 0, null],
    ['badge:1', 999 * hour, 0, null],
    ['badge:1', -1, 500, { finding: 'idle', stays: null }],
    ['draft:1', -1, 0, { finding: 'withoutTtl', stays: 'noRule' }],
    ['draft:1', 999 * hour, 0, null],
    ['other', -1, 0, { finding: 'withoutTtl', stays: 'unmapped' }],
    ['other', 999 * hour, 0, null],
    ['other', -1, 500, { finding: 'idle', stays: 'unmapped' }],
    ['day:1', 12 * hour, 0, null],
    ['day:1', 3 * hour, 0, null],
    ['day:1', 13 * hour, 0, { finding: 'tooLong', stays: null }],
  ] as const)('%s with %s ms left, idle for %s s: %j', (key, ttl, idle, verdict) => {
    expect(judged(key, ttl, idle)).toEqual(verdict);
  });

  test('is nothing that was not looked for', () => {
    const nothing = { ...everything, withoutTtl: false, tooLong: false, idleSeconds: null };
    expect(judged('user:1', -1, 500, nothing)).toBeNull();
    expect(judged('user:1', -1, 500, { ...nothing, tooLong: true })).toBeNull();
    expect(judged('user:1', 2 * hour, 500, { ...nothing, withoutTtl: true })).toBeNull();
  });

  test('is judged by the day that it is, also where midnight passes during a walk', () => {
    const judge = new KeyJudge(map, everything);
    const daily = map.classify(asBytes('day:1'));
    const before = at('2026-03-05T23:30:00+01:00');
    expect(judge.judge(daily, 20 * hour, 0, before)?.finding).toBe('tooLong');
    expect(judge.judge(daily, 20 * hour, 0, before + hour)).toBeNull();
  });

  test('never makes a key of state, or outside the map, one to change', () => {
    const keys = fc.constantFrom(
      'user:1',
      'user:1:session',
      'badge:1',
      'draft:1',
      'other',
      'day:1',
      'user:2:session',
    );
    const goals = fc.record({
      withoutTtl: fc.boolean(),
      tooLong: fc.boolean(),
      idleSeconds: fc.option(fc.integer({ min: 1, max: 1000 })),
      namespaces: fc.constant([]),
    });
    const ttl = fc.oneof(fc.constant(-1), fc.integer({ min: 1, max: 1000 * hour }));
    fc.assert(
      fc.property(keys, goals, ttl, fc.nat(2000), (key, wanted, ttlMillis, idle) => {
        const verdict = judged(key, ttlMillis, idle, wanted);
        const namespace = map.classify(asBytes(key));
        return verdict?.stays !== null || namespace?.kind === 'cache';
      }),
    );
  });
});

describe('what is read', () => {
  const reads = (goals: Partial<PruningGoals>) => {
    const none = { withoutTtl: false, tooLong: false, idleSeconds: null, namespaces: [] };
    const judge = new KeyJudge(map, { ...none, ...goals });
    return [...map.namespaces, null]
      .filter((each) => judge.isOfInterest(each))
      .map((each) => each?.name ?? unmappedName);
  };

  test('is no more than what can matter', () => {
    expect(reads({ withoutTtl: true })).toEqual(['wide', 'session', 'loose', 'daily', unmappedName]);
    expect(reads({ tooLong: true })).toEqual(['wide', 'session', 'daily']);
    expect(reads({ idleSeconds: 1 })).toHaveLength(6);
    expect(reads({ idleSeconds: 1, namespaces: ['loose'] })).toEqual(['loose']);
    expect(reads({ tooLong: true, namespaces: ['loose'] })).toEqual([]);
  });
});

describe('a plan', () => {
  const tallyOf = (mostKeys: number) => new PlanTally<Finding, Reason>(findings, map, mostKeys);
  const change = { finding: 'withoutTtl', stays: null } as const;

  test('holds a key once, though SCAN gives it twice', () => {
    const tally = tallyOf(10);
    for (const key of ['a', 'b', 'a']) tally.take(asBytes(key), 'wide', change, 50);
    tally.take(asBytes('s'), 'session', { finding: 'withoutTtl', stays: 'state' }, 50);
    tally.take(asBytes('s'), 'session', { finding: 'withoutTtl', stays: 'state' }, 50);

    const plan = tally.result(byKeys);
    expect(plan.keys.withoutTtl).toEqual(['a', 'b']);
    expect(plan.memoryBytes).toBe(100);
    expect(plan.namespaces.map(({ name, found, left }) => [name, found.withoutTtl, left?.keys])).toEqual([
      ['wide', 2, undefined],
      ['session', 1, 1],
    ]);
  });

  test('takes no more keys than it may, and says so', () => {
    const tally = tallyOf(3);
    for (const key of ['a', 'b', 'c', 'd']) tally.take(asBytes(key), 'wide', change, null);

    expect(tally.isFull).toBe(true);
    expect(tally.result(byKeys)).toMatchObject({ keys: { withoutTtl: ['a', 'b', 'c'] }, memoryBytes: null });
  });

  test('is not filled by what stays', () => {
    const tally = tallyOf(2);
    for (let id = 0; id < 10; id++)
      tally.take(asBytes(`s${id}`), 'session', { finding: 'idle', stays: 'state' }, 1);

    expect(tally.isFull).toBe(false);
    expect(tally.result(byKeys).namespaces[0]?.left).toEqual({ keys: 10, reason: 'state' });
  });

  test('shows keys of every namespace', () => {
    const tally = tallyOf(100);
    for (let id = 0; id < 50; id++) tally.take(asBytes(`w${id}`), 'wide', change, 1);
    tally.take(asBytes('one'), unmappedName, change, 1);

    const { sample } = tally.result(byKeys);
    expect(sample).toHaveLength(10);
    expect(sample.map(({ key }) => key)).toContain('one');
  });
});

test('a rule that is a guess speaks against keys, and leaves them as they are', () => {
  const guesses = buildMap({
    namespaces: {
      profile: { pattern: 'user:<id>', ttl: '1h', ttlGuessed: true },
      badge: { pattern: 'badge:<id>', ttl: 'permanent', ttlGuessed: true },
      lock: { pattern: 'lock:<id>', ttl: '1h', ttlGuessed: true, kind: 'state' },
    },
  });
  const judge = new KeyJudge(guesses, {
    withoutTtl: true,
    tooLong: true,
    idleSeconds: 100,
    namespaces: [],
  });
  const verdictOn = (key: string, ttlMillis: number, idleSeconds: number) =>
    judge.judge(guesses.classify(asBytes(key)), ttlMillis, idleSeconds, noon);
  expect(verdictOn('user:1', -1, 0)).toEqual({ finding: 'withoutTtl', stays: 'guessedRule' });
  expect(verdictOn('user:1', 7_200_000, 0)).toEqual({ finding: 'tooLong', stays: 'guessedRule' });
  expect(verdictOn('user:1', 3_600_000, 0)).toBeNull();
  expect(verdictOn('user:1', -1, 100)).toEqual({ finding: 'idle', stays: null });
  expect(verdictOn('badge:1', -1, 0)).toEqual({ finding: 'withoutTtl', stays: 'guessedRule' });
  expect(verdictOn('badge:1', 1000, 0)).toBeNull();
  expect(verdictOn('lock:1', -1, 0)).toEqual({ finding: 'withoutTtl', stays: 'state' });
});
