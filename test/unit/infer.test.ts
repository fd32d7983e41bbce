import { createHash } from 'node:crypto';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { inferPattern, inferSegments } from '../../src/keyspace/infer.ts';
import { compilePattern, parsePattern } from '../../src/keyspace/pattern.ts';
import { asBytes, bytesOf } from '../../src/support/bytes.ts';
import { keys } from './pattern-arbitraries.ts';
import { rounds } from '../server/effort.ts';

const colon = [':'];
const inferred = (key: string, delimiters: readonly string[] = colon) =>
  inferPattern(bytesOf(key), delimiters);
const digest = (algorithm: string, length?: number) =>
  createHash(algorithm).update('lesson').digest('hex').slice(0, length);

describe('a variable segment', () => {
  test.each([
    ['a number', 'user:123:profile', 'user:<id>:profile'],
    ['a negative number', 'lesson:-7326897237657060075', 'lesson:<id>'],
    ['a number as the whole key', '42', '<id>'],
    ['a UUID', 'job:3f2b8c1e-9d04-4a57-8e21-0c6d5b7a9f13', 'job:<uuid>'],
    ['a UUID in capitals', 'job:3F2B8C1E-9D04-4A57-8E21-0C6D5B7A9F13:log', 'job:<uuid>:log'],
    ['an md5', `course:${digest('md5')}`, 'course:<hash>'],
    ['the first 16 digits of a sha256', `honzik:response:${digest('sha256', 16)}`, 'honzik:response:<hash>'],
    ['a sha1', `git:${digest('sha1')}:tree`, 'git:<hash>:tree'],
    ['a sha512', digest('sha512'), '<hash>'],
    ['a date', 'stats:7:daily:2026-03-29', 'stats:<id>:daily:<date>'],
    ['an e-mail address', 'login:ann.lee+test@mail.example.org', 'login:<email>'],
    ['a token', 'session:Zk3-9fQxW_2mTgL8vRb1', 'session:<token>'],
    ['a token without a digit', 'session:kQmZ_xYbVn-LpOeRtWuIaSdFgHjKlZxC', 'session:<token>'],
    ['a ULID', 'order:01ARZ3NDEKTSV4RRFFQ69G5FAV', 'order:<token>'],
    ['a cuid', 'order:cjld2cjxh0000qzrmn831i7rn', 'order:<token>'],
    ['text in UTF-8', 'common_phrase:dobrý den:A1', 'common_phrase:<text>:A1'],
    ['text in quotes', "hint:'ser':x", 'hint:<text>:x'],
    ['text with spaces', 'lesson:Technical English:advanced', 'lesson:<text>:advanced'],
    ['text with a wildcard', 'api:*:x', 'api:<text>:x'],
    ['text with an angle bracket', 'x:query_<Session at 0x7f>', 'x:<text>'],
    ['text behind the name that a key begins with', 'query_<Session at 0x7f>', 'query_<text>'],
    ['a digest behind a word', `schedule-${digest('sha1')}`, 'schedule-<hash>'],
    [
      'a UUID behind words',
      'celery-task-meta-3f2b8c1e-9d04-4a57-8e21-0c6d5b7a9f13',
      'celery-task-meta-<uuid>',
    ],
    ['a date behind words', 'model:gpt-4o-mini-2024-07-18', 'model:gpt-4o-mini-<date>'],
    ['a number of three digits in a word', 'post_123_comments', 'post_<id>_comments'],
    ['a number between slashes', 'v/7/x', 'v/<id>/x'],
    ['a token behind words', 'session_Zk3-9fQxW_2mTgL8vRb1', 'session_<token>'],
    ['an address', 'rate:{203.0.113.7}:60', 'rate:{<ip>}:<id>'],
    ['an id in a hash tag', 'user:{7}:{ann@example.org}', 'user:{<id>}:{<email>}'],
    ['a slug behind a path', `page:/blog/${'long-'.repeat(9)}title`, 'page:/blog/<text>'],
    ['a text with delimiters in it', 'x:{"a": 1, "b": [2], "c": "d"}', 'x:*'],
    ['the version of a key, which is a constant', ':1:user:1', ':1:user:<id>'],
    ['a long word', `translation:${'z'.repeat(41)}`, 'translation:<text>'],
    ['bytes that are no UTF-8', asBytes('blob:\xff\xfe:1'), 'blob:<text>:<id>'],
  ])('is seen for what it is: %s', (_what, key, expected) => {
    expect(inferPattern(key.startsWith('blob') ? asBytes(key) : bytesOf(key), colon)).toBe(expected);
  });
});

describe('a word', () => {
  test.each([
    ['of letters', 'user:settings'],
    ['with digits', 'gpt-4:v2'],
    ['that is long, in camel case', 'view:getUserNotificationSettings'],
    ['that is long, in capitals', 'setting:MAX_CONCURRENT_REQUESTS'],
    ['that is long, with an abbreviation', 'job:XMLHttpRequestHandler-v2'],
    ['that is long, of words and numbers', 'model:claude-3-5-sonnet-large'],
    ['of 40 characters', `ns:${'z'.repeat(40)}`],
    ['that is short hex', 'ab12:cafe'],
    ['of 15 hex digits, which no digest has', 'x:abcdef012345678'],
    ['like a number, but not quite', 'speed:1.0:10x'],
    ['like a date, but not quite', 'month:2026-03'],
    ['with braces, as hash tags have', '{user}:x'],
  ])('stays as it is: %s', (_what, key) => {
    expect(inferred(key)).toBe(key);
  });

  test('stays as it is when it comes again', () => {
    expect([inferred('again:1'), inferred('again:2')]).toEqual(['again:<id>', 'again:<id>']);
  });
});

describe('the segments of a key', () => {
  test('keep their delimiters, and empty ones', () => {
    expect(inferSegments(bytesOf('a::1:'), colon)).toEqual(['a:', ':', '<id>:', '']);
    expect(inferSegments(bytesOf(''), colon)).toEqual(['']);
    expect(inferSegments(bytesOf(':'), colon)).toEqual([':', '']);
  });

  test('may be separated by several characters', () => {
    expect(inferred('app:user_17/2026-01-02', [':', '/'])).toBe('app:user_17/<date>');
    expect(inferred('app:user_17/2026-01-02', ['/', '_', ':'])).toBe('app:user_<id>/<date>');
  });

  test('beyond the levels wanted become one star', () => {
    expect(inferSegments(bytesOf('user:1:profile:x'), colon, 2)).toEqual(['user:', '*']);
    expect(inferSegments(bytesOf('user:1'), colon, 2)).toEqual(['user:', '<id>']);
    expect(inferSegments(bytesOf('user:1'), colon, 1)).toEqual(['*']);
  });
});

test('a name of 64 KB is taken for what it is, too', () => {
  const size = 65_536;
  expect(inferred('x'.repeat(size))).toBe('<text>');
  expect(inferred('9'.repeat(size))).toBe('<id>');
  expect(inferred(`${'a@'.repeat(size / 2)}.`)).toBe('<text>');
  expect(inferSegments(bytesOf(':'.repeat(size)), [':', '/', '|'])).toHaveLength(size + 1);
});

test('the inferred pattern matches the key that it was inferred from', () => {
  const shaped = fc
    .array(
      fc.oneof(
        keys,
        fc.uuid().map(bytesOf),
        fc.emailAddress().map(bytesOf),
        fc.bigInt().map((number) => bytesOf(String(number))),
        fc
          .string({ unit: fc.constantFrom(...Array.from('0123456789abcdef')), minLength: 14, maxLength: 40 })
          .map(bytesOf),
        fc.base64String({ minLength: 20, maxLength: 44 }).map(bytesOf),
      ),
      { maxLength: 5 },
    )
    .map((segments) => asBytes(segments.join(':')));
  fc.assert(
    fc.property(shaped, fc.constantFrom(1, 2, 3, 99), (key, limit) => {
      const pattern = inferSegments(key, colon, limit).join('');
      if (key === '') expect(pattern).toBe('');
      else expect(compilePattern(parsePattern(pattern), colon)(key)).toBe(true);
    }),
    { numRuns: rounds(1000) },
  );
});
