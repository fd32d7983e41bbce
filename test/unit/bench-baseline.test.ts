import { describe, expect, test } from 'vitest';
import { otherSettingsOf, parseBaseline } from '../../src/bench/baseline.ts';
import { compareResults } from '../../src/bench/comparison.ts';
import type { BenchReport } from '../../src/bench/result.ts';
import { resultOf } from './bench-rounds.ts';

const report = (results: readonly object[], changes: Partial<BenchReport> = {}) =>
  ({
    connections: 4,
    pipeline: 1,
    payloadBytes: 256,
    threads: 1,
    payloadSizes: null,
    group: null,
    like: null,
    keys: 10_000,
    getRatio: 0.8,
    hitRatio: 1,
    distribution: 'uniform',
    ratePerSecond: null,
    results,
    ...changes,
  }) as BenchReport;

const kept = (value: BenchReport) => parseBaseline(JSON.stringify({ command: 'bench', ...value }));

describe('a baseline', () => {
  test('compares each workload that both runs measured', () => {
    const then = kept(report([resultOf('ping', [50]), resultOf('get', [100])]));
    const comparisons = compareResults([resultOf('get', [80]), resultOf('set', [100])], then.results, false);

    expect(comparisons).toMatchObject([
      { workload: 'get', throughputRatio: 1.25, p50Ratio: 0.8, p99Ratio: 0.8 },
    ]);
    expect(comparisons[0]?.measures.map(({ change }) => change)).toContain('unjudged');
  });

  test('keeps its rounds, so that a difference can be judged', () => {
    const then = kept(report([resultOf('get', [50, 51, 50, 49, 50, 51, 50])]));
    const [comparison] = compareResults([resultOf('get', [61, 60, 62, 60, 61, 62, 60])], then.results, false);

    expect(new Set(comparison?.measures.map(({ change }) => change))).toEqual(new Set(['slower']));
  });

  test('tells which settings were others', () => {
    const then = kept(report([resultOf('ping', [1])], { pipeline: 16, ratePerSecond: 100 }));

    expect(otherSettingsOf(then, report([]))).toEqual(['pipeline', 'ratePerSecond']);
    expect(otherSettingsOf(kept(report([resultOf('ping', [1])])), report([]))).toEqual([]);
  });

  test('leaves out what was cut short, then or now', () => {
    const short = { ...resultOf('get', [100]), complete: false };
    const then = kept(report([short, resultOf('ping', [50])]));
    const now = [resultOf('get', [100]), { ...resultOf('ping', [50]), complete: false }];

    expect(compareResults(now, then.results, false)).toEqual([]);
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
