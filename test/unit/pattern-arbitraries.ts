import fc from 'fast-check';
import { asBytes, bytesOf } from '../../src/support/bytes.ts';

/** Text as a pattern that means nothing but itself. */
export const quoted = (text: string): string => text.replace(/[\\*<]/g, '\\$&');

/** Few characters, so that patterns and keys meet: delimiters, glob characters, UTF-8, control characters. */
const characters = [
  'a',
  'b',
  '1',
  ':',
  '_',
  '*',
  '?',
  '[',
  ']',
  '\\',
  '^',
  '-',
  '{',
  '}',
  '<',
  '>',
  '\n',
  '\0',
  'é',
  '€',
  '🙂',
  '$',
  '.',
];
const texts = fc.array(fc.constantFrom(...characters), { maxLength: 6 }).map((list) => list.join(''));
export const ids = texts.filter((text) => text !== '');
/** Keys may be any bytes, also such as are no UTF-8. */
export const keys = fc.oneof(
  texts.map(bytesOf),
  fc
    .array(fc.integer({ min: 0, max: 255 }), { maxLength: 6 })
    .map((list) => asBytes(String.fromCharCode(...list))),
);
export const patternTexts = fc
  .array(fc.oneof({ weight: 3, arbitrary: ids.map(quoted) }, fc.constantFrom('*', '<id>', '<x>', ':')), {
    minLength: 1,
    maxLength: 5,
  })
  .map((list) => list.join(''));
