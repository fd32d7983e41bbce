import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { barOf, displayWidth } from '../../src/render/width.ts';
import type { Unit } from '../../src/render/blocks.ts';
import {
  counted,
  formatBounded,
  formatBytes,
  formatCell,
  formatMicros,
  formatRatio,
  formatRatioRange,
  formatSeconds,
  rawCell,
} from '../../src/render/units.ts';

describe('bytes', () => {
  test.each([
    [0, '0 B'],
    [1, '1 B'],
    [999, '999 B'],
    [999.6, '1.0 kB'],
    [1000, '1.0 kB'],
    [1499, '1.5 kB'],
    [999_949, '999.9 kB'],
    [999_950, '1.0 MB'],
    [12_345_678, '12.3 MB'],
    [5e9, '5.0 GB'],
    [5e15, '5000.0 TB'],
    [-1500, '-1.5 kB'],
  ])('%d reads %s', (bytes, text) => {
    expect(formatBytes(bytes)).toBe(text);
  });
});

describe('a ratio', () => {
  test.each([
    [0, '0.0 %'],
    [0.000_1, '< 0.1 %'],
    [0.000_5, '0.1 %'],
    [0.5, '50.0 %'],
    [0.931_2, '93.1 %'],
    [0.999_4, '99.9 %'],
    [0.999_6, '99.96 %'],
    [0.999_999, '99.99 %'],
    [1, '100.0 %'],
    [1.071, '107.1 %'],
  ])('%d reads %s', (ratio, text) => {
    expect(formatRatio(ratio)).toBe(text);
  });

  test('that is less than everything never reads 100 %, and more than nothing never 0 %', () => {
    fc.assert(
      fc.property(
        fc.double({ min: 0, max: 1, minExcluded: true, maxExcluded: true, noNaN: true }),
        (ratio) => {
          expect(formatRatio(ratio)).not.toMatch(/^(100\.0|0\.0) %$/);
        },
      ),
    );
  });
});

describe('a range', () => {
  test.each([
    [[0.606_9, 0.607_4], '60.7 %'],
    [[0.606_4, 0.607_4], '60.6 % to 60.7 %'],
    [[0.5, 0.5], '50.0 %'],
  ] as const)('of %j reads %s', (range, text) => {
    expect(formatRatioRange(range)).toBe(text);
  });

  test('around a figure is left out where it reads as the figure does', () => {
    expect(formatBounded(4.8, [4.7, 4.9], formatSeconds)).toBe('4.8 s (4.7 s to 4.9 s)');
    expect(formatBounded(4.8, [4.79, 4.81], formatSeconds)).toBe('4.8 s');
  });
});

describe('seconds', () => {
  test.each([
    [0, '0 s'],
    [0.000_4, '1 ms'],
    [0.25, '250 ms'],
    [0.999_9, '1.0 s'],
    [1, '1 s'],
    [1.25, '1.3 s'],
    [9.96, '10 s'],
    [59.4, '59 s'],
    [59.7, '1m'],
    [61, '1m 1s'],
    [3599.9, '1h'],
    [5400, '1h 30m'],
    [86_399, '23h 59m'],
    [86_400, '1d'],
    [90_000, '1d 1h'],
    [31_536_000, '365d'],
    [-90, '-1m 30s'],
  ])('%d reads %s', (seconds, text) => {
    expect(formatSeconds(seconds)).toBe(text);
  });
});

describe('microseconds', () => {
  test.each([
    [0, '0.0 µs'],
    [9.94, '9.9 µs'],
    [9.96, '10 µs'],
    [420, '420 µs'],
    [999.7, '1.00 ms'],
    [4200, '4.20 ms'],
    [9999, '10.0 ms'],
    [123_456, '123.5 ms'],
    [999_960, '1.00 s'],
    [2_500_000, '2.50 s'],
  ])('%d reads %s', (micros, text) => {
    expect(formatMicros(micros)).toBe(text);
  });
});

describe('a cell', () => {
  test.each<[string | number | boolean | null, Unit, string, string]>([
    [null, 'count', '-', ''],
    [true, 'text', 'yes', 'true'],
    [false, 'text', 'no', 'false'],
    ['a\tb', 'text', 'a\\tb', 'a\\tb'],
    [1204, 'count', '1,204', '1204'],
    [1234.5, 'number', '1,235', '1234.5'],
    [0.0000841, 'number', '0.000084', '0.0000841'],
    [1.005, 'number', '1', '1.005'],
    [0, 'perSecond', '0/s', '0'],
    [0.34, 'perSecond', '0.3/s', '0.34'],
    [9.96, 'perSecond', '10/s', '9.96'],
    [120_345.6, 'perSecond', '120,346/s', '120345.6'],
    [0.25, 'ratio', '25.0 %', '0.25'],
    [1500, 'bytes', '1.5 kB', '1500'],
    [90, 'seconds', '1m 30s', '90'],
    [1.5, 'millis', '1.50 ms', '1.5'],
    [15, 'micros', '15 µs', '15'],
  ])('%j as %s reads %s for people and %s for programs', (value, unit, forPeople, forPrograms) => {
    expect(formatCell(value, unit)).toBe(forPeople);
    expect(rawCell(value)).toBe(forPrograms);
  });

  test('for programs gives its number back exactly', () => {
    fc.assert(
      fc.property(fc.double({ noNaN: true, noDefaultInfinity: true }), (value) => {
        expect(Number(rawCell(value))).toBe(Object.is(value, -0) ? 0 : value);
      }),
    );
  });
});

test.each([
  [0, '0 keys'],
  [1, '1 key'],
  [1204, '1,204 keys'],
])('%d is counted as %s', (count, text) => {
  expect(counted(count, 'key')).toBe(text);
});

test('a plural may be irregular', () => {
  expect(counted(2, 'miss', 'misses')).toBe('2 misses');
});

describe('a bar', () => {
  test.each([
    [0, ' '.repeat(12), ' '.repeat(12)],
    [0.5, '██████      ', '######      '],
    [1, '█'.repeat(12), '#'.repeat(12)],
    [7, '█'.repeat(12), '#'.repeat(12)],
    [-1, ' '.repeat(12), ' '.repeat(12)],
    [1 / 96, '▏           ', ' '.repeat(12)],
  ])('of %d', (ratio, unicode, ascii) => {
    expect(barOf(ratio, { unicode: true })).toBe(unicode);
    expect(barOf(ratio, { unicode: false })).toBe(ascii);
  });

  test('always has the same width, and never shrinks as the ratio grows', () => {
    const inked = (bar: string) => bar.replaceAll(' ', '').length;
    fc.assert(
      fc.property(
        fc.double({ min: 0, max: 1, noNaN: true }),
        fc.double({ min: 0, max: 1, noNaN: true }),
        (a, b) => {
          for (const unicode of [true, false]) {
            const [less, more] = [barOf(Math.min(a, b), { unicode }), barOf(Math.max(a, b), { unicode })];
            expect([displayWidth(less), displayWidth(more)]).toEqual([12, 12]);
            expect(inked(less)).toBeLessThanOrEqual(inked(more));
          }
        },
      ),
    );
  });
});
