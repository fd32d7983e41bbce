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
  if (block.rows.length === 0) return pen.dim('  (none)') + '\n';
  const cells = block.rows.map((row, index) => rowText(block, row, block.depths?.[index] ?? 0, style));
  const widths = fittedWidths([block.columns.map(({ header }) => header), ...cells], style.width);
  const table = new Table({
    head: block.columns.map(({ header }, index) => pen.dim(cut(header, widths[index] ?? 0))),
    colAligns: block.columns.map(({ unit }) => (numericUnits.has(unit) ? 'right' : 'left')),
    // Its own colours ignore NO_COLOR, and its borders are noise.
    style: { head: [], border: [], 'padding-left': 0, 'padding-right': 2, compact: true },
    chars: {
      top: '',
      'top-mid': '',
      'top-left': '',
      'top-right': '',
      bottom: '',
      'bottom-mid': '',
      'bottom-left': '',
      'bottom-right': '',
      left: '  ',
      'left-mid': '',
      mid: '',
      'mid-mid': '',
      right: '',
      'right-mid': '',
      middle: '',
    },
  });
  cells.forEach((texts, row) => {
    table.push(
      texts.map((text, index) => {
        const column = block.columns[index];
        const value = block.rows[row]?.[index] ?? null;
        return column ? colourOf(value, column.unit, pen)(cut(text, widths[index] ?? 0)) : text;
      }),
    );
  });
  return table.toString().replace(/[ \t]+$/gm, '') + '\n';
}

function rowText(block: TableBlock, row: readonly Cell[], depth: number, style: TerminalStyle): string[] {
  return block.columns.map(({ unit }, index) => {
    const value = row[index] ?? null;
    const text = formatCell(value, unit);
    if (index === 0) return '  '.repeat(depth) + text;
    return index === block.barColumn && typeof value === 'number' ? `${text} ${barOf(value, style)}` : text;
  });
}

/** Column widths that fit the terminal: the widest text column gives way, down to 12 characters. */
function fittedWidths(rows: readonly (readonly string[])[], width: number): number[] {
  const widths = (rows[0] ?? []).map((_, index) => Math.max(...rows.map((row) => row[index]?.length ?? 0)));
  const gaps = 2 + widths.length * 2;
  let excess = widths.reduce((sum, each) => sum + each, gaps) - width;
  while (excess > 0) {
    const widest = widths.indexOf(Math.max(...widths));
    const next = Math.max(12, (widths[widest] ?? 0) - excess);
    if (next === widths[widest]) break;
    excess -= (widths[widest] ?? 0) - next;
    widths[widest] = next;
  }
  return widths;
}

/** Cuts in the middle: the start and the end of a key tell the most. */
function cut(text: string, width: number): string {
  if (text.length <= width) return text;
  const head = Math.ceil((width - 1) * 0.6);
  return `${text.slice(0, head)}…${text.slice(text.length - (width - 1 - head))}`;
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
