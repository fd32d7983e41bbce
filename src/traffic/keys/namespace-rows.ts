import type { NamespaceMap } from '../../keyspace/map.ts';
import { type Leaf, SegmentTree } from '../../keyspace/segment-tree.ts';
import { type ByteString } from '../../support/bytes.ts';

/** The rows that the keys of one namespace are counted in. */
export interface RowGroup {
  readonly namespace: string;
  readonly database: number;
  readonly rows: readonly number[];
}

/** A place of the tree: several rows where words were joined after their keys had been counted apart. */
class RowList implements Leaf<RowList> {
  readonly rows: number[];
  keys = 0;

  constructor(row: number) {
    this.rows = [row];
  }

  merge(other: RowList): void {
    this.rows.push(...other.rows);
    this.keys += other.keys;
  }
}

/** What the keys begin with that mark instants; see NodeObserver. */
export const markPrefix = 'cachectl:mark:';

/** Slots of the cache, a power of two. */
const cacheSlots = 2 ** 18;

/**
 * Gives every key the row that it is counted in. To ask the map costs as much as to read ten lines of MONITOR, so what it
 * said of the latest keys is kept, by their hash, in a cache of fixed size. Keys of other databases, which the map says
 * nothing about, share a row each.
 */
export class NamespaceRows {
  /** Rows that there are; 0 is none. */
  size = 1;
  private readonly tree: SegmentTree<RowList>;
  private readonly others = new Map<number, number>();
  private readonly cachedHigh = new Int32Array(cacheSlots);
  private readonly cachedLow = new Int32Array(cacheSlots);
  private readonly cachedRow = new Uint32Array(cacheSlots);

  /** The row of marks of other observers, which belong to no namespace; 0 where there are none. */
  marks = 0;

  private scansRow = 0;

  /** @param database the one that the map is of */
  constructor(
    private readonly map: NamespaceMap,
    private readonly database: number,
  ) {
    this.tree = new SegmentTree({
      map,
      depth: map.isEmpty ? Number.POSITIVE_INFINITY : 1,
      newLeaf: () => new RowList(this.size++),
    });
  }

  /** @param high @param low the hash of the key in its database */
  rowOf(database: number, bytes: Buffer, start: number, end: number, high: number, low: number): number {
    const slot = low & (cacheSlots - 1);
    const cached = this.cachedRow[slot] ?? 0;
    if (cached !== 0 && this.cachedLow[slot] === low && this.cachedHigh[slot] === high) return cached;
    const row = this.place(database, bytes.toString('latin1', start, end) as ByteString);
    this.cachedHigh[slot] = high;
    this.cachedLow[slot] = low;
    this.cachedRow[slot] = row;
    return row;
  }

  /** The row of SCAN … TYPE, whose reads are the most that it can have counted, and its writes the calls. */
  get scans(): number {
    return (this.scansRow ||= this.size++);
  }

  /** What the rows stand for, each in one group. */
  groups(): RowGroup[] {
    return [
      ...this.tree
        .rows()
        .map(({ namespace, leaf }) => ({ namespace, database: this.database, rows: leaf.rows })),
      ...[...this.others].map(([database, row]) => ({
        namespace: `(database ${database})`,
        database,
        rows: [row],
      })),
    ];
  }

  private place(database: number, key: ByteString): number {
    if (key.startsWith(markPrefix)) return (this.marks ||= this.size++);
    if (database !== this.database) return this.rowOfDatabase(database);
    const leaf = this.tree.leafOf(key, this.map.isEmpty ? null : this.map.classify(key));
    leaf.keys++;
    return leaf.rows[0] ?? 0;
  }

  private rowOfDatabase(database: number): number {
    const known = this.others.get(database);
    if (known !== undefined) return known;
    const row = this.size++;
    this.others.set(database, row);
    return row;
  }
}
