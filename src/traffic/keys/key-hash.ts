import { avalanche } from '../../support/hash.ts';

/** 64 bits in two halves, each a signed integer of 32 bits. */
export interface KeyHash {
  high: number;
  low: number;
}

/**
 * Hashes bytes to 64 bits. It finds keys again and resists no adversary.
 * Two connections of MurmurHash3_x86_128, each fed with every other word, with their constants and finish.
 * @see https://github.com/aappleby/smhasher/blob/master/src/MurmurHash3.cpp
 *
 * @param end where the bytes end, exclusive
 * @param seed such as the number of the database, so that equal keys of two databases differ
 * @param into takes the hash, for a result of its own would be garbage for each command that is observed
 */
export function hashBytes(bytes: Uint8Array, start: number, end: number, seed: number, into: KeyHash): void {
  let high = seed | 0;
  let low = seed | 0;
  for (let at = start; at < end; at += 8) {
    high = mixHigh(high, low, wordOfBytes(bytes, at, end));
    low = mixLow(low, high, wordOfBytes(bytes, at + 4, end));
  }
  const length = end - start;
  let first = ((high ^ length) + (low ^ length)) | 0;
  let second = ((low ^ length) + first) | 0;
  first = avalanche(first);
  second = avalanche(second);
  into.high = (first + second) | 0;
  into.low = (second + into.high) | 0;
}

/** Four bytes, the first the lowest; those beyond the end are zeros, which the length distinguishes from real ones. */
function wordOfBytes(bytes: Uint8Array, at: number, end: number): number {
  if (at + 4 <= end) {
    return (
      (bytes[at] ?? 0) |
      ((bytes[at + 1] ?? 0) << 8) |
      ((bytes[at + 2] ?? 0) << 16) |
      ((bytes[at + 3] ?? 0) << 24)
    );
  }
  let word = 0;
  for (let last = end - 1; last >= at; last--) word = (word << 8) | (bytes[last] ?? 0);
  return word;
}

function mixHigh(high: number, low: number, word: number): number {
  const mixed = high ^ Math.imul(rotate(Math.imul(word, 0x239b961b), 15), 0xab0e9789);
  return (Math.imul(rotate(mixed, 19) + low, 5) + 0x561ccd1b) | 0;
}

function mixLow(low: number, high: number, word: number): number {
  const mixed = low ^ Math.imul(rotate(Math.imul(word, 0xab0e9789), 16), 0x38b34ae5);
  return (Math.imul(rotate(mixed, 17) + high, 5) + 0x0bcaa747) | 0;
}

function rotate(value: number, bits: number): number {
  return (value << bits) | (value >>> (32 - bits));
}
