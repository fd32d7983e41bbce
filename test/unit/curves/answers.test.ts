import { describe, expect, it } from 'vitest';
import { answersOf } from '../../../src/curves/answers.ts';
import type { CurveSet, NamespaceCurves } from '../../../src/curves/what-if.ts';
import { worthOf, worthOfChange } from '../../../src/curves/worth.ts';

/** A curve through these hit rates at these shares of today's memory, each off by as much at most. */
function curveOf(
  rates: readonly (readonly [timesToday: number, hitRate: number | null])[],
  off = 0.005,
): CurveSet {
  return {
    ...{ reads: 1000, misses: 200, hitRate: 0.8, modelledHitRate: 0.8, currentTtlSeconds: null, ttl: [] },
    activeBytes: 2e9,
    memory: rates.map(([timesToday, hitRate]) => ({
      ...{ memoryBytes: timesToday * 1000, timesToday, hitRate, extraMissesPerDay: null },
      hitRateInterval: hitRate === null ? [0.5, 1] : [hitRate - off, hitRate + off],
    })),
  };
}

const steep = curveOf([
  ...([
    [0.125, 0.3],
    [0.25, 0.6],
    [0.5, 0.799],
    [1, 0.8],
    [2, 0.805],
  ] as const),
]);

describe('what a curve comes to', () => {
  it('is the memory that could go, where the lower end of its interval keeps 99 % of the hits', () => {
    expect(answersOf(steep, null).leanest?.timesToday).toBe(0.5);
    const vague = curveOf(
      [
        [0.5, 0.799],
        [1, 0.8],
      ],
      0.02,
    );
    expect(answersOf(vague, null).leanest).toBeNull();
  });

  it('is the point where it bends, and none for a line', () => {
    expect(answersOf(steep, null).knee?.timesToday).toBe(0.5);
    const line = curveOf([
      [0.25, 0.2],
      [0.5, 0.4],
      [0.75, 0.6],
      [1, 0.8],
      [1.25, 1],
    ]);
    expect(answersOf(line, null).knee).toBeNull();
  });

  it('is the memory that a target surely needs, or that no memory reaches it, or that this cannot be told', () => {
    expect(answersOf(steep, 0.79).forTarget).toMatchObject({ point: { timesToday: 0.5 }, isReachable: true });
    expect(answersOf(steep, 0.9).forTarget).toEqual({ hitRate: 0.9, point: null, isReachable: false });
    const unknown = curveOf([
      [1, 0.8],
      [2, null],
    ]);
    expect(answersOf(unknown, 0.9).forTarget).toEqual({ hitRate: 0.9, point: null, isReachable: null });
  });
});

describe('the worth of a namespace', () => {
  const curves: NamespaceCurves = { ...steep, namespace: 'page', database: 0, refilled: null };

  it('is what its hits save in an hour, and for each gigabyte of its memory', () => {
    expect(worthOf(curves, 0.5, 0.02, 3600)).toEqual({
      savedPerHour: 400,
      savedPerGigabyteHour: 200,
      memoryCostPerHour: 0.04,
    });
  });

  it('is not known where the map or the window does not say', () => {
    expect(worthOf(curves, null, null, 3600)).toEqual({
      ...{ savedPerHour: null, savedPerGigabyteHour: null, memoryCostPerHour: null },
    });
    expect(worthOf(curves, 0.5, null, 0).savedPerHour).toBeNull();
  });

  it('of another size of memory is the change of its misses with their interval, and of what memory costs', () => {
    const terms = { todayBytes: 2e9, windowSeconds: 3600 };
    const quarter = worthOfChange(0.25, [curves], () => 0.5, 0.02, terms);
    expect(quarter.savedPerHour).toBeCloseTo(-100);
    expect(quarter.savedPerHourInterval?.[0]).toBeCloseTo(-102.5);
    expect(quarter.savedPerHourInterval?.[1]).toBeCloseTo(-97.5);
    expect(quarter.memoryCostPerHour).toBeCloseTo(-0.03);
    const free: NamespaceCurves = { ...curves, namespace: 'free' };
    const paid = (name: string) => (name === 'page' ? 0.5 : null);
    expect(worthOfChange(0.25, [curves, free], paid, 0.02, terms)).toEqual(quarter);
    const nothing = { savedPerHour: null, savedPerHourInterval: null };
    expect(worthOfChange(0.25, [free], paid, null, terms)).toEqual({ ...nothing, memoryCostPerHour: null });
    expect(worthOfChange(4, [curves], paid, null, terms)).toMatchObject(nothing);
  });
});
