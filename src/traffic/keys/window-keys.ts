import type { FrequentKey } from './frequent-keys.ts';
import { RowDetails } from './row-details.ts';

/** The namespace and the cause of a key that is missed. */
export interface MissPlace {
  readonly row: number;
  readonly cause: number;
}

/** What one stream of one node showed of single keys since the window began. */
export interface WindowKeys {
  /** By row. */
  readonly details: ReadonlyMap<number, RowDetails>;
  readonly missing: readonly FrequentKey<MissPlace>[];
}

/**
 * The details of each row since the window began. What `shown` gave stays as it was: a row that goes on is copied first, so
 * that a cut costs what has changed since the last one.
 */
export class WindowDetails {
  /** The clock at the beginning of the window; null: everything is in it. */
  beganMillis: number | null = null;
  private rows = new Map<number, RowDetails>();
  private lastShown: ReadonlyMap<number, RowDetails> = new Map();

  of(row: number): RowDetails {
    const known = this.rows.get(row);
    if (known !== undefined && this.lastShown.get(row) !== known) return known;
    const details = known?.copy() ?? new RowDetails();
    this.rows.set(row, details);
    return details;
  }

  shown(): ReadonlyMap<number, RowDetails> {
    this.lastShown = this.rows;
    this.rows = new Map(this.rows);
    return this.lastShown;
  }

  begin(nowMillis: number): void {
    this.beganMillis = nowMillis;
    this.rows = new Map();
  }
}

/** The details of these rows over all nodes and streams. */
export function detailsOf(keys: readonly WindowKeys[], rows: readonly number[]): RowDetails {
  const merged = new RowDetails();
  for (const { details } of keys) {
    for (const row of rows) {
      const each = details.get(row);
      if (each) merged.merge(each);
    }
  }
  return merged;
}
