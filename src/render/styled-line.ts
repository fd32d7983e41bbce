import { Chalk, type ChalkInstance } from 'chalk';
import { cut, displayWidth, plainWhereNeeded, startOf, type TerminalStyle } from './width.ts';
import { printable } from './printable.ts';

export type Tone = 'plain' | 'title' | 'dim' | 'accent' | 'good' | 'warning' | 'bad';

/** A piece of a line on a screen. */
export interface Span {
  readonly text: string;
  readonly tone?: Tone;
}

/** A line of a screen, before anyone has chosen its colors. */
export interface StyledLine {
  readonly spans: readonly Span[];
  /** The line that the keys act on. */
  readonly selected?: boolean;
}

/** A line in one tone. */
export const lineOf = (text: string, tone: Tone = 'plain'): StyledLine => ({ spans: [{ text, tone }] });

/** The line with colors, of no more than `style.width` columns and without a line feed. */
export function renderStyledLine({ spans, selected = false }: StyledLine, style: TerminalStyle): string {
  const pen = new Chalk({ level: style.colorLevel });
  let left = style.width;
  let text = '';
  for (const span of spans) {
    const shown = startOf(screenText(span.text, style), left);
    left -= displayWidth(shown);
    if (shown !== '') text += inkOf(pen, span.tone ?? 'plain')(shown);
  }
  return selected ? pen.inverse(text + ' '.repeat(Math.max(0, left))) : text.replace(/ +$/, '');
}

/**
 * The text in exactly `width` columns, cut in the middle or filled up.
 * @param shared as for `cut`
 */
export function fitted(
  text: string,
  width: number,
  style: Pick<TerminalStyle, 'unicode'>,
  align: 'left' | 'right' = 'left',
  shared = 0,
): string {
  const shown = cut(screenText(text, style), Math.max(0, width), style, shared);
  const blanks = ' '.repeat(Math.max(0, width - displayWidth(shown)));
  return align === 'left' ? shown + blanks : blanks + shown;
}

/** What a screen that is written cell by cell can take: no controls, and only characters that it has. */
function screenText(text: string, style: Pick<TerminalStyle, 'unicode'>): string {
  const safe = plainWhereNeeded(printable(text), style);
  if (style.unicode || /^[\x20-\x7e]*$/.test(safe)) return safe;
  return Array.from(safe, (character) =>
    character <= '\x7e' ? character : '?'.repeat(displayWidth(character)),
  ).join('');
}

export function inkOf(pen: ChalkInstance, tone: Tone): (text: string) => string {
  const { bold: title, dim, cyan: accent, green: good, yellow: warning, red: bad } = pen;
  return { plain: (text: string) => text, title, dim, accent, good, warning, bad }[tone];
}
