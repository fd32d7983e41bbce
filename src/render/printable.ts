/**
 * Characters that would act on a terminal, break a line, or hide: controls (C0, DEL, C1), line and paragraph separators,
 * format characters (zero-width, bidirectional, tags), lone surrogates.
 */
const unsafe = /[\p{Cc}\p{Cf}\p{Cs}\u2028\u2029]/gu;

const short: Readonly<Record<string, string>> = { '\n': '\\n', '\r': '\\r', '\t': '\\t' };

/** The text on one line, with every character that a terminal would act on escaped. */
export function printable(text: string): string {
  return text.replace(unsafe, (character) => short[character] ?? escapeOf(character));
}

/** The same for a text of several lines: line feeds and tabs stay. */
export function printableLines(text: string): string {
  return text.replace(unsafe, (character) =>
    character === '\n' || character === '\t' ? character : (short[character] ?? escapeOf(character)),
  );
}

function escapeOf(character: string): string {
  const code = character.codePointAt(0) ?? 0;
  const digits = code.toString(16);
  if (code < 0x100) return `\\x${digits.padStart(2, '0')}`;
  return code < 0x10000 ? `\\u${digits.padStart(4, '0')}` : `\\u{${digits}}`;
}
