import { say } from './measure.ts';

/** Prints columns of text. @param texts columns that are set to the left; numbers are set to the right */
export function sayTable(
  header: readonly string[],
  rows: readonly (readonly string[])[],
  texts: readonly number[] = [0],
): void {
  const widths = header.map((name, column) =>
    Math.max(name.length, ...rows.map((row) => (row[column] ?? '').length)),
  );
  for (const row of [header, ...rows]) {
    const cells = row.map((cell, column) => {
      const width = widths[column] ?? 0;
      return texts.includes(column) ? cell.padEnd(width) : cell.padStart(width);
    });
    say(cells.join('  ').trimEnd());
  }
}

/** A whole number such as `1,000,000`. */
export const grouped = (count: number): string => Math.round(count).toLocaleString('en-US');
