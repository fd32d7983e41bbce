import { eastAsianWidth } from 'get-east-asian-width';

/** Characters that are drawn over the one before them. */
const combining = /\p{Mn}|\p{Me}/u;

const plain = /^[\x20-\x7e]*$/;

function widthOf(character: string): number {
  return combining.test(character) ? 0 : eastAsianWidth(character.codePointAt(0) ?? 0);
}

/** How many columns of a terminal the text takes. It must be printable: see `printable`. */
export function displayWidth(text: string): number {
  if (plain.test(text)) return text.length;
  let width = 0;
  for (const character of text) width += widthOf(character);
  return width;
}

/** The longest start of the text that takes no more than `width` columns. */
export function startOf(text: string, width: number): string {
  let left = width;
  let end = 0;
  for (const character of text) {
    left -= widthOf(character);
    if (left < 0) break;
    end += character.length;
  }
  return text.slice(0, end);
}

/** The longest end of the text that takes no more than `width` columns. */
export function endOf(text: string, width: number): string {
  const characters = Array.from(text.slice(-2 * width - 16));
  let left = width;
  let start = characters.length;
  while (start > 0 && left >= widthOf(characters[start - 1] ?? ''))
    left -= widthOf(characters[--start] ?? '');
  return characters.slice(start).join('');
}

/** What the terminal can show. */
export interface TerminalStyle {
  /** 0: none, 1: 16 colors, 2: 256, 3: all. */
  readonly colorLevel: 0 | 1 | 2 | 3;
  /** False: ASCII only. */
  readonly unicode: boolean;
  /** Columns; tables are cut to it, and notes are wrapped. */
  readonly width: number;
}

type CharacterStyle = Pick<TerminalStyle, 'unicode'>;

/** Characters of our own sentences and figures that a terminal without Unicode has in another form. */
const plainForms: Readonly<Record<string, string>> = { '…': '...', '’': "'", µ: 'u' };

export function plainWhereNeeded(text: string, { unicode }: CharacterStyle): string {
  return unicode ? text : text.replace(/[…’µ]/g, (character) => plainForms[character] ?? character);
}

/** Cuts in the middle: keys differ most at their start and their end. */
export function cut(text: string, width: number, style: CharacterStyle): string {
  if (displayWidth(text) <= width) return text;
  const mark = style.unicode ? '…' : '..';
  const head = Math.ceil((width - mark.length) * 0.6);
  return startOf(text, head) + mark + endOf(text, width - mark.length - head);
}

const barWidth = 12;

/** A bar for a ratio from 0 to 1, always of the same width. */
export function barOf(ratio: number, style: CharacterStyle): string {
  const eighths = Math.round(Math.min(1, Math.max(0, ratio)) * barWidth * 8);
  if (!style.unicode) return '#'.repeat(Math.round(eighths / 8)).padEnd(barWidth);
  const partial = ['', '▏', '▎', '▍', '▌', '▋', '▊', '▉'][eighths % 8] ?? '';
  return ('█'.repeat(Math.floor(eighths / 8)) + partial).padEnd(barWidth);
}
