import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import {
  hidesNew,
  hitFlags,
  missingFlags,
  sameFlags,
  withFlags,
} from '../../src/traffic/notifications/notification-flags.ts';

const wanted = hitFlags.required + hitFlags.optional;
const flags = fc.array(fc.constantFrom(...'KEAg$lshzxetdmn'.split(''))).map((letters) => letters.join(''));

describe('the letters that are missing', () => {
  test.each([
    ['', wanted, 'Emxegn'],
    ['AKE', wanted, 'mn'],
    ['Kx', wanted, 'Emegn'],
    ['gxenEm', wanted, ''],
    ['KEAmn', wanted, ''],
    ['K', 'A', 'g$lshzxetd'],
    ['g$lshzxetd', 'A', ''],
  ])('of `%s` for `%s` are `%s`', (found, all, missing) => {
    expect(missingFlags(found, all)).toBe(missing);
  });

  test('are none once they are added, and nothing that was there is gone', () => {
    fc.assert(
      fc.property(flags, flags, (found, all) => {
        const both = withFlags(found, all);
        expect(both.startsWith(found)).toBe(true);
        expect(missingFlags(both, all)).toBe('');
        expect(missingFlags(both, found)).toBe('');
        expect(sameFlags(withFlags(both, all), both)).toBe(true);
      }),
    );
  });
});

describe('two values', () => {
  test.each([
    ['KEA', 'AKE'],
    ['Kx', 'xK'],
    ['g$lshzxetdK', 'AK'],
    ['', ''],
    ['xx', 'x'],
  ])('`%s` and `%s` are the same', (left, right) => {
    expect(sameFlags(left, right)).toBe(true);
  });

  test.each([
    ['KEA', 'AK'],
    ['', 'n'],
    ['Egxe', 'Egxen'],
    ['AKE', 'AKEm'],
  ])('`%s` and `%s` are not', (left, right) => {
    expect(sameFlags(left, right)).toBe(false);
  });

  test('are the same where a server shows no difference: `n` beside `A`', () => {
    expect(sameFlags('KEAn', 'AKE')).toBe(true);
    expect(hidesNew('AKE')).toBe(true);
    expect(hidesNew('g$lshzxeKE')).toBe(false);
  });
});
