import { hashBytes, type KeyHash } from '../../../src/traffic/keys/key-hash.ts';

/** The hash of a text with one byte per character (latin1). */
export function hashOf(text: string, seed = 0): KeyHash {
  const hash = { high: 0, low: 0 };
  hashBytes(Buffer.from(text, 'latin1'), 0, text.length, seed, hash);
  return hash;
}
