import { describe, expect, test } from 'vitest';
import { type BurstCounts, estimatePart, sumEstimates } from '../../../src/traffic/figures/window.ts';

/** mulberry32: 32 bits of state, from 0 to 1. */
function randomOf(seed: number): () => number {
  let state = seed;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
}

/** Traffic of a window in stretches, whose load and share vary together with a wave and with chance. */
function windowOf(
  share: number,
  bursts: number,
  random: () => number,
): { truth: number; counts: BurstCounts } {
  const slices = 20;
  const parts: number[] = [];
  const wholes: number[] = [];
  let [truth, total] = [0, 0];
  const phase = random() * 2 * Math.PI;
  for (let stretch = 0; stretch < bursts; stretch++) {
    const seen = Math.floor(random() * slices);
    const wave = 1 + 0.3 * Math.sin(phase + stretch);
    for (let slice = 0; slice < slices; slice++) {
      const whole = Math.round(400 * wave * (0.5 + random()));
      // The odds vary from slice to slice, and commands of one kind come in groups.
      const odds = (share / (1 - share)) * Math.exp(0.4 * (random() - 0.5)) * wave;
      const part = groupsOf(odds / (1 + odds), whole, random);
      truth += part;
      total += whole;
      if (slice !== seen) continue;
      parts.push(part);
      wholes.push(whole);
    }
  }
  return { truth, counts: { parts, wholes, total } };
}

const groupSize = 4;

function groupsOf(probability: number, whole: number, random: () => number): number {
  let part = 0;
  for (let left = whole; left > 0; left -= groupSize)
    if (random() < probability) part += Math.min(groupSize, left);
  return part;
}

describe.each([5, 10, 20])('with %i bursts of a twentieth of the window each', (bursts) => {
  test.each([0.001, 0.002, 0.004, 0.008, 0.05, 0.5, 0.99, 0.999])(
    'the interval holds a share of %d in 93 % of the windows',
    (share) => {
      const random = randomOf(bursts * 1000 + share * 1000);
      const runs = 500;
      let held = 0;
      for (let run = 0; run < runs; run++) {
        const { truth, counts } = windowOf(share, bursts, random);
        const { value, interval } = estimatePart(counts);
        const [low, high] = interval;
        expect(value).toBeGreaterThanOrEqual(0);
        expect(value).toBeLessThanOrEqual(counts.total);
        expect(low).toBeLessThanOrEqual(value + 1e-6);
        expect(high).toBeGreaterThanOrEqual(value - 1e-6);
        if (low <= truth && truth <= high) held++;
      }
      expect(held / runs).toBeGreaterThanOrEqual(0.93);
    },
  );
});

test('with twenty bursts the interval of a half is narrower than with five', () => {
  const random = randomOf(7);
  const widthOf = (bursts: number) => {
    const widths = Array.from({ length: 50 }, () => {
      const { counts } = windowOf(0.5, bursts, random);
      const [low, high] = estimatePart(counts).interval;
      return (high - low) / counts.total;
    });
    return widths.reduce((sum, width) => sum + width, 0) / widths.length;
  };
  expect(widthOf(20)).toBeLessThan(0.5 * widthOf(5));
});

describe('an estimate', () => {
  test('of no traffic is nothing', () => {
    expect(estimatePart({ parts: [], wholes: [], total: 0 })).toEqual({ value: 0, interval: [0, 0] });
    expect(estimatePart({ parts: [0, 0], wholes: [0, 0], total: 0 })).toEqual({ value: 0, interval: [0, 0] });
  });

  test('without bursts, or where they saw nothing, may be anything up to the total', () => {
    expect(estimatePart({ parts: [], wholes: [], total: 90 }).interval).toEqual([0, 90]);
    expect(estimatePart({ parts: [0], wholes: [0], total: 90 }).interval).toEqual([0, 90]);
  });

  test('from one burst has an interval that says little, and holds what the burst saw', () => {
    const { value, interval } = estimatePart({ parts: [30], wholes: [100], total: 1000 });
    expect(value).toBeCloseTo(300);
    expect(interval[0]).toBeGreaterThanOrEqual(30);
    expect(interval[0]).toBeLessThan(100);
    expect(interval[1]).toBeGreaterThan(700);
    expect(interval[1]).toBeLessThanOrEqual(1000);
  });

  test('of a part that no burst saw begins at 0, and leaves room for some', () => {
    const { value, interval } = estimatePart({ parts: [0, 0, 0, 0], wholes: [50, 50, 50, 50], total: 4000 });
    expect(value).toBe(0);
    expect(interval[0]).toBe(0);
    expect(interval[1]).toBeGreaterThan(40);
    expect(interval[1]).toBeLessThan(1000);
  });

  test('of the whole ends at the total', () => {
    const { value, interval } = estimatePart({ parts: [50, 50, 50], wholes: [50, 50, 50], total: 4000 });
    expect(value).toBe(4000);
    expect(interval[1]).toBe(4000);
    expect(interval[0]).toBeLessThan(3990);
  });

  test('of a window that the bursts saw whole is exact', () => {
    const { value, interval } = estimatePart({ parts: [10, 90, 3], wholes: [100, 100, 50], total: 250 });
    expect(value).toBeCloseTo(103);
    expect(interval[0]).toBeGreaterThan(102.9);
    expect(interval[1]).toBeLessThan(103.1);
  });

  test('never leaves what it may be, where the bursts saw more than the server counted', () => {
    const { value, interval } = estimatePart({ parts: [60, 60], wholes: [60, 60], total: 100 });
    expect([value, ...interval]).toEqual([100, 100, 100]);
  });
});

describe('the sum of estimates', () => {
  test('of one is itself', () => {
    const one = estimatePart({ parts: [1, 5, 2], wholes: [10, 20, 10], total: 900 });
    const sum = sumEstimates([one]);
    expect(sum.value).toBe(one.value);
    expect(sum.interval[0]).toBeCloseTo(one.interval[0]);
    expect(sum.interval[1]).toBeCloseTo(one.interval[1]);
  });

  test('of none is zero', () => {
    expect(sumEstimates([])).toEqual({ value: 0, interval: [0, 0] });
  });

  test('is narrower than the sum of the intervals, and as wide as the squares say', () => {
    const sum = sumEstimates([
      { value: 100, interval: [97, 104] },
      { value: 50, interval: [46, 53] },
    ]);
    expect(sum).toEqual({ value: 150, interval: [145, 155] });
  });
});
