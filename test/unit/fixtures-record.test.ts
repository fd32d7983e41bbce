import { describe, expect, test } from 'vitest';
import { isBad, parseRecord } from '../../src/records/fixtures/parse-record.ts';
import type { FixtureRecord } from '../../src/records/fixtures/record.ts';
import { buildMap } from '../../src/config/build-map.ts';
import { emptyMap } from '../../src/keyspace/map.ts';
import { bytesOf } from '../../src/support/bytes.ts';

const readText = (text: string, map = emptyMap) =>
  parseRecord({ text: Buffer.from(text, 'utf8').toString('latin1'), line: 1 }, map);
const read = (record: unknown, map = emptyMap) => readText(JSON.stringify(record), map);

function good(record: unknown, map = emptyMap): FixtureRecord {
  const found = read(record, map);
  if (isBad(found)) throw new Error(`refused: ${found.reason}`);
  return found;
}

function reason(record: unknown, map = emptyMap): string {
  const found = read(record, map);
  if (!isBad(found)) throw new Error('it was accepted');
  return found.reason;
}

const valueOf = (record: object) => good({ key: 'k', ...record }).value;
const base64 = (...bytes: number[]) => Buffer.from(bytes).toString('base64');

describe('a string', () => {
  test.each([
    ['plain', 'plain'],
    ['', ''],
    ['{"a": 1}', '{"a": 1}'],
    ['žluť', bytesOf('žluť')],
    [12.5, '12.5'],
    [true, 'true'],
    [{ a: [1, 'ž'], b: null }, bytesOf('{"a":[1,"ž"],"b":null}')],
    [[1, 'x'], '[1,"x"]'],
  ])('%j is written as it is, or as JSON', (value, bytes) => {
    expect(valueOf({ value })).toEqual({ type: 'string', bytes });
    expect(valueOf({ value, type: 'string' })).toEqual({ type: 'string', bytes });
  });

  test('may hold any bytes, in base64', () => {
    expect(valueOf({ valueBase64: base64(0, 255, 10) })).toEqual({ type: 'string', bytes: '\x00\xff\n' });
    expect(valueOf({ value: 'for people', valueBase64: '' })).toEqual({ type: 'string', bytes: '' });
  });

  test('counts its bytes', () => {
    expect(good({ key: 'k', value: 'žž' }).valueBytes).toBe(4);
  });
});

describe('a collection', () => {
  test.each([
    ['hash', { b: 'x', a: 1, c: false }, ['b', 'x', 'a', '1', 'c', 'false']],
    ['list', ['x', 2, 'x'], ['x', '2', 'x']],
    ['set', ['x'], ['x']],
    ['zset', { m: 1.5, n: '-inf' }, ['1.5', 'm', '-inf', 'n']],
    ['zset', [['m', 1e21]], ['1e+21', 'm']],
    // As Redis 8.0 and Valkey 8 write them.
    ['zset', [['m', '270864962052311620000000']], ['270864962052311620000000', 'm']],
    ['zset', [['m', '-427649441006507160000000']], ['-427649441006507160000000', 'm']],
    ['zset', [{ score: -0.5, member: 'm' }], ['-0.5', 'm']],
    ['zset', [{ score: '3', member: 7 }], ['3', '7']],
  ])('%s %j becomes the arguments of its command', (type, value, elements) => {
    expect(valueOf({ type, value })).toEqual({ type, elements });
  });

  test('stream entries keep their ids and the order of their fields', () => {
    const value = [
      { id: '1-1', fields: { b: '1', a: '2' } },
      { id: '2', fields: { c: 3 } },
    ];
    expect(valueOf({ type: 'stream', value })).toEqual({
      type: 'stream',
      entries: [
        { id: '1-1', fields: ['b', '1', 'a', '2'] },
        { id: '2-0', fields: ['c', '3'] },
      ],
    });
    expect(valueOf({ type: 'stream', value: [{ fields: { a: 'b' } }] })).toEqual({
      type: 'stream',
      entries: [{ id: null, fields: ['a', 'b'] }],
    });
  });

  test('holds any bytes where all its texts are base64', () => {
    const [zero, one] = [base64(0), base64(1)];
    expect(valueOf({ type: 'hash', valueBase64: { [zero]: one } })).toEqual({
      type: 'hash',
      elements: ['\0', '\x01'],
    });
    expect(valueOf({ type: 'zset', valueBase64: { [zero]: 4 } })).toEqual({
      type: 'zset',
      elements: ['4', '\0'],
    });
    expect(valueOf({ type: 'list', valueBase64: [zero, one] })).toEqual({
      type: 'list',
      elements: ['\0', '\x01'],
    });
    expect(valueOf({ type: 'stream', valueBase64: [{ fields: { [zero]: one } }] })).toEqual({
      type: 'stream',
      entries: [{ id: null, fields: ['\0', '\x01'] }],
    });
  });

  test('keeps a field named like the prototype of objects', () => {
    expect(
      parseRecord({ text: '{"key":"k","type":"hash","value":{"__proto__":"x"}}', line: 1 }, emptyMap),
    ).toMatchObject({
      value: { elements: ['__proto__', 'x'] },
    });
  });
});

describe('a TTL', () => {
  test.each([
    [90, 90],
    [0.25, 0.25],
    ['1h30m', 5400],
    ['250ms', 0.25],
    ['60', 60],
    [null, null],
    ['permanent', null],
    ['-1', null],
    ['60', 60],
    [-1, null],
  ])('%j is %j seconds', (ttl, seconds) => {
    expect(good({ key: 'k', value: 'x', ttl }).ttlSeconds).toBe(seconds);
  });

  test('that is not given is told from one that is null', () => {
    expect(good({ key: 'k', value: 'x' }).ttlSeconds).toBeUndefined();
  });
});

describe('a bad record', () => {
  test.each([
    [17, 'a record is an object, and this is a number'],
    [[], 'a record is an object, and this is an array'],
    [{ value: 'x' }, 'it has no `key`'],
    [{ key: 5, value: 'x' }, '`key` is a number, not a text'],
    [{ key: '', value: 'x' }, '`key` is empty; `"keyBase64": ""` says that this is meant'],
    [{ keyBase64: 'x', value: 'x' }, '`keyBase64` is not base64'],
    [{ key: 'k' }, 'it has no `value`'],
    [{ key: 'k', value: null }, '`value` is null; write "null" for a text that says so'],
    [
      { key: 'k', value: 'x', tll: 5 },
      'unknown field `tll`; a record has key, keyBase64, value, valueBase64, type, ttl, expiresAtMillis, fieldExpiresAtMillis',
    ],
    [{ key: 'k', value: 'x', type: 'json' }, 'not JSON: expected a value, not `x`'],
    [{ key: 'k', value: 'x', type: 'dump' }, 'a dump is binary and goes into `valueBase64`'],
    [
      { key: 'k', value: 'x', type: 'text' },
      '`type` is none of string, hash, list, set, zset, stream, json, dump',
    ],
    [
      { key: 'k', value: 'x', type: null },
      '`type` is none of string, hash, list, set, zset, stream, json, dump',
    ],
    [{ key: 'k', value: 'x', ttl: 0 }, '`ttl` is 0; it must be more than 0, or null for a key without TTL'],
    [
      { key: 'k', value: 'x', ttl: '0s' },
      '`ttl` is "0s"; it must be more than 0, or null for a key without TTL',
    ],
    [{ key: 'k', value: 'x', ttl: 'soon' }, '`ttl`: `soon` is not a duration; write 90s, 5m, 1h30m or 7d'],
    [{ key: 'k', value: 'x', ttl: 1e16 }, '`ttl` is 10000000000000000, which is too long'],
    [{ key: 'k', value: 'x', ttl: {} }, '`ttl` is an object, not seconds or a duration'],
    [{ key: 'k', valueBase64: 'ab=c' }, '`valueBase64` is not base64'],
    [
      { key: 'k', type: 'hash', value: ['a'] },
      'the value of a hash is an array, not an object: expected {field: text}',
    ],
    [
      { key: 'k', type: 'hash', value: { a: {} } },
      'field `a` is an object, not a text; write JSON in it as a string',
    ],
    [{ key: 'k', type: 'hash', value: { a: null } }, 'field `a` is null, not a text'],
    [
      { key: 'k', type: 'hash', value: {} },
      'an empty hash cannot be kept: to the server it is no key at all',
    ],
    [{ key: 'k', type: 'list', value: 'a' }, 'the value of a list is a text, not an array: expected [text]'],
    [
      { key: 'k', type: 'set', value: ['a', []] },
      'element 2 is an array, not a text; write JSON in it as a string',
    ],
    [{ key: 'k', type: 'zset', value: { a: 'x' } }, 'the score of member `a` is a text ("x"), not a number'],
    [
      { key: 'k', type: 'zset', value: [['a', 1, 2]] },
      'element 1 is no member with a score: expected [{"member", "score"}], [[member, score]] or {member: score}',
    ],
    [{ key: 'k', type: 'zset', value: [{ member: 'a', rank: 1 }] }, 'element 1 has an unknown field `rank`'],
    [{ key: 'k', type: 'zset', value: [{ member: 'a' }] }, 'the score of element 1 is missing, not a number'],
    [
      { key: 'k', type: 'stream', value: [{ id: '*', fields: { a: 'b' } }] },
      'the id of entry 1, "*", is not like "1526919030474-0"',
    ],
    [{ key: 'k', type: 'stream', value: [{ fields: {} }] }, 'entry 1 has no fields'],
    [
      { key: 'k', type: 'stream', value: [{ id: '0-0', fields: { a: 'b' } }] },
      'the id of entry 1, 0-0, is not greater than the one before it',
    ],
    [
      {
        key: 'k',
        type: 'stream',
        value: [
          { id: '9-1', fields: { a: 'b' } },
          { id: '10', fields: { a: 'b' } },
          { id: '10-0', fields: { a: 'b' } },
        ],
      },
      'the id of entry 3, 10-0, is not greater than the one before it',
    ],
    [
      { key: 'k', type: 'stream', value: [{ id: '1-1', fields: { a: 'b' } }, { fields: { a: 'b' } }] },
      'entry 2 has no id, and others have: all or none',
    ],
  ])('%j', (record, expected) => {
    expect(reason(record)).toBe(expected);
  });

  test('is named by its key as soon as that is known', () => {
    expect(read({ key: 'žena', value: 'x', ttl: -1 })).toMatchObject({ key: bytesOf('žena') });
    expect(read({ key: 'k', nonsense: true })).toMatchObject({ key: null });
  });

  test('quotes its own text as text, and no more than a little of it', () => {
    expect(reason({ key: 'k', value: 'x', ttl: 'zítra' })).toContain('`zítra`');
    expect(reason({ key: 'k', value: 'x', ttl: 'ž'.repeat(5000) }).length).toBeLessThan(310);
  });

  test.each([
    [
      '"type":"zset","value":{"a":1e999}',
      'the score of member `a`, 1e999, is beyond what a score can hold; "inf" is a score',
    ],
    [
      '"type":"zset","value":[["m",-1e400]]',
      'the score of element 1, -1e400, is beyond what a score can hold; "inf" is a score',
    ],
    [
      '"type":"zset","value":{"a":"1e-400"}',
      'the score of member `a`, 1e-400, is beyond what a score can hold; "inf" is a score',
    ],
    [
      '"type":"zset","value":{"a":9007199254740993}',
      'the score of member `a`, 9007199254740993, has more digits than a score can keep',
    ],
    [
      '"type":"zset","value":{"a":1234567890123456790}',
      'the score of member `a`, 1234567890123456790, has more digits than a score can keep',
    ],
    ['"type":"zset","value":{"a":"0x10"}', 'the score of member `a` is a text ("0x10"), not a number'],
    ['"type":"zset","value":{"a":" 5"}', 'the score of member `a` is a text (" 5"), not a number'],
    ['"type":"zset","value":{"a":"1_000"}', 'the score of member `a` is a text ("1_000"), not a number'],
    ['"value":"x","ttl":1e400', '`ttl` is 1e400, which is too long'],
    ['"value":"x","ttl":1e18', '`ttl` is 1e18, which is too long'],
    ['"value":"x","ttl":-0', '`ttl` is -0; it must be more than 0, or null for a key without TTL'],
    ['"value":"x","ttl":1e-400', '`ttl` is 1e-400; it must be more than 0, or null for a key without TTL'],
    [
      '"type":"stream","value":[{"id":18446744073709551615,"fields":{"a":"b"}}]',
      'the id of entry 1, 18446744073709551615, is not like "1526919030474-0"',
    ],
    [
      '"type":"stream","value":[{"id":"18446744073709551616","fields":{"a":"b"}}]',
      'the id of entry 1, "18446744073709551616", is not like "1526919030474-0"',
    ],
    ['"value":"\\ud800"', '`\\ud800` is half of a character, and has no UTF-8 form'],
    ['"type":"hash","value":{"\\udc00":"x"}', '`\\udc00` is half of a character, and has no UTF-8 form'],
    [
      '"type":"hash","value":{"a":"1","\\u0061":"2"}',
      'field `a` comes twice; leave one out, or use --allow-repeats',
    ],
    [
      '"type":"zset","value":[["m",1],["m",2]]',
      'member `m` comes twice; leave one out, or use --allow-repeats',
    ],
    ['"type":"zset","value":{"m":1,"m":1}', 'member `m` comes twice; leave one out, or use --allow-repeats'],
    ['"type":"set","value":["m","m"]', 'member `m` comes twice; leave one out, or use --allow-repeats'],
    ['"value":"x","ttl":-2', '`ttl` is -2; it must be more than 0, or null for a key without TTL'],
    ['"value":"x","ttl":"-2"', '`ttl` is "-2"; it must be more than 0, or null for a key without TTL'],
    ['"value":"x","ttl":""', '`ttl` is empty; leave it out, or write null for a key without TTL'],
    ['"value":"x","ttl":true', '`ttl` is true or false, not seconds or a duration'],
    ['"value":"x","ttl":"PT1H"', '`ttl`: `PT1H` is not a duration; write 90s, 5m, 1h30m or 7d'],
    ['"value":"x","ttl":"1 h"', '`ttl`: `1 h` is not a duration; write 90s, 5m, 1h30m or 7d'],
    ['"value":"x","ttl":0.0001', '`ttl` is 0.0001, less than a millisecond'],
    [
      '"value":"x","ttl":1795874400',
      '`ttl` is 1795874400, the Unix time of 2026-11-28T14:00:00Z, not a time to live; ' +
        'to expire at that time, write it in milliseconds: 1795874400000',
    ],
    [
      '"value":"x","ttl":"99999999999"',
      '`ttl` is "99999999999", the Unix time of 5138-11-16T09:46:39Z, not a time to live; ' +
        'to expire at that time, write it in milliseconds: 99999999999000',
    ],
    ['"value":"a","value":"b"', 'it has `value` twice; leave one of them out'],
  ])('names what is refused as it is written: %s', (fields, expected) => {
    const found = readText(`{"key":"k",${fields}}`);
    expect(isBad(found) && found.reason).toBe(expected);
  });
});

describe('a JSON value', () => {
  const bytesIn = (fields: string) => {
    const found = readText(`{ "key" : "k" , ${fields} }`);
    if (isBad(found)) throw new Error(`refused: ${found.reason}`);
    return 'bytes' in found.value
      ? [found.value.bytes]
      : found.value.type === 'stream'
        ? found.value.entries.flatMap((entry) => entry.fields)
        : found.value.elements;
  };
  const numbers = [
    '1e400',
    '-0',
    '1.0',
    '0.12345678901234567890123',
    '12345678901234567890',
    '1E+2',
    '-1e-400',
  ];

  test.each(numbers)('%s is stored as it is written, in every type', (number) => {
    expect(bytesIn(`"value": ${number}`)).toEqual([number]);
    expect(bytesIn(`"value": { "x" : [ ${number} ] }`)).toEqual([`{"x":[${number}]}`]);
    expect(bytesIn(`"type":"json","value": ${number}`)).toEqual([number]);
    expect(bytesIn(`"type":"json","value": [ ${number} ]`)).toEqual([`[${number}]`]);
    expect(bytesIn(`"type":"hash","value": { "f" : ${number} }`)).toEqual(['f', number]);
    expect(bytesIn(`"type":"list","value": [ ${number} , "x" ]`)).toEqual([number, 'x']);
    expect(bytesIn(`"type":"set","value": [ ${number} ]`)).toEqual([number]);
    expect(bytesIn(`"type":"zset","value": [ [ ${number} , 1.0 ] ]`)).toEqual(['1.0', number]);
    expect(bytesIn(`"type":"stream","value": [ { "fields" : { "f" : ${number} } } ]`)).toEqual(['f', number]);
  });

  test.each(['-0', '1.0', '0.12345678901234567890123', '1E+2', '"inf"', '"-Infinity"'])(
    'of a score goes to the server as it is written: %s',
    (score) => {
      const text = score.replace(/"/g, '');
      expect(bytesIn(`"type":"zset","value":{"m":${score}}`)).toEqual([text, 'm']);
      expect(bytesIn(`"type":"zset","value":[{"score":${score},"member":"m"}]`)).toEqual([text, 'm']);
    },
  );

  test.each([
    ['{"a":1,"a":2,"2":3,"1":4}', 'repeated names, and their order'],
    ['{"\\u00e9":"\\u00e9é\\/\\u002f"}', 'escapes'],
    ['["\\ud800"]', 'half a surrogate pair that is escaped'],
    ['[" a  b\\" c "]', 'white space in strings'],
    [`${'['.repeat(100_000)}${']'.repeat(100_000)}`, 'a hundred thousand levels'],
  ])('keeps %.60s: %s', (json) => {
    expect(bytesIn(`"value": ${json}`)).toEqual([bytesOf(json)]);
  });

  test('loses the white space between its tokens alone', () => {
    expect(bytesIn('"value":\t{ "a" :\r\n[ 1 , " x " ] , "b":{ } }')).toEqual(['{"a":[1," x "],"b":{}}']);
  });

  test('as a plain text is what the text stands for', () => {
    expect(bytesIn('"value":"\\u00e9\\n\\/"')).toEqual([bytesOf('é\n/')]);
  });
});

describe('the map', () => {
  const map = buildMap({
    namespaces: {
      profile: { pattern: 'user:<id>:profile', encoding: 'json' },
      tts: { pattern: 'tts:*', encoding: 'binary' },
      quota: { pattern: 'quota:*', encoding: 'integer' },
    },
  });

  test('says where an object without type is JSON', () => {
    expect(good({ key: 'user:1:profile', value: { a: 1 } }, map).value).toEqual({
      type: 'string',
      bytes: '{"a":1}',
    });
    expect(good({ key: 'other', value: { a: 1 } }, map).value).toEqual({ type: 'string', bytes: '{"a":1}' });
  });

  test('says where it cannot be', () => {
    expect(reason({ key: 'tts:1', value: { a: 1 } }, map)).toBe(
      '`value` is an object, and the values of `tts` are binary by the map; give a text, `valueBase64`, or `type`',
    );
    expect(reason({ key: 'quota:1', value: [1] }, map)).toMatch(
      '`value` is an array, and the values of `quota` are integer',
    );
    expect(good({ key: 'quota:1', value: 5 }, map).value).toEqual({ type: 'string', bytes: '5' });
    expect(good({ key: 'quota:1', type: 'hash', value: { a: 1 } }, map).value.type).toBe('hash');
  });
});
