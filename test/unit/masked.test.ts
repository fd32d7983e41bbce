import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { maskedText } from '../../src/support/masked.ts';

describe('a message', () => {
  test.each([
    [
      'there is no profile `redis://:XYZ@h` (from --profile)',
      'there is no profile `redis://…@h` (from --profile)',
    ],
    [
      "option '--timeout' argument 'redis://ann:XYZ@h:1/2' is invalid",
      "option '--timeout' argument 'redis://…@h:1/2' is invalid",
    ],
    ['`redis://user:X@YZ@host` is wrong', '`redis://…@host` is wrong'],
    ['`redis://user:X/Y?Z#@host/3` is wrong', '`redis://…@host/3` is wrong'],
    ['`redis://:XY Z@host` is wrong', '`redis://…@host` is wrong'],
    ['`redis://:XY`Z@host` is wrong', '`redis://…@host` is wrong'],
    ['redis://:X%40YZ@host, and more', 'redis://…@host, and more'],
    ['`rediss://h:1/0?password=XYZ&db=2`', '`rediss://h:1/0?password=…&db=2`'],
    ['/tmp/redis://:XYZ@h: there is no such file', '/tmp/redis://…@h: there is no such file'],
    ['redis://ann:XYZ: refused', 'redis://…: refused'],
    ['redis:/:XYZ@h and redis:XYZ@h', 'redis:/…@h and redis:…@h'],
    ['a://:XYZ@b,VALKEY://:XYZ@c', 'a://…@b,VALKEY://…@c'],
    ['redis://ann:XY://YZ@h is wrong', 'redis://…@h is wrong'],
    ['`redis://ann:XY://Y`Z,x://Z@h/1` is wrong', '`redis://…@h/1` is wrong'],
    ['page https://ann:XYZ@example.org/@ann', 'page https://…@example.org/@ann'],
  ])('shows no password: %s', (text, masked) => {
    expect(maskedText(text)).toBe(masked);
  });

  test.each([
    'cannot connect to redis://127.0.0.1:6379: refused',
    'it is neither host:port nor a URL with redis://, rediss:// or unix://; write it like redis://127.0.0.1:6379/0',
    '`redis://[::1]:6379/0` (from --url); unix:///run/redis.sock?db=1',
    'redis://n1:7000,redis://n2:7000 and `https://example.org/@ann`, `user:mail:a@example.org`',
    'the namespace redis: `redis:user:1`',
    '',
  ])('that holds none stays as it is: %s', (text) => {
    expect(maskedText(text)).toBe(text);
  });

  test('shows none whatever characters it has, in quotes or without', () => {
    const password = fc
      .string({ unit: fc.constantFrom(...Array.from('x@/?#:%&=+.,;')) })
      .map((text) => `XY${text}YX`);
    fc.assert(
      fc.property(password, fc.constantFrom('`', "'", ''), (secret, quote) => {
        const text = `error: ${quote}redis://ann:${secret}@host:6379/0${quote} is wrong`;
        expect(maskedText(text)).toBe(`error: ${quote}redis://…@host:6379/0${quote} is wrong`);
      }),
    );
  });

  test('of a megabyte is read in one pass', () => {
    for (const text of [
      'redis://'.repeat(100_000),
      `redis://${'a'.repeat(1_000_000)}`,
      'a'.repeat(1_000_000),
    ])
      expect(maskedText(text)).toHaveLength(text.length);
  });
});
