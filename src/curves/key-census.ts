import { CountingFilter } from '../support/counting-filter.ts';

/** All keys that were read or written in a window, in the sample or not: how many there are of each row, and used how often. */
export interface Population {
  readonly byRow: readonly number[];
  /** By `classOfUses`. */
  readonly byUses: readonly number[];
}

/** Four megabytes: among 350,000 keys less than one in a hundred is mistaken for another. */
const filterCells = 2 ** 22;
const mostKeys = filterCells / 12;

const mostUses = 255;
const classes = Uint8Array.from({ length: mostUses + 1 }, (_, uses) => Math.floor(2 * Math.log2(uses)));

/** Two classes for each doubling: a sample of a class has keys that are much alike in what memory does for them. */
export const classOfUses = (uses: number): number => classes[Math.min(uses, mostUses)] ?? 0;

/** Counts keys by hash, up to so many as can be told apart. */
export class KeyCensus {
  private keys = 0;
  private readonly byRow: number[] = [];
  private readonly byUses: number[] = [];
  private readonly uses = new CountingFilter(filterCells);

  /** Null where there were too many keys to tell; a sample of them is large enough without. */
  get population(): Population | null {
    const { byRow, byUses } = this;
    return this.keys > mostKeys
      ? null
      : { byRow: Array.from(byRow, orNone), byUses: Array.from(byUses, orNone) };
  }

  /** A key was read or written. */
  add(high: number, low: number, row: number): void {
    if (this.keys > mostKeys) return;
    const uses = this.uses.add(high, low);
    if (uses === 0) return;
    const [before, now] = [classOfUses(uses - 1), classOfUses(uses)];
    if (uses === 1) {
      this.keys++;
      this.byRow[row] = (this.byRow[row] ?? 0) + 1;
    } else if (before === now) return;
    else this.byUses[before] = (this.byUses[before] ?? 0) - 1;
    this.byUses[now] = (this.byUses[now] ?? 0) + 1;
  }
}

const orNone = (count: number | undefined) => count ?? 0;
