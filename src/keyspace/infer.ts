import type { ByteString } from '../support/bytes.ts';
import { id, shapes, text } from './placeholders.ts';

/** Words that have been seen before; they come again with almost every key. */
const knownWords = new Set<string>();
const knownLimit = 4096;

const wholly = (shape: keyof typeof shapes) => new RegExp(`^(?:${shapes[shape] ?? ''})$`);
const uuid = wholly('uuid');
const digest = wholly('hash');
const date = wholly('date');
const ip = wholly('ip');
const email = /^[^@\s]+@[^@\s]+\.[^@\s]+$/;
const number = /^-?\d+$/;
/** What people write into a key: ASCII, without quotes, brackets or spaces. */
const plain = /^[A-Za-z0-9_.@#$%&+=/~{}|!?,;-]+$/;
/** Between delimiters of any kind no word is longer; a slug of many words is text. */
const longestWord = 40;
const longestSegment = 256;
const betweenEnds = /[^./|{}=&?,;#+@]{41,}/g;

/**
 * The segments of the pattern that a key seems to have been made from, each with the delimiter behind it. What varies
 * becomes a placeholder, also within a segment: `feed_<hash>`, `views.cache_page.GET.<hash>`. Joined they are a pattern of the map.
 *
 * @param limit Segments wanted; the rest of a longer key becomes one last `*`.
 */
export function inferSegments(
  key: ByteString,
  delimiters: readonly string[],
  limit = Number.POSITIVE_INFINITY,
): string[] {
  const segments: string[] = [];
  const between = delimitersOf(key, delimiters);
  let start = 0;
  /** The last so many segments are text. */
  let texts = 0;
  for (;;) {
    const end = nextDelimiter(key, between, start);
    if (end >= 0 && segments.length + 1 >= limit) {
      segments.push('*');
      return segments;
    }
    const segment = inferSegment(key, start, end, segments);
    texts = segment === text ? texts + 1 : 0;
    segments.push(end < 0 ? segment : segment + key.charAt(end));
    if (end < 0) break;
    start = end + 1;
  }
  // They are no segments but one text with delimiters in it.
  return texts < 3 || texts === segments.length ? segments : [...segments.slice(0, -texts), '*'];
}

/** The pattern that a key seems to have been made from, such as `user:<id>:profile`. */
export function inferPattern(key: ByteString, delimiters: readonly string[]): string {
  return inferSegments(key, delimiters).join('');
}

/** Divide keys that have none of the delimiters asked for, the first that a key has; a dot also stands in numbers and addresses. */
export const furtherDelimiters = ['/', '|', '.'];

/** The delimiters that divide a key, or the name of an inferred namespace. */
export function delimitersOf(key: string, delimiters: readonly string[]): readonly string[] {
  if (delimiters.some((delimiter) => key.includes(delimiter))) return delimiters;
  const further = furtherDelimiters.find((delimiter) => key.includes(delimiter));
  return further === undefined || (further === '.' && /\d\.\d|@|<ip>/.test(key)) ? delimiters : [further];
}

export function nextDelimiter(key: string, delimiters: readonly string[], start: number): number {
  const [only = '', ...more] = delimiters;
  if (more.length === 0) return key.indexOf(only, start);
  // Not by `indexOf` of each: one that never comes would be searched to the end of a long key again and again.
  for (let at = start; at < key.length; at++) if (delimiters.includes(key.charAt(at))) return at;
  return -1;
}

/** What Django itself names keys, behind a prefix and a version. @see django/utils/cache.py, core/cache/utils.py, contrib/sessions */
const namesOfDjango = ['views.decorators.cache.', 'template.cache.', 'django.contrib.sessions.'];

/** Django writes the version of its keys behind their prefix, which is empty unless one was chosen: `:1:`, `mysite:1:`. */
function isVersion(key: string, end: number, length: number, before: readonly string[]): boolean {
  if (end < 0 || length > longestVersion || before.length !== 1) return false;
  return before[0]?.length === 1 || namesOfDjango.some((name) => key.startsWith(name, end + 1));
}

export const longestVersion = 3;

/** @param end where the delimiter behind it is; below 0 where none follows. @param before the segments in front of it */
function inferSegment(key: string, start: number, end: number, before: readonly string[]): string {
  const segment = key.slice(start, end < 0 ? undefined : end);
  const first = segment.charCodeAt(0);
  // The most common variable segment, without the cost of the table.
  if (((first >= 48 && first <= 57) || first === 45) && number.test(segment))
    return isVersion(key, end, segment.length, before) ? segment : id;
  if (knownWords.has(segment)) return segment;
  const inferred = classify(segment, before.length === 0);
  if (inferred === segment && knownWords.size < knownLimit) knownWords.add(detached(segment));
  return inferred;
}

/** A copy with memory of its own: a part of a string keeps the whole of it alive, and keys can be long. */
export function detached(part: string): string {
  return Buffer.from(part, 'latin1').toString('latin1');
}

function classify(segment: string, isFirst: boolean): string {
  if (segment === '') return '';
  if (segment.length > longestSegment) return classifyLong(segment);
  const placeholder = placeholderOf(segment);
  if (placeholder !== null) return placeholder;
  // A key begins with a name, whatever a program has put behind it: `db_query_<Session object at 0x7f…>`.
  if (!plain.test(segment)) return isFirst ? leadOf(segment) + text : text;
  const mixed = withPlaceholders(segment);
  return isToken(segment) && !hasOwnWords(mixed) ? behindLead(segment) : mixed;
}

function classifyLong(segment: string): string {
  return email.test(segment) ? '<email>' : isToken(segment) ? '<token>' : text;
}

/** The placeholder that stands for the whole of a text, or null. */
function placeholderOf(segment: string): string | null {
  if (digest.test(segment)) return '<hash>';
  if (uuid.test(segment)) return '<uuid>';
  if (date.test(segment)) return '<date>';
  if (ip.test(segment)) return '<ip>';
  return segment.includes('@') && !segment.startsWith('{') && email.test(segment) ? '<email>' : null;
}

const leadOf = (segment: string): string => /^[A-Za-z][\w./-]*[_./-](?=[^\w./-])/.exec(segment)?.[0] ?? '';

/** What varies in a segment: a UUID, a date, an address, or letters and digits up to the next other character. */
interface Part {
  readonly start: number;
  readonly end: number;
  readonly placeholder: string;
}

const [letter, digit] = [1, 2];
const kinds = Uint8Array.from({ length: 256 }, (_, code) => {
  const character = String.fromCharCode(code);
  return /[0-9]/.test(character) ? digit : /[A-Za-z]/.test(character) ? letter : 0;
});

/** By hand, for each key may have segments of its own: an expression that finds all of it takes five times as long. */
function partsOf(segment: string): Part[] {
  const parts: Part[] = [];
  for (let start = 0; start < segment.length; start++) {
    if (kinds[segment.charCodeAt(start)] === 0) continue;
    const { end, digits } = runAt(segment, start);
    if (digits > 0 || end - start >= shortestToken) {
      const part = spanningPart(segment, start, end) ?? partOfRun(segment, start, end, digits);
      if (part !== null) parts.push(part);
      start = part?.end ?? end;
    } else start = end;
  }
  return parts;
}

/** Letters and digits from a place on. */
function runAt(segment: string, start: number): { end: number; digits: number } {
  let end = start;
  let digits = 0;
  for (; end < segment.length; end++) {
    const kind = kinds[segment.charCodeAt(end)];
    if (kind === 0) break;
    if (kind === digit) digits++;
  }
  return { end, digits };
}

const spanning = new RegExp(
  `(?:(${shapes['uuid'] ?? ''})|(${shapes['date'] ?? ''})|(${shapes['ip'] ?? ''}))(?![A-Za-z0-9])`,
  'y',
);
const spanningNames = ['<uuid>', '<date>', '<ip>'];

/** What has other characters in it; `end` is where the letters and digits end that it begins with. */
function spanningPart(segment: string, start: number, end: number): Part | null {
  const next = segment.charAt(end);
  const length = end - start;
  if (next === '-' ? length !== 8 && length !== 4 : next !== '.' || length > 3) return null;
  spanning.lastIndex = start;
  const groups: (string | undefined)[] = spanning.exec(segment)?.slice(1) ?? [];
  const placeholder = spanningNames[groups.findIndex((group) => group !== undefined)];
  return placeholder === undefined ? null : { start, end: spanning.lastIndex, placeholder };
}

/** Where a number of any length is one: behind and before what divides a key, and not a word. */
const divides = /^[^A-Za-z0-9._-]?$/;
/** Shorter numbers in a word may be a part of it: `utf-8`, `gpt-4`. Siblings show whether they vary. */
const fewestDigits = 3;

function partOfRun(segment: string, start: number, end: number, digits: number): Part | null {
  const length = end - start;
  if (digits === length) {
    const isAlone = divides.test(segment.charAt(start - 1)) && divides.test(segment.charAt(end));
    return isAlone || (length >= fewestDigits && !isMonth(segment, start, end))
      ? { start, end, placeholder: id }
      : null;
  }
  if (length < shortestRun) return null;
  const run = segment.slice(start, end);
  if (digest.test(run)) return { start, end, placeholder: '<hash>' };
  return isRandom(run) ? { start, end, placeholder: '<token>' } : null;
}

/** A month, `2026-03`, is no number with another one behind it; siblings show whether it varies. */
const isMonth = (segment: string, start: number, end: number): boolean =>
  end - start === 4 && /^-\d\d(?![A-Za-z0-9])/.test(segment.slice(end, end + 4));

/** More variable parts than this in one segment are text: what it was made from can no longer be seen. */
const mostParts = 4;

/** True where what stands there is a part of a UUID, a digest, a date or the like. */
export function isWithinPart(segment: string, start: number, end: number): boolean {
  return partsOf(segment).some(
    (part) =>
      part.placeholder !== id &&
      part.start <= start &&
      part.end >= end &&
      part.end - part.start > end - start,
  );
}

/** A plain segment with its variable parts as placeholders; a text where too little of it is words. */
function withPlaceholders(segment: string): string {
  const parts = partsOf(segment);
  if (parts.length > mostParts) return text;
  let [mixed, from] = ['', 0];
  for (const { start, end, placeholder } of parts) {
    mixed += segment.slice(from, start) + placeholder;
    from = end;
  }
  mixed += segment.slice(from);
  if (mixed.includes('@')) mixed = mixed.replace(taggedEmail, '<email>');
  return hasLongWord(segment) ? mixed.replace(betweenEnds, (word) => (isTooLong(word) ? text : word)) : mixed;
}

function hasLongWord(segment: string): boolean {
  if (segment.length <= longestWord) return false;
  let length = 0;
  for (let at = 0; at < segment.length; at++) {
    length = wordEnds.has(segment.charCodeAt(at)) ? 0 : length + 1;
    if (length > longestWord) return true;
  }
  return false;
}

const wordEnds = new Set(Array.from('./|{}=&?,;#+@', (character) => character.charCodeAt(0)));

const taggedEmail = /(?<=\{)[^{}<>@]+@[^{}<>@]+\.[^{}<>@]+(?=\})/g;
const isTooLong = (word: string): boolean =>
  word.length > longestWord && word.replaceAll(/<[a-z]+>/g, '').length > longestWord;

const urlSafe = /^[A-Za-z0-9_-]+$/;
const shortestToken = 20;
const shortestRun = 16;
/** `user`, `User`, `getHTTPResponse`, `LIMIT`: as people write words. */
const written = /^(?:[A-Z]+|[A-Z]{0,5}[a-z]*(?:[A-Z]{1,5}[a-z]{2,}|By|In|Of|To|On|Is|Id)*)$/;
/** Words that look like ids are taken for values of one variable from this many on. */
const fewestIds = 3;
const hex = /^[0-9a-f]+$/i;
const hasBothCases = (segment: string) => /[a-z]/.test(segment) && /[A-Z]/.test(segment);

/** Random URL-safe text of any alphabet: base64url, base62, ULID, cuid. */
function isToken(segment: string): boolean {
  if (segment.length < shortestToken || !urlSafe.test(segment)) return false;
  return hasBothCases(segment) ? !isWritten(segment) : longRuns(segment).some(isMixed);
}

/** The same of letters and digits alone, within a word. */
function isRandom(run: string): boolean {
  return run.length >= shortestToken && (isMixed(run) || (hasBothCases(run) && !isWritten(run)));
}

/** True where all that is not a placeholder is words in small letters, or short numbers: `feed_<hash>`, and no part of a token. */
function hasOwnWords(mixed: string): boolean {
  return (
    /^[a-z]{2,}\d?[_-]/.test(mixed) && mixed.includes('<') && runsOf(mixed).every((run) => ownWord.test(run))
  );
}
const ownWord = /^(?:[a-z]{2,}\d?|\d{1,2}|<[a-z]+>)$/;

/** A token as `<token>`, and what stands before it where these are words: `session_<token>`. */
function behindLead(segment: string): string {
  const [lead = ''] = /^(?:[a-z]{3,}[_-])+/.exec(segment) ?? [];
  return lead !== '' && isToken(segment.slice(lead.length)) ? `${lead}<token>` : '<token>';
}

/** Among tokens: what one happens to begin with, or to end with, may read as words: `zm-<token>`, `ob7_<token>-xh`. */
const seemingLead = /^(?:[a-z]{2,}\d?[_-])+<token>$/;
const seemingWords = /^(?:[a-z]{2,}\d?[_-])+<token>(?:[_-](?:[a-z]{2,}\d?|\d{1,2}|<id>))*(?=\W?$)/;

/** True for text that fits `<token>` and is not made of words in one case: among tokens it is one more. */
function fitsToken(segment: string): boolean {
  if (seemingLead.test(segment)) return true;
  if (segment.length < shortestToken || !urlSafe.test(segment)) return false;
  return hasBothCases(segment) || longRuns(segment).length > 0;
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

const longRuns = (segment: string) => runsOf(segment).filter((run) => run.length >= shortestRun);

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
  const areHex = ids.every((each) => hex.test(each));
  const alike = rest.filter((word) => lengths.has(word.length) && (areHex ? hex : urlSafe).test(word));
  // Letters alone may be a word that happens to be as long as the ids.
  const areIds = areHex || (lengths.size === 1 && (alike.length - ids.length) * 5 <= ids.length);
  return { tokens, ids: areIds ? alike : ids };
}

/** The first segments of the key, and `rest` for all that follow. */
export function firstSegments(
  key: ByteString,
  delimiters: readonly string[],
  depth: number,
  rest: string,
): string[] {
  const segments = inferSegments(key, delimiters, depth + 1);
  if (segments.length > depth) segments[depth] = rest;
  return segments;
}

/** True where the words of one place are short digests, such as `9f86d0`: of these some have no letter, and read as numbers. */
export function areDigests(words: readonly string[]): boolean {
  const mixed = words.filter((word) => hex.test(word) && /\d/.test(word) && /[a-f]/i.test(word));
  const lengths = new Set(mixed.map(({ length }) => length));
  return mixed.length >= fewestDigests && mixed.length >= 0.9 * words.length && lengths.size <= 2;
}
const fewestDigests = 8;

/** Words that differ in their numbers alone, such as `page_7`, are taken for one pattern from this many on. */
export const fewestNumbered = 3;

/** `page_7` as `page_<id>`; a word without digits is its own pattern, and so is a version, `v2`. */
export function numberedPattern(word: string): string {
  return /^v\d+\W?$/.test(word) ? word : word.replace(/\d+(?:\.\d+)?/g, id);
}

/** What the segment is taken for where that is the rule among its siblings. */
export function exceptionTo(segment: string): string {
  if (/<token>\W?$/.test(segment)) return segment.replace(/^.*(?=<token>)/, '');
  if (seemingWords.test(segment)) return segment.replace(seemingWords, '<token>');
  return segment.replace(/^<id>/, '<hash>').replace(/^<text>/, '<token>');
}

/** Keys of the rule for each that is an exception. One random token in 10,000 has seeming words on both of its sides. */
export const fewestPerException = (rule: string): number => (rule.startsWith('<token>') ? 20 : 100);
