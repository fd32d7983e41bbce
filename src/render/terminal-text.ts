import { Chalk, type ChalkInstance } from 'chalk';
import Table from 'cli-table3';
import { note, type Block, type Cell, type FactsBlock, type NoteBlock } from './blocks.ts';
import type { TableBlock, Unit } from './blocks.ts';
import { fitted, type ShownBlock } from './screen-height.ts';
import { shellWord } from './shell-word.ts';
import { inkOf, type Tone } from './styled-line.ts';
import { barOf, cut, displayWidth, plainWhereNeeded, sharedStarts, type TerminalStyle } from './width.ts';
import { plotLines } from './plot.ts';
import { printable, printableLines } from './printable.ts';
import { formatCell } from './units.ts';
import { wrapped } from './wrap.ts';

const isNumeric = (unit: Unit) => unit !== 'text' && unit !== 'status';

const margin = '  ';

/** Columns between two texts. */
const gap = 2;

const noBorders = {
  ...{ top: '', 'top-mid': '', 'top-left': '', 'top-right': '' },
  ...{ bottom: '', 'bottom-mid': '', 'bottom-left': '', 'bottom-right': '' },
  ...{ left: '', 'left-mid': '', mid: '', 'mid-mid': '', right: '', 'right-mid': '', middle: '' },
};

/** The blocks as text for a terminal, ending in a line feed. */
export function renderTerminal(blocks: readonly Block[], style: TerminalStyle): string {
  return rendered(
    fitted(blocks, (shown) => rendered(shown, style).split('\n').length, style.height),
    style,
  );
}

function rendered(blocks: readonly ShownBlock[], style: TerminalStyle): string {
  const pen = new Chalk({ level: style.colorLevel });
  return blocks
    .map((block, index) => {
      const previous = blocks[index - 1];
      // No blank line between notes.
      const gap = index > 0 && !(isRemark(block) && previous && isRemark(previous)) ? '\n' : '';
      return gap + renderBlock(block, pen, style);
    })
    .join('');
}

const isRemark = ({ kind }: Block) => kind === 'note' || kind === 'command';

function renderBlock(block: ShownBlock, pen: ChalkInstance, style: TerminalStyle): string {
  switch (block.kind) {
    case 'table':
      return titled(block.title, pen, style) + renderTable(block, pen, style);
    case 'facts':
      return titled(block.title, pen, style) + renderFacts(block, pen, style);
    case 'note':
      return renderNote(block, pen, style) + '\n';
    case 'command':
      return `${renderNote(note('dim', `${block.purpose}:`), pen, style)}\n${shellLines(block.words, style.width)}\n`;
    case 'plot':
      return (
        titled(block.title, pen, style) +
        plotLines(block, style)
          .map((line) => `${line}\n`)
          .join('')
      );
    case 'text':
      return (
        titled(block.title, pen, style) + printableLines(block.text) + (block.text.endsWith('\n') ? '' : '\n')
      );
  }
}

function titled(title: string | undefined, pen: ChalkInstance, style: TerminalStyle): string {
  if (title === undefined) return '';
  const lines = wrapped(plainWhereNeeded(printable(title), style), style.width);
  return lines.map((line) => pen.bold(line) + '\n').join('');
}

function renderFacts(block: FactsBlock, pen: ChalkInstance, style: TerminalStyle): string {
  const width = Math.max(...block.facts.map(({ label }) => label.length));
  const indent = margin + ' '.repeat(width + gap);
  return block.facts
    .map(({ label, value, unit, remark }) => {
      const shown = plainWhereNeeded(formatCell(value, unit), style);
      const values = wrapped(shown, style.width - indent.length).map((line) =>
        inkOfCell(value, unit, pen)(line),
      );
      const start = `${margin}${pen.dim(label.padEnd(width))}${' '.repeat(gap)}${values.join(`\n${indent}`)}`;
      if (remark === undefined) return `${start}\n`;
      const text = plainWhereNeeded(printable(remark), style);
      if (indent.length + displayWidth(shown) + gap + displayWidth(text) <= style.width)
        return `${start}${' '.repeat(gap)}${pen.dim(text)}\n`;
      const lines = wrapped(text, style.width - indent.length);
      return `${start}\n${lines.map((line) => `${indent}${pen.dim(line)}\n`).join('')}`;
    })
    .join('');
}

const marks = { good: ['✓', '+'], warning: ['▲', '!'], bad: ['✗', 'x'] } as const;

function renderNote({ text, tone }: NoteBlock, pen: ChalkInstance, style: TerminalStyle): string {
  const shown = plainWhereNeeded(printableLines(text), style);
  const ink = inkOf(pen, tone);
  if (tone === 'plain' || tone === 'dim' || tone === 'title')
    return wrapped(shown, style.width)
      .map((line) => ink(line))
      .join('\n');
  const mark = marks[tone][style.unicode ? 0 : 1];
  return `${ink(mark)} ${wrapped(shown, style.width - 2).join('\n  ')}`;
}

/** @param without headers of columns that were left out already */
function renderTable(
  block: TableBlock & ShownBlock,
  pen: ChalkInstance,
  style: TerminalStyle,
  without: readonly string[] = [],
): string {
  const { columns, rows, depths } = { depths: undefined, ...(block.display ?? block) };
  if (rows.length === 0) return pen.dim('  (none)') + '\n';
  const headers = columns.map(({ header }) => header);
  const textsOf = (barColumn: number | undefined) =>
    rows.map((row, index) =>
      columns.map(({ unit }, column) => {
        const value = row[column] ?? null;
        const text = plainWhereNeeded(formatCell(value, unit), style);
        if (column === 0) return '  '.repeat(depths?.[index] ?? 0) + text;
        return column === barColumn && typeof value === 'number' ? `${text} ${barOf(value, style)}` : text;
      }),
    );
  const withBars = textsOf(block.barColumn);
  // A narrow terminal keeps the names and loses the bars.
  const cells = excessOf(widthsOf([headers, ...withBars]), style.width) > 0 ? textsOf(undefined) : withBars;
  const natural = widthsOf([headers, ...cells]);
  const widths = fittedWidths(natural, columns, style.width);
  const last = columns.findLastIndex(({ isSecondary }) => isSecondary === true);
  const isNameCut = (widths[0] ?? 0) < (natural[0] ?? 0);
  if (last >= 0 && (isNameCut || widths.length < natural.length))
    return renderTable(withoutColumn(block, last), pen, style, [headers[last] ?? '', ...without]);
  const shown = columns.slice(0, widths.length);
  const table = new Table({
    head: shown.map(({ header }, index) => pen.dim(cut(header, widths[index] ?? 0, style))),
    colAligns: shown.map(({ unit }) => (isNumeric(unit) ? 'right' : 'left')),
    // Its own colors ignore NO_COLOR, and its borders are noise.
    style: { head: [], border: [], 'padding-left': 0, 'padding-right': 2, compact: true },
    chars: { ...noBorders, left: margin },
  });
  const starts = shown.map((_, index) => sharedStarts(cells.map((texts) => texts[index] ?? '')));
  cells.forEach((texts, row) => {
    table.push(
      shown.map(({ unit }, index) => {
        const text = texts[index] ?? '';
        const cell = cut(text, widths[index] ?? 0, style, starts[index]?.get(text));
        return inkOfCell(rows[row]?.[index] ?? null, unit, pen)(cell);
      }),
    );
  });
  const hidden = [...without, ...headers.slice(shown.length)];
  // A tree has more lines than the result has namespaces.
  const rowsWord = block.display?.depths === undefined ? '' : ' lines of the tree';
  const remarks = [
    ...(block.left === undefined
      ? []
      : [`${formatCell(block.left, 'count')} more${rowsWord}: ${block.moreWith ?? ''}`]),
    ...(hidden.length === 0 ? [] : [`a wider terminal shows ${hidden.join(', ')}`]),
  ];
  const remark = remarks.length === 0 ? [] : wrapped(`${margin}(${remarks.join('; ')})`, style.width);
  return [table.toString().replace(/[ \t]+$/gm, ''), ...remark.map((line) => pen.dim(line)), ''].join('\n');
}

/** Its bars are left out before that. */
function withoutColumn(block: TableBlock & ShownBlock, index: number): TableBlock & ShownBlock {
  const { barColumn: _, ...others } = block;
  const grid = block.display ?? block;
  const display = {
    ...('depths' in grid && { depths: grid.depths }),
    columns: grid.columns.toSpliced(index, 1),
    rows: grid.rows.map((row) => row.toSpliced(index, 1)),
  };
  return { ...others, display };
}

/** Text is not cut below this, so that names stay distinct and a span of time stays whole. */
const leastWidth = 20;

function widthsOf(rows: readonly (readonly string[])[]): number[] {
  return (rows[0] ?? []).map((_, index) =>
    rows.reduce((widest, row) => Math.max(widest, displayWidth(row[index] ?? '')), 0),
  );
}

/** By how much the margin and the columns, with the gaps between them, are wider than the terminal. */
function excessOf(widths: readonly number[], width: number): number {
  return margin.length + widths.reduce((sum, each) => sum + each + gap, -gap) - width;
}

/** Column widths that fit the terminal: the widest text gives way first; then the last columns are left out. */
function fittedWidths(natural: readonly number[], columns: TableBlock['columns'], width: number): number[] {
  const widths = [...natural];
  for (let excess = excessOf(widths, width); excess > 0; excess = excessOf(widths, width)) {
    // Half a number is a wrong number.
    const texts = widths.map((each, index) => (isNumeric(columns[index]?.unit ?? 'text') ? 0 : each));
    const widest = Math.max(...texts);
    if (widest > leastWidth) widths[texts.indexOf(widest)] = Math.max(leastWidth, widest - excess);
    else if (widths.length > 2) return fittedWidths(natural.slice(0, -1), columns, width);
    else break;
  }
  return widths;
}

const statusTones: Readonly<Record<string, Tone>> = {
  pass: 'good',
  ok: 'good',
  met: 'good',
  missed: 'bad',
  warn: 'warning',
  fail: 'bad',
};

function inkOfCell(value: Cell, unit: Unit, pen: ChalkInstance): (text: string) => string {
  if (value === null) return pen.dim;
  const isStatus = unit === 'status' && typeof value === 'string';
  return inkOf(pen, isStatus ? (statusTones[value.replace(/.* /, '')] ?? 'dim') : 'plain');
}

/** Words as a shell reads them back (a file name may have blanks, quotes, and worse), in lines that cut no word, each but the last with `\\` at its end. A word that is longer than a line stays whole. */
function shellLines(words: readonly string[], width: number): string {
  const continued = ' \\';
  const lines: string[] = [];
  for (const piece of shellPieces(words)) {
    const last = lines.at(-1);
    const longer = last === undefined ? margin + piece : `${last} ${piece}`;
    if (last === undefined || displayWidth(longer + continued) <= width) lines.splice(-1, 1, longer);
    else lines.push(displayWidth(margin + margin + piece) > width ? piece : margin + margin + piece);
  }
  return lines.join(`${continued}\n`);
}

/** The words quoted, an option with the value that follows it. */
function shellPieces(words: readonly string[]): string[] {
  const pieces: string[] = [];
  for (const word of words) {
    const isValue = /^--[\w-]+$/.test(pieces.at(-1) ?? '') && !word.startsWith('-');
    if (isValue) pieces.push(`${pieces.pop() ?? ''} ${shellWord(word)}`);
    else pieces.push(shellWord(word));
  }
  return pieces;
}
