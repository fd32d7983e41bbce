import { describe, expect, test } from 'vitest';
import { findingsOf } from '../../../src/traffic/figures/findings.ts';
import type { NamespaceTraffic } from '../../../src/traffic/report.ts';
import { trafficOf } from './traffic-examples.ts';

const window = { isReplica: false, windowSeconds: 10, notSelected: null };

const rulesOf = (...namespaces: NamespaceTraffic[]) =>
  findingsOf({ namespaces, ...window }).map(({ rule }) => rule);

test('a namespace that does well has none', () => {
  expect(
    findingsOf({
      namespaces: [trafficOf({ causes: { expired: 30, evicted: 30, invalidated: 40 } })],
      ...window,
    }),
  ).toEqual([]);
});

test('one whose figures are not known has none', () => {
  const unknown = { reads: null, hits: null, misses: null, hitRate: null, writes: null, newKeys: null };
  expect(
    findingsOf({
      namespaces: [trafficOf({ ...unknown, causes: null, firstMisses: null, stampedes: null, remedy: null })],
      ...window,
    }),
  ).toEqual([]);
});

describe('a target', () => {
  const missed = { hits: 790, reads: 1000, hitRate: 0.79, hitRateTarget: 0.8, targetMet: false };

  test('that is missed is one, with both rates, the reads and the interval', () => {
    const [finding] = findingsOf({ namespaces: [trafficOf(missed)], ...window });
    expect(finding).toMatchObject({
      ...{ rule: 'target-missed', namespace: 'users', reads: 1000, hitRate: 0.79, hitRateTarget: 0.8 },
      hitRateInterval: [expect.closeTo(0.763, 3), expect.closeTo(0.815, 3)],
    });
  });

  test.each([true, null])('of which it is %s that it is met is none', (targetMet) => {
    expect(rulesOf(trafficOf({ ...missed, targetMet }))).toEqual([]);
  });
});

describe('the cause of most of the misses', () => {
  const causes = [
    ['expired', 'expires-too-soon'],
    ['evicted', 'evicted-too-soon'],
    ['invalidated', 'removed-too-often'],
  ] as const;

  test.each(causes)('%s is %s where chance does not explain that it is most', (cause, rule) => {
    // Of 100 misses 61 are most of them for certain: at least 50.7 %.
    expect(rulesOf(trafficOf({ causes: { [cause]: 61, unknown: 39 } }))).toEqual([rule]);
    expect(rulesOf(trafficOf({ causes: { [cause]: 58, unknown: 42 } }))).toEqual([]);
    expect(rulesOf(trafficOf({ misses: 10_000, causes: { [cause]: 5200, unknown: 4800 } }))).toEqual([rule]);
  });

  test.each(causes)('%s is none of fewer than 100 misses', (cause, rule) => {
    expect(rulesOf(trafficOf({ misses: 100, causes: { [cause]: 100 } }))).toEqual([rule]);
    expect(rulesOf(trafficOf({ misses: 99, causes: { [cause]: 99 } }))).toEqual([]);
  });

  test('brings the figures of its remedy along, where there is one', () => {
    const ttl = {
      ...{ misses: 80, currentSeconds: 60, neededWindowSeconds: 70, assumption: '' },
      ...{ saveHalfSeconds: 90, saveHalfInterval: [80, 100] as const },
      ...{ saveNineTenthsSeconds: null, saveNineTenthsInterval: null },
    };
    const { assumption: _, ...figures } = ttl;
    expect(
      findingsOf({
        namespaces: [trafficOf({ causes: { expired: 80 }, remedy: { ttl, memory: null } })],
        ...window,
      }),
    ).toEqual([
      {
        ...{ rule: 'expires-too-soon', namespace: 'users', ...figures, misses: 100, share: 0.8 },
        shareInterval: [expect.closeTo(0.708, 3), expect.closeTo(0.873, 3)],
      },
    ]);
    expect(
      findingsOf({ namespaces: [trafficOf({ causes: { expired: 80 }, remedy: null })], ...window }),
    ).toMatchObject([{ rule: 'expires-too-soon', currentSeconds: null, saveHalfSeconds: null }]);
    const memory = {
      ...{ misses: 70, bytesPerKey: 100, assumption: '' },
      ...{ extraForHalfBytes: 1000, extraForHalfInterval: [900, 1100] as const },
      ...{ extraForNineTenthsBytes: null, extraForNineTenthsInterval: null },
    };
    expect(
      findingsOf({
        namespaces: [trafficOf({ causes: { evicted: 70 }, remedy: { ttl: null, memory } })],
        ...window,
      }),
    ).toMatchObject([
      { rule: 'evicted-too-soon', share: 0.7, extraForHalfBytes: 1000, extraForHalfInterval: [900, 1100] },
    ]);
  });
});

describe('keys that were never cached', () => {
  const ofCauses = (neverCached: number) => ({ causes: { neverCached, goneOrNew: 200 - neverCached } });
  const never = { misses: 200, ...ofCauses(0) };

  test('and are stored, and hardly hit, are never read again', () => {
    const dead = { ...never, reads: 202, hits: 2, hitRate: 2 / 202, newKeys: 120 };
    expect(findingsOf({ namespaces: [trafficOf(dead)], ...window })).toMatchObject([
      { rule: 'never-read-again', namespace: 'users', misses: 200, newKeys: 120, reads: 202 },
    ]);
    expect(rulesOf(trafficOf({ ...dead, reads: 208, hits: 8, hitRate: 8 / 208 }))).toEqual([]);
    expect(rulesOf(trafficOf({ ...dead, newKeys: 105 }))).toEqual([]);
    expect(rulesOf(trafficOf({ ...dead, hitRate: null }))).toEqual([]);
    const few = { ...dead, misses: 90, reads: 90, hits: 0, hitRate: 0, newKeys: 90 };
    expect(rulesOf(trafficOf({ ...few, causes: { goneOrNew: 90 } }))).toEqual([]);
    expect(rulesOf(trafficOf({ ...dead, kind: 'state' }))).toEqual([]);
  });

  test('and are missed again and again without being stored are never stored', () => {
    const absent = { ...never, newKeys: 3, ...ofCauses(120) };
    expect(findingsOf({ namespaces: [trafficOf(absent)], ...window })).toMatchObject([
      { rule: 'never-stored', namespace: 'users', misses: 200, share: 0.6 },
    ]);
    expect(rulesOf(trafficOf({ ...absent, newKeys: 6 }))).toEqual([]);
    expect(rulesOf(trafficOf({ ...absent, ...ofCauses(105) }))).toEqual([]);
    expect(rulesOf(trafficOf({ ...absent, kind: 'state' }))).toEqual([]);
    expect(rulesOf(trafficOf({ ...absent, hitRate: null }))).toEqual(['never-stored']);
    expect(rulesOf(trafficOf({ ...absent, newKeys: null }))).toEqual([]);
  });

  test('and have no hit and no write in a window with others are never stored, though each is asked for once', () => {
    const geo = {
      reads: 1542,
      hits: 0,
      hitRate: 0,
      misses: 1542,
      causes: { goneOrNew: 1542 },
      writes: 0,
      newKeys: 0,
    };
    const other = trafficOf({ namespace: 'other' });
    expect(findingsOf({ ...window, namespaces: [trafficOf(geo), other] })).toMatchObject([
      { rule: 'never-stored', namespace: 'users', reads: 1542, windowSeconds: 10, share: 1 },
    ]);
    const written = { reads: 0, hits: 0, misses: 0, writes: 7 };
    expect(findingsOf({ ...window, notSelected: written, namespaces: [trafficOf(geo)] })).toHaveLength(1);
    expect(rulesOf(trafficOf({ ...geo, newKeys: null }), other)).toEqual(['never-stored']);
    // Nothing is written at all, some is written, some hit, only a sample was seen, or state is gone.
    expect(rulesOf(trafficOf(geo))).toEqual([]);
    for (const change of [
      { writes: 1 },
      { newKeys: 1 },
      { hits: 1, misses: 1541 },
      { readsInterval: [1500, 1600] as const },
      { kind: 'state' as const },
    ])
      expect(rulesOf(trafficOf({ ...geo, ...change }), other)).toEqual([]);
  });
});

describe('writes that nobody reads', () => {
  const unread = { reads: 0, hits: 0, misses: 0, hitRate: null, writes: 100 };

  test('are one from 100 on, with the most reads that such a window leaves open', () => {
    expect(findingsOf({ namespaces: [trafficOf(unread)], ...window })).toEqual([
      {
        ...{ rule: 'written-not-read', namespace: 'users', writes: 100, readsPerWrite: 0 },
        readsPerWriteInterval: [0, expect.closeTo(0.036, 3)],
      },
    ]);
    expect(rulesOf(trafficOf({ ...unread, writes: 99 }))).toEqual([]);
  });

  test('are none of state, of keys that are read once, or where reads are not known or sampled', () => {
    expect(rulesOf(trafficOf({ ...unread, kind: 'state' }))).toEqual([]);
    expect(rulesOf(trafficOf({ ...unread, reads: 1 }))).toEqual([]);
    expect(rulesOf(trafficOf({ ...unread, reads: null }))).toEqual([]);
    expect(rulesOf(trafficOf({ ...unread, readsInterval: [0, 12] }))).toEqual([]);
  });
});

describe('stampedes', () => {
  test('are one where the largest has ten misses, of 100 or more', () => {
    const stampedes = { count: 1, extraMisses: 9, largest: 10 };
    expect(findingsOf({ namespaces: [trafficOf({ stampedes })], ...window })).toMatchObject([
      { rule: 'stampedes', namespace: 'users', ...stampedes, misses: 100, share: 0.09 },
    ]);
    expect(rulesOf(trafficOf({ stampedes: { count: 1, extraMisses: 8, largest: 9 } }))).toEqual([]);
    expect(rulesOf(trafficOf({ misses: 99, stampedes }))).toEqual([]);
  });

  test('are one where many small ones make a tenth of all misses for certain', () => {
    const small = (extraMisses: number) => ({ count: 30, extraMisses, largest: 2 });
    expect(rulesOf(trafficOf({ stampedes: small(18) }))).toEqual(['stampedes']);
    expect(rulesOf(trafficOf({ stampedes: small(15) }))).toEqual([]);
    expect(rulesOf(trafficOf({ misses: 3000, stampedes: small(340) }))).toEqual(['stampedes']);
    expect(rulesOf(trafficOf({ misses: 3000, stampedes: small(310) }))).toEqual([]);
  });
});

test.each(['expired', 'evicted', 'invalidated', 'neverCached'] as const)(
  'no finding of any kind comes of a handful of observations, were they all %s',
  (cause) => {
    const few = trafficOf({
      ...{ reads: 22, hits: 0, misses: 22, hitRate: 0, hitRateTarget: 0.9, targetMet: null, writes: 22 },
      ...{ newKeys: 22, firstMisses: 0, causes: { [cause]: 22 } },
      stampedes: { count: 1, extraMisses: 21, largest: 22 },
    });
    expect(rulesOf(few, { ...few, newKeys: 0 }, { ...few, reads: 0, misses: 0 })).toEqual([]);
  },
);

test('several namespaces come in their order, each with all that stands out', () => {
  const one = trafficOf({
    ...{ namespace: 'a', hitRate: 0.1, hitRateTarget: 0.5, targetMet: false, causes: { expired: 90 } },
    stampedes: { count: 3, extraMisses: 80, largest: 50 },
  });
  const found = findingsOf({
    namespaces: [one, trafficOf({ namespace: 'b', causes: { evicted: 70 } })],
    ...window,
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
  expect(findingsOf({ namespaces: [unread], ...window }).map(({ rule }) => rule)).toEqual([
    'written-not-read',
  ]);
  expect(findingsOf({ namespaces: [unread], ...window, isReplica: true })).toEqual([]);
});
