import { setTimeout as sleep } from 'node:timers/promises';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { probeLatency, Pace, type PaceLimits } from '../../../src/redis/pace.ts';
import { open, proxyTo, startRedis, startServer } from '../../server/own.ts';

/** A pace on a clock that moves by what is waited, and by what the test adds. */
function paced(limits: PaceLimits, pageSize = 500) {
  const clock = { millis: 1000 };
  const waits: number[] = [];
  const pace = new Pace({
    ...limits,
    pageSize,
    now: () => clock.millis,
    wait: (millis) => {
      waits.push(millis);
      clock.millis += millis;
      return Promise.resolve();
    },
  });
  return { pace, clock, waits };
}

const observe = (pace: Pace, millis: number, times = 1) => {
  for (let time = 0; time < times; time++) pace.observe(millis);
};

describe('a highest rate', () => {
  test('is kept over any window, whatever the work between turns takes and the probe says', async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.integer({ min: 10, max: 100_000 }),
        fc.array(
          fc.record({
            keys: fc.nat(1000),
            workMillis: fc.nat(300),
            roundTrips: fc.array(fc.nat(40), { maxLength: 8 }),
          }),
          { minLength: 2, maxLength: 60 },
        ),
        async (maxKeysPerSecond, turns) => {
          const { pace, clock } = paced({ maxKeysPerSecond, latencyBudgetMillis: 10 });
          const reads: { readonly at: number; readonly keys: number }[] = [];
          for (const { keys, workMillis, roundTrips } of turns) {
            for (const millis of roundTrips) pace.observe(millis);
            await pace.turn(keys);
            reads.push({ at: clock.millis, keys });
            clock.millis += workMillis;
          }
          for (let first = 0; first < reads.length; first++) {
            let keys = 0;
            for (let last = first; last < reads.length; last++) {
              const seconds = ((reads[last]?.at ?? 0) - (reads[first]?.at ?? 0)) / 1000;
              // What is read at the end of the window counts for the time after it.
              expect(keys).toBeLessThanOrEqual(maxKeysPerSecond * seconds + 1e-6);
              keys += reads[last]?.keys ?? 0;
            }
          }
        },
      ),
    );
  });

  test('is kept also while a pause for the latency grows shorter', async () => {
    const { pace, clock } = paced({ maxKeysPerSecond: 1000, latencyBudgetMillis: 10 });
    observe(pace, 20, 6);
    await pace.turn(100);
    const first = clock.millis;
    observe(pace, 1, 30);
    await pace.turn(100);
    expect(clock.millis - first).toBeGreaterThanOrEqual(100);
  });

  test('is reached where nothing else takes time', async () => {
    const { pace, clock } = paced({ maxKeysPerSecond: 2000 });
    for (let page = 0; page < 100; page++) await pace.turn(200);
    expect((99 * 200) / ((clock.millis - 1000) / 1000)).toBeCloseTo(2000, 6);
  });

  test('saves nothing up while the walk does something else', async () => {
    const { pace, clock, waits } = paced({ maxKeysPerSecond: 1000 });
    await pace.turn(100);
    clock.millis += 60_000;
    await pace.turn(100);
    expect(waits).toEqual([]);
    await pace.turn(100);
    expect(waits).toEqual([100]);
  });

  test.each([
    [100_000, 500],
    [1000, 100],
    [95, 10],
    [3, 1],
  ])('of %i keys a second has pages of %i keys: a tenth of a second of it', (maxKeysPerSecond, pageSize) => {
    expect(paced({ maxKeysPerSecond }).pace.pageSize).toBe(pageSize);
  });

  test.each([1000, 30])('of %i keys a second sets the page also after the latency has recovered', (rate) => {
    const { pace } = paced({ maxKeysPerSecond: rate, latencyBudgetMillis: 10 });
    observe(pace, 50, 10);
    expect(pace.pageSize).toBeLessThanOrEqual(Math.min(10, rate / 10));
    observe(pace, 1, 500);
    expect(pace.pageSize).toBe(rate / 10);
  });
});

describe('a latency budget', () => {
  test('halves the page and doubles the pause for each round trip over it, down to 10 keys and 250 ms', async () => {
    const { pace, waits } = paced({ latencyBudgetMillis: 10 });
    const sizes: number[] = [];
    for (let time = 0; time < 12; time++) {
      pace.observe(10.1);
      sizes.push(pace.pageSize);
      await pace.turn(pace.pageSize);
    }
    expect(sizes).toEqual([250, 125, 62, 31, 15, 10, 10, 10, 10, 10, 10, 10]);
    expect(waits).toEqual([1, 2, 4, 8, 16, 32, 64, 128, 250, 250, 250, 250]);
  });

  test('recovers step by step below half of it: the page by a twentieth, the pause by 1 ms', async () => {
    const { pace, waits } = paced({ latencyBudgetMillis: 10 });
    observe(pace, 20, 4);
    expect(pace.pageSize).toBe(31);
    // The slow ones are still among the last five.
    observe(pace, 1, 4);
    expect(pace.pageSize).toBe(31);
    observe(pace, 1);
    expect(pace.pageSize).toBe(56);
    await pace.turn(56);
    expect(waits).toEqual([7]);
    observe(pace, 1, 100);
    expect(pace.pageSize).toBe(500);
    await pace.turn(500);
    expect(waits).toEqual([7]);
  });

  test('keeps the pace between half of it and all of it', () => {
    const { pace } = paced({ latencyBudgetMillis: 10 });
    observe(pace, 11, 2);
    observe(pace, 7, 50);
    expect(pace.pageSize).toBe(125);
    observe(pace, 10, 50);
    expect(pace.pageSize).toBe(125);
  });

  test('is asked for, or no round trip changes anything', async () => {
    const { pace, waits } = paced({});
    observe(pace, 10_000, 10);
    await pace.turn(500);
    expect([pace.pageSize, waits]).toEqual([500, []]);
  });
});

test('a pause on the real clock ends when the walk is aborted', async () => {
  const controller = new AbortController();
  const pace = new Pace({ maxKeysPerSecond: 1, pageSize: 500, signal: controller.signal });
  await pace.turn(60);
  const startedAt = performance.now();
  setTimeout(() => controller.abort(), 50);
  await pace.turn(1);
  expect(performance.now() - startedAt).toBeLessThan(10_000);
});

describe('the latency probe', () => {
  test('tells round trips from the start until it is ended, slow ones too, and closes its connection', async () => {
    const redis = await startRedis();
    const proxy = await proxyTo(redis.port);
    const server = await open(proxy.url);
    const roundTrips: number[] = [];
    const until = async (enough: () => boolean) => {
      while (!enough()) await sleep(5);
    };

    const end = await probeLatency(server.nodes[0], (millis) => roundTrips.push(millis));
    await until(() => roundTrips.length >= 5);
    expect(Math.min(...roundTrips)).toBeGreaterThan(0);
    expect(Math.min(...roundTrips)).toBeLessThan(100);
    proxy.delay(120);
    await until(() => roundTrips.some((millis) => millis >= 119));
    proxy.delay(0);
    const counted = roundTrips.length;
    await until(() => roundTrips.length > counted);

    end();
    await sleep(60);
    const atEnd = roundTrips.length;
    await sleep(100);
    expect(roundTrips).toHaveLength(atEnd);
  });

  test('that loses its connection goes quiet, and leaves it to the walk to tell', async () => {
    const { redis, server } = await startServer();
    const roundTrips: number[] = [];
    const end = await probeLatency(server.nodes[0], (millis) => roundTrips.push(millis));
    while (roundTrips.length < 2) await sleep(5);
    await redis.stop();
    await sleep(100);
    const counted = roundTrips.length;
    await sleep(100);
    expect(roundTrips).toHaveLength(counted);
    end();
  });
});
