import type { Cell, Column, TableBlock } from '../../render/blocks.ts';

interface PatternRow {
  readonly cells: readonly Cell[];
  readonly patterns: readonly string[];
}

/** A table whose last column is patterns: in one cell for programs, one below the other for people. */
export function patternTable(table: {
  readonly name: string;
  readonly title: string;
  readonly columns: readonly Column[];
  readonly rows: readonly PatternRow[];
}): TableBlock {
  const { name, title, rows } = table;
  const columns: Column[] = [...table.columns, { name: 'patterns', header: 'PATTERN', unit: 'text' }];
  return {
    kind: 'table',
    name,
    title,
    columns,
    rows: rows.map(({ cells, patterns }) => [...cells, patterns.join(' ')]),
    display: {
      columns,
      rows: rows.flatMap(({ cells, patterns: [first = null, ...more] }) => [
        [...cells, first],
        ...more.map((pattern) => [...cells.map(() => ''), pattern]),
      ]),
    },
  };
}
