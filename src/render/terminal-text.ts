import { Chalk, type ChalkInstance } from 'chalk';
import Table from 'cli-table3';
import type { Block, Cell, FactsBlock, NoteBlock, TableBlock, Unit } from './blocks.ts';
import { barOf } from './bar.ts';
import { printable, printableLines } from './printable.ts';
import { formatCell } from './units.ts';

/** What the terminal can show. */
export interface TerminalStyle {
  /** 0: none, 1: 16 colours, 2: 256, 3: all. */
  readonly colorLevel: 0 | 1 | 2 | 3;
  /** False: ASCII only. */
  readonly unicode: boolean;
  /** Columns; tables are cut to it. */
  readonly width: number;
}

const numericUnits: ReadonlySet<Unit> = new Set([
  'count',
  'bytes',
  'ratio',
  'seconds',
  'millis',
  'micros',
  'perSecond',
  'number',
]);

const noBorders = {
  ...{ top: '', 'top-mid': '', 'top-left': '', 'top-right': '' },
  ...{ bottom: '', 'bottom-mid': '', 'bottom-left': '', 'bottom-right': '' },
  ...{ left: '', 'left-mid': '', mid: '', 'mid-mid': '', right: '', 'right-mid': '', middle: '' },
};

/** The blocks as text for a terminal, ending in a line feed. */
export function renderTerminal(blocks: readonly Block[], style: TerminalStyle): string {
  const pen = new Chalk({ level: style.colorLevel });
  return blocks
    .map((block, index) => {
      const previous = blocks[index - 1];
      // Notes that follow each other stand together.
      const gap = index > 0 && !(block.kind === 'note' && previous?.kind === 'note') ? '\n' : '';
      return gap + renderBlock(block, pen, style);
    })
    .join('');
}

function renderBlock(block: Block, pen: ChalkInstance, style: TerminalStyle): string {
  switch (block.kind) {
    case 'table':
      return titled(block.title, pen) + renderTable(block, pen, style);
    case 'facts':
      return titled(block.title, pen) + renderFacts(block, pen);
    case 'note':
      return renderNote(block, pen, style) + '\n';
    case 'text':
      return titled(block.title, pen) + printableLines(block.text) + (block.text.endsWith('\n') ? '' : '\n');
  }
}

function titled(title: string | undefined, pen: ChalkInstance): string {
  return title === undefined ? '' : pen.bold(printable(title)) + '\n';
}

function renderFacts(block: FactsBlock, pen: ChalkInstance): string {
  const width = Math.max(...block.facts.map(({ label }) => label.length));
  return block.facts
    .map(({ label, value, unit, remark }) => {
      const shown = colourOf(value, unit, pen)(formatCell(value, unit));
      return `  ${pen.dim(label.padEnd(width))}  ${shown}${remark === undefined ? '' : '  ' + pen.dim(printable(remark))}\n`;
    })
    .join('');
}

function renderNote(block: NoteBlock, pen: ChalkInstance, style: TerminalStyle): string {
  const text = printableLines(block.text);
  switch (block.tone) {
    case 'good':
      return `${pen.green(style.unicode ? '✓' : '+')} ${text}`;
    case 'warning':
      return `${pen.yellow(style.unicode ? '▲' : '!')} ${text}`;
    case 'bad':
      return `${pen.red(style.unicode ? '✗' : 'x')} ${text}`;
    case 'dim':
      return pen.dim(text);
    case 'plain':
      return text;
  }
}

function renderTable(block: TableBlock, pen: ChalkInstance, style: TerminalStyle): string {
  const { columns, rows, depths } = { depths: undefined, ...(block.display ?? block) };
  if (rows.length === 0) return pen.dim('  (none)') + '\n';
  const headers = columns.map(({ header }) => header);
  const textsOf = (barColumn: number | undefined) =>
    rows.map((row, index) =>
      columns.map(({ unit }, column) => {
        const value = row[column] ?? null;
        const text = formatCell(value, unit);
        if (column === 0) return '  '.repeat(depths?.[index] ?? 0) + text;
        return column === barColumn && typeof value === 'number' ? `${text} ${barOf(value, style)}` : text;
      }),
    );
  const withBars = textsOf(block.barColumn);
  // A narrow terminal keeps the names and loses the bars.
  const cells = excessOf(widthsOf([headers, ...withBars]), style.width) > 0 ? textsOf(undefined) : withBars;
  const widths = fittedWidths(widthsOf([headers, ...cells]), style.width);
  const table = new Table({
    head: columns.map(({ header }, index) => pen.dim(cut(header, widths[index] ?? 0, style))),
    colAligns: columns.map(({ unit }) => (numericUnits.has(unit) ? 'right' : 'left')),
    // Its own colours ignore NO_COLOR, and its borders are noise.
    style: { head: [], border: [], 'padding-left': 0, 'padding-right': 2, compact: true },
    chars: { ...noBorders, left: '  ' },
  });
  cells.forEach((texts, row) => {
    table.push(
      texts.map((text, index) => {
        const unit = columns[index]?.unit ?? 'text';
        return colourOf(rows[row]?.[index] ?? null, unit, pen)(cut(text, widths[index] ?? 0, style));
      }),
    );
  });
  return table.toString().replace(/[ \t]+$/gm, '') + '\n';
}

function widthsOf(rows: readonly (readonly string[])[]): number[] {
  return (rows[0] ?? []).map((_, index) => Math.max(...rows.map((row) => row[index]?.length ?? 0)));
}

/** By how much the columns, with their gaps and the left margin, are wider than the terminal. */
function excessOf(widths: readonly number[], width: number): number {
  return widths.reduce((sum, each) => sum + each, widths.length * 2) - width;
}

/** Column widths that fit the terminal: the widest column gives way, down to 12 characters. */
function fittedWidths(natural: readonly number[], width: number): number[] {
  const widths = [...natural];
  let excess = excessOf(widths, width);
  while (excess > 0) {
    const widest = widths.indexOf(Math.max(...widths));
    const next = Math.max(12, (widths[widest] ?? 0) - excess);
    if (next >= (widths[widest] ?? 0)) break;
    excess -= (widths[widest] ?? 0) - next;
    widths[widest] = next;
  }
  return widths;
}

/** Cuts in the middle: the start and the end of a key tell the most. */
function cut(text: string, width: number, style: TerminalStyle): string {
  if (text.length <= width) return text;
  const mark = style.unicode ? '…' : '..';
  const head = Math.ceil((width - mark.length) * 0.6);
  return text.slice(0, head) + mark + text.slice(text.length - (width - mark.length - head));
}

function colourOf(value: Cell, unit: Unit, pen: ChalkInstance): (text: string) => string {
  if (value === null) return pen.dim;
  if (unit !== 'status' || typeof value !== 'string') return (text) => text;
  switch (value) {
    case 'pass':
    case 'ok':
      return pen.green;
    case 'warn':
      return pen.yellow;
    case 'fail':
      return pen.red;
    default:
      return pen.dim;
  }
}
