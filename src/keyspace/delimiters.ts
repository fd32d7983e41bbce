import type { ByteString } from '../support/bytes.ts';

/** The share of the keys, from 0 to 1, that contain the character. */
function shareWith(keys: readonly ByteString[], character: string): number {
  return keys.filter((key) => key.includes(character)).length / Math.max(1, keys.length);
}

/** False where hardly any key is divided by colons. */
export const usesColons = (keys: readonly ByteString[]): boolean => shareWith(keys, ':') >= 0.2;

/** Characters that divide keys and seldom are a part of a word. */
const others = ['/', '|', '.', '#'];
/** The same, and those that words are made of as well. */
export const possibleDelimiters: readonly string[] = [...others, '-', '_'];

/** The character that most keys are divided by: a colon, unless hardly any key has one. */
export function guessDelimiters(keys: readonly ByteString[]): string[] {
  if (usesColons(keys)) return [':'];
  const [best] = others
    .map((character) => ({ character, share: shareWith(keys, character) }))
    .sort((left, right) => right.share - left.share);
  return [best !== undefined && best.share >= 0.5 ? best.character : ':'];
}
