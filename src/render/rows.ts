import type { Cell, Column } from './blocks.ts';
import { jsonText } from './json-text.ts';
import { csvField } from './machine-text.ts';
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
        head: columns.map((column) => csvField(column.name)).join(',') + '\r\n',
        row: (cells) => cells.map((cell) => csvField(rawCell(cell))).join(',') + '\r\n',
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
