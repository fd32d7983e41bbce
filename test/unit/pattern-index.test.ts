import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { PatternIndex } from '../../src/keyspace/pattern-index.ts';
import { compareSpecificity, compilePattern, parsePattern } from '../../src/keyspace/pattern.ts';
import { type ByteString, bytesOf } from '../../src/support/bytes.ts';
import { keys, patternTexts } from './pattern-arbitraries.ts';
import { rounds } from '../server/effort.ts';

const delimiters = [':', '_'];

interface Item {
  readonly text: string;
  readonly value: string;
}

/** One pattern after the other, as the order of precedence says. */
function searched(items: readonly Item[], key: ByteString): string[] {
  return items
    .map(({ text, value }) => ({ pattern: parsePattern(text), value }))
    .sort((left, right) => compareSpecificity(left.pattern, right.pattern))
    .filter(({ pattern }) => compilePattern(pattern, delimiters)(key))
    .map(({ value }) => value);
}

function indexOf(items: readonly Item[]): PatternIndex<string> {
  return new PatternIndex(
    items.map(({ text, value }) => ({ pattern: parsePattern(text), value })),
    delimiters,
  );
}

const named = (texts: readonly string[]): Item[] => texts.map((text, index) => ({ text, value: `${index}` }));

/** Patterns that have much in common: prefixes of prefixes, one prefix and many ends, wildcards first, equal ones. */
const alikeTexts = fc
  .tuple(
    fc.constantFrom(
      '',
      'a',
      'ab',
      'ab:',
      'ab:a',
      '*',
      '*:',
      '<id>',
      '<id>:',
      'a<x>',
      'ab:<id>:',
      'ab:*:',
      'a\\*',
    ),
    fc.constantFrom(
      '',
      'a',
      'b',
      ':a',
      ':b',
      ':ab',
      '_1',
      '<int>',
      '<y>',
      '*',
      '*a',
      ':*b',
      '_<int>',
      'b*',
      ':1:*',
    ),
    fc.constantFrom('', '', 'a', ':b', '*', '<z>', '1'),
  )
  .map((parts) => parts.join(''))
  .filter((text) => text !== '');
const alikeKeys = fc
  .array(fc.constantFrom('a', 'b', 'ab', ':', ':', '_', '1', '12', '*', '-1'), { maxLength: 7 })
  .map((parts) => bytesOf(parts.join('')));

describe('the index of patterns', () => {
  test.each([
    ['patterns of every kind', patternTexts, keys],
    ['patterns that have much in common', alikeTexts, alikeKeys],
  ] as const)('finds what a search through all finds, with %s', (_, texts, someKeys) => {
    let found = 0;
    fc.assert(
      fc.property(
        fc.array(texts, { maxLength: 60, size: 'max' }).map(named),
        fc.array(someKeys, { minLength: 1, maxLength: 20, size: 'max' }),
        (items, asked) => {
          const index = indexOf(items);
          for (const key of asked) {
            const expected = searched(items, key);
            found += expected.length > 1 ? 1 : 0;
            expect(index.find(key)).toBe(expected[0] ?? null);
            expect([...index.findAll(key)].sort()).toEqual(expected.sort());
          }
        },
      ),
      { numRuns: rounds(300) },
    );
    expect(found).toBeGreaterThan(100);
  });

  test('tells thousands of patterns behind one wildcard apart', () => {
    const forms = ['app:<id>:x#', '*:y#', '*z#', 'app:<id>:w#:*', '<id>_v#'];
    const items = forms.flatMap((form) =>
      Array.from({ length: 1000 }, (_, number) => form.replace('#', String(number))).map((text) => ({
        text,
        value: text,
      })),
    );
    const index = indexOf(items);
    for (const [key, expected] of [
      ['app:7:x12', 'app:<id>:x12'],
      ['app:7:x123', 'app:<id>:x123'],
      ['any:thing:y9', '*:y9'],
      ['abcz77', '*z77'],
      ['app:7:w5:more:of:it', 'app:<id>:w5:*'],
      ['7_v999', '<id>_v999'],
      ['7_v1000', null],
      ['app:7:x1:y2', '*:y2'],
    ] as const)
      expect([key, index.find(bytesOf(key))]).toEqual([key, expected]);
  });

  test('takes prefixes that are nested thousands deep', () => {
    const items = Array.from({ length: 2000 }, (_, length) => `${'a'.repeat(length)}*`).map((text) => ({
      text,
      value: text,
    }));
    const index = indexOf(items);
    expect(index.find(bytesOf(`${'a'.repeat(1500)}b`))).toBe(`${'a'.repeat(1500)}*`);
    expect(index.findAll(bytesOf('aaab')).size).toBe(4);
  });
});
