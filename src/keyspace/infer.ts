import type { ByteString } from '../support/bytes.ts';

/** Words that have been seen before; they come again with almost every key. */
const knownWords = new Set<string>();
const knownLimit = 4096;

const uuid = /^[0-9a-f]{8}-(?:[0-9a-f]{4}-){3}[0-9a-f]{12}$/i;
const digest = /^(?:[0-9a-f]{2}){8,64}$/i;
const date = /^\d{4}-\d\d-\d\d$/;
const email = /^[^@\s]+@[^@\s]+\.[^@\s]+$/;
const number = /^-?\d+$/;
/** A word as people write it into a key: short, ASCII, without quotes, brackets or spaces. */
const word = /^[A-Za-z0-9_.@#$%&+=/~{}|!?,;-]{1,40}$/;

/**
 * The segments of the pattern that a key seems to have been made from, each with the delimiter behind it: numbers
 * become `<id>`, then `<uuid>`, `<hash>` (hex digests of 16 to 128 digits), `<date>`, `<email>`, `<token>` (long random
 * URL-safe text) and `<text>` (anything that is no short word). Joined they are a pattern of the map.
 *
 * @param limit Segments wanted; the rest of a longer key becomes one last `*`.
 */
export function inferSegments(
  key: ByteString,
  delimiters: readonly string[],
  limit = Number.POSITIVE_INFINITY,
): string[] {
  const segments: string[] = [];
  let start = 0;
  for (;;) {
    const end = nextDelimiter(key, delimiters, start);
    if (end < 0) {
      segments.push(inferSegment(key.slice(start)));
      return segments;
    }
    if (segments.length + 1 >= limit) {
      segments.push('*');
      return segments;
    }
    segments.push(inferSegment(key.slice(start, end)) + key.charAt(end));
    start = end + 1;
  }
}

/** The pattern that a key seems to have been made from, such as `user:<id>:profile`. */
export function inferPattern(key: ByteString, delimiters: readonly string[]): string {
  return inferSegments(key, delimiters).join('');
}

function nextDelimiter(key: string, delimiters: readonly string[], start: number): number {
  const [only = '', ...more] = delimiters;
  if (more.length === 0) return key.indexOf(only, start);
  // Not by `indexOf` of each: one that never comes would be searched to the end of a long key again and again.
  for (let at = start; at < key.length; at++) if (delimiters.includes(key.charAt(at))) return at;
  return -1;
}

function inferSegment(segment: string): string {
  const first = segment.charCodeAt(0);
  // The most common variable segment, without the cost of the table.
  if (((first >= 48 && first <= 57) || first === 45) && number.test(segment)) return '<id>';
  if (knownWords.has(segment)) return segment;
  const inferred = classify(segment);
  if (inferred === segment && knownWords.size < knownLimit) knownWords.add(detached(segment));
  return inferred;
}

/** A copy with memory of its own: a part of a string keeps the whole of it alive, and keys can be long. */
export function detached(part: string): string {
  return Buffer.from(part, 'latin1').toString('latin1');
}

function classify(segment: string): string {
  if (segment === '') return '';
  if (digest.test(segment)) return '<hash>';
  if (uuid.test(segment)) return '<uuid>';
  if (date.test(segment)) return '<date>';
  if (email.test(segment)) return '<email>';
  if (isToken(segment)) return '<token>';
  return word.test(segment) ? segment : '<text>';
}

const urlSafe = /^[A-Za-z0-9_-]+$/;
const shortestToken = 20;
/** `user`, `User`, `getHTTPResponse`, `LIMIT`: as people write words. */
const written = /^(?:[A-Z]+|[A-Z]{0,5}[a-z]*(?:[A-Z]{1,5}[a-z]{2,})*)$/;
/** Words that look like ids are taken for values of one variable from this many on. */
const fewestIds = 3;
const hex = /^[0-9a-f]+$/i;

/** Random URL-safe text of any alphabet: base64url, base62, ULID, cuid. */
function isToken(segment: string): boolean {
  if (segment.length < shortestToken || !urlSafe.test(segment)) return false;
  if (!/[a-z]/.test(segment) || !/[A-Z]/.test(segment))
    return runsOf(segment).some((run) => run.length >= 16 && isMixed(run));
  return !isWritten(segment);
}

/** True for text that fits `<token>` and is not made of words in one case: among tokens it is one more. */
function fitsToken(segment: string): boolean {
  if (segment.length < shortestToken || !urlSafe.test(segment)) return false;
  const hasBothCases = /[a-z]/.test(segment) && /[A-Z]/.test(segment);
  return hasBothCases || runsOf(segment).some((run) => run.length >= 16);
}

/** True for text such as `V1StGXR8`, `9f86d081` or `dQw4w9WgXcQ`, which no one writes as a word. */
export function looksLikeId(segment: string): boolean {
  return (
    segment.length >= 8 &&
    urlSafe.test(segment) &&
    runsOf(segment).some((run) => run.length >= 8 && isMixed(run))
  );
}

function runsOf(segment: string): string[] {
  return segment.split(/[_-]/);
}

/** True where letters stand between digits. */
function isMixed(run: string): boolean {
  return /\d[A-Za-z]+\d/.test(run);
}

function isWritten(segment: string): boolean {
  return runsOf(segment).every((run) => written.test(run.replace(/\d{1,9}$/, '')));
}

/**
 * Which of the words that stand at one place of the keys are ids: a text without a digit among tokens, `deadbeef` among short
 * digests, and whatever looks like an id by itself.
 *
 * @param besideTokens `<token>` was inferred at the same place
 */
export function idsAmong(
  words: readonly string[],
  besideTokens: boolean,
): { readonly tokens: readonly string[]; readonly ids: readonly string[] } {
  const tokens = besideTokens ? words.filter(fitsToken) : [];
  const rest = words.filter((word) => !tokens.includes(word));
  const ids = rest.filter(looksLikeId);
  if (ids.length < fewestIds) return { tokens, ids: [] };
  const lengths = new Set(ids.map(({ length }) => length));
  const areHex = ids.every((id) => hex.test(id));
  const alike = rest.filter((word) => lengths.has(word.length) && (areHex ? hex : urlSafe).test(word));
  // Letters alone may be a word that happens to be as long as the ids.
  const areIds = areHex || (lengths.size === 1 && (alike.length - ids.length) * 5 <= ids.length);
  return { tokens, ids: areIds ? alike : ids };
}

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
