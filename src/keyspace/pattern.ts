import { type ByteString, asBytes, bytesOf } from '../redis/bytes.ts';

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
  | { readonly kind: 'placeholder'; readonly name: string };

/** Placeholders that fit one shape only; every other name fits any segment that is not empty. */
const shapes: Readonly<Record<string, string>> = {
  int: '-?[0-9]+',
  uuid: '[0-9a-fA-F]{8}-[0-9a-fA-F]{4}-[0-9a-fA-F]{4}-[0-9a-fA-F]{4}-[0-9a-fA-F]{12}',
  hash: '(?:[0-9a-fA-F]{2}){8,64}',
  date: '[0-9]{4}-[0-9]{2}-[0-9]{2}',
  token: '[A-Za-z0-9_-]{20,}',
  email: '[^@]+@[^@]+\\.[^@]+',
};

export const shapedPlaceholders: readonly string[] = Object.keys(shapes);

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

/** The pattern with `<name>` replaced by a value, which is data: nothing in it is a wildcard. */
export function bindPlaceholder(pattern: KeyPattern, name: string, value: string): KeyPattern {
  const parts: PatternPart[] = [];
  for (const part of pattern.parts) {
    const next: PatternPart =
      part.kind === 'placeholder' && part.name === name ? { kind: 'literal', bytes: bytesOf(value) } : part;
    const last = parts.at(-1);
    if (next.kind === 'literal' && last?.kind === 'literal') {
      parts[parts.length - 1] = { kind: 'literal', bytes: asBytes(last.bytes + next.bytes) };
    } else {
      parts.push(next);
    }
  }
  return { text: pattern.text.replaceAll(`<${name}>`, value), parts };
}

/** The one key that the pattern can match, or null where it has a wildcard. */
export function exactKeyOf(pattern: KeyPattern): ByteString | null {
  const [only, ...more] = pattern.parts;
  return only?.kind === 'literal' && more.length === 0 ? only.bytes : null;
}

/** The glob for the server's MATCH. It may match more than the pattern: the server knows no segments. */
export function globOf(pattern: KeyPattern): ByteString {
  const glob = pattern.parts.map((part) => (part.kind === 'literal' ? escapeGlob(part.bytes) : '*')).join('');
  return asBytes(glob.replace(/\*+$/, '*'));
}

/** Escapes what Redis treats as special in a glob: `* ? [ ] \` and, harmlessly, `^` and `-`. */
export function escapeGlob(bytes: ByteString): ByteString {
  return asBytes(bytes.replace(/[*?[\]\\]/g, '\\$&'));
}

/** The literal bytes before the first wildcard. */
export function prefixOf(pattern: KeyPattern): ByteString {
  const [first] = pattern.parts;
  return first?.kind === 'literal' ? first.bytes : asBytes('');
}

/** True where the pattern has no literal text, and so selects without regard to the name. */
export function matchesEverything(pattern: KeyPattern): boolean {
  return !pattern.parts.some((part) => part.kind === 'literal');
}

/** Compiles the pattern to a test of whole keys. Placeholders match one segment between `delimiters`. */
export function compilePattern(
  pattern: KeyPattern,
  delimiters: readonly string[],
): (key: ByteString) => boolean {
  const exact = exactKeyOf(pattern);
  if (exact !== null) return (key) => key === exact;
  const prefix = prefixOf(pattern);
  const expression = expressionOf(pattern, delimiters);
  return (key) => key.startsWith(prefix) && expression.test(key);
}

function expressionOf(pattern: KeyPattern, delimiters: readonly string[]): RegExp {
  const notDelimiter = `[^${delimiters.map(escapeExpression).join('')}]`;
  const source = pattern.parts
    .map((part) => {
      if (part.kind === 'literal') return escapeExpression(part.bytes);
      if (part.kind === 'any') return '.*';
      return Object.hasOwn(shapes, part.name) ? (shapes[part.name] as string) : `${notDelimiter}+`;
    })
    .join('');
  return new RegExp(`^${source}$`, 's');
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
    else if (Object.hasOwn(shapes, part.name)) shaped++;
  }
  return [exactKeyOf(pattern) === null ? 0 : 1, prefixOf(pattern).length, literal, shaped, -any];
}
