import { type ByteString, asBytes, bytesOf, textOf } from '../support/bytes.ts';
import { InputError } from '../support/failure.ts';
import { shapes } from './placeholders.ts';

/**
 * A key pattern of the map: literal text, `*` (any bytes), and placeholders `<name>` (one whole segment).
 * A backslash takes the next character literally.
 */
export interface KeyPattern {
  readonly text: string;
  readonly parts: readonly PatternPart[];
}

export type PatternPart =
  | { readonly kind: 'literal'; readonly bytes: ByteString }
  | { readonly kind: 'any' }
  | { readonly kind: 'placeholder'; readonly name: string }
  /** Nothing, where a segment starts or ends; keeps a value next to a `*` a whole segment. Never written, only bound. */
  | { readonly kind: 'boundary'; readonly side: 'start' | 'end' };

const boundary = (side: 'start' | 'end'): PatternPart => ({ kind: 'boundary', side });

/** @throws Error saying what is wrong with the pattern. */
export function parsePattern(text: string): KeyPattern {
  const parts: PatternPart[] = [];
  let literal = '';
  const flush = () => {
    if (literal !== '') parts.push({ kind: 'literal', bytes: bytesOf(literal) });
    literal = '';
  };
  for (let at = 0; at < text.length; at++) {
    const character = text.charAt(at);
    if (character === '\\') {
      at++;
      if (at === text.length) throw new Error(`pattern \`${text}\` ends in a lone backslash`);
      literal += text.charAt(at);
    } else if (character === '*') {
      flush();
      if (parts.at(-1)?.kind !== 'any') parts.push({ kind: 'any' });
    } else if (character === '<') {
      const name = /^<([A-Za-z][A-Za-z0-9_-]*)>/.exec(text.slice(at))?.[1];
      if (name === undefined) {
        throw new Error(
          `pattern \`${text}\`: \`<\` starts a placeholder such as <id>; write \\< for the character itself`,
        );
      }
      flush();
      parts.push({ kind: 'placeholder', name });
      at += name.length + 1;
    } else {
      literal += character;
    }
  }
  flush();
  if (parts.length === 0) throw new Error('a pattern must not be empty');
  return { text, parts };
}

/**
 * A pattern as a person types it. `?` and `[` are wildcards to redis-cli and text to the map, so neither is taken for
 * the other. @throws InputError
 */
export function readPattern(text: string): KeyPattern {
  const [, ambiguous] = /^(?:\\[\s\S]|[^\\?[])*([?[])/.exec(text) ?? [];
  if (ambiguous !== undefined) {
    throw new InputError(
      `pattern \`${text}\`: \`${ambiguous}\` is no wildcard here`,
      `write * for anything and <id> for one whole segment, or \\${ambiguous} for the character itself`,
    );
  }
  return givenPattern(text);
}

/** A pattern that is not from the map, and may be wrong. @throws InputError */
export function givenPattern(text: string): KeyPattern {
  try {
    return parsePattern(text);
  } catch (error) {
    throw new InputError((error as Error).message);
  }
}

/** Equal for patterns that match the same keys: the name of a placeholder without a shape says nothing. */
export function patternShape({ parts }: KeyPattern): string {
  return JSON.stringify(
    parts.map((part) =>
      part.kind === 'placeholder' && !Object.hasOwn(shapes, part.name) ? { kind: 'segment' } : part,
    ),
  );
}

/** Text as a pattern that matches itself only. */
export function quotePattern(text: string): string {
  return text.replace(/[\\*<]/g, '\\$&');
}

/** The pattern as a command line takes it, where `?` and `[` could be meant as the wildcards of redis-cli. */
export function markWildcards(pattern: string): string {
  return pattern.replace(/\\[\s\S]|[?[]/g, (found) => (found.length > 1 ? found : `\\${found}`));
}

/**
 * The pattern with `<name>` replaced by a value, which is data: nothing in it is a wildcard. Next to a wildcard the
 * value still matches whole segments only: `*<id>` with `2` matches `user:2`, not `user:12`.
 */
export function bindPlaceholder(pattern: KeyPattern, name: string, value: string): KeyPattern {
  const bytes = bytesOf(value);
  const parts: PatternPart[] = [];
  const append = (part: PatternPart): void => {
    const last = parts.at(-1);
    if (part.kind === 'literal' && last?.kind === 'literal') {
      parts[parts.length - 1] = { kind: 'literal', bytes: asBytes(last.bytes + part.bytes) };
    } else {
      parts.push(part);
    }
  };
  pattern.parts.forEach((part, index) => {
    if (part.kind !== 'placeholder' || part.name !== name) {
      append(part);
      return;
    }
    if (isWild(pattern.parts[index - 1])) append(boundary('start'));
    append({ kind: 'literal', bytes });
    if (isWild(pattern.parts[index + 1])) append(boundary('end'));
  });
  return { text: patternText(parts), parts };
}

/** The pattern as consecutive whole segments anywhere in a key: alone, first, last or in the middle. */
export function patternWithin({ text, parts }: KeyPattern): KeyPattern {
  const any: PatternPart = { kind: 'any' };
  return { text: `*${text}*`, parts: [any, boundary('start'), ...parts, boundary('end'), any] };
}

function isWild(part: PatternPart | undefined): boolean {
  return part?.kind === 'any' || part?.kind === 'placeholder';
}

/** The parts in the language of the map, which has no form for boundaries. */
function patternText(parts: readonly PatternPart[]): string {
  return parts
    .map((part) => {
      switch (part.kind) {
        case 'literal':
          return quotePattern(textOf(part.bytes) ?? part.bytes);
        case 'any':
          return '*';
        case 'placeholder':
          return `<${part.name}>`;
        case 'boundary':
          return '';
      }
    })
    .join('');
}

/** The one key that the pattern can match, or null where it has a wildcard. */
export function exactKeyOf(pattern: KeyPattern): ByteString | null {
  const [only, ...more] = pattern.parts;
  return only?.kind === 'literal' && more.length === 0 ? only.bytes : null;
}

/** The glob for the server's MATCH. It may match more than the pattern: the server knows no segments. */
export function globOf(pattern: KeyPattern): ByteString {
  let glob = '';
  let wild = false;
  for (const part of pattern.parts) {
    if (part.kind === 'boundary') continue;
    if (part.kind === 'literal') glob += escapeGlob(part.bytes);
    // One star says all that several in a row do; an escaped one before it is text.
    else if (!wild) glob += '*';
    wild = part.kind !== 'literal';
  }
  return asBytes(glob);
}

/** One glob that lets through what any of the patterns does, or null where they have nothing in common to begin with. */
export function commonGlob(patterns: readonly KeyPattern[]): ByteString | null {
  const [only, ...more] = patterns;
  if (only === undefined) return null;
  if (more.length === 0) return globOf(only);
  const prefixes = patterns.map(prefixOf);
  let common: string = prefixes[0] ?? '';
  for (const prefix of prefixes) while (!prefix.startsWith(common)) common = common.slice(0, -1);
  return common === '' ? null : asBytes(`${escapeGlob(asBytes(common))}*`);
}

/** Escapes what Redis treats as special in a glob: `* ? [ ] \`. */
export function escapeGlob(bytes: ByteString): ByteString {
  return asBytes(bytes.replace(/[*?[\]\\]/g, '\\$&'));
}

/** The literal bytes before the first wildcard. */
export function prefixOf(pattern: KeyPattern): ByteString {
  const [first] = pattern.parts;
  return first?.kind === 'literal' ? first.bytes : asBytes('');
}

/** True where the pattern has no literal text but delimiters (`*`, `<id>`, `*:*`), and so selects without regard to names. */
export function matchesEverything(pattern: KeyPattern, delimiters: readonly string[] = []): boolean {
  return !pattern.parts.some(
    (part) => part.kind === 'literal' && Array.from(part.bytes).some((byte) => !delimiters.includes(byte)),
  );
}

/**
 * Compiles the pattern to a test of whole keys. Placeholders match one segment between `delimiters`.
 *
 * @param expressions what was compiled before, by its source: patterns that differ in their prefixes alone share one
 */
export function compilePattern(
  pattern: KeyPattern,
  delimiters: readonly string[],
  expressions = new Map<string, RegExp>(),
): (key: ByteString) => boolean {
  const exact = exactKeyOf(pattern);
  if (exact !== null) return (key) => key === exact;
  const prefix = prefixOf(pattern);
  const literals = pattern.parts.flatMap((part) => (part.kind === 'literal' ? [part.bytes] : []));
  if (pattern.parts.every(({ kind }) => kind === 'literal' || kind === 'any')) {
    const ends = pattern.parts.at(-1)?.kind === 'literal';
    return (key) => key.startsWith(prefix) && hasInOrder(key, literals, ends);
  }
  const source = expressionSource(pattern, delimiters);
  const expression = expressions.get(source) ?? new RegExp(source, 'sy');
  expressions.set(source, expression);
  return (key) => {
    if (!key.startsWith(prefix) || !hasInOrder(key, literals, false)) return false;
    expression.lastIndex = prefix.length;
    return expression.test(key);
  };
}

/**
 * True where the key holds the texts one behind the other, and the last at its end where `ends` says so. Linear in the
 * key, where an expression with several `*` tries every way to split a hostile one.
 */
function hasInOrder(key: ByteString, texts: readonly ByteString[], ends: boolean): boolean {
  let at = 0;
  for (let index = 0; index < texts.length; index++) {
    const text = texts[index] as ByteString;
    if (ends && index === texts.length - 1) return key.length >= at + text.length && key.endsWith(text);
    at = key.indexOf(text, at);
    if (at < 0) return false;
    at += text.length;
  }
  return true;
}

/** For what follows the prefix. */
function expressionSource({ parts }: KeyPattern, delimiters: readonly string[]): string {
  const delimiter = `[${delimiters.map(escapeExpression).join('')}]`;
  const starts = `(?<=^|${delimiter})`;
  const ends = `(?=${delimiter}|$)`;
  const source = parts
    .map((part, index) => {
      switch (part.kind) {
        case 'literal':
          return index === 0 ? '' : escapeExpression(part.bytes);
        case 'any':
          return '.*';
        case 'boundary':
          return part.side === 'start' ? starts : ends;
        case 'placeholder': {
          const before = parts[index - 1]?.kind === 'any' ? starts : '';
          const after = parts[index + 1]?.kind === 'any' ? ends : '';
          return before + segmentExpression(part.name, delimiters) + after;
        }
      }
    })
    .join('');
  return `${source}$`;
}

function segmentExpression(name: string, delimiters: readonly string[]): string {
  const shape = Object.hasOwn(shapes, name) ? shapes[name] : undefined;
  if (shape === undefined) return `[^${delimiters.map(escapeExpression).join('')}]+`;
  // An address holds `.`, `-` and `_` also where these separate segments.
  const outside = delimiters.filter((delimiter) => !/[.@_-]/.test(delimiter));
  return shape.replaceAll('[^@]', `[^@${outside.map(escapeExpression).join('')}]`);
}

function escapeExpression(text: string): string {
  return text.replace(/[.*+?^${}()|[\]\\/-]/g, '\\$&');
}

/**
 * Orders patterns from the most to the least specific: more literal bytes before the first wildcard, then more literal
 * bytes in all, then a shaped placeholder before a free one. Equal patterns keep their order.
 */
export function compareSpecificity(left: KeyPattern, right: KeyPattern): number {
  const a = specificity(left);
  const b = specificity(right);
  for (let index = 0; index < a.length; index++) {
    const difference = (b[index] ?? 0) - (a[index] ?? 0);
    if (difference !== 0) return difference;
  }
  return 0;
}

function specificity(pattern: KeyPattern): number[] {
  let literal = 0;
  let shaped = 0;
  let any = 0;
  for (const part of pattern.parts) {
    if (part.kind === 'literal') literal += part.bytes.length;
    else if (part.kind === 'any') any++;
    else if (part.kind === 'placeholder' && Object.hasOwn(shapes, part.name)) shaped++;
  }
  return [exactKeyOf(pattern) === null ? 0 : 1, prefixOf(pattern).length, literal, shaped, -any];
}
