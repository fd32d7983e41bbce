import type { Cell, Column, TableBlock } from '../../render/blocks.ts';

interface PatternRow {
  readonly cells: readonly Cell[];
  readonly patterns: readonly string[];
}

/** A table whose second column is patterns: in one cell for programs, one below the other for people. */
export function patternTable(table: {
  readonly name: string;
  readonly title: string;
  /** Without that of the patterns. */
  readonly columns: readonly [Column, ...Column[]];
  readonly rows: readonly PatternRow[];
}): TableBlock {
  const { name, title, rows } = table;
  const [first, ...more] = table.columns;
  const columns: Column[] = [first, { name: 'patterns', header: 'PATTERN', unit: 'text' }, ...more];
  const line = ([head = null, ...rest]: readonly Cell[], pattern: string | null) => [head, pattern, ...rest];
  return {
    kind: 'table',
    name,
    title,
    columns,
    rows: rows.map(({ cells, patterns }) => line(cells, patterns.join(' '))),
    display: {
      columns,
      rows: rows.flatMap(({ cells, patterns: [top = null, ...others] }) => [
        line(cells, top),
        ...others.map((pattern) =>
          line(
            cells.map(() => ''),
            pattern,
          ),
        ),
      ]),
    },
  };
}
