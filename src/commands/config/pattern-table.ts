import type { Cell, TableBlock } from '../../render/blocks.ts';
import { type Field, fieldsOf, gridOf, tableOf } from '../../render/table.ts';

/** A table whose second column is patterns: in one cell for programs, one below the other for people. */
export function patternTable<Row extends { readonly patterns: readonly string[] }>(
  name: string,
  title: string,
  rows: readonly Row[],
  /** Without that of the patterns. */
  [first, ...more]: readonly [Field<Row>, ...Field<Row>[]],
): TableBlock {
  const patterns = fieldsOf<Row>().text('patterns', 'PATTERN', (row) => row.patterns.join(' '));
  const fields = [first, patterns, ...more];
  const lines = (cells: readonly Cell[], [top, ...others]: readonly string[]): (readonly Cell[])[] => [
    cells.map((cell, index) => (index === 1 ? (top ?? null) : cell)),
    ...others.map((pattern) => cells.map((_, index) => (index === 1 ? pattern : ''))),
  ];
  const grid = gridOf(rows, fields);
  return {
    ...tableOf(name, rows, fields, { title }),
    display: {
      columns: grid.columns,
      rows: grid.rows.flatMap((cells, index) => lines(cells, rows[index]?.patterns ?? [])),
    },
  };
}
