import fc from 'fast-check';
import { expect, test } from 'vitest';
import { hashBytes } from '../../../src/traffic/keys/key-hash.ts';

type Halves = readonly [high: number, low: number];

const ofText = (text: string, seed = 0) => ofBytes(Buffer.from(text, 'latin1'), seed);

function ofBytes(bytes: Uint8Array, seed = 0, start = 0, end = bytes.length): Halves {
  const hash = { high: 0, low: 0 };
  hashBytes(bytes, start, end, seed, hash);
  return [hash.high, hash.low];
}

const wide = ([high, low]: Halves) => (BigInt(high >>> 0) << 32n) | BigInt(low >>> 0);
const byteArrays = fc.uint8Array({ maxLength: 50 });

test('the hash is the same wherever in a buffer the bytes are', () => {
  fc.assert(
    fc.property(byteArrays, byteArrays, byteArrays, fc.integer(), (before, bytes, after, seed) => {
      const inside = Buffer.concat([before, bytes, after]);
      const hash = ofBytes(inside, seed, before.length, before.length + bytes.length);
      expect(hash).toEqual(ofBytes(bytes, seed));
    }),
  );
});

test('both halves are integers of 32 bits, as a typed array gives them back', () => {
  fc.assert(
    fc.property(byteArrays, (bytes) => {
      const hash = ofBytes(bytes);
      expect([...Int32Array.from(hash)]).toEqual(hash);
    }),
  );
});

test('zeros at the end, and where in the key bytes stand, make a difference', () => {
  const zeros = Array.from({ length: 40 }, (_, length) => ofText('\0'.repeat(length)).join());
  expect(new Set(zeros).size).toBe(40);
  expect(ofText('12345678abcdefgh')).not.toEqual(ofText('abcdefgh12345678'));
  expect(ofText('1234abcd')).not.toEqual(ofText('abcd1234'));
});

test('the seed makes another hash', () => {
  const hashes = Array.from({ length: 1000 }, (_, seed) => ofText('user:1:profile', seed).join());
  expect(new Set(hashes).size).toBe(1000);
});

test.each([
  ['numbers at the end', (index: number) => `user:${index}`],
  ['numbers in the middle', (index: number) => `user:${index}:profile:settings`],
  [
    'nothing but four bytes',
    (index: number) => String.fromCharCode(0, index >> 16, (index >> 8) & 255, index & 255),
  ],
])(
  'keys that differ in %s have hashes of their own, and as many in each half as 32 bits allow',
  (_what, keyOf) => {
    const keys = 250_000;
    const [hashes, highs, lows] = [new BigUint64Array(keys), new Uint32Array(keys), new Uint32Array(keys)];
    for (let index = 0; index < keys; index++) {
      const [high, low] = ofText(keyOf(index));
      [hashes[index], highs[index], lows[index]] = [wide([high, low]), high, low];
    }
    const repeated = (list: BigUint64Array | Uint32Array) => keys - new Set<bigint | number>(list).size;
    // A 64-bit hash that knew no more than 32 bits would repeat 7 times, as each half does; one of 30 bits 29 times.
    expect(repeated(hashes)).toBe(0);
    expect(repeated(highs)).toBeLessThan(20);
    expect(repeated(lows)).toBeLessThan(20);
  },
);

test('each bit of a key changes each bit of its hash about half of the time', () => {
  const rounds = 2000;
  for (const length of [1, 4, 5, 8, 13, 24]) {
    const changes = new Uint32Array(length * 8 * 64);
    for (let round = 0; round < rounds; round++) {
      // Keys that are much alike, the hard case.
      const key = Buffer.from(
        String(round * 7)
          .padStart(length, 'user:0000')
          .slice(-length),
      );
      if (length === 1) key[0] = round & 255;
      const [high, low] = ofBytes(key);
      for (let bit = 0; bit < length * 8; bit++) {
        const flipped = Uint8Array.from(key);
        flipped[bit >> 3] = (flipped[bit >> 3] ?? 0) ^ (1 << (bit & 7));
        const [otherHigh, otherLow] = ofBytes(flipped);
        const differences = [high ^ otherHigh, low ^ otherLow];
        for (let at = 0; at < 64; at++) {
          changes[bit * 64 + at] =
            (changes[bit * 64 + at] ?? 0) + (((differences[at >> 5] ?? 0) >>> (at & 31)) & 1);
        }
      }
    }
    const shares = [...changes].map((count) => count / rounds);
    expect(Math.min(...shares)).toBeGreaterThan(length === 1 ? 0.3 : 0.4);
    expect(Math.max(...shares)).toBeLessThan(length === 1 ? 0.7 : 0.6);
  }
});
