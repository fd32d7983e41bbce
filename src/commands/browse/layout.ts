import { lineOf, type StyledLine } from '../../render/styled-line.ts';
import { renderTerminal } from '../../render/terminal-text.ts';
import { startOf } from '../../render/width.ts';
import type { FrameSize } from '../screen.ts';
import type { PageText } from './page.ts';

/** The part of a screen that is written to: the last column stays free. */
export const insideOf = ({ columns, rows, unicode }: FrameSize): FrameSize => ({
  columns: columns - 1,
  rows,
  unicode,
});

/** From so many rows on blank lines part the panes. */
const roomyRows = 20;

/** The lines of the title and those below. */
export const headRows = ({ rows }: FrameSize) => (rows >= roomyRows ? 3 : 2);
const footRows = 2;

/** Lines of a text that are shown at one time. */
export const textRoom = (size: FrameSize): number => Math.max(1, size.rows - headRows(size) - footRows);

/** What was laid out last: a key that scrolls changes nothing of it. */
let laidOut: { readonly content: PageText; readonly width: number; readonly lines: StyledLine[] } | null =
  null;

/** The text as a terminal of this width shows it; lines that are longer continue in the next. */
export function textLines(content: PageText, { columns: width, unicode }: FrameSize): StyledLine[] {
  if (laidOut?.content === content && laidOut.width === width) return laidOut.lines;
  const text = renderTerminal(content.blocks, { colorLevel: 0, unicode, width, height: null });
  const lines = text
    .trimEnd()
    .split('\n')
    .flatMap((line) => piecesOf(line, width))
    .map((line) => lineOf(line));
  laidOut = { content, width, lines };
  return lines;
}

function piecesOf(line: string, width: number): string[] {
  const pieces: string[] = [];
  let rest = line;
  do {
    const piece = startOf(rest, width) || rest.slice(0, 1);
    pieces.push(piece);
    rest = rest.slice(piece.length);
  } while (rest !== '');
  return pieces;
}
