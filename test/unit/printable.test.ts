import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { jsonText } from '../../src/render/json-text.ts';
import { printable, printableLines } from '../../src/render/printable.ts';
import { displayWidth, endOf, startOf } from '../../src/render/width.ts';

const anyText = fc.oneof(
  fc.string({ unit: 'binary' }),
  fc.string({ unit: 'grapheme' }),
  fc.array(fc.integer({ min: 0, max: 0xffff })).map((units) => String.fromCharCode(...units)),
);

describe('text on its way to a terminal', () => {
  test.each([
    ['a color', '\x1b[31mred', '\\x1b[31mred'],
    ['a title', '\x1b]0;pwned\x07', '\\x1b]0;pwned\\x07'],
    ['the 8-bit form of an escape', '\u009b31m', '\\x9b31m'],
    ['a line feed, a return, a tab', 'a\nb\rc\td', 'a\\nb\\rc\\td'],
    ['a null and a delete', '\0\x7f', '\\x00\\x7f'],
    ['right-to-left marks', 'a\u202egpj.exe\u2066', 'a\\u202egpj.exe\\u2066'],
    ['what has no width', 'a\u200b\u00ad\ufeffb', 'a\\u200b\\xad\\ufeffb'],
    ['other line ends', 'a\u2028b\u0085', 'a\\u2028b\\x85'],
    ['tags', 'a\u{e0041}', 'a\\u{e0041}'],
    ['half a pair', 'a\ud83d', 'a\\ud83d'],
  ])('has %s escaped', (_what, text, escaped) => {
    expect(printable(text)).toBe(escaped);
  });

  test.each(['dobrý den', '日本語', '🙂', 'e\u0301', "{'verb': 'ser'}", '\\x1b as it was written'])(
    'is left alone otherwise: %s',
    (text) => {
      expect(printable(text)).toBe(text);
    },
  );

  test('never holds a control, a format character or half a pair', () => {
    fc.assert(
      fc.property(anyText, (text) => {
        expect(printable(text)).not.toMatch(/[\p{Cc}\p{Cf}\p{Cs}\p{Zl}\p{Zp}]/u);
        expect(printableLines(text).replace(/[\n\t]/g, '')).not.toMatch(/[\p{Cc}\p{Cf}\p{Cs}\p{Zl}\p{Zp}]/u);
      }),
    );
  });

  test('of several lines keeps line feeds and tabs, and nothing else', () => {
    expect(printableLines('a\n\tb\r\n\x1b[2J')).toBe('a\n\tb\\r\n\\x1b[2J');
  });
});

describe('JSON', () => {
  test('holds nothing that a terminal would act on, and reads back as it was', () => {
    fc.assert(
      fc.property(fc.dictionary(anyText, anyText), fc.constantFrom(undefined, 2), (value, indent) => {
        const json = jsonText(value, indent);
        expect(JSON.parse(json)).toEqual(JSON.parse(JSON.stringify(value)));
        expect(json.replaceAll('\n', '')).not.toMatch(/[\p{Cc}\p{Cf}\p{Cs}\p{Zl}\p{Zp}]/u);
      }),
    );
  });
});

describe('the width of a text', () => {
  test.each([
    ['', 0],
    ['user:1', 6],
    ['dobrý', 5],
    ['dobry\u0301', 5],
    ['日本語', 6],
    ['한국어', 6],
    ['ＡＢ', 4],
    ['🙂', 2],
    ['█▏…', 3],
  ])('%s is %d', (text, width) => {
    expect(displayWidth(text)).toBe(width);
  });

  test('bounds what is cut off its start or end, which is as long as it can be', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'grapheme' }), fc.nat(20), (text, width) => {
        for (const part of [startOf(text, width), endOf(text, width)]) {
          expect(displayWidth(part)).toBeLessThanOrEqual(width);
          expect(displayWidth(part)).toBeGreaterThanOrEqual(Math.min(displayWidth(text), width - 1));
          expect(part).not.toMatch(/\p{Cs}/u);
        }
        expect(text.startsWith(startOf(text, width))).toBe(true);
        expect(text.endsWith(endOf(text, width))).toBe(true);
      }),
    );
  });
});
