import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { compareResults, slowdownAtLeast } from '../../src/bench/comparison.ts';
import { judgeSlowdowns } from '../../src/bench/gates.ts';
import {
  canJudge,
  compareRounds,
  fewestRounds,
  type RoundFigures,
  significance,
} from '../../src/bench/statistics.ts';
import { SeededRandom } from '../../src/support/random.ts';
import { type Noise, resultOf, simulatedRounds } from './bench-rounds.ts';

const random = () => new SeededRandom(1, 'test');

const figures = fc.integer({ min: 2, max: 9 }).chain((rounds) =>
  fc.array(
    fc.record({
      now: fc.array(fc.double({ min: 0.1, max: 1e6, noNaN: true }), { minLength: rounds, maxLength: rounds }),
      then: fc.array(fc.double({ min: 0.1, max: 1e6, noNaN: true }), {
        minLength: rounds,
        maxLength: rounds,
      }),
    }),
    { minLength: 1, maxLength: 4 },
  ),
);

describe('rounds that are compared', () => {
  test('have a ratio within its interval, and a p-value above nothing, whatever the figures are', () => {
    fc.assert(
      fc.property(figures, fc.boolean(), (each, isPaired) => {
        for (const { ratio, ratioInterval, pValue } of compareRounds(each, isPaired, random())) {
          expect(ratioInterval[0]).toBeLessThanOrEqual(ratio * (1 + 1e-9));
          expect(ratioInterval[1]).toBeGreaterThanOrEqual(ratio * (1 - 1e-9));
          expect(pValue).toBeGreaterThan(0);
          expect(pValue).toBeLessThanOrEqual(1);
        }
      }),
      { numRuns: 30 },
    );
  });

  test('do not depend on the unit of a figure', () => {
    fc.assert(
      fc.property(figures, fc.double({ min: 0.001, max: 1000, noNaN: true }), (each, unit) => {
        const scaled = each.map(({ now, then }) => ({
          now: now.map((value) => value * unit),
          then: then.map((value) => value * unit),
        }));
        const [plain, other] = [each, scaled].map((list) => compareRounds(list, true, random()));
        plain?.forEach(({ ratio }, index) => expect(other?.[index]?.ratio).toBeCloseTo(ratio, 6));
      }),
      { numRuns: 20 },
    );
  });

  test('give the reciprocal ratio the other way round', () => {
    const [now, then] = [
      [11, 12, 13, 12, 11, 12],
      [10, 10, 11, 10, 10, 11],
    ];
    const [one] = compareRounds([{ now, then }], true, random());
    const [other] = compareRounds([{ now: then, then: now }], true, random());

    expect(one?.ratio).toBeCloseTo(1 / (other?.ratio ?? 0), 9);
    expect(one?.pValue).toBe(other?.pValue);
  });

  test('have the exact p-value of the signed ranks, as the tables give it', () => {
    const then = Array.from({ length: 8 }, () => 1);
    const pOf = (now: readonly number[]) => compareRounds([{ now, then }], true, random())[0]?.pValue;

    // All eight above: 2 of 256. One below, with the smallest and with the third smallest rank: 4 and 10 of 256.
    expect(pOf([2, 3, 4, 5, 6, 7, 8, 9])).toBe(2 / 256);
    expect(pOf([1 / 1.5, 3, 4, 5, 6, 7, 8, 9])).toBe(4 / 256);
    expect(pOf([2, 3, 1 / 3.5, 5, 6, 7, 8, 9])).toBe(10 / 256);
    expect(pOf(then)).toBe(1);
  });

  test('have the exact p-value of the rank sum, as the tables give it', () => {
    const pOf = (now: readonly number[], then: readonly number[]) =>
      compareRounds([{ now, then }], false, random())[0]?.pValue;

    // C(10, 5) = 252 ways to choose five of ten.
    expect(pOf([6, 7, 8, 9, 10], [1, 2, 3, 4, 5])).toBe(2 / 252);
    expect(pOf([5, 7, 8, 9, 10], [1, 2, 3, 4, 6])).toBe(4 / 252);
  });

  test('that are many figures at once make no more of the same difference', () => {
    const same: RoundFigures = { now: [2, 3, 4, 5, 6, 7], then: [1, 1, 1, 1, 1, 1] };
    const p = (count: number) =>
      compareRounds(
        Array.from({ length: count }, () => same),
        true,
        random(),
      ).map(({ pValue }) => pValue);

    expect(p(24)).toEqual(Array.from({ length: 24 }, () => p(1)[0]));
  });

  test('show a difference in so many rounds as the figures take together', () => {
    expect([7, 8].map((rounds) => canJudge(rounds, rounds, true, 1))).toEqual([false, true]);
    expect([4, 5].map((rounds) => canJudge(rounds, rounds, false, 1))).toEqual([false, true]);
    expect([6, 24].map((figures) => fewestRounds(true, figures))).toEqual([11, 13]);
    expect([6, 24].map((figures) => fewestRounds(false, figures))).toEqual([7, 8]);
    expect(canJudge(10, 1, false, 1)).toBe(false);
    expect(canJudge(0, 10, false, 1)).toBe(false);
  });

  test.each([true, false])('show what differs in each round, whatever others do (paired: %s)', (isPaired) => {
    for (const figures of [6, 24]) {
      const rounds = fewestRounds(isPaired, figures);
      const same = Array.from({ length: rounds }, () => 1);
      // The largest that the others can be without being the same in each round.
      const others = Array.from({ length: figures - 1 }, (_, figure) => ({
        then: same,
        now: same.map((_, round) => (round === figure % rounds ? 0.99 : 2 + round)),
      }));
      const far = { now: same.map((_, round) => 40 + round), then: same };
      const [estimate] = compareRounds([far, ...others], isPaired, random());
      expect(estimate?.pValue).toBeLessThanOrEqual(significance);
    }
  });
});

describe('a verdict', () => {
  const slower = resultOf('get', [62, 60, 61, 60, 63, 60, 61, 62, 61, 60, 62, 61]);
  const faster = resultOf('get', [50, 51, 50, 49, 52, 50, 50, 51, 50, 51, 50, 49]);
  const changes = (now = slower, then = faster) =>
    compareResults([now], [then], true)[0]?.measures.map(({ change }) => change);

  test('says slower, faster, or that no difference was seen', () => {
    expect(new Set(changes())).toEqual(new Set(['slower']));
    expect(new Set(changes(faster, slower))).toEqual(new Set(['faster']));
    expect(new Set(changes(slower, slower))).toEqual(new Set(['none-seen']));
  });

  test('says nothing of too few rounds, and gives the ratio all the same', () => {
    const [comparison] = compareResults([resultOf('get', [60, 61])], [resultOf('get', [50, 50])], true);

    expect(comparison?.measures[0]).toMatchObject({ ratioInterval: null, pValue: null, change: 'unjudged' });
    expect(comparison?.p50Ratio).toBeCloseTo(1.21, 2);
  });

  test('is given on the whole rounds of a run that was interrupted', () => {
    const short = { ...slower, complete: false, rounds: slower.rounds.slice(0, 11) };

    expect(new Set(changes(short))).toEqual(new Set(['slower']));
  });

  test('fails a slowdown only where the whole interval is beyond the limit', () => {
    const comparisons = compareResults([slower], [faster], true);
    const [verdict] = judgeSlowdowns(comparisons, 0.1);

    expect(verdict).toMatchObject({ workload: 'get', measure: 'slowdown', limit: 0.1, met: false });
    expect(verdict?.actual).toBeGreaterThan(0.1);
    expect(judgeSlowdowns(comparisons, 0.3)[0]?.met).toBe(true);
    expect(judgeSlowdowns(compareResults([faster], [slower], true), 0)[0]).toMatchObject({
      actual: 0,
      met: true,
    });
    expect(comparisons[0]?.measures.every((each) => (slowdownAtLeast(each) ?? 0) > 0.1)).toBe(true);
  });
});

describe('verdicts on a machine that is not quiet', () => {
  const noise: Noise = { drift: 0.1, measurement: 0.05, figure: 0.03, disturbed: 0.02 };
  const rateOf = (slowdown: number, word: 'slower' | 'faster or slower') => {
    const runs = Array.from({ length: 40 }, (_, run) => {
      const { now, then } = simulatedRounds(new SeededRandom(run, 'rounds'), 20, slowdown, noise);
      const found = compareResults([now], [then], true).flatMap(({ measures }) => measures);
      return word === 'slower'
        ? found.some(({ measure, change }) => measure === 'p50Micros' && change === 'slower')
        : found.some(({ change }) => change === 'faster' || change === 'slower');
    });
    return runs.filter(Boolean).length / runs.length;
  };

  test('see a difference between equal things in one of 20 comparisons at most', () => {
    expect(rateOf(1, 'faster or slower')).toBeLessThanOrEqual(0.05);
  });

  test('find what is a fifth slower in 19 of 20 at least', () => {
    expect(rateOf(1.2, 'slower')).toBeGreaterThanOrEqual(0.95);
  });
});
