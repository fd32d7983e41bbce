import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { canOverlap } from '../../src/changes/unreachable.ts';
import { compilePattern, parsePattern } from '../../src/keyspace/pattern.ts';
import { bytesOf } from '../../src/support/bytes.ts';
import { quoted } from './pattern-arbitraries.ts';
import { rounds } from '../server/effort.ts';

const overlap = (left: string, right: string) => canOverlap(parsePattern(left), parsePattern(right), [':']);

describe('whether two patterns can have a key in common', () => {
  test('is never denied where they have one', () => {
    const characters = fc.constantFrom('a', 'b', '1', '-', ':', '@', '.', 'é', '*', '\\', '\n');
    const blur = fc.constantFrom(null, null, '*', '<x>', '<int>', '<id>*');
    // Two patterns of the same text, each with parts of it made wildcards.
    const pairs = fc.array(fc.tuple(characters, blur, blur), { minLength: 1, maxLength: 8 }).map((list) => ({
      key: list.map(([character]) => character).join(''),
      left: list.map(([character, wild]) => wild ?? quoted(character)).join(''),
      right: list.map(([character, , wild]) => wild ?? quoted(character)).join(''),
    }));
    let common = 0;
    fc.assert(
      fc.property(pairs, ({ key, left, right }) => {
        const fitsBoth = [left, right].every((text) =>
          compilePattern(parsePattern(text), [':'])(bytesOf(key)),
        );
        if (!fitsBoth) return;
        common++;
        expect(overlap(left, right)).toBe(true);
      }),
      { numRuns: rounds(10_000) },
    );
    expect(common).toBeGreaterThan(rounds(10_000) / 20);
  });

  test.each([
    ['user:123e4567-e89b-12d3-a456-426614174000', 'user:<uuid>'],
    ['a:2025-01-31:x', 'a:<date>:<x>'],
    ['a:0123456789abcdef', '*:<hash>'],
    ['s:abcdefghijklmnopqrst_-Z', 's:<token>'],
    ['m:ann@example.org', 'm:<email>'],
    ['n:-12', 'n:<int>'],
  ])('is not denied for the key %s and %s, which it fits', (key, shaped) => {
    expect(compilePattern(parsePattern(shaped), [':'])(bytesOf(key))).toBe(true);
    expect(overlap(quoted(key), shaped)).toBe(true);
  });

  test.each([
    ['api_cache:*boardroom*', 'api_cache:<hash>'],
    ['*acme*tech*', 'course_curriculum:<hash>'],
    ['tts:alloy:*', 'tts:<hash>:<voice>:<speed>'],
    ['user:1:*', 'user:<id>'],
    ['user:1', 'user:12'],
    ['<int>', 'a<x>'],
    ['a:<int>', 'a:x*'],
    ['a:<id>:b', 'a:<id>:c'],
    ['x<id>', '<int>'],
  ])('is denied for %s and %s', (left, right) => {
    expect(overlap(left, right)).toBe(false);
    expect(overlap(right, left)).toBe(false);
  });

  test.each([
    ['api_cache:*beef*', 'api_cache:<hash>'],
    ['api_cache:*', 'api_cache:<hash>'],
    ['tts:*:alloy:*', 'tts:<hash>:<voice>:<speed>'],
    ['*', 'a'],
    ['*b', 'a*'],
    ['<x>:b', 'a:<y>'],
    ['é*', '*é'],
  ])('is not denied for %s and %s', (left, right) => {
    expect(overlap(left, right)).toBe(true);
    expect(overlap(right, left)).toBe(true);
  });
});
