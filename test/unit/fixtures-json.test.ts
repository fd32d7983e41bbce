import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { RecordFault } from '../../src/records/fixtures/record.ts';
import {
  arrayElements,
  jsonBytes,
  jsonKind,
  type JsonValue,
  objectMembers,
  parseJson,
  stringBytes,
} from '../../src/records/fixtures/json-value.ts';
import { bytesOf } from '../../src/support/bytes.ts';
import { jsonTexts } from './json-texts.ts';
import { rounds } from '../server/effort.ts';

const latin1 = (text: string) => Buffer.from(text, 'utf8').toString('latin1');

/** The value with all its strings decoded, each as its bytes. */
function decoded(value: JsonValue): unknown {
  switch (jsonKind(value)) {
    case 'string':
      return stringBytes(value);
    case 'array':
      return arrayElements(value).map(decoded);
    case 'object':
      return Object.fromEntries(objectMembers(value).map(([name, each]) => [name, decoded(each)]));
    default:
      return JSON.parse(value);
  }
}

/** The same value with the UTF-8 bytes of each string, one per character. */
function inBytes(value: unknown): unknown {
  if (typeof value === 'string') return bytesOf(value);
  if (Array.isArray(value)) return value.map(inBytes);
  if (typeof value !== 'object' || value === null) return value;
  return Object.fromEntries(Object.entries(value).map(([name, each]) => [bytesOf(name), inBytes(each)]));
}

describe('a JSON text', () => {
  test('keeps every token, and loses the white space between them', () => {
    fc.assert(
      fc.property(jsonTexts, ({ text, compact }) => {
        expect(JSON.parse(compact)).toEqual(JSON.parse(text));
        expect(jsonBytes(parseJson(latin1(text)))).toBe(bytesOf(compact));
      }),
      { numRuns: rounds(1000) },
    );
  });

  test('has the parts that JSON.parse gives, with each string as its UTF-8 bytes', () => {
    fc.assert(
      fc.property(jsonTexts, ({ text }) => {
        fc.pre(!/\\u[dD][89a-fA-F]/.test(text.replace(/\\ud83d\\ude00/g, '')));
        expect(decoded(parseJson(latin1(text)))).toEqual(inBytes(JSON.parse(text)));
      }),
      { numRuns: rounds(1000) },
    );
  });

  test('may be nested a million levels deep', () => {
    const text = `${'['.repeat(1_000_000)}${']'.repeat(1_000_000)}`;
    expect(jsonBytes(parseJson(` ${text}`))).toHaveLength(2_000_000);
    expect(arrayElements(parseJson(text))).toHaveLength(1);
  });

  test('leaves what only looks like an escape alone', () => {
    expect(stringBytes(parseJson('"\\\\u0159"'))).toBe('\\u0159');
    expect(stringBytes(parseJson('"\\\\\\u0159"'))).toBe(`\\${latin1('ř')}`);
    expect(stringBytes(parseJson('"\\u0022\\u005c"'))).toBe('"\\');
  });
});

describe('a text that is no JSON', () => {
  const reasonOf = (json: string, line?: number): string => {
    try {
      parseJson(latin1(json), line);
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

  test('gets a reason also where a string of many megabytes comes before the fault', () => {
    for (const content of ['x'.repeat(20_000_000), '\\n'.repeat(500_000), '\\"'.repeat(500_000)]) {
      const long = `"${content}"`;
      expect(reasonOf(`{"a":${long} 1}`)).toBe('not JSON: expected a comma or `}`, not `1`');
      expect(reasonOf(`{"a":${long.slice(0, -1)}`)).toBe('not JSON: a quote is left open');
    }
    expect(reasonOf(String.raw`["\x"]`)).toBe('not JSON: a string holds a backslash that begins no escape');
  });

  test('that has several lines is told by the line of the file', () => {
    expect(reasonOf('{\n  "a": 1\n  "b": 2\n}', 10)).toBe(
      'not JSON: expected a comma or `}` in line 12, not `"b"`',
    );
  });

  test('that are two with no comma between them is told by the line where it is missing', () => {
    expect(reasonOf('{\n  "a": 1\n}\n{\n  "b": 2\n}', 3)).toBe(
      'not JSON: a comma is missing at the end of line 5',
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
      { numRuns: rounds(1000) },
    );
  });
});

describe('a text that cannot be written as it is meant', () => {
  test.each([
    ['"\\ud800"', '`\\ud800` is half of a character, and has no UTF-8 form'],
    ['"\\udc00\\ud800"', '`\\udc00` is half of a character, and has no UTF-8 form'],
  ])('is refused: %s', (json, reason) => {
    expect(() => stringBytes(parseJson(json))).toThrow(reason);
  });

  test('because its bytes are no UTF-8 is refused', () => {
    expect(() => parseJson('"\xff"')).toThrow('it is not valid UTF-8');
    expect(() => parseJson('"\xc3"')).toThrow('it is not valid UTF-8');
    // Half a surrogate pair, encoded as if it were a character.
    expect(() => parseJson('"\xed\xa0\x80"')).toThrow('it is not valid UTF-8');
  });
});
