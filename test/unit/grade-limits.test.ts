import { describe, expect, test } from 'vitest';
import { grade, observed, reason, target } from './grade-facts.ts';

describe('a cache whose hits cannot be counted exactly', () => {
  const hidden = {
    hits: 5000,
    misses: 0,
    unclear: 5000,
    metadataCommands: [{ command: 'TYPE', calls: 20_000 }],
  };

  test('has no grade where its target lies between the bounds, and the reason says what hides it', () => {
    const { letter, reasons } = grade({ lifetime: hidden });
    expect(letter).toBeNull();
    expect(reasons[0]).toEqual({
      rule: 'hit-rate',
      points: 0,
      tone: 'plain',
      text:
        'hit rate between 50.0 % and 100.0 % since the counters began, target 80.0 %: 20,000 TYPE calls hide it; ' +
        '`cachectl stats --window 10s` measures it now, `--hits 10s` by namespace',
    });
  });

  test('is judged where both bounds lie on one side of the target', () => {
    expect(reason('hit-rate', { lifetime: hidden, hitRateTarget: 0.5 })).toMatchObject({ tone: 'good' });
    const bad = { hits: 100, misses: 800, unclear: 100 };
    expect(reason('hit-rate', { lifetime: bad })).toMatchObject({
      tone: 'bad',
      // By the upper bound, which is the best that can be said.
      points: 45,
      text: 'hit rate between 10.0 % and 20.0 % since the counters began is below the default target of 80.0 %',
    });
  });
});

describe('an A', () => {
  test('is never given over a namespace that misses its target', () => {
    const facts = observed([target('small', 100, 0.85, 0.9), target('fine', 9900, 0.99, 0.9)]);
    expect(grade(facts)).toMatchObject({ letter: 'B' });
    expect(reason('cap', facts)?.text).toBe('no better than B while a target is missed');
  });

  test('is never given over a fault in the traffic', () => {
    const { observed: fine } = observed([], { hits: 980, misses: 20 });
    const faults = [{ namespace: 'exercises', text: 'most misses are of keys whose TTL ended' }];
    expect(grade({ observed: fine }).letter).toBe('A');
    expect(grade({ observed: { ...fine, faults } }).letter).toBe('B');
    expect(reason('traffic-faults', { observed: { ...fine, faults } })?.text).toBe(
      'exercises: most misses are of keys whose TTL ended; `cachectl hits` has the figures',
    );
  });
});
