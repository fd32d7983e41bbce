import { plainMarks } from './sparkline.ts';
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
  /** Lines that are on the screen at one time; none: what is printed is no screen. */
  readonly height?: number | null;
}

type CharacterStyle = Pick<TerminalStyle, 'unicode'>;

/** Characters of our own sentences and figures that a terminal without Unicode has in another form. */
const plainForms: Readonly<Record<string, string>> = { '…': '...', '’': "'", µ: 'u', ...plainMarks };

export function plainWhereNeeded(text: string, { unicode }: CharacterStyle): string {
  return unicode ? text : text.replace(/[…’µ▁-█]/g, (character) => plainForms[character] ?? character);
}

/**
 * Cuts in the middle: keys differ most at their start and their end.
 * @param shared so many characters at its start are those of another text too: the end is shown from where they differ
 */
export function cut(text: string, width: number, style: CharacterStyle, shared = 0): string {
  if (displayWidth(text) <= width) return text;
  const mark = style.unicode ? '…' : '..';
  const room = width - mark.length;
  const usual = Math.ceil(room * 0.6);
  const own = displayWidth(text.slice(shared));
  if (displayWidth(text.slice(0, shared)) < usual || own <= room - usual)
    return startOf(text, usual) + mark + endOf(text, room - usual);
  if (own <= room) return startOf(text, room - own) + mark + endOf(text, own);
  return mark + startOf(text.slice(shared), room - mark.length) + mark;
}

/** For each text how many characters at its start it has in common with the one of the others that is most like it. */
export function sharedStarts(texts: readonly string[]): Map<string, number> {
  const sorted = [...new Set(texts)].sort();
  const withNext = sorted.map((text, index) => sharedStart(text, sorted[index + 1] ?? ''));
  return new Map(
    sorted.map((text, index) => [text, Math.max(withNext[index - 1] ?? 0, withNext[index] ?? 0)]),
  );
}

/** Whole characters, also those of two code units. */
function sharedStart(left: string, right: string): number {
  let length = 0;
  for (const character of left) {
    if (!right.startsWith(character, length)) break;
    length += character.length;
  }
  return length;
}

const barWidth = 12;

/** A bar for a ratio from 0 to 1, always of the same width. */
export function barOf(ratio: number, style: CharacterStyle): string {
  const eighths = Math.round(Math.min(1, Math.max(0, ratio)) * barWidth * 8);
  if (!style.unicode) return '#'.repeat(Math.round(eighths / 8)).padEnd(barWidth);
  const partial = ['', '▏', '▎', '▍', '▌', '▋', '▊', '▉'][eighths % 8] ?? '';
  return ('█'.repeat(Math.floor(eighths / 8)) + partial).padEnd(barWidth);
}
