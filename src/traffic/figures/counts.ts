/**
 * Counts by row, in columns: a table of numbers that grows with the rows and is copied as a whole, so that a window can
 * be cut where a mark stands in the stream.
 */
export class Counts {
  private values: Float64Array;

  constructor(private readonly columns: number) {
    this.values = new Float64Array(64 * columns);
  }

  add(row: number, column: number, amount: number): void {
    const at = row * this.columns + column;
    if (at >= this.values.length) this.grow(row);
    this.values[at] = (this.values[at] ?? 0) + amount;
  }

  snapshot(): Float64Array {
    return this.values.slice();
  }

  private grow(row: number): void {
    const larger = new Float64Array(2 * (row + 1) * this.columns);
    larger.set(this.values);
    this.values = larger;
  }
}

/** Columns of what MONITOR tells. */
export const commandColumns = { reads: 0, writes: 1, uncertainReads: 2 } as const;
export const commandColumnCount = 3;

/** Columns of what events tell; the causes first, in the order of `causeNames`. */
export const causeNames = ['expired', 'evicted', 'invalidated', 'renamed', 'neverCached', 'unknown'] as const;
export const eventColumns = { firstMisses: 6, newKeys: 7, evictedKeys: 8 } as const;
export const eventColumnCount = 9;

/** The sum of one column over the rows, between two snapshots. The earlier one may have fewer rows. */
export function sumBetween(
  from: Float64Array,
  to: Float64Array,
  columns: number,
  column: number,
  rows: readonly number[],
): number {
  let sum = 0;
  for (const row of rows) {
    const at = row * columns + column;
    sum += (to[at] ?? 0) - (from[at] ?? 0);
  }
  return sum;
}
