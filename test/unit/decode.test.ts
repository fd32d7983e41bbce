import { randomBytes } from 'node:crypto';
import { deflateSync, gzipSync } from 'node:zlib';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { type DecodeOptions, decodeValue, recognise } from '../../src/records/decode/decode.ts';
import { asBytes, type ByteString, bytesOf } from '../../src/support/bytes.ts';
import { rounds } from '../server/effort.ts';

const latin1 = (buffer: Uint8Array) => asBytes(Buffer.from(buffer).toString('latin1'));
const fernet = bytesOf(`gAAAAAB${'mZ3xQ_7-'.repeat(12)}==`);
/** What Python's `pickle.dumps({"verb": "ser"})` gives, protocol 4. */
const pickle = latin1(Buffer.from('80049512000000000000007d948c0476657262948c0373657294732e', 'hex'));

const decodeBytes = (value: ByteString, options: Partial<DecodeOptions> = {}) =>
  decodeValue(value, { encoding: null, envelopeField: 'data', truncated: false, ...options });
const decode = (text: string, options?: Partial<DecodeOptions>) => decodeBytes(bytesOf(text), options);

describe('a value without a map', () => {
  test.each([
    ['42', 'integer'],
    ['-7', 'integer'],
    ['{"a":1}', 'json'],
    ['  [1, 2]\n', 'json'],
    ['"text"', 'json'],
    ['{"a":1', 'text'],
    ['1.5', 'text'],
    ['', 'text'],
    ['true', 'text'],
    ['hello\tworld\r\n', 'text'],
    ['\x1b[31mred\x1b[0m', 'text'],
    ['\x00\x01\x02', 'binary'],
  ])('%j is taken for %s', (value, format) => {
    expect(recognise(bytesOf(value))).toBe(format);
  });

  test('in UTF-8 is text, and bytes that are none are binary', () => {
    expect(recognise(bytesOf('dobrý den'))).toBe('text');
    expect(recognise(asBytes('\xff\xfb\x90\x44'))).toBe('binary');
  });

  test('that is a pickle or a Fernet token is known by its first bytes', () => {
    expect(recognise(pickle)).toBe('pickle');
    expect(recognise(fernet)).toBe('fernet');
    expect(recognise(bytesOf('gAAAAAB'))).toBe('text');
  });

  test('of any bytes is decoded to something, and never throws', () => {
    const values = fc.oneof(
      fc.uint8Array({ maxLength: 60 }),
      fc.uint8Array({ maxLength: 60 }).map((bytes) => new Uint8Array([0x1f, 0x8b, 0x08, ...bytes])),
      fc.uint8Array({ maxLength: 60 }).map((bytes) => new Uint8Array([0x78, 0x9c, ...bytes])),
      fc.json().map((text) => Buffer.from(text)),
    );
    const encodings = fc.constantFrom(
      ...([null, 'json', 'json-envelope', 'text', 'integer', 'binary', 'pickle', 'fernet'] as const),
    );
    fc.assert(
      fc.property(values, encodings, fc.boolean(), (value, encoding, truncated) => {
        const decoded = decodeBytes(latin1(value), { encoding, truncated });
        const shown = ['json', 'text', 'hex'].filter((field) => field in decoded);
        expect(shown.length).toBeGreaterThan(0);
      }),
      { numRuns: rounds(1000) },
    );
  });
});

describe('JSON', () => {
  test('is parsed', () => {
    expect(decode('{"name":"Štěpán","n":[1,2.5,null]}')).toEqual({
      format: 'json',
      compression: null,
      json: { name: 'Štěpán', n: [1, 2.5, null] },
    });
  });

  test('with an id of 64 bits keeps its source, for a JSON number would lose its last digits', () => {
    const source = '{"id":12345678901234567890,"next":1}';
    expect(decode(source)).toMatchObject({
      format: 'json',
      text: source,
      remark: 'it holds numbers that JSON readers do not keep; its text has them all',
    });
    expect(decode('{"id":9007199254740991,"x":"12345678901234567890"}')).not.toHaveProperty('text');
  });

  test.each([
    ['{"x":1e400}', 'numbers that JSON readers do not keep'],
    ['[-0]', 'numbers that JSON readers do not keep'],
    ['[1e-400]', 'numbers that JSON readers do not keep'],
    ['{"a":1,"a":2}', 'a name that comes twice in one object'],
  ])('that parsing would change keeps its source, and says why: %s', (source, what) => {
    expect(decode(source)).toMatchObject({
      text: source,
      remark: `it holds ${what}; its text has them all`,
    });
  });

  test.each(['[1.0]', '{"b":1,"2":2}', String.raw`["\u00e9\/"]`])(
    'written in another way keeps its source: %s',
    (source) => {
      expect(decode(source)).toEqual({
        ...{ format: 'json', compression: null, json: JSON.parse(source) as unknown, text: source },
      });
    },
  );

  test('of a hundred thousand levels is shown as it is', () => {
    const source = `${'['.repeat(100_000)}${']'.repeat(100_000)}`;
    expect(decode(source)).toEqual({
      ...{ format: 'json', compression: null, text: source },
      remark: 'nested more than 200 levels deep: shown as it is',
    });
  });

  test('that is none, though the map says so, is shown as what it is', () => {
    expect(decode('hello', { encoding: 'json' })).toEqual({
      format: 'text',
      compression: null,
      text: 'hello',
      remark: 'not JSON, though the map says so',
    });
    expect(decodeBytes(pickle, { encoding: 'json' })).toMatchObject({
      format: 'pickle',
      remark: expect.stringMatching(/^not JSON.*; a Python pickle/) as string,
    });
  });

  test('cut off is text, and nothing is said against the map', () => {
    const decoded = decode('{"a": [1, 2, 3', { encoding: 'json', truncated: true });
    expect(decoded).toEqual({ format: 'text', compression: null, text: '{"a": [1, 2, 3' });
  });
});

describe('an envelope', () => {
  const envelope = '{"data":{"score":7},"timestamp":"2026-01-01","type":"quiz"}';

  test('is told from its payload', () => {
    expect(decode(envelope, { encoding: 'json-envelope' })).toEqual({
      format: 'json-envelope',
      compression: null,
      json: { score: 7 },
      envelope: { timestamp: '2026-01-01', type: 'quiz' },
    });
  });

  test('has its payload in the field that the map names', () => {
    const decoded = decode(envelope, { encoding: 'json-envelope', envelopeField: 'type' });
    expect(decoded).toMatchObject({ json: 'quiz', envelope: { data: { score: 7 } } });
  });

  test.each(['{"payload":1}', '[1]', '{"toString":1}'])(
    'that is missing leaves %s as JSON, with a remark',
    (value) => {
      const decoded = decode(value, { encoding: 'json-envelope' });
      expect(decoded).toMatchObject({
        format: 'json',
        json: JSON.parse(value) as unknown,
        remark: 'no field `data`: not the envelope that the map says',
      });
    },
  );

  test('is not found in what every object inherits', () => {
    expect(decode('{"a":1}', { encoding: 'json-envelope', envelopeField: 'constructor' }).format).toBe(
      'json',
    );
  });
});

describe('other encodings of the map', () => {
  test('integer', () => {
    expect(decode('-12', { encoding: 'integer' })).toEqual({
      format: 'integer',
      compression: null,
      text: '-12',
    });
    expect(decode('12 eggs', { encoding: 'integer' })).toMatchObject({
      format: 'text',
      text: '12 eggs',
      remark: 'not an integer, though the map says so',
    });
  });

  test('text', () => {
    expect(decode('{"a":1}', { encoding: 'text' })).toEqual({
      format: 'text',
      compression: null,
      text: '{"a":1}',
    });
    expect(decodeBytes(asBytes('\xff\x00'), { encoding: 'text' })).toMatchObject({
      format: 'binary',
      hex: 'ff 00',
      remark: 'not text, though the map says so',
    });
  });

  test('binary, of which the first bytes are shown', () => {
    expect(decodeBytes(asBytes('\x00\xff\x10'), { encoding: 'binary' })).toEqual({
      format: 'binary',
      compression: null,
      hex: '00 ff 10',
    });
    const long = decodeBytes(latin1(randomBytes(513).fill(0xab)), { encoding: 'binary' }).hex ?? '';
    expect(long).toMatch(/^(ab ){511}ab …$/);
  });

  test('Fernet', () => {
    expect(decodeBytes(fernet, { encoding: 'fernet' })).toMatchObject({ format: 'fernet', text: fernet });
    expect(decode('dobrý den', { encoding: 'fernet' })).toMatchObject({
      format: 'text',
      text: 'dobrý den',
      remark: 'not a Fernet token, though the map says so',
    });
  });

  test('pickle is named, and its bytes are shown as hex', () => {
    const decoded = decodeBytes(pickle, { encoding: 'pickle' });
    expect(decoded).toMatchObject({ format: 'pickle', hex: expect.stringMatching(/^80 04 95 12/) as string });
    expect(decoded.remark).toMatch(/never loaded/);
  });

  test('pickle of protocol 0, which is text, is named too', () => {
    expect(decode('(dp0\nVverb\np1\nVser\np2\ns.', { encoding: 'pickle' }).format).toBe('pickle');
  });

  test('pickle that is JSON is shown as JSON', () => {
    expect(decode('{"id":1}', { encoding: 'pickle' })).toEqual({
      format: 'json',
      compression: null,
      json: { id: 1 },
      remark: 'not a pickle, though the map says so',
    });
  });
});

describe('a compressed value', () => {
  const json = JSON.stringify({ words: Array.from({ length: 500 }, (_, index) => `word ${index}`) });

  test.each([
    ['gzip', gzipSync],
    ['zlib', deflateSync],
  ] as const)('in %s is seen through', (compression, pack) => {
    expect(decodeBytes(latin1(pack(json)))).toEqual({
      format: 'json',
      compression,
      json: JSON.parse(json) as unknown,
    });
    expect(decodeBytes(latin1(pack('42')), { encoding: 'integer' })).toEqual({
      format: 'integer',
      compression,
      text: '42',
    });
  });

  test.each([
    ['gzip', gzipSync],
    ['zlib', deflateSync],
  ] as const)('in %s of which only the start was read shows the start', (compression, pack) => {
    const packed = latin1(pack(json));
    const decoded = decodeBytes(asBytes(packed.slice(0, packed.length / 2)), {
      encoding: 'json',
      truncated: true,
    });
    expect(decoded).toMatchObject({ format: 'text', compression });
    expect(decoded.text?.length).toBeGreaterThan(100);
    expect(json.startsWith(decoded.text ?? '?')).toBe(true);
  });

  test.each([
    ['gzip', gzipSync],
    ['zlib', deflateSync],
  ] as const)('in %s that would unpack without end is left packed', (compression, pack) => {
    const bomb = latin1(pack(Buffer.alloc(64 * 1024 * 1024)));
    const before = process.memoryUsage().arrayBuffers;
    const decoded = decodeBytes(bomb);
    expect(decoded).toMatchObject({
      format: 'binary',
      compression,
      remark: `unpacks (${compression}) to more than 16 MiB: not read`,
    });
    expect(process.memoryUsage().arrayBuffers - before).toBeLessThan(50e6);
  });

  test('that is damaged is left packed', () => {
    const damaged = latin1(gzipSync(json)).slice(0, 40);
    expect(decodeBytes(asBytes(damaged))).toMatchObject({
      format: 'binary',
      compression: 'gzip',
      remark: 'starts like gzip, and cannot be unpacked',
    });
  });

  // What `zstd` makes of `{"key":"a","value":"1"}`.
  const zstdFrame = Buffer.from('28b52ffd2017b900007b226b6579223a2261222c2276616c7565223a2231227d', 'hex');
  const skippedFrame = Buffer.from('502a4d1804000000deadbeef', 'hex');

  test('in zstd is seen through, as in files, also behind a frame that is to be skipped', () => {
    for (const packed of [zstdFrame, Buffer.concat([skippedFrame, zstdFrame])]) {
      expect(decodeBytes(latin1(packed))).toEqual({
        ...{ format: 'json', compression: 'zstd', json: { key: 'a', value: '1' } },
      });
    }
    expect(decodeBytes(latin1(Buffer.concat([zstdFrame, zstdFrame])))).toMatchObject({
      text: '{"key":"a","value":"1"}{"key":"a","value":"1"}',
    });
  });

  test('in zstd that is cut off is left packed, and is no fault where only the start was read', () => {
    const cut = latin1(zstdFrame.subarray(0, 20));
    expect(decodeBytes(cut)).toMatchObject({
      format: 'binary',
      remark: 'starts like zstd, and cannot be unpacked',
    });
    expect(decodeBytes(cut, { truncated: true })).not.toHaveProperty('remark');
  });

  test('in zstd that would unpack without end, or claims gigabytes, is left packed', () => {
    // A thousand blocks of one byte each that stand for 128 KiB.
    const block = Buffer.from([0x02 | ((131_072 << 3) & 0xff), (131_072 >> 5) & 0xff, 131_072 >> 13, 0x61]);
    const header = Buffer.from('28b52ffd0038', 'hex');
    const blocks = Buffer.concat([header, ...Array.from({ length: 1000 }, () => block)]);
    const claims = [
      // A window, and a content, of gigabytes.
      Buffer.from('28b52ffd00a0010000', 'hex'),
      Buffer.from('28b52ffda0ffffffff010000', 'hex'),
    ];
    const before = process.memoryUsage().arrayBuffers;
    for (const packed of [blocks, ...claims]) {
      expect(decodeBytes(latin1(packed))).toMatchObject({
        ...{ format: 'binary', compression: 'zstd' },
        remark: 'unpacks (zstd) to more than 16 MiB: not read',
      });
    }
    expect(process.memoryUsage().arrayBuffers - before).toBeLessThan(50e6);
  });

  test.each([
    ['lz4', '04224d18646440a7'],
    ['snappy', 'ff060000734e61507059'],
    ['bzip2', '425a6839314159265359'],
    ['xz', 'fd377a585a00'],
  ])('in %s is named', (compression, hex) => {
    expect(decodeBytes(latin1(Buffer.from(hex, 'hex')))).toMatchObject({
      ...{ format: 'binary', compression },
      remark: `compressed with ${compression}, which is not read`,
    });
  });

  test.each(['x^2 + y^2', 'x\u009c, and more'])('is not seen in a text that starts like one: %j', (text) => {
    expect(decode(text)).toMatchObject({ compression: null });
    expect(decode(text, { truncated: true })).toMatchObject({ compression: null });
  });
});

test('a text cut within a character is still text', () => {
  for (const character of ['ý', '€', '🙂']) {
    const bytes = bytesOf(`dobrý den ${character}`);
    for (let cut = 1; cut < bytesOf(character).length; cut++) {
      const decoded = decodeBytes(asBytes(bytes.slice(0, -cut)), { truncated: true });
      expect(decoded).toEqual({ format: 'text', compression: null, text: 'dobrý den ' });
    }
    expect(decodeBytes(bytes, { truncated: true }).text).toBe(`dobrý den ${character}`);
  }
});
