import { describe, expect, test } from 'vitest';
import { parsePayload, payloadSizesOf, sizeChoice } from '../../src/bench/payload.ts';
import { SeededRandom } from '../../src/support/random.ts';

const drawn = (text: string, count = 20_000) => {
  const next = sizeChoice(parsePayload(text), new SeededRandom(1, 'sizes'));
  return Array.from({ length: count }, next);
};

describe('the sizes of values', () => {
  test.each([
    ['256B', { meanBytes: 256, mostBytes: 256 }, null],
    ['64B-4KiB', { meanBytes: 2080, mostBytes: 4096 }, '64B-4KiB'],
    ['64B:50%,1KiB:30%,16KiB:20%', { meanBytes: 3616, mostBytes: 16_384 }, '64B:50%,1KiB:30%,16KiB:20%'],
    ['64B:1, 1KiB-2KiB:3', { meanBytes: 1168, mostBytes: 2048 }, '64B:1,1KiB-2KiB:3'],
    ['100:1,300:0.5', { meanBytes: 167, mostBytes: 300 }, '100:1,300:0.5'],
  ])('`%s` are understood', (text, expected, sizes) => {
    expect(parsePayload(text)).toMatchObject(expected);
    expect(payloadSizesOf(parsePayload(text))).toBe(sizes);
  });

  test.each([
    ['much', 'is not a size'],
    ['', 'is no size of values'],
    ['64B,1KiB', 'is no size of values'],
    ['64B:0,1KiB:1', 'is no size of values'],
    ['4KiB-64B', 'is no range'],
    ['1B-2B-3B', 'is no range'],
    ['64B:50%,1KiB:30%', 'are 80 % together, and not 100 %'],
  ])('`%s` are none', (text, message) => {
    expect(() => parsePayload(text)).toThrow(message);
  });

  test('of a range are each as often', () => {
    const sizes = drawn('10-19');

    for (let size = 10; size <= 19; size++) {
      // Five standard deviations of a binomial distribution.
      expect(Math.abs(sizes.filter((each) => each === size).length - 2000)).toBeLessThan(213);
    }
  });

  test('of a list come by their weights, and are the same in every run', () => {
    const sizes = drawn('64B:50%,1KiB-2KiB:30%,16KiB:20%');
    const share = (low: number, high: number) =>
      sizes.filter((each) => each >= low && each <= high).length / sizes.length;

    expect(share(64, 64)).toBeCloseTo(0.5, 1);
    expect(share(1024, 2048)).toBeCloseTo(0.3, 1);
    expect(share(16_384, 16_384)).toBeCloseTo(0.2, 1);
    expect(share(64, 64) + share(1024, 2048) + share(16_384, 16_384)).toBe(1);
    expect(drawn('64B:50%,1KiB-2KiB:30%,16KiB:20%')).toEqual(sizes);
  });
});
