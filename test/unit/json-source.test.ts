import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { layOutJson, losesNumbers } from '../../src/records/json-source.ts';
import { rounds } from '../server/effort.ts';

describe('the source of JSON', () => {
  test('is laid out as JavaScript would, where nothing is lost by parsing', () => {
    fc.assert(
      fc.property(fc.jsonValue(), fc.constantFrom(0, 1, 7), (value, indent) => {
        const parsed = JSON.parse(JSON.stringify(value)) as unknown;
        expect(layOutJson(JSON.stringify(parsed, null, indent))).toBe(JSON.stringify(parsed, null, 2));
      }),
      { numRuns: rounds(500) },
    );
  });

  test('keeps digits, order and repeated fields', () => {
    expect(layOutJson('{"2":1.0,"1":12345678901234567890,"1":1e400}')).toBe(
      '{\n  "2": 1.0,\n  "1": 12345678901234567890,\n  "1": 1e400\n}',
    );
  });

  test.each([
    ['9007199254740991', false],
    ['9007199254740993', true],
    ['12345678901234567890', true],
    ['1234567890123456000', false],
    ['-0.1234567890123456', false],
    ['0.123456789012345678901', true],
    ['{"a":"12345678901234567890"}', false],
    [String.raw`{"a":"\"12345678901234567890"}`, false],
    ['[1,2,{"a":[18446744073709551615]}]', true],
    ['1.50000000000000000000', false],
    ['1e400', true],
    ['-0', true],
    ['-0.5', false],
    ['1e-400', true],
    ['1e300', false],
  ])('%s loses a number: %s', (json, loses) => {
    expect(losesNumbers(json)).toBe(loses);
  });

  test('may be one text of many megabytes', () => {
    const json = JSON.stringify({ a: '\n"'.repeat(2_000_000), n: 1234567890123456 });
    expect(losesNumbers(json)).toBe(false);
    expect(layOutJson(json)).toHaveLength(
      json.length + '\n  '.length + ' '.length + '\n  '.length + ' '.length + '\n'.length,
    );
  });
});
