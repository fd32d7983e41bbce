import { describe, expect, test } from 'vitest';
import { parseDuration } from '../../src/support/quantity.ts';

describe('a duration', () => {
  test.each([
    ['90', 90],
    ['500us', 0.0005],
    ['250ms', 0.25],
    ['5m', 300],
    ['1h30m', 5400],
    ['7d', 604_800],
  ])('%s is %d seconds', (text, seconds) => {
    expect(parseDuration(text)).toBeCloseTo(seconds, 9);
  });

  test.each(['', 'soon', '5 apples', '-1s', '1h nonsense'])('is not `%s`', (text) => {
    expect(() => parseDuration(text)).toThrow(`\`${text}\` is not a duration`);
  });

  test.each(['1795874400', '1795874400000'])('is not `%s`, which looks like a moment', (text) => {
    expect(() => parseDuration(text)).toThrow(
      `\`${text}\` is the Unix time of 2026-11-28T14:00:00Z, not a duration; write 7d or 12h, with a unit`,
    );
    expect(parseDuration(`${text}s`)).toBe(Number(text));
  });
});
