import { expect, test } from 'vitest';
import { measureJitter } from '../../src/bench/intrinsic.ts';

/** A clock that goes on by a step at each reading, and by a leap at some. */
function steppingClock(stepMillis: number, leaps: ReadonlyMap<number, number>) {
  let [time, readings] = [0, 0];
  return { now: () => (time += leaps.get(readings++) ?? stepMillis) };
}

const signal = new AbortController().signal;

test('finds the gaps of a clock that leaps, and by which second', async () => {
  const clock = steppingClock(
    0.001,
    new Map([
      [50_000, 0.5],
      [60_000, 3],
      [1_050_000, 20],
    ]),
  );
  const jitter = await measureJitter({ clock, seconds: 2, signal });

  expect(jitter.durationSeconds).toBeCloseTo(2, 1);
  expect(jitter.gaps).toEqual([
    { overMicros: 100, count: 3 },
    { overMicros: 1000, count: 2 },
    { overMicros: 10_000, count: 1 },
  ]);
  expect(jitter.lostRatio).toBeCloseTo(23.5 / 2000, 4);
  expect(jitter.series.map(({ maxMicros }) => Math.round(maxMicros / 100) * 100)).toEqual([3000, 20_000]);
});

test('finds none in a clock that goes on evenly, and ends where it is told to', async () => {
  const stop = new AbortController();
  const clock = steppingClock(0.002, new Map());
  const jitter = await measureJitter({
    ...{ clock, seconds: 60, signal: stop.signal },
    onProgress: (seconds) => seconds > 1 && stop.abort(),
  });

  expect(jitter).toMatchObject({ lostRatio: 0, latency: null });
  expect(jitter.durationSeconds).toBeLessThan(2);
});
