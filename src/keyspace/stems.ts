import { isWord, text } from './placeholders.ts';

/** What a word may be divided at. */
const stemEnd = /[./|#_-]/;

/** `wc_cart_<text>` and `wc_<text>` for `wc_cart_hash`, the longest first; each with the delimiter behind the word. */
export function stemsOf(word: string, delimiter: string): string[] {
  const stems: string[] = [];
  for (let at = word.length - delimiter.length - 1; at > 0; at--)
    if (stemEnd.test(word.charAt(at - 1))) stems.push(word.slice(0, at) + text + delimiter);
  return stems;
}

/** The longest of the first one's stems that all of them have. */
export function longestStem(
  names: readonly string[],
  stem: string,
  delimiterOf: (word: string) => string,
): string {
  const [first = '', ...others] = names;
  const all = others.map((name) => new Set(stemsOf(name, delimiterOf(name))));
  return stemsOf(first, delimiterOf(first)).find((each) => all.every((stems) => stems.has(each))) ?? stem;
}

/** True for what several words became: `wc_<text>`. */
export function isStem(segment: string): boolean {
  return segment.includes(text) && isWord(segment);
}
