import { hashBytes, lastHash } from '../../../src/traffic/keys/key-hash.ts';

export type Halves = readonly [high: number, low: number];

const bytes = new Uint8Array(128);

/** The hash of a short text with one byte per character. */
export function hashOfText(text: string, seed = 0): Halves {
  for (let at = 0; at < text.length; at++) bytes[at] = text.charCodeAt(at);
  hashBytes(bytes, 0, text.length, seed);
  return [lastHash.high, lastHash.low];
}
