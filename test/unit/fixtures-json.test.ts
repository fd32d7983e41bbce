import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { RecordFault } from '../../src/fixtures/faults.ts';
import { parseJsonBytes } from '../../src/fixtures/json-bytes.ts';
import { bytesOf } from '../../src/redis/bytes.ts';

const latin1 = (text: string) => Buffer.from(text, 'utf8').toString('latin1');

/** The same value with the UTF-8 bytes of each string, one per character. */
function inBytes(value: unknown): unknown {
  if (typeof value === 'string') return bytesOf(value);
  if (Array.isArray(value)) return value.map(inBytes);
  if (typeof value !== 'object' || value === null) return value;
  return Object.fromEntries(Object.entries(value).map(([name, each]) => [bytesOf(name), inBytes(each)]));
}

const text = fc.string({ unit: 'binary' });
const value = fc.letrec<{ any: unknown }>((tie) => ({
  any: fc.oneof(
    { maxDepth: 3 },
    text,
    fc
      .double({ noNaN: true, noDefaultInfinity: true })
      .filter((each) => Math.abs(each) < 1e15 && !Object.is(each, -0)),
    fc.boolean(),
    fc.constant(null),
    fc.array(tie('any'), { maxLength: 4 }),
    fc.dictionary(
      text.filter((name) => name !== '__proto__'),
      tie('any'),
      { maxKeys: 4 },
    ),
  ),
})).any;

describe('parsing in bytes', () => {
  test('gives what JSON.parse gives, with each string as its UTF-8 bytes', () => {
    fc.assert(
      fc.property(value, fc.func(fc.boolean()), (original, escapes) => {
        // Any character may be written as \uXXXX, in one or two halves.
        const escaped = JSON.stringify(original).replace(/[^\x00-\x7f]/g, (half, at: number) =>
          escapes(half, at) || /[\ud800-\udfff]/.test(half)
            ? `\\u${half.charCodeAt(0).toString(16).padStart(4, '0')}`
            : half,
        );
        expect(parseJsonBytes(latin1(escaped))).toEqual(inBytes(original));
      }),
      { numRuns: 500 },
    );
  });

  test('leaves what only looks like an escape alone', () => {
    expect(parseJsonBytes('"\\\\u0159"')).toBe('\\u0159');
    expect(parseJsonBytes('"\\\\\\u0159"')).toBe(`\\${latin1('ř')}`);
    expect(parseJsonBytes('"\\u0022\\u005c"')).toBe('"\\');
  });
});

describe('a text that is no JSON', () => {
  const reasonOf = (json: string, line?: number): string => {
    try {
      parseJsonBytes(latin1(json), line);
    } catch (error) {
      if (error instanceof RecordFault) return Buffer.from(error.message, 'latin1').toString('utf8');
      throw error;
    }
    throw new Error('it was taken for JSON');
  };

  test.each([
    ['{"a": 1,}', 'not JSON: expected a name in double quotes, not `}`'],
    ['{"a" 1}', 'not JSON: expected a colon, not `1`'],
    ['{"a": 1 "b": 2}', 'not JSON: expected a comma or `}`, not `"b"`'],
    ["{'a': 1}", "not JSON: expected a name in double quotes or `}`, not `'`"],
    ['[1, 2', 'not JSON: it ends where a comma or `]` should follow'],
    ['{"a": NaN}', 'not JSON: expected a value, not `NaN`'],
    ['{"a": 01}', 'not JSON: expected a comma or `}`, not `1`'],
    ['[1 2]', 'not JSON: expected a comma or `]`, not `2`'],
    ['[,]', 'not JSON: expected a value or `]`, not `,`'],
    ['{} {}', 'not JSON: expected nothing more, not `{`'],
    ['{"a": "open}', 'not JSON: a quote is left open'],
    [
      '{"a": "x\ny"}',
      'not JSON: a string holds a line feed, tab or other control character; write it as \\n, \\t or \\u00XX',
    ],
    ['{"a": ě}', 'not JSON: expected a value, not `\ufffd`'],
    ['', 'not JSON: it ends where a value should follow'],
  ])('%s', (json, reason) => {
    expect(reasonOf(json)).toBe(reason);
  });

  test('that has several lines is told by the line of the file', () => {
    expect(reasonOf('{\n  "a": 1\n  "b": 2\n}', 10)).toBe(
      'not JSON: expected a comma or `}` in line 12, not `"b"`',
    );
  });

  test('always gets a reason, and never more of the text than a few characters', () => {
    fc.assert(
      fc.property(
        fc.string({
          unit: fc.constantFrom(
            '{',
            '}',
            '[',
            ']',
            '"',
            ',',
            ':',
            '\\',
            ' ',
            '\n',
            '1',
            'e',
            '-',
            '.',
            'null',
            'x',
          ),
        }),
        (json) => {
          let invalid = false;
          try {
            JSON.parse(json);
          } catch {
            invalid = true;
          }
          fc.pre(invalid);
          const reason = reasonOf(json);
          expect(reason).toMatch(/^not JSON: /);
          expect(reason.length).toBeLessThan(120);
        },
      ),
      { numRuns: 1000 },
    );
  });
});

describe('a text that cannot be written as it is meant', () => {
  test.each([
    [
      '{"id": 12345678901234567890}',
      'the number 12345678901234567890 is too long to keep all its digits; write it as a string',
    ],
    [
      '{"id": [1, {"x": -9007199254740993}]}',
      'the number -9007199254740993 is too long to keep all its digits; write it as a string',
    ],
    ['"\\ud800"', '`\\ud800` is half of a character, and has no UTF-8 form'],
    ['"\\udc00\\ud800"', '`\\udc00` is half of a character, and has no UTF-8 form'],
  ])('is refused: %s', (json, reason) => {
    expect(() => parseJsonBytes(json)).toThrow(reason);
  });

  test.each([
    '{"id": 9007199254740991, "s": "12345678901234567890"}',
    '[1e300, 0.12345678901234567]',
    '18014398509481984',
  ])('is told from one that can: %s', (json) => {
    expect(parseJsonBytes(json)).toEqual(JSON.parse(json));
  });

  test('because its bytes are no UTF-8 is refused', () => {
    expect(() => parseJsonBytes('"\xff"')).toThrow('it is not valid UTF-8');
    expect(() => parseJsonBytes('"\xc3"')).toThrow('it is not valid UTF-8');
  });
});
