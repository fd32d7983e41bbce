import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import {
  bindPlaceholder,
  compareSpecificity,
  compilePattern,
  exactKeyOf,
  type KeyPattern,
  matchesEverything,
  parsePattern,
  patternWithin,
  prefixOf,
} from '../../src/keyspace/pattern.ts';
import { asBytes, bytesOf } from '../../src/support/bytes.ts';
import { ids, keys, patternTexts, quoted } from './pattern-arbitraries.ts';
import { rounds } from '../server/effort.ts';

const colon = [':'];

function matches(pattern: string | KeyPattern, key: string, delimiters: readonly string[] = colon): boolean {
  const parsed = typeof pattern === 'string' ? parsePattern(pattern) : pattern;
  return compilePattern(parsed, delimiters)(bytesOf(key));
}

describe('a pattern as text', () => {
  test.each([
    ['', 'must not be empty'],
    ['user:\\', 'lone backslash'],
    ['user:<', 'starts a placeholder'],
    ['user:<1>', 'starts a placeholder'],
    ['user:<id', 'starts a placeholder'],
  ])('that cannot be read is refused: %s', (text, message) => {
    expect(() => parsePattern(text)).toThrow(message);
  });

  test('takes the character behind a backslash as it is', () => {
    expect(exactKeyOf(parsePattern('a\\*b\\<id>\\\\'))).toBe('a*b<id>\\');
  });

  test('that was quoted is one exact key, whatever it holds', () => {
    fc.assert(
      fc.property(ids, (text) => {
        expect(exactKeyOf(parsePattern(quoted(text)))).toBe(bytesOf(text));
      }),
    );
  });

  test('means the same after an id is bound as its own text does', () => {
    fc.assert(
      fc.property(patternTexts, ids, keys, (text, id, key) => {
        // Beside a wildcard a bound id is held to whole segments, which text cannot say.
        fc.pre(!/[*>]<id>|<id>[*<]/.test(text));
        const bound = bindPlaceholder(parsePattern(text), 'id', id);
        const reparsed = parsePattern(bound.text);
        expect(reparsed.parts).toEqual(bound.parts);
        expect(compilePattern(reparsed, colon)(key)).toBe(compilePattern(bound, colon)(key));
      }),
    );
  });
});

describe('matching', () => {
  test.each([
    ['user:<id>:profile', 'user:1:profile', true],
    ['user:<id>:profile', 'user:1:2:profile', false],
    ['user:<id>:profile', 'user::profile', false],
    ['user:<id>', 'user:12', true],
    ['user:<id>', 'xuser:12', false],
    ['user:*', 'user:1:2:3', true],
    ['user:*', 'user:', true],
    ['user:*', 'users:1', false],
    ['*:profile', 'user:1:profile', true],
    ['*:profile', 'user:1:profiles', false],
    ['a*a', 'a', false],
    ['a*a', 'aa', true],
    ['a*ab*b', 'aab', false],
    ['a*ab*b', 'aabb', true],
    ['*', 'line\nfeed', true],
    ['a*z', 'a\n\n:z', true],
    ['<id>', 'line\nfeed', true],
    ['user:{<id>}:profile', 'user:{7}:profile', true],
    ['user:{<id>}:profile', 'user:{7:8}:profile', false],
    ['tts:<hash>:<voice>', 'tts:6e2bdffff85476f0:alloy', true],
    ['tts:<hash>:<voice>', 'tts:6e2bdffff85476f:alloy', false],
    ['stats:<int>:daily:<date>', 'stats:-5:daily:2025-01-31', true],
    ['stats:<int>:daily:<date>', 'stats:x:daily:2025-01-31', false],
    ['mail:<email>:x', 'mail:ann@example.org:x', true],
    ['mail:<email>:x', 'mail:bob:ann@example.org:x', false],
    ['u:<uuid>', 'u:123e4567-e89b-12d3-a456-426614174000', true],
    ['s:<token>', 's:abcdefghijklmnopqrst', true],
    ['s:<token>', 's:abcdefghijklmnopqrs', false],
    ['common_phrase:<text>:<level>', 'common_phrase:dobrý den:A1', true],
    ['weg/<id>', 'weg/1:2', false],
  ])('%s against %s is %s', (pattern, key, expected) => {
    expect(matches(pattern, key)).toBe(expected);
  });

  test('of a placeholder beside a star is of a whole segment', () => {
    expect(matches('*<int>', 'user:12')).toBe(true);
    expect(matches('*<int>', 'user12')).toBe(false);
    expect(matches('<int>*', '12:x')).toBe(true);
    expect(matches('<int>*', '12x')).toBe(false);
  });

  test('takes several delimiters', () => {
    expect(matches('user_<id>', 'user_1', [':', '_'])).toBe(true);
    expect(matches('user_<id>', 'user_1_2', [':', '_'])).toBe(false);
    expect(matches('user_<id>', 'user_1_2', [':'])).toBe(true);
    expect(matches('u[<id>]', 'u[1]', ['[', ']', '^', '-'])).toBe(true);
    expect(matches('u[<id>]', 'u[1-2]', ['[', ']', '^', '-'])).toBe(false);
  });

  test('agrees with a plain search over every split of the key', () => {
    fc.assert(
      fc.property(
        patternTexts,
        keys,
        fc.constantFrom([':'], [':', '_'], ['-', ']']),
        (text, key, delimiters) => {
          const pattern = parsePattern(text);
          expect(compilePattern(pattern, delimiters)(key)).toBe(fits(pattern.parts, key, 0, delimiters));
        },
      ),
      { numRuns: rounds(2000) },
    );
  });

  test('of a long hostile key takes no time to speak of', () => {
    const test = compilePattern(parsePattern('*a*a*a*a*b*'), colon);
    const within = compilePattern(bindPlaceholder(parsePattern('*a*<id>*b*c'), 'id', '1'), colon);
    const key = asBytes('a1:'.repeat(50_000));
    const before = performance.now();
    expect(test(key)).toBe(false);
    expect(within(key)).toBe(false);
    // Trying every split would take hours.
    expect(performance.now() - before).toBeLessThan(5000);
  });
});

describe('a bound id', () => {
  test.each([
    '*',
    '?',
    '[a-z]',
    '\\',
    '\n',
    'user:*:x',
    '{tag}',
    '<id>',
    '$&',
    "$'",
    '^',
    '1|2',
    '.',
    'x'.repeat(10_000),
  ])('matches itself only: %j', (id) => {
    const profile = bindPlaceholder(parsePattern('user:<id>:profile'), 'id', id);
    expect(exactKeyOf(profile)).toBe(bytesOf(`user:${id}:profile`));

    const all = bindPlaceholder(parsePattern('user:<id>:*'), 'id', id);
    expect(matches(all, `user:${id}:profile`)).toBe(true);
    expect(matches(all, 'user:12:profile')).toBe(false);
    expect(matches(all, `user:${id}2:profile`)).toBe(false);
    expect(matches(all, `user:2${id}:profile`)).toBe(false);
  });

  test('is not the same as one that looks like it', () => {
    const latin = bindPlaceholder(parsePattern('user:<id>:*'), 'id', 'café');
    expect(matches(latin, 'user:café:x')).toBe(true);
    expect(matches(latin, 'user:cafe\u0301:x')).toBe(false);
    const cyrillic = bindPlaceholder(parsePattern('user:<id>:*'), 'id', '\u0430nn');
    expect(matches(cyrillic, 'user:ann:x')).toBe(false);
    const fullWidth = bindPlaceholder(parsePattern('user:<id>:*'), 'id', '1');
    expect(matches(fullWidth, 'user:１:x')).toBe(false);
  });

  test.each(['*<id>', '<id>*', '*<id>*', 'user:<id>*', '*:<id>', 'user:<id>:*', '<x><id>', '<id><x>'])(
    'in %s never matches a longer id',
    (text) => {
      const bound = bindPlaceholder(parsePattern(text), 'id', '12');
      for (const key of [
        'user:123',
        'user:112',
        '123:x',
        '112:x',
        'user:123:x',
        'x:112:y',
        '512',
        'user:1234',
      ])
        expect(matches(bound, key), key).toBe(false);
    },
  );

  test('is bound in every place of its placeholder, and in no other', () => {
    const bound = bindPlaceholder(parsePattern('a:<id>:<other>:<id>'), 'id', '<other>');
    expect(bound.text).toBe('a:\\<other>:<other>:\\<other>');
    expect(matches(bound, 'a:<other>:7:<other>')).toBe(true);
    expect(matches(bound, 'a:7:7:7')).toBe(false);
  });

  test('selects nothing that the pattern with its placeholder would not', () => {
    fc.assert(
      fc.property(patternTexts, ids, keys, (text, id, key) => {
        fc.pre(!id.includes(':'));
        const pattern = parsePattern(text);
        if (compilePattern(bindPlaceholder(pattern, 'id', id), colon)(key))
          expect(compilePattern(pattern, colon)(key)).toBe(true);
      }),
      { numRuns: rounds(2000) },
    );
  });
});

describe('a pattern within a key', () => {
  const user12 = patternWithin(parsePattern('user:12'));

  test.each(['user:12', 'user:12:profile', 'app:user:12', 'app:user:12:profile'])('matches %s', (key) => {
    expect(matches(user12, key)).toBe(true);
  });

  test.each([
    'user:123',
    'superuser:12',
    'user:1',
    'user:12x:profile',
    'app:user:',
    'user_12',
    'users:12',
    '',
  ])('does not match %j', (key) => {
    expect(matches(user12, key)).toBe(false);
  });
});

describe('a pattern of everything', () => {
  test.each(['*', '**', '<x>', '<a>*', '*:*', '<a>:<b>', ':*'])('is %s', (text) => {
    expect(matchesEverything(parsePattern(text), colon)).toBe(true);
  });

  test.each(['a*', '*a', '\\*', '<a>:x', '_*'])('is not %s', (text) => {
    expect(matchesEverything(parsePattern(text), colon)).toBe(false);
  });
});

describe('specificity', () => {
  test('puts the exact key first, then longer prefixes, then shapes before any segment, then stars', () => {
    const ordered = ['a:b:c', 'a:b:<int>', 'a:b:<x>', 'a:b:*', 'a:*', '<int>', '<x>', '*'];
    const shuffled = ['*', 'a:b:<x>', '<x>', 'a:*', 'a:b:c', '<int>', 'a:b:*', 'a:b:<int>'];
    expect(
      shuffled
        .map(parsePattern)
        .sort(compareSpecificity)
        .map(({ text }) => text),
    ).toEqual(ordered);
  });
});

describe('the literal prefix', () => {
  test('begins every key that the pattern accepts', () => {
    fc.assert(
      fc.property(patternTexts, keys, (text, key) => {
        const pattern = parsePattern(text);
        if (compilePattern(pattern, colon)(key)) expect(key.startsWith(prefixOf(pattern))).toBe(true);
      }),
    );
  });
});

/** The meaning of a pattern, spelled out: slow, and short enough to be read. */
function fits(parts: KeyPattern['parts'], key: string, at: number, delimiters: readonly string[]): boolean {
  const [part, ...rest] = parts;
  if (part === undefined) return at === key.length;
  const ends = Array.from({ length: key.length - at + 1 }, (_, length) => at + length);
  const isEdge = (place: number, neighbour: string) =>
    place === 0 || place === key.length || delimiters.includes(neighbour);
  switch (part.kind) {
    case 'literal':
      return key.startsWith(part.bytes, at) && fits(rest, key, at + part.bytes.length, delimiters);
    case 'any':
      return ends.some((end) => {
        const next = rest[0];
        if (next?.kind === 'placeholder' && !isEdge(end, key.charAt(end - 1))) return false;
        return fits(rest, key, end, delimiters);
      });
    case 'placeholder':
      return ends.some((end) => {
        const segment = key.slice(at, end);
        if (segment === '' || delimiters.some((delimiter) => segment.includes(delimiter))) return false;
        if (rest[0]?.kind === 'any' && !isEdge(end, key.charAt(end))) return false;
        return fits(rest, key, end, delimiters);
      });
    case 'boundary':
      return isEdge(at, key.charAt(part.side === 'start' ? at - 1 : at)) && fits(rest, key, at, delimiters);
  }
}
