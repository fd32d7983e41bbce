import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { idFinder } from '../../src/changes/id-matcher.ts';
import { bindPlaceholder, compilePattern, parsePattern, patternWithin } from '../../src/keyspace/pattern.ts';
import { bytesOf } from '../../src/support/bytes.ts';
import { ids, keys, patternTexts } from './pattern-arbitraries.ts';
import { rounds } from '../server/effort.ts';

const matcherOf = (pattern: string, ...list: string[]) => {
  const find = idFinder(parsePattern(pattern), list, [':']);
  return (key: string) => find(bytesOf(key)).length > 0;
};

describe('matching many ids at once', () => {
  const delimiters = fc.constantFrom([':'], [':', '_'], ['-', '?']);
  const idLists = fc.array(ids, { minLength: 1, maxLength: 6 });

  test('finds the keys that fit the pattern with one of the ids, and no others', () => {
    fc.assert(
      fc.property(patternTexts, idLists, keys, delimiters, (text, list, key, between) => {
        const pattern = parsePattern(text);
        const expected = list.some((id) => compilePattern(bindPlaceholder(pattern, 'id', id), between)(key));
        expect(idFinder(pattern, list, between)(key).length > 0).toBe(expected);
      }),
      { numRuns: rounds(5000) },
    );
  });

  test('does so for keys that were made from the pattern', () => {
    const keysOfPattern = fc
      .tuple(patternTexts, idLists, fc.nat(), keys)
      .map(([text, list, pick, filler]) => {
        const id = bytesOf(list[pick % list.length] ?? '');
        const key = parsePattern(text)
          .parts.map((part) =>
            part.kind === 'literal'
              ? part.bytes
              : part.kind === 'placeholder' && part.name === 'id'
                ? id
                : filler,
          )
          .join('');
        return { text, list, key: key as typeof filler };
      });
    let hits = 0;
    fc.assert(
      fc.property(keysOfPattern, delimiters, ({ text, list, key }, between) => {
        const pattern = parsePattern(text);
        const expected = list.some((id) => compilePattern(bindPlaceholder(pattern, 'id', id), between)(key));
        if (expected) hits++;
        expect(idFinder(pattern, list, between)(key).length > 0).toBe(expected);
      }),
      { numRuns: rounds(5000) },
    );
    expect(hits).toBeGreaterThan(100);
  });

  test('does so for consecutive segments anywhere in a key', () => {
    const inner = parsePattern('a<id>');
    fc.assert(
      fc.property(idLists, keys, (list, key) => {
        const pattern = patternWithin(inner);
        const expected = list.some((id) => compilePattern(bindPlaceholder(pattern, 'id', id), [':'])(key));
        expect(idFinder(pattern, list, [':'])(key).length > 0).toBe(expected);
      }),
      { numRuns: rounds(3000) },
    );
  });

  test('tells ids apart that begin or end alike', () => {
    const test = matcherOf('user:<id>:*', '1', '12');
    expect(['user:1:x', 'user:12:x', 'user:123:x', 'user:2:x', 'user:21:x'].filter(test)).toEqual([
      'user:1:x',
      'user:12:x',
    ]);
  });

  test('sees every place where an id can stand', () => {
    const test = matcherOf('*:user:<id>:*', '1');
    expect(test('a:user:1:user:12:x')).toBe(true);
    expect(test('a:user:12:user:1:x')).toBe(true);
    expect(test('a:user:12:user:13:x')).toBe(false);
  });

  test('takes an id with delimiters, glob characters or braces for what it is', () => {
    const test = matcherOf('user:{<id>}:x', 'a:b', '*', '{tag}');
    expect(['user:{a:b}:x', 'user:{*}:x', 'user:{{tag}}:x', 'user:{a}:x', 'user:{b}:x'].filter(test)).toEqual(
      ['user:{a:b}:x', 'user:{*}:x', 'user:{{tag}}:x'],
    );
  });

  test('asks for the same id in every place of its placeholder', () => {
    const test = matcherOf('friends:<id>:<id>', '1', '2');
    expect(test('friends:1:1')).toBe(true);
    expect(test('friends:1:2')).toBe(false);
  });
});
