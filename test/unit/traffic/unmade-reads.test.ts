import { describe, expect, test } from 'vitest';
import type { Mark } from '../../../src/traffic/streams/mark.ts';
import type { TrafficReport } from '../../../src/traffic/report.ts';
import { WindowScene } from './window-scene.ts';

const named = ({ namespaces }: TrafficReport, name: string) =>
  namespaces.find(({ namespace }) => namespace === name);

describe('reads of commands that may have failed', () => {
  const failedCalls = (failed: number) => `calls=${failed},failed_calls=${failed}`;
  const window = (action: (scene: WindowScene) => void, failed: Record<string, number> | null = null) => {
    const scene = new WindowScene();
    const from = scene.mark(1000);
    action(scene);
    const to = scene.mark(3000);
    const stats = (of: (calls: number) => number) => ({
      ...(failed && { cmdstat_get: failedCalls(0) }),
      ...Object.fromEntries(
        Object.entries(failed ?? {}).map(([name, calls]) => [`cmdstat_${name}`, failedCalls(of(calls))]),
      ),
    });
    const withStats = (mark: Mark, of: (calls: number) => number) => ({
      ...mark,
      info: { ...mark.info, ...stats(of) },
    });
    return scene.report([
      { from: withStats(from, () => 7), to: withStats(to, (calls) => 7 + calls), bursts: [] },
    ]);
  };

  test('are taken off where the server counted fewer, and belong to the only namespace that has any', () => {
    const report = window((scene) => scene.reads('page:1', 5, 0).showsUncertain('user:1', 40, 20, 20), {
      xreadgroup: 20,
    });
    expect(report).toMatchObject({ valid: true, reads: 25, residual: { reads: 0, hits: 0, misses: 0 } });
    expect(named(report, 'users')).toMatchObject({ reads: 20, hits: 20, hitsInterval: null });
    expect(report.remarks.join()).toMatch(/^20 reads .*were not made.*calls that failed: `XREADGROUP` 20$/);
  });

  test('are shared out between namespaces, with the bounds of each, where several have some', () => {
    const act = (scene: WindowScene) =>
      scene.showsUncertain('user:1', 40, 20, 40).showsUncertain('page:1', 20, 10, 5);
    for (const report of [window(act), window(act, { sinter: 15 })]) {
      expect(report).toMatchObject({ valid: true, residual: { reads: 0, hits: 0, misses: 0 } });
      expect(named(report, 'users')).toMatchObject({ reads: 30, readsInterval: [25, 35] });
      expect(named(report, 'pages')).toMatchObject({ reads: 15, readsInterval: [10, 20] });
    }
  });

  test('are no explanation where the server reports that no such command failed', () => {
    const report = window((scene) => scene.showsUncertain('user:1', 40, 20, 20), { getrange: 20, hset: 3 });
    expect(report).toMatchObject({ valid: false, residual: { reads: -20 } });
    expect(report.invalidReasons).toEqual([
      '20 of 20 lookups cannot be attributed to a namespace; calls that failed: `GETRANGE` 20',
    ]);
  });
});
