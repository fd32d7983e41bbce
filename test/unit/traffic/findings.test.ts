import { describe, expect, test } from 'vitest';
import { findingsOf } from '../../../src/traffic/figures/findings.ts';
import type { NamespaceTraffic } from '../../../src/traffic/report.ts';
import { trafficOf } from './traffic-examples.ts';

const rulesOf = (...namespaces: NamespaceTraffic[]) =>
  findingsOf({ namespaces, isReplica: false }).map(({ rule }) => rule);

test('a namespace that does well has none', () => {
  expect(
    findingsOf({
      namespaces: [trafficOf({ causes: { expired: 30, evicted: 30, invalidated: 40 } })],
      isReplica: false,
    }),
  ).toEqual([]);
});

test('one whose figures are not known has none', () => {
  const unknown = { reads: null, hits: null, misses: null, hitRate: null, writes: null, newKeys: null };
  expect(
    findingsOf({
      namespaces: [trafficOf({ ...unknown, causes: null, firstMisses: null, stampedes: null, remedy: null })],
      isReplica: false,
    }),
  ).toEqual([]);
});

describe('a target', () => {
  test('that is missed is one, with both rates', () => {
    expect(
      findingsOf({
        namespaces: [trafficOf({ hitRate: 0.79, hitRateTarget: 0.8, targetMet: false })],
        isReplica: false,
      }),
    ).toEqual([{ rule: 'target-missed', namespace: 'users', hitRate: 0.79, hitRateTarget: 0.8 }]);
  });

  test.each([true, null])('of which it is %s that it is met is none', (targetMet) => {
    expect(rulesOf(trafficOf({ hitRate: 0.79, hitRateTarget: 0.8, targetMet }))).toEqual([]);
  });
});

describe('the cause of half of the misses', () => {
  const causes = [
    ['expired', 'expires-too-soon'],
    ['evicted', 'evicted-too-soon'],
    ['invalidated', 'removed-too-often'],
  ] as const;

  test.each(causes)('%s is %s: with half of them, not with fewer', (cause, rule) => {
    expect(rulesOf(trafficOf({ causes: { [cause]: 50, unknown: 50 } }))).toEqual([rule]);
    expect(rulesOf(trafficOf({ causes: { [cause]: 49, unknown: 51 } }))).toEqual([]);
  });

  test.each(causes)('%s is none of fewer than 20 misses', (cause, rule) => {
    expect(rulesOf(trafficOf({ misses: 20, causes: { [cause]: 20 } }))).toEqual([rule]);
    expect(rulesOf(trafficOf({ misses: 19, causes: { [cause]: 19 } }))).toEqual([]);
  });

  test('brings the figures of its remedy along, where there is one', () => {
    const ttl = {
      misses: 80,
      currentSeconds: 60,
      saveHalfSeconds: 90,
      saveNineTenthsSeconds: 500,
      assumption: '',
    };
    expect(
      findingsOf({
        namespaces: [trafficOf({ causes: { expired: 80 }, remedy: { ttl, memory: null } })],
        isReplica: false,
      }),
    ).toEqual([
      {
        ...{ rule: 'expires-too-soon', namespace: 'users', share: 0.8 },
        ...{ currentSeconds: 60, saveHalfSeconds: 90, saveNineTenthsSeconds: 500 },
      },
    ]);
    expect(
      findingsOf({ namespaces: [trafficOf({ causes: { expired: 80 }, remedy: null })], isReplica: false }),
    ).toMatchObject([{ rule: 'expires-too-soon', currentSeconds: null, saveHalfSeconds: null }]);
    const memory = {
      ...{ misses: 70, bytesPerKey: 100, assumption: '' },
      ...{ extraForHalfBytes: 1000, extraForNineTenthsBytes: null },
    };
    expect(
      findingsOf({
        namespaces: [trafficOf({ causes: { evicted: 70 }, remedy: { ttl: null, memory } })],
        isReplica: false,
      }),
    ).toMatchObject([
      { rule: 'evicted-too-soon', share: 0.7, extraForHalfBytes: 1000, extraForNineTenthsBytes: null },
    ]);
  });

  test('is one alone where two have a half each', () => {
    expect(rulesOf(trafficOf({ causes: { evicted: 50, invalidated: 50 } }))).toEqual(['evicted-too-soon']);
  });
});

describe('keys that were never cached', () => {
  const never = { misses: 100, causes: { neverCached: 100 } };

  test('and are stored, and hardly hit, are never read again', () => {
    const dead = { ...never, hitRate: 0.019, newKeys: 50, firstMisses: 100 };
    expect(findingsOf({ namespaces: [trafficOf(dead)], isReplica: false })).toEqual([
      { rule: 'never-read-again', namespace: 'users', misses: 100, newKeys: 50, hitRate: 0.019 },
    ]);
    expect(rulesOf(trafficOf({ ...dead, hitRate: 0.02 }))).toEqual([]);
    expect(rulesOf(trafficOf({ ...dead, newKeys: 49 }))).toEqual([]);
    expect(rulesOf(trafficOf({ ...dead, hitRate: null }))).toEqual([]);
  });

  test('and are missed again and again without being stored are never stored', () => {
    const absent = { ...never, newKeys: 4, firstMisses: 50 };
    expect(findingsOf({ namespaces: [trafficOf(absent)], isReplica: false })).toEqual([
      { rule: 'never-stored', namespace: 'users', misses: 100, share: 0.5 },
    ]);
    expect(rulesOf(trafficOf({ ...absent, newKeys: 5 }))).toEqual([]);
    expect(rulesOf(trafficOf({ ...absent, firstMisses: 51 }))).toEqual([]);
    expect(rulesOf(trafficOf({ ...absent, hitRate: null }))).toEqual(['never-stored']);
    expect(rulesOf(trafficOf({ ...absent, newKeys: null }))).toEqual([]);
  });
});

describe('writes that nobody reads', () => {
  const unread = { reads: 0, hits: 0, misses: 0, hitRate: null, writes: 20 };

  test('are one from 20 on', () => {
    expect(findingsOf({ namespaces: [trafficOf(unread)], isReplica: false })).toEqual([
      { rule: 'written-not-read', namespace: 'users', writes: 20 },
    ]);
    expect(rulesOf(trafficOf({ ...unread, writes: 19 }))).toEqual([]);
  });

  test('are none of state, of keys that are read once, or where reads are not known', () => {
    expect(rulesOf(trafficOf({ ...unread, kind: 'state' }))).toEqual([]);
    expect(rulesOf(trafficOf({ ...unread, reads: 1 }))).toEqual([]);
    expect(rulesOf(trafficOf({ ...unread, reads: null }))).toEqual([]);
  });
});

describe('stampedes', () => {
  test('are one where the largest has ten misses', () => {
    const stampedes = { count: 1, extraMisses: 9, largest: 10 };
    expect(findingsOf({ namespaces: [trafficOf({ stampedes })], isReplica: false })).toEqual([
      { rule: 'stampedes', namespace: 'users', ...stampedes },
    ]);
    expect(rulesOf(trafficOf({ stampedes: { count: 1, extraMisses: 8, largest: 9 } }))).toEqual([]);
  });

  test('are one where many small ones make 20 misses and a tenth of all', () => {
    const small = (extraMisses: number) => ({ count: 30, extraMisses, largest: 2 });
    expect(rulesOf(trafficOf({ stampedes: small(20) }))).toEqual(['stampedes']);
    expect(rulesOf(trafficOf({ stampedes: small(19) }))).toEqual([]);
    expect(rulesOf(trafficOf({ misses: 300, stampedes: small(30) }))).toEqual(['stampedes']);
    expect(rulesOf(trafficOf({ misses: 300, stampedes: small(29) }))).toEqual([]);
  });
});

test('several namespaces come in their order, each with all that stands out', () => {
  const one = trafficOf({
    ...{ namespace: 'a', hitRate: 0.1, hitRateTarget: 0.5, targetMet: false, causes: { expired: 90 } },
    stampedes: { count: 3, extraMisses: 80, largest: 50 },
  });
  const found = findingsOf({
    namespaces: [one, trafficOf({ namespace: 'b', causes: { evicted: 60 } })],
    isReplica: false,
  });
  expect(found.map(({ namespace, rule }) => `${namespace} ${rule}`)).toEqual([
    'a target-missed',
    'a expires-too-soon',
    'a stampedes',
    'b evicted-too-soon',
  ]);
});

test('writes that a replica takes over from its primary are no reason to ask for reads', () => {
  const unread = trafficOf({ reads: 0, hits: 0, hitRate: null, writes: 100, causes: {} });
  expect(findingsOf({ namespaces: [unread], isReplica: false }).map(({ rule }) => rule)).toEqual([
    'written-not-read',
  ]);
  expect(findingsOf({ namespaces: [unread], isReplica: true })).toEqual([]);
});
