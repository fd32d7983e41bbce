import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import type { TrafficReport } from '../../../src/traffic/report.ts';
import { expectOneWindow } from '../../traffic/one-window.ts';
import { WindowScene } from './window-scene.ts';
import { rounds } from '../../server/effort.ts';

describe('the figures of a window', () => {
  const burstsOfTraffic = fc.array(
    fc.record({
      key: fc.constantFrom('user:1', 'user:2', 'page:1', 'stray:1'),
      kind: fc.constantFrom('miss', 'hit', 'unexplained', 'new', 'expired', 'del', 'mark'),
      times: fc.integer({ min: 1, max: 12 }),
      millis: fc.nat(400),
    }),
    { maxLength: 60 },
  );

  test('hold nothing of what came before it or after it, in each of several windows one after the other', () => {
    fc.assert(
      fc.property(burstsOfTraffic, (steps) => {
        const scene = new WindowScene();
        let now = 0;
        let from = scene.mark(now);
        const reports: TrafficReport[] = [];
        const cut = () => {
          const to = scene.mark(now);
          // What comes before the report is made belongs to the next window.
          scene.reads('user:1', 1, 3);
          reports.push(scene.report([{ from, to, bursts: [] }]));
          from = to;
        };
        for (const { key, kind, times, millis } of steps) {
          scene.at((now += millis));
          if (kind === 'mark') cut();
          else if (kind === 'miss') scene.reads(key, 0, times);
          else if (kind === 'hit') scene.reads(key, times, 0);
          else if (kind === 'unexplained') scene.missesUnexplained(key, times);
          else scene.tells(kind, key);
        }
        cut();
        for (const report of reports) expectOneWindow(report);
      }),
      { numRuns: rounds(300) },
    );
  });

  test('of keys, refills and stampedes are those between its cuts', () => {
    const scene = new WindowScene();
    // Before the window, but after the opening.
    scene.at(100).tells('keymiss', 'user:1', 32).at(150).tells('new', 'user:1').tells('expired', 'user:1');
    scene.at(500);
    const report = scene.window(() => {
      scene.at(600).reads('user:1', 0, 4).at(700).tells('new', 'user:1');
    });
    expect(report.namespaces).toMatchObject([
      {
        ...{ namespace: 'users', misses: 4 },
        ...{ refill: { count: 1 }, stampedes: { count: 1, extraMisses: 3, largest: 4 } },
      },
    ]);
    expect(report.mostMissed).toMatchObject([{ key: 'user:1', misses: 4, missesAtLeast: 4 }]);
  });

  test('that ended at a cut are not changed by what comes after it', () => {
    const scene = new WindowScene();
    const from = scene.mark(1000);
    scene.at(1500).reads('user:1', 0, 2).at(1600).tells('new', 'user:1');
    const to = scene.mark(2000, {}, 'end');
    const window = [{ from, to, bursts: [] }] as const;
    const before = scene.report([...window]);
    scene.tells('del', 'user:1').reads('user:1', 0, 50).at(1700).tells('new', 'user:1');
    const after = scene.report([...window]);
    expect({ ...after, memory: null }).toEqual({ ...before, memory: null });
    const all = scene.report([{ from, to: scene.mark(3000, {}, 'end'), bursts: [] }]);
    expect(all.mostMissed).toMatchObject([{ key: 'user:1', misses: 52 }]);
    expect(all.namespaces).toMatchObject([{ misses: 52, stampedes: { count: 2, extraMisses: 50 } }]);
  });
});

test('a key that took over the counter of others has no more misses than its namespace has left', () => {
  const scene = new WindowScene();
  const report = scene.window(() => {
    for (let key = 0; key < 1000; key++) scene.reads(`user:${key}`, 0, 3);
    // The first of them takes a counter that is at three.
    scene.reads('page:1', 0, 4);
  });
  const page = report.mostMissed.find(({ key }) => key === 'page:1');
  expect(page).toMatchObject({ namespace: 'pages', misses: 4, missesAtLeast: 4 });
  expect(report.namespaces.find(({ namespace }) => namespace === 'pages')?.misses).toBe(4);
});

test('a key that two nodes told of in a window is listed once', () => {
  const one = new WindowScene();
  const other = new WindowScene(one.map, true, one.shared);
  const from = [one.mark(0), other.mark(0)] as const;
  one.reads('user:1', 0, 3);
  other.reads('user:1', 0, 4);
  const report = one.report([
    { from: from[0], to: one.mark(1000), bursts: [] },
    { from: from[1], to: other.mark(1000), bursts: [] },
  ]);
  expect(report.mostMissed).toMatchObject([{ key: 'user:1', misses: 7, missesAtLeast: 7 }]);
});
