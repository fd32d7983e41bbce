import type { ByteString } from '../support/bytes.ts';
import { isToken } from './ids.ts';

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
