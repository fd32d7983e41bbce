/*
 * A valid JSON text, read without parsing it: a number, a name or an escape stays as it is written. One character may be
 * a byte of UTF-8 or a code unit of UTF-16: all that counts here is ASCII.
 */

/** Where the string ends whose opening quote is at `start`: behind its closing quote. */
function endOfString(json: string, start: number): number {
  for (let at = start + 1; ; at++) {
    at = json.indexOf('"', at);
    if (at < 0) return json.length;
    let escapes = at;
    while (json.charCodeAt(escapes - 1) === 0x5c) escapes--;
    if ((at - escapes) % 2 === 0) return at + 1;
  }
}

/** Where the value ends that begins at `start`. No recursion: a text may be nested a million levels deep. */
function endOfValue(json: string, start: number): number {
  const first = json.charCodeAt(start);
  if (first === QUOTE) return endOfString(json, start);
  if (!isOpen(first)) return endOfWord(json, start);
  let depth = 0;
  let at = start;
  while (at < json.length) {
    const code = json.charCodeAt(at);
    if (code === QUOTE) {
      at = endOfString(json, at);
      continue;
    }
    at++;
    if (isOpen(code)) depth++;
    else if (isClose(code) && --depth === 0) return at;
  }
  return at;
}

const QUOTE = 0x22;
const isOpen = (code: number) => code === 0x7b || code === 0x5b;
const isClose = (code: number) => code === 0x7d || code === 0x5d;

function endOfWord(json: string, start: number): number {
  const word = /[^ \t\r\n[\]{},:"]*/y;
  word.lastIndex = start;
  word.exec(json);
  return word.lastIndex;
}

function skipSpace(json: string, start: number): number {
  let at = start;
  while (isSpace(json.charCodeAt(at))) at++;
  return at;
}

function isSpace(code: number): boolean {
  return code === 0x20 || (code >= 0x09 && code <= 0x0d);
}

/** The texts of the elements of an array, in order. */
export function elementsOf(array: string): string[] {
  const elements: string[] = [];
  let at = skipSpace(array, 0) + 1;
  for (;;) {
    at = skipSpace(array, at);
    if (at >= array.length || array.charAt(at) === ']') return elements;
    const end = endOfValue(array, at);
    elements.push(array.slice(at, end));
    // Behind the comma; a closing bracket ends the loop.
    at = skipSpace(array, end);
    if (array.charAt(at) === ',') at++;
  }
}

/** The members of an object in order, each with the text of its name, in quotes, and of its value. A name may come twice. */
export function membersOf(object: string): (readonly [name: string, value: string])[] {
  const members: (readonly [string, string])[] = [];
  let at = skipSpace(object, 0) + 1;
  for (;;) {
    at = skipSpace(object, at);
    if (at >= object.length || object.charAt(at) === '}') return members;
    const nameEnd = endOfString(object, at);
    const start = skipSpace(object, skipSpace(object, nameEnd) + 1);
    const end = endOfValue(object, start);
    members.push([object.slice(at, nameEnd), object.slice(start, end)]);
    at = skipSpace(object, end);
    if (object.charAt(at) === ',') at++;
  }
}

/** The text without the white space between its tokens, and every token as it is. */
export function compactJson(json: string): string {
  let compact = '';
  let start = 0;
  for (let at = 0; at < json.length;) {
    const code = json.charCodeAt(at);
    if (code === QUOTE) at = endOfString(json, at);
    else if (isSpace(code)) {
      compact += json.slice(start, at);
      start = at = skipSpace(json, at);
    } else at++;
  }
  return start === 0 ? json : compact + json.slice(start);
}

/** A member of an object cut into the text of its name and that of its value; null where it is none. */
export function splitMember(member: string): readonly [name: string, value: string] | null {
  if (member.charCodeAt(0) !== QUOTE) return null;
  const nameEnd = endOfString(member, 0);
  const colon = skipSpace(member, nameEnd);
  return member.charAt(colon) === ':' ? [member.slice(0, nameEnd), member.slice(colon + 1)] : null;
}

/** The tokens: brackets, `,` and `:`, strings with their quotes, and numbers or words. */
function* tokensOf(json: string): Generator<string> {
  for (let at = skipSpace(json, 0); at < json.length; at = skipSpace(json, at)) {
    const start = at;
    const first = json.charAt(at);
    if (first === '"') at = endOfString(json, at);
    else at = '[]{},:'.includes(first) ? at + 1 : Math.max(at + 1, endOfWord(json, at));
    yield json.slice(start, at);
  }
}

/** How many brackets are open at most at one place. */
export function depthOf(json: string): number {
  let depth = 0;
  let deepest = 0;
  for (const token of tokensOf(json)) {
    if (token === '[' || token === '{') deepest = Math.max(deepest, ++depth);
    else if (token === ']' || token === '}') depth--;
  }
  return deepest;
}

/** True where a double does not keep a number of the text: more digits (such as a 64-bit id), 1e400, 1e-400, -0. */
export function losesNumbers(json: string): boolean {
  // Most texts have no such number, and show it at a glance.
  if (!/\d{8}[\d.]{8}|\d[eE][+-]?\d{3}|-0/.test(json)) return false;
  for (const token of tokensOf(json)) if (/^[-\d]/.test(token) && losesNumber(token)) return true;
  return false;
}

function losesNumber(literal: string): boolean {
  const number = Number(literal);
  if (!Number.isFinite(number) || Object.is(number, -0)) return true;
  return significant(literal) !== significant(String(number));
}

/** The digits that count, whatever the exponent: equal for `1.50`, `1.5` and `15e-1`. */
function significant(number: string): string {
  return number
    .replace(/e.*$/i, '')
    .replace(/[-.]/g, '')
    .replace(/^0+|0+$/g, '');
}

/** True where an object of the text has a name twice. Of names with escapes, equal spellings count. */
export function repeatsNames(json: string): boolean {
  const open: (Set<string> | null)[] = [];
  let before = '';
  for (const token of tokensOf(json)) {
    if (token === '{') open.push(new Set());
    else if (token === '[') open.push(null);
    else if (token === '}' || token === ']') open.pop();
    else if (token.startsWith('"') && (before === '{' || before === ',')) {
      const names = open.at(-1);
      if (names?.has(token)) return true;
      names?.add(token);
    }
    before = token;
  }
  return false;
}

/** The text with two spaces for each level and every token as it was: what parsing and printing would not keep. */
export function layOutJson(json: string): string {
  const laidOut: string[] = [];
  let level = 0;
  let before = '';
  const breakLine = () => `\n${'  '.repeat(level)}`;
  for (const token of tokensOf(json)) {
    const closes = token === ']' || token === '}';
    const opened = before === '[' || before === '{';
    if (closes) level--;
    if (opened !== closes || before === ',') laidOut.push(breakLine());
    laidOut.push(token === ':' ? ': ' : token);
    if (token === '[' || token === '{') level++;
    before = token;
  }
  return laidOut.join('');
}
