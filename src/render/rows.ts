import type { Block, Cell, Column, FactsBlock, TableBlock, TextBlock } from './blocks.ts';
import { jsonText } from './json-text.ts';
import { formatCell, rawCell } from './units.ts';

/** Turns rows into text one at a time, for results too long to be held. */
export interface RowWriter {
  readonly head: string;
  readonly row: (cells: readonly Cell[], record: object, index: number) => string;
}

/** Widths of all but the last column on a terminal, which are fixed because the rows to come are not known. */
const cellWidth = 10;

export function rowWriter(
  format: 'table' | 'tsv' | 'csv' | 'json' | 'ndjson',
  columns: readonly Column[],
  name: string,
): RowWriter {
  switch (format) {
    case 'json':
      return {
        head: '',
        row: (_cells, record, index) => (index === 0 ? '\n' : ',\n') + jsonText(record),
      };
    case 'ndjson':
      return { head: '', row: (_cells, record) => `${jsonText({ record: name, ...record })}\n` };
    case 'csv':
      return {
        head: csvLine(columns.map((column) => column.name)),
        row: (cells) => csvLine(cells.map(rawCell)),
      };
    case 'tsv':
      return { head: '', row: (cells) => cells.map(rawCell).join('\t') + '\n' };
    case 'table':
      return {
        head: columns.length === 1 ? '' : aligned(columns.map(({ header }) => header)),
        row: (cells) => aligned(cells.map((cell, index) => formatCell(cell, columns[index]?.unit ?? 'text'))),
      };
  }
}

/** The first column last: names differ in length, and the figures before them stay in line. */
function aligned([first = '', ...rest]: readonly string[]): string {
  return [...rest.map((text) => text.padStart(cellWidth)), first].join('  ') + '\n';
}

type DataBlock = TableBlock | FactsBlock | TextBlock;
const isData = (block: Block): block is DataBlock =>
  block.kind !== 'note' && block.kind !== 'command' && block.kind !== 'plot';

/**
 * Tab-separated lines without a heading. With `named` the first field of each line names its block. Control characters
 * are escaped, so a line is a row and a tab is a border.
 */
export function renderTsv(blocks: readonly Block[], named: boolean): string {
  return blocks
    .filter(isData)
    .flatMap((block) =>
      linesOf(block).map((fields) => (named ? [block.name, ...fields] : fields).join('\t') + '\n'),
    )
    .join('');
}

/**
 * RFC 4180, with a heading: one block, since a file has one heading. That of the name `rows`, else the first table or
 * facts (as `name,value`), else the first text.
 */
export function renderCsv(blocks: readonly Block[], rows?: string): string {
  const data = blocks.filter(isData);
  const chosen =
    data.find((block) => block.name === rows) ?? data.find((block) => block.kind !== 'text') ?? data[0];
  if (chosen === undefined) return '';
  const head = chosen.kind === 'table' ? chosen.columns.map(({ name }) => name) : ['name', 'value'];
  return [head, ...linesOf(chosen)].map(csvLine).join('');
}

const csvLine = (fields: readonly string[]) =>
  fields.map((text) => (/[",\r\n]/.test(text) ? `"${text.replaceAll('"', '""')}"` : text)).join(',') + '\r\n';

function linesOf(block: DataBlock): string[][] {
  switch (block.kind) {
    case 'table':
      return block.rows.map((row) => row.map(rawCell));
    case 'facts':
      return block.facts.map(({ name, value }) => [name, rawCell(value)]);
    case 'text':
      return block.text.split('\n').map((line) => [rawCell(line)]);
  }
}
