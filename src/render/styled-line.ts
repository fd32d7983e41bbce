import { Chalk, type ChalkInstance } from 'chalk';
import { cut, plainWhereNeeded, displayWidth, startOf } from './width.ts';
import { printable } from './printable.ts';
import type { TerminalStyle } from './terminal-text.ts';

type Tone = 'plain' | 'title' | 'dim' | 'accent' | 'good' | 'warning' | 'bad';

/** A piece of a line on a screen. */
export interface Span {
  readonly text: string;
  readonly tone?: Tone;
}

/** A line of a screen, before anyone has chosen its colours. */
export interface StyledLine {
  readonly spans: readonly Span[];
  /** The line that the keys act on. */
  readonly selected?: boolean;
}

/** The line with colours, of no more than `style.width` columns and without a line feed. */
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

/** The text in exactly `width` columns, cut in the middle or filled up. */
export function fitted(
  text: string,
  width: number,
  style: { readonly unicode: boolean },
  align: 'left' | 'right' = 'left',
): string {
  const shown = cut(screenText(text, style), Math.max(0, width), style);
  const blanks = ' '.repeat(Math.max(0, width - displayWidth(shown)));
  return align === 'left' ? shown + blanks : blanks + shown;
}

/** What a screen that is written cell by cell can take: no controls, and only characters that it has. */
function screenText(text: string, style: { readonly unicode: boolean }): string {
  const safe = plainWhereNeeded(printable(text), style);
  if (style.unicode || /^[\x20-\x7e]*$/.test(safe)) return safe;
  return Array.from(safe, (character) =>
    character <= '\x7e' ? character : '?'.repeat(displayWidth(character)),
  ).join('');
}

function inkOf(pen: ChalkInstance, tone: Tone): (text: string) => string {
  switch (tone) {
    case 'plain':
      return (text) => text;
    case 'title':
      return pen.bold;
    case 'dim':
      return pen.dim;
    case 'accent':
      return pen.cyan;
    case 'good':
      return pen.green;
    case 'warning':
      return pen.yellow;
    case 'bad':
      return pen.red;
  }
}
