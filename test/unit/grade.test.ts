import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { gradeOf } from '../../src/health/grade.ts';
import { defaultHitRateTarget } from '../../src/health/hit-rate.ts';
import { good, grade, gradeFactsWith, observed, reason, target } from './grade-facts.ts';
import { answersTo, factsOfInfo } from './health-facts.ts';
import { fewestLookups } from '../../src/traffic/report.ts';
import { rounds } from '../server/effort.ts';

describe('a cache with hits, memory left and nothing evicted', () => {
  test('is an A, for reasons that are all good', () => {
    const { letter, reasons } = grade();
    expect(letter).toBe('A');
    expect(reasons).toEqual([
      {
        rule: 'hit-rate',
        points: 0,
        tone: 'good',
        text: 'hit rate 95.0 % since the counters began reaches the default target of 80.0 %',
      },
      { rule: 'memory', points: 0, tone: 'good', text: 'memory at 50.0 % of `maxmemory`' },
    ]);
  });
});

describe('the hit rate', () => {
  test.each([
    [0.8, 'A'],
    [0.79, 'B'],
    [0.65, 'B'],
    [0.55, 'B'],
    [0.5, 'C'],
    [0.4, 'C'],
    [0.3, 'D'],
    [0.2, 'F'],
    [0, 'F'],
  ])('of %d alone makes a %s', (rate, letter) => {
    const hits = Math.round(rate * 10_000);
    expect(grade({ lifetime: { hits, misses: 10_000 - hits } }).letter).toBe(letter);
  });

  test('is held against the target of the map where it has one', () => {
    const facts = { lifetime: { hits: 700, misses: 300 } };
    expect(reason('hit-rate', { ...facts, hitRateTarget: 0.6 })).toMatchObject({
      tone: 'good',
      text: "hit rate 70.0 % since the counters began reaches the map's target of 60.0 %",
    });
    expect(reason('hit-rate', { ...facts, hitRateTarget: 0.75 })).toMatchObject({
      tone: 'bad',
      points: 10,
      text: "hit rate 70.0 % since the counters began is below the map's target of 75.0 %",
    });
  });

  test('of nearly everything does not read 100 %', () => {
    expect(reason('hit-rate', { lifetime: { hits: 999_999, misses: 1 } })?.text).toMatch(/^hit rate 99\.9 %/);
    expect(reason('hit-rate', { lifetime: { hits: 1000, misses: 0 } })?.text).toMatch(/^hit rate 100\.0 %/);
  });

  test.each([
    [{ hits: 0, misses: 0 }, 'hit rate not judged: no traffic since the counters began'],
    [{ hits: 0, misses: 1 }, 'hit rate not judged: only 1 read since the counters began'],
    [{ hits: 0, misses: 99 }, 'hit rate not judged: only 99 reads since the counters began'],
  ])('of %j is not judged, and nothing bad is said of the cache', (lifetime, text) => {
    const { letter, reasons } = grade({ lifetime, info: { maxmemory: '0' } });
    expect(letter).toBeNull();
    expect(reasons[0]).toEqual({ rule: 'hit-rate', points: 0, tone: 'plain', text });
    expect(reasons.map(({ tone }) => tone)).not.toContain('bad');
  });

  test('that is not known leaves no grade', () => {
    expect(grade({ lifetime: null })).toMatchObject({ letter: null, reasons: [{ rule: 'memory' }] });
  });

  test('of the window is judged where one was measured', () => {
    expect(reason('hit-rate', { window: { hits: 40, misses: 160 } })).toMatchObject({
      tone: 'bad',
      text: 'hit rate 20.0 % in the window is below the default target of 80.0 %',
    });
  });

  test('of the lifetime is judged where the window saw too little', () => {
    const window = { hits: 0, misses: 5 };
    expect(grade({ window }).letter).toBe('A');
    expect(reason('hit-rate', { window })?.text).toBe(
      'hit rate 95.0 % since the counters began reaches the default target of 80.0 %',
    );
    const few = { hits: 3, misses: 3 };
    expect(reason('hit-rate', { window, lifetime: few })?.text).toBe(
      'hit rate not judged: only 5 reads in the window',
    );
    expect(grade({ window, lifetime: few }).letter).toBeNull();
  });
});

describe('the targets of namespaces', () => {
  test('that are met are a good reason, and nothing is held against another target', () => {
    const { letter, reasons } = grade(
      observed([target('feed', 900, 0.55, 0.5), target('user', 100, 0.99, 0.95)]),
    );
    expect(letter).toBe('A');
    expect(reasons.slice(0, 2)).toEqual([
      {
        rule: 'namespace-targets',
        points: 0,
        tone: 'good',
        text: 'all 2 namespaces with a target that were observed reach it',
      },
      {
        rule: 'hit-rate',
        points: 0,
        tone: 'plain',
        text: 'hit rate 59.4 % while observed: judged by the targets of the namespaces',
      },
    ]);
  });

  test('that are missed name the namespace that costs most', () => {
    const facts = observed([
      target('small', 100, 0, 0.5),
      target('large', 1000, 0.5, 0.9),
      target('fine', 900, 0.95, 0.9),
    ]);
    expect(reason('namespace-targets', facts)).toEqual({
      rule: 'namespace-targets',
      // 60 points of 100 / 2000 at the bottom and of 1000 / 2000 at 8/9 of the way to half the target.
      points: 30,
      tone: 'bad',
      text: '2 of 3 namespaces miss their targets, most of all large: hit rate 50.0 %, target 90.0 %',
    });
    expect(reason('hit-rate', facts)).toMatchObject({ points: 0, tone: 'plain' });
    expect(reason('namespace-targets', observed([target('only', 100, 0.5, 0.9)]))?.text).toBe(
      'only misses its target: hit rate 50.0 %, target 90.0 %',
    );
  });

  test.each([
    [1000, 0.89, 5],
    [1000, 0.675, 30],
    [1000, 0.45, 60],
    [1000, 0, 60],
    [250, 0.45, 15],
    [10, 0, 5],
  ])(
    'weigh by their share: %d of 1,000 reads with a rate of %d for 0.9 cost %d points',
    (reads, rate, points) => {
      const others = [target('fine', 1000 - reads, 1, 0.9)].slice(reads === 1000 ? 1 : 0);
      const facts = observed([target('products', reads, rate, 0.9), ...others]);
      expect(reason('namespace-targets', facts)?.points).toBe(points);
    },
  );

  test('leave the caches without a target to the target of the whole', () => {
    const facts = observed([target('products', 500, 0.95, 0.9)], { hits: 200, misses: 300 });
    expect(reason('hit-rate', facts)).toEqual({
      rule: 'hit-rate',
      // Half of the reads with half of the target: half of 30.
      points: 15,
      tone: 'bad',
      text: 'hit rate 40.0 % of the caches without a target is below the default target of 80.0 %',
    });
  });

  test("never cost the same misses twice where the map has a target of the whole server's as well", () => {
    const costs = (rate: number, hitRateTarget: number) =>
      grade({ ...observed([target('products', 1000, rate, 0.9)]), hitRateTarget })
        .reasons.filter(({ rule }) => rule === 'namespace-targets' || rule === 'hit-rate')
        .map(({ points, tone, text }) => ({ points, tone, text }));
    expect(costs(0.45, 0.9)[1]).toEqual({
      points: 0,
      tone: 'plain',
      text: "hit rate 45.0 % while observed is below the map's target of 90.0 %: counted with the namespaces",
    });
    // The namespace costs 7, the whole server 10.
    expect(costs(0.85, 0.9).map(({ points }) => points)).toEqual([7, 3]);
    // Its target is met, and that of the whole server is not.
    expect(costs(0.92, 0.99).map(({ points, tone }) => [points, tone])).toEqual([
      [0, 'good'],
      [10, 'bad'],
    ]);
  });

  test('keep a good mean of the whole server from being called good', () => {
    const facts = observed([target('dead', 100, 0, 0.9), target('fine', 1900, 1, 0.9)]);
    expect(reason('hit-rate', { ...facts, hitRateTarget: 0.9 })).toMatchObject({
      tone: 'plain',
      text: "hit rate 95.0 % while observed reaches the map's target of 90.0 %, as a mean of all namespaces",
    });
  });
});

test('an observation without targets is judged as a whole, before the window and the lifetime', () => {
  const facts = { ...observed([], { hits: 40, misses: 160 }), window: { hits: 100, misses: 0 } };
  expect(reason('hit-rate', facts)?.text).toBe(
    'hit rate 20.0 % while observed is below the default target of 80.0 %',
  );
  expect(reason('hit-rate', { ...facts, ...observed([], { hits: 1, misses: 1 }) })?.text).toBe(
    'hit rate 100.0 % in the window reaches the default target of 80.0 %',
  );
});

describe('memory', () => {
  const nearlyFull = { used_memory: '95000000' };

  test('without a limit costs a little', () => {
    expect(reason('memory', { info: { maxmemory: '0' } })).toMatchObject({ points: 5, tone: 'warning' });
  });

  test('nearly full costs a little where keys are evicted, and a lot where writes will be refused', () => {
    expect(reason('memory', { info: nearlyFull })).toMatchObject({ points: 5, tone: 'warning' });
    expect(reason('memory', { info: { ...nearlyFull, maxmemory_policy: 'noeviction' } })).toMatchObject({
      points: 25,
      tone: 'bad',
      text: 'memory at 95.0 % of `maxmemory`, and `noeviction` refuses writes when it is full',
    });
  });

  test('above the limit of the map costs as much as for `check` it fails', () => {
    const facts = gradeFactsWith({ info: nearlyFull });
    expect(gradeOf({ ...facts, limits: { maxMemoryRatio: 0.9 } }).reasons).toContainEqual({
      ...{ rule: 'memory', points: 25, tone: 'bad' },
      text: 'memory at 95.0 % of `maxmemory`, above the limit of 90.0 %',
    });
  });
});

describe('evictions', () => {
  test('cost more where more was evicted than is left', () => {
    const text = (evicted: string) =>
      reason('evictions', { info: { used_memory: '99000000', evicted_keys: evicted } });
    expect(text('1')?.text).toMatch(/^1 key evicted since the start: the data/);
    expect(text('1000')).toMatchObject({ points: 5 });
    expect(text('1204')).toMatchObject({
      points: 15,
      text: '1,204 keys evicted since the start, more than there are keys now: the data is larger than the memory',
    });
  });

  test('of the past cost nothing, and are said to be over', () => {
    expect(reason('evictions', { info: { evicted_keys: '1204' } })).toEqual({
      ...{ rule: 'evictions', points: 0, tone: 'plain' },
      text: '1,204 keys evicted since the start; the memory is at 50.0 % of `maxmemory` now',
    });
  });

  test('cost nothing within the limit of the map', () => {
    const facts = gradeFactsWith({ info: { used_memory: '99000000', evicted_keys: '1204' } });
    expect(gradeOf({ ...facts, limits: { maxEvictedKeys: 1204 } }).reasons).not.toContainEqual(
      expect.objectContaining({ rule: 'evictions' }),
    );
  });
});

test.each([
  ['7', '31000000', 0],
  ['1.4', '200000000', 0],
  ['1.8', '34000000', 10],
])('fragmentation of %s over %s bytes costs what `check` finds of it: %d points', (ratio, wasted, points) => {
  const info = { mem_fragmentation_ratio: ratio, mem_fragmentation_bytes: wasted };
  const { fragmentation } = answersTo(factsOfInfo(info));
  expect(fragmentation?.status).toBe(points > 0 ? 'warn' : 'pass');
  expect(reason('fragmentation', { info })?.points ?? 0).toBe(points);
});

test('keys without TTL count where the policy never evicts them', () => {
  const of = (db0: string, policy: string) =>
    reason('keys-without-ttl', { info: { db0, maxmemory_policy: policy } });
  expect(of('keys=1000,expires=500', 'allkeys-lru')).toBeUndefined();
  expect(of('keys=1000,expires=500', 'volatile-lru')?.text).toBe(
    '50.0 % of the keys have no TTL, and the policy `volatile-lru` never evicts them',
  );
  expect(of('keys=1000,expires=500', 'noeviction')).toMatchObject({ points: 10 });
  expect(of('keys=1000,expires=900', 'noeviction')).toBeUndefined();
  expect(of('keys=0,expires=0', 'noeviction')).toBeUndefined();
});

const counts = fc.option(fc.record({ hits: fc.nat(), misses: fc.nat() }));
const ratio = fc.double({ min: 0, max: 1, noNaN: true });
const anyObserved = fc
  .tuple(
    fc.array(fc.tuple(fc.integer({ min: fewestLookups, max: 1e6 }), ratio, ratio), { maxLength: 5 }),
    fc.record({ hits: fc.nat(1e6), misses: fc.nat(1e6) }),
  )
  .map(
    ([rows, rest]) =>
      observed(
        rows.map(([reads, rate, goal], index) => target(`n${index}`, reads, rate, goal)),
        rest,
      ).observed,
  );
const anyFacts = fc.record({
  lifetime: counts,
  window: counts,
  observed: fc.option(anyObserved),
  hitRateTarget: fc.option(fc.double({ min: 0.01, max: 1, noNaN: true })),
  info: fc.record(
    {
      used_memory: fc.nat().map(String),
      maxmemory: fc.nat().map(String),
      maxmemory_policy: fc.constantFrom(undefined, 'noeviction', 'allkeys-lru', 'volatile-ttl'),
      mem_fragmentation_ratio: fc.double({ min: 0, max: 100, noNaN: true }).map(String),
      mem_fragmentation_bytes: fc.nat().map(String),
      evicted_keys: fc.nat().map(String),
      db0: fc.tuple(fc.nat(), fc.nat()).map(([keys, expires]) => `keys=${keys},expires=${expires}`),
    },
    { requiredKeys: [] },
  ),
});

test('a letter is the sum of its reasons, and there is one exactly where there are enough lookups', () => {
  fc.assert(
    fc.property(anyFacts, (facts) => {
      const { letter, reasons } = grade(facts);
      const enough = [facts.lifetime, facts.window, facts.observed?.lookups].some(
        (lookups) => lookups != null && lookups.hits + lookups.misses >= fewestLookups,
      );
      expect(letter !== null).toBe(enough);
      if (letter === null) return;
      const score = reasons.reduce((left, { points }) => left - points, 100);
      expect('FFFFFFDCBAA'.charAt(Math.max(0, Math.floor(score / 10)))).toBe(letter);
      expect(reasons.every(({ tone, points }) => points > 0 === (tone === 'bad' || tone === 'warning'))).toBe(
        true,
      );
    }),
    { numRuns: rounds(1000) },
  );
});

test('a namespace that hits more never makes a worse grade', () => {
  fc.assert(
    fc.property(
      fc.integer({ min: fewestLookups, max: 1e5 }),
      fc.integer({ min: fewestLookups, max: 1e5 }),
      fc.tuple(ratio, ratio),
      fc.option(fc.double({ min: 0.01, max: 1, noNaN: true })),
      (reads, others, rates, hitRateTarget) => {
        const [low, high] = [...rates].sort((left, right) => left - right) as [number, number];
        const scoreAt = (rate: number) =>
          grade({
            ...observed([target('a', reads, rate, 0.7), target('b', others, 0.6, 0.8)]),
            hitRateTarget,
          }).reasons.reduce((left, { points }) => left - points, 100);
        expect(scoreAt(high)).toBeGreaterThanOrEqual(scoreAt(low));
      },
    ),
    { numRuns: rounds(1000) },
  );
});

test('a better hit rate never makes a worse grade', () => {
  const score = (hits: number) =>
    gradeOf({ ...good, lifetime: { hits, misses: 1000 - hits } }).reasons.reduce(
      (left, { points }) => left - points,
      100,
    );
  for (let hits = 1; hits <= 1000; hits++) expect(score(hits)).toBeGreaterThanOrEqual(score(hits - 1));
  expect(defaultHitRateTarget).toBe(0.8);
});
