import fc from 'fast-check';
import { expect, test } from 'vitest';
import { recordText, textFormOf } from '../../src/records/export/record-text.ts';
import { isBad, parseRecord } from '../../src/records/fixtures/parse-record.ts';
import { emptyMap } from '../../src/keyspace/map.ts';
import { asBytes, type ByteString } from '../../src/support/bytes.ts';
import type { Value } from '../../src/records/values/value.ts';
import { rounds } from '../server/effort.ts';

const bytes: fc.Arbitrary<ByteString> = fc.oneof(
  fc.uint8Array({ maxLength: 10 }).map((array) => asBytes(Buffer.from(array).toString('latin1'))),
  fc.constantFrom('__proto__', '10', '9', '"\\', '\u0000', '\xe2\x80\xa8', '{"a": 1.0}').map(asBytes),
);
const some = (width: number) =>
  fc.array(fc.array(bytes, { minLength: width, maxLength: width }), { minLength: 1, maxLength: 5 });

/** Elements whose first text (of the width) is there once. */
const distinct = (width: number) =>
  some(width).map((rows) => [...new Map(rows.map((row) => [row[0], row])).values()].flat());

const values: fc.Arbitrary<Value> = fc.oneof(
  bytes.map((text): Value => ({ type: 'string', bytes: text })),
  distinct(2).map((elements): Value => ({ type: 'hash', elements })),
  distinct(2).map((elements): Value => {
    const names = elements.filter((_, at) => at % 4 === 0);
    return { type: 'hash', elements, fieldExpiries: new Map(names.map((name, at) => [name, 1e12 + at])) };
  }),
  some(1).map((rows): Value => ({ type: 'list', elements: rows.flat() })),
  distinct(1).map((elements): Value => ({ type: 'set', elements })),
  distinct(1).map((members): Value => ({
    type: 'zset',
    elements: members.flatMap((member, index) => [
      asBytes(['-inf', '-0', '0.1', '1e+300', 'inf'][index % 5] ?? ''),
      member,
    ]),
  })),
  some(2).map((rows): Value => ({
    type: 'stream',
    entries: [{ id: asBytes('1-1'), fields: rows.flat() }],
  })),
);

test('a record is read back by warm as the value it was made from, whatever the bytes', () => {
  fc.assert(
    fc.property(bytes, values, fc.option(fc.integer({ min: 1, max: 1e9 })), (key, value, ttlMillis) => {
      const form = textFormOf(value);
      fc.pre(form !== 'none');
      const record = parseRecord({ text: recordText(key, value, ttlMillis, form, 1e12), line: 1 }, emptyMap);
      if (isBad(record)) throw new Error(record.reason);
      expect(record.key).toBe(key);
      expect(record.ttlSeconds).toBe(ttlMillis === null ? null : ttlMillis / 1000);
      // JSON sorts the fields of a hash, which have no order.
      if (value.type === 'hash') {
        expect(pairsIn(record.value)).toEqual(pairsIn(value));
        expect((record.value as typeof value).fieldExpiries).toEqual(value.fieldExpiries);
      } else expect(record.value).toEqual(value);
    }),
    { numRuns: rounds(2000) },
  );
});

function pairsIn(value: object): string[] {
  const { elements } = value as { elements: readonly string[] };
  return elements
    .flatMap((name, at) => (at % 2 === 0 ? [JSON.stringify([name, elements[at + 1]])] : []))
    .sort();
}

const stream = (...fields: readonly string[]): Value => ({
  type: 'stream',
  entries: [{ id: asBytes('1-1'), fields: fields.map(asBytes) }],
});

test.each([
  ['fields in any order but one that JSON sorts', stream('b', '1', 'a', '2'), 'plain'],
  ['fields that JSON would sort', stream('b', '1', '1', '2'), 'base64'],
  ['a field that stands there twice', stream('a', '1', 'a', '2'), 'none'],
  ['bytes that are no text', { type: 'string', bytes: asBytes('\xff') } as const, 'base64'],
  ['text of several bytes', { type: 'string', bytes: asBytes('\xc5\xbe') } as const, 'plain'],
])('%s: the form is %s', (_what, value: Value, form) => {
  expect(textFormOf(value)).toBe(form);
});

test('a key about to expire keeps a TTL', () => {
  const value: Value = { type: 'string', bytes: asBytes('v') };
  expect(recordText(asBytes('k'), value, 0, 'plain', 1e12)).toContain('"ttl":0.001');
});

test.each([9_223_372_036_854_775_000, 1_795_874_400_000, 4e14])(
  'the TTL of %d ms is written so that warm reads it as a TTL',
  (ttlMillis) => {
    const value: Value = { type: 'string', bytes: asBytes('v') };
    const text = recordText(asBytes('k'), value, ttlMillis, 'plain', 1_700_000_000_000);
    const record = parseRecord({ text, line: 1 }, emptyMap);
    if (isBad(record)) throw new Error(record.reason);
    expect(record.ttlSeconds).toBe(Math.min(ttlMillis / 1000, 1e11 - 1));
    expect(record.expiresAtMillis).toBeUndefined();
    expect(record.exportedExpiryMillis).toBe(1_700_000_000_000 + ttlMillis);
  },
);
