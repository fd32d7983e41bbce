import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { type Distribution, merged } from '../../src/bench/hdr.ts';
import { LatencyRecorder, type LatencySummary, summaryOf } from '../../src/bench/latency.ts';
import { coefficientOfVariation, meanOf, standardDeviationOf } from '../../src/support/intervals.ts';

function summaryOfAll(millis: readonly number[]): LatencySummary | null {
  return summaryOf(recorded(millis));
}

function recorded(millis: readonly number[]): Distribution {
  const recorder = new LatencyRecorder();
  for (const each of millis) recorder.record(each);
  return recorder.distribution;
}

describe('latencies', () => {
  test('of nothing have no summary', () => {
    expect(summaryOfAll([])).toBeNull();
  });

  test('keep their percentiles to 0.1 %, from a microsecond to an hour', () => {
    const nanosecond = 0.001;
    fc.assert(
      fc.property(
        fc.array(fc.double({ min: 0.001, max: 3_600_000, noNaN: true }), { minLength: 1, maxLength: 300 }),
        (millis) => {
          const sorted = millis.map((each) => each * 1000).sort((left, right) => left - right);
          const summary = summaryOfAll(millis);
          const percentiles = {
            p50Micros: 50,
            p90Micros: 90,
            p95Micros: 95,
            p99Micros: 99,
            p999Micros: 99.9,
            p9999Micros: 99.99,
          };
          for (const [name, percent] of Object.entries(percentiles)) {
            // A rank between two samples may be either of them.
            const rank = (percent / 100) * sorted.length;
            const low = sorted[Math.max(0, Math.floor(rank) - 1)] ?? 0;
            const high = sorted[Math.min(sorted.length - 1, Math.ceil(rank))] ?? 0;
            const told = summary?.[name as keyof LatencySummary] ?? 0;
            expect(told).toBeGreaterThanOrEqual(low * 0.999 - nanosecond);
            expect(told).toBeLessThanOrEqual(high * 1.001 + nanosecond);
          }
          expect(summary?.samples).toBe(sorted.length);
          expect(summary?.minMicros).toBeLessThanOrEqual(summary?.p50Micros ?? 0);
          expect(summary?.p999Micros).toBeLessThanOrEqual(summary?.maxMicros ?? 0);
        },
      ),
    );
  });

  test('too short or too long for the histogram are held at its ends, not dropped', () => {
    const summary = summaryOfAll([0, 1e12]);

    expect(summary?.samples).toBe(2);
    expect(summary?.minMicros).toBe(0.001);
    expect(summary?.maxMicros ?? 0).toBeCloseTo(3.6e9, -7);
  });
});

test('latencies that were recorded apart and put together are those that were recorded at once', () => {
  const latencies = fc.array(fc.double({ min: 0, max: 3_600_000, noNaN: true }), { maxLength: 200 });
  fc.assert(
    fc.property(fc.array(latencies, { minLength: 1, maxLength: 4 }), (parts) => {
      const all = recorded(parts.flat());
      const sum = new LatencyRecorder();
      for (const part of parts) sum.add(recorded(part));

      expect(merged(parts.map(recorded))).toEqual(all);
      expect(sum.distribution).toEqual(all);
    }),
  );
});

describe('statistics', () => {
  test('agree with figures computed by hand', () => {
    const values = [2, 4, 4, 4, 5, 5, 7, 9];

    expect(meanOf(values)).toBe(5);
    expect(standardDeviationOf(values)).toBeCloseTo(Math.sqrt(32 / 7), 12);
    expect(coefficientOfVariation([10, 10, 10])).toBe(0);
  });

  test('a variation does not depend on the unit', () => {
    fc.assert(
      fc.property(
        fc.array(fc.integer({ min: 1, max: 1e6 }), { minLength: 2, maxLength: 50 }),
        fc.integer({ min: 1, max: 1000 }),
        (values, factor) => {
          expect(coefficientOfVariation(values.map((value) => value * factor))).toBeCloseTo(
            coefficientOfVariation(values),
            9,
          );
        },
      ),
    );
  });
});
