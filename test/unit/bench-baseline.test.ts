import { describe, expect, test } from 'vitest';
import { compareWith, parseBaseline } from '../../src/bench/baseline.ts';
import type { BenchReport, WorkloadResult } from '../../src/bench/result.ts';

const workload = (name: WorkloadResult['name'], throughputPerSecond: number, micros: number) =>
  ({
    name,
    throughputPerSecond,
    complete: true,
    latency: { p50Micros: micros, p99Micros: micros * 10 },
  }) as WorkloadResult;

const report = (results: readonly WorkloadResult[], changes: Partial<BenchReport> = {}) =>
  ({
    connections: 4,
    pipeline: 1,
    payloadBytes: 256,
    keys: 10_000,
    getRatio: 0.8,
    ratePerSecond: null,
    results,
    ...changes,
  }) as BenchReport;

const kept = (value: BenchReport) => parseBaseline(JSON.stringify({ command: 'bench', ...value }));

describe('a baseline', () => {
  test('compares each workload that both runs measured', () => {
    const then = kept(report([workload('ping', 1000, 50), workload('get', 1000, 100)]));
    const now = report([workload('get', 1500, 80), workload('set', 900, 100)]);

    expect(compareWith(then, now)).toEqual({
      comparisons: [{ workload: 'get', throughputRatio: 1.5, p50Ratio: 0.8, p99Ratio: 0.8 }],
      otherSettings: [],
    });
  });

  test('compared with itself has changed nothing', () => {
    const same = report([workload('ping', 1234, 56.7)], { ratePerSecond: 100 });

    expect(compareWith(kept(same), same)).toEqual({
      comparisons: [{ workload: 'ping', throughputRatio: 1, p50Ratio: 1, p99Ratio: 1 }],
      otherSettings: [],
    });
  });

  test('tells which settings were others', () => {
    const then = kept(report([workload('ping', 1, 1)], { pipeline: 16, ratePerSecond: 100 }));

    expect(compareWith(then, report([])).otherSettings).toEqual(['pipeline', 'ratePerSecond']);
  });

  test('leaves out what was cut short, then or now', () => {
    const short = { ...workload('get', 1000, 100), complete: false };
    const then = kept(report([short, workload('ping', 1000, 50)]));
    const now = report([workload('get', 1000, 100), { ...workload('ping', 1000, 50), complete: false }]);

    expect(compareWith(then, now).comparisons).toEqual([]);
  });

  test.each([
    ['WORKLOAD  THROUGHPUT', 'it is not JSON'],
    ['{"command":"stats"}', 'it is not the result of'],
    ['null', 'it is not the result of'],
    ['{"command":"bench","results":[]}', 'it holds no figures'],
    [
      '{"command":"bench","results":[null,{"name":"get","complete":true,"latency":null}]}',
      'it holds no figures',
    ],
  ])('that is something else is refused: %s', (text, complaint) => {
    expect(() => parseBaseline(text)).toThrow(complaint);
  });
});
