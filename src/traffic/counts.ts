import type { Mark } from './streams/mark.ts';

/** What MONITOR shows, by its column. */
export const commandColumns = { reads: 0, writes: 1, uncertainReads: 2 } as const;
export const commandColumnCount = 3;

/** What events show: misses by their cause, each in the column of its place, and after them what `eventColumns` names. */
export const causeNames = ['expired', 'evicted', 'invalidated', 'renamed', 'neverCached', 'unknown'] as const;
export const eventColumns = { firstMisses: 6, newKeys: 7, evictedKeys: 8 } as const;
export const eventColumnCount = 9;

/**
 * Counts by row, in columns: a table of numbers that grows with the rows and is copied as a whole, so that a window can
 * be cut where a mark is in the stream.
 */
export class Counts {
  constructor(
    private readonly columns: number,
    private values = new Float64Array(64 * columns),
  ) {}

  add(row: number, column: number, amount: number): void {
    const at = row * this.columns + column;
    if (at >= this.values.length) {
      const larger = new Float64Array(2 * (row + 1) * this.columns);
      larger.set(this.values);
      this.values = larger;
    }
    this.values[at] = (this.values[at] ?? 0) + amount;
  }

  copy(): Counts {
    return new Counts(this.columns, this.values.slice());
  }

  sum(column: number, rows: readonly number[]): number {
    let sum = 0;
    for (const row of rows) sum += this.values[row * this.columns + column] ?? 0;
    return sum;
  }
}

/** What lies between two marks of one node. */
export interface Span {
  readonly from: Mark;
  readonly to: Mark;
}

type Rows = readonly number[];

/** Between the marks of each span, over these rows. */
const sumIn = (spans: readonly Span[], stream: 'commands' | 'events', column: number, rows: Rows) =>
  spans.reduce((sum, { from, to }) => sum + to[stream].sum(column, rows) - from[stream].sum(column, rows), 0);

export const readsIn = (spans: readonly Span[], rows: Rows) =>
  sumIn(spans, 'commands', commandColumns.reads, rows);

export const writesIn = (spans: readonly Span[], rows: Rows) =>
  sumIn(spans, 'commands', commandColumns.writes, rows);

/** Those of the reads that were made only if their command did not fail. */
export const uncertainReadsIn = (spans: readonly Span[], rows: Rows) =>
  sumIn(spans, 'commands', commandColumns.uncertainReads, rows);

/** The sum of a column of the events. */
export const eventsIn = (spans: readonly Span[], column: number, rows: Rows) =>
  sumIn(spans, 'events', column, rows);

export const missesIn = (spans: readonly Span[], rows: Rows) =>
  causeNames.reduce((sum, _, cause) => sum + eventsIn(spans, cause, rows), 0);
