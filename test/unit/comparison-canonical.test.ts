import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import type { GlobalOptions } from '../../src/cli/options.ts';
import { furtherTarget } from '../../src/cli/settings.ts';
import { areEqual, canonicalOf, scoreText } from '../../src/records/compare/canonical.ts';
import { asBytes, type ByteString } from '../../src/support/bytes.ts';
import { decodeDump, typeOfDump } from '../../src/records/values/decode-dump.ts';
import type { Value } from '../../src/records/values/value.ts';
import { namedMap } from '../named-map.ts';
import { rounds } from '../server/effort.ts';

const texts = (...items: readonly string[]) => items.map(asBytes);

describe('values are equal', () => {
  test('for hashes and sets in any order, and for lists in the same order alone', () => {
    const of = (type: 'hash' | 'set' | 'list', ...items: readonly string[]): Value => ({
      type,
      elements: texts(...items),
    });
    expect(areEqual(of('hash', 'a', '1', 'b', '2'), of('hash', 'b', '2', 'a', '1'))).toBe(true);
    expect(areEqual(of('hash', 'a', '1', 'b', '2'), of('hash', 'a', '2', 'b', '1'))).toBe(false);
    expect(areEqual(of('set', 'a', 'b'), of('set', 'b', 'a'))).toBe(true);
    expect(areEqual(of('list', 'a', 'b'), of('list', 'b', 'a'))).toBe(false);
    expect(areEqual(of('list', 'a'), of('set', 'a'))).toBe(false);
  });

  test.each([
    ['0.1', '0.10000000000000001', true],
    ['1e3', '1000', true],
    ['-0', '0', true],
    ['inf', '+inf', true],
    ['-inf', 'inf', false],
    ['0.1', '0.2', false],
  ])('scores %s and %s by number: %s', (left, right, equal) => {
    expect(scoreText(left) === scoreText(right)).toBe(equal);
  });

  test('for streams without regard to ids where one side knows none', () => {
    const entry = (id: string | null, value: string): Value => ({
      type: 'stream',
      entries: [{ id: id === null ? null : asBytes(id), fields: texts('f', value) }],
    });
    expect(areEqual(entry('1-1', 'v'), entry('2-1', 'v'))).toBe(false);
    expect(areEqual(entry('1-1', 'v'), entry(null, 'v'))).toBe(true);
    expect(areEqual(entry('1-1', 'v'), entry(null, 'w'))).toBe(false);
  });

  test('for no two lists that are cut differently', () => {
    const lists = fc.array(fc.string({ unit: fc.constantFrom('a', '1', ':'), maxLength: 3 }), {
      maxLength: 4,
    });
    fc.assert(
      fc.property(lists, lists, (left, right) => {
        const canonical = (items: string[]) => canonicalOf({ type: 'list', elements: texts(...items) });
        expect(canonical(left) === canonical(right)).toBe(JSON.stringify(left) === JSON.stringify(right));
      }),
      { numRuns: rounds(2000) },
    );
  });
});

test('a payload that is damaged decodes to nothing, and throws nothing', () => {
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 60 }), (array) => {
      const value = decodeDump(asBytes(Buffer.from(array).toString('latin1')));
      expect(value === null || typeof value.type === 'string').toBe(true);
    }),
    { numRuns: rounds(5000) },
  );
});

describe('payloads of newer servers', () => {
  const payload = (base64: string) => asBytes(Buffer.from(base64, 'base64').toString('latin1'));

  test.each([
    [
      'of a short one, Redis 8.0.6',
      'GQC0xdq4AQAALy8AAAAJAIFhAgEB9AC0xdq4AQAACYFjAgMB9Ny5xdq4AQAACYFiAoN0d28EAAH/DAAOg6uR5iX7sQ==',
    ],
    ['of a long one, Redis 8.0.6', 'GAC0xdq4AQAAAwEBYcABRd0BY8ADAAFiA3R3bwwADltvlRKOhx8='],
    ['Valkey 9.1.2', 'FgMBYcABALTF2rgBAAABYgN0d2///////////wFjwAPcucXauAEAAFAAf1vE6h7BknA='],
  ])('hold the fields of a hash with the moments of those that expire: %s', (_, base64) => {
    const value = decodeDump(payload(base64));
    const expected: Value = {
      type: 'hash',
      elements: texts('a', '1', 'b', 'two', 'c', '3'),
      fieldExpiries: new Map([
        [asBytes('a'), 1_893_456_000_000],
        [asBytes('c'), 1_893_456_001_500],
      ]),
    };
    expect(value && areEqual(value, expected)).toBe(true);
    expect(value).toMatchObject({ fieldExpiries: expected.fieldExpiries });
  });

  test('name the type of a module', () => {
    const vectors = payload(
      'B4G95y2iux60AAICAgECUAECAAUBYQUCP38CBgIBAoABAAAAAgACIAIAAoE/ZPkuPmT5LwAMABnPOPSwG4Ta',
    );
    expect([decodeDump(vectors), typeOfDump(vectors)]).toEqual([null, 'vectorset']);
  });
});

describe('payloads of older servers', () => {
  const payload = (...bytes: readonly number[]): ByteString =>
    asBytes(Buffer.from([...bytes, 9, 0, 0, 0, 0, 0, 0, 0, 0, 0]).toString('latin1'));
  /** 4 bytes of length, 4 of tail, 2 of count, then items, each behind the length of the one before. */
  const ziplist = (...items: readonly number[]) => [0, 0, 0, 0, 0, 0, 0, 0, 0, 0, ...items, 255];

  test('hold hashes in ziplists', () => {
    const list = ziplist(0, 1, 0x66, 3, 0xfe, 0x85, 3, 1, 0x67, 3, 0xf3);
    expect(decodeDump(payload(13, list.length, ...list))).toEqual({
      type: 'hash',
      elements: ['f', '-123', 'g', '2'],
    });
  });

  test('hold lists of ziplists', () => {
    const list = ziplist(0, 0xc0, 0x2c, 0x01, 4, 0xf0, 0xff, 0xff, 0xff);
    expect(decodeDump(payload(14, 2, list.length, ...list, list.length, ...list))).toEqual({
      type: 'list',
      elements: ['300', '-1', '300', '-1'],
    });
  });

  test('hold scores as texts', () => {
    expect(decodeDump(payload(3, 2, 1, 0x61, 3, 0x31, 0x2e, 0x35, 1, 0x62, 255))).toEqual({
      type: 'zset',
      elements: ['1.5', 'a', '-inf', 'b'],
    });
  });
});

describe('a further target', () => {
  const options: GlobalOptions = { color: true, db: 7, username: 'of-the-run', profile: 'first', timeout: 3 };
  const profiles = {
    first: { url: 'redis://one/1' },
    second: { url: 'rediss://two/2', passwordEnv: 'SECOND' },
  };
  const loaded = namedMap('/maps/cachectl.config.json', { profiles });
  const surroundings = { workingDirectory: '/maps', signal: new AbortController().signal };
  const further = (name: string, variables: Record<string, string> = {}) =>
    furtherTarget(name, options, variables, loaded, surroundings, () => undefined);

  test('takes all from its profile, and the patience of the run', async () => {
    expect(await further('second', { SECOND: 'secret', REDIS_URL: 'redis://else' })).toMatchObject({
      ...{ host: 'two', database: 2, password: 'secret', tls: { verify: true }, timeoutMillis: 3000 },
    });
    expect(await further('second', { SECOND: 'secret' })).not.toHaveProperty('username');
  });

  test('may be a URL, and is null for any other text', async () => {
    expect(await further('redis://ann@three:1/4')).toMatchObject({
      host: 'three',
      username: 'ann',
      database: 4,
    });
    expect(await further('toString')).toBeNull();
  });

  test('whose password is not at hand is refused', async () => {
    await expect(further('second')).rejects.toThrow(/SECOND, which is not set/);
  });
});
