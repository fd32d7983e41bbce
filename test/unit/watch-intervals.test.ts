import { expect, test } from 'vitest';
import { intervalsOf, type IntervalOptions } from '../../src/watch/interval.ts';
import { interval } from './watch-figures.ts';

const forever = Number.POSITIVE_INFINITY;

function optionsOf(changes: Partial<IntervalOptions>): IntervalOptions {
  return {
    intervalSeconds: () => 0.05,
    signal: new AbortController().signal,
    now: () => performance.now(),
    mostIntervals: forever,
    mostSeconds: forever,
    ...changes,
  };
}

async function collect(next: () => Promise<unknown>, changes: Partial<IntervalOptions>): Promise<number> {
  const seen: boolean[] = [];
  for await (const { ok } of intervalsOf(() => next().then(() => interval()), optionsOf(changes)))
    seen.push(ok);
  return seen.length;
}

const at = () => Promise.resolve();

test('as many intervals come as were asked for', async () => {
  expect(await collect(at, { mostIntervals: 3 })).toBe(3);
});

test('the last interval ends with the time, and is shorter where that does not divide', async () => {
  const startedAt = performance.now();
  const seen = await collect(at, { mostSeconds: 0.12 });
  // On a busy machine one of 50 ms may take as long as two.
  expect(seen).toBeGreaterThanOrEqual(2);
  expect(seen).toBeLessThanOrEqual(3);
  expect(performance.now() - startedAt).toBeGreaterThanOrEqual(119);
});

test('what a reading takes is no part of the next wait', async () => {
  let passedMillis = 0;
  const pass = () => (passedMillis += 19_900);
  const startedAt = performance.now();
  setTimeout(pass, 0);
  await collect(() => Promise.resolve(pass()), {
    mostIntervals: 3,
    intervalSeconds: () => 20,
    now: () => performance.now() + passedMillis,
  });
  // Of each 20 s a tenth of a second was left to wait for.
  expect(performance.now() - startedAt).toBeLessThan(15_000);
});

test('an interval that is changed meanwhile holds at once', async () => {
  let seconds = 60;
  setTimeout(() => (seconds = 0.01), 50);
  expect(await collect(at, { mostIntervals: 2, intervalSeconds: () => seconds })).toBe(2);
});

test('an interruption ends the wait, and a reading that hangs', async () => {
  const waiting = new AbortController();
  setTimeout(() => waiting.abort(), 50);
  expect(await collect(at, { signal: waiting.signal, intervalSeconds: () => 60 })).toBe(0);
  const hanging = new AbortController();
  setTimeout(() => hanging.abort(), 100);
  expect(await collect(() => new Promise(() => undefined), { signal: hanging.signal })).toBe(0);
});

test('a failure of the reading is the reader’s', async () => {
  await expect(collect(() => Promise.reject(new Error('broken')), {})).rejects.toThrow('broken');
});
