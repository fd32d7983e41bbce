import { detached } from '../../keyspace/infer.ts';
import type { NamespaceMap } from '../../keyspace/map.ts';
import { SegmentTree } from '../../keyspace/segment-tree.ts';
import type { Leaf } from '../../keyspace/tree-node.ts';
import type { ByteString } from '../../support/bytes.ts';
import { LogHistogram } from '../../support/log-histogram.ts';
import type { FrequentList } from './frequent-keys.ts';
import type { KeyHash } from './key-hash.ts';

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

/** What the keys have in their names that mark instants, mostly at the beginning; see NodeObserver. */
export const markPrefix = 'cachectl:mark:';

/** Where keys outside a selection are counted, together. */
export const outsideName = '(not selected)';

/** Words that are remembered of keys outside a selection. */
const mostWords = 64;

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

  /** The row of keys outside the selection; 0 where there are none. */
  outside = 0;

  /** How the names of keys outside the selection begin, with how many keys there are of each. */
  readonly outsideWords = new Map<string, number>();

  /** Why keys could not be judged; from then on none is selected. */
  failure: Error | null = null;

  private scansRow = 0;
  private oursRow = 0;

  /**
   * @param database the one that the map is of
   * @param isSelected which of its keys are distinguished; null: all, and those of other databases
   */
  constructor(
    private readonly map: NamespaceMap,
    private readonly database: number,
    private readonly isSelected: ((key: ByteString) => boolean) | null = null,
  ) {
    this.tree = new SegmentTree({
      map,
      depth: map.isEmpty ? Number.POSITIVE_INFINITY : 1,
      newLeaf: () => new RowList(this.size++),
    });
  }

  /** False: every key is selected. */
  get isPart(): boolean {
    return this.isSelected !== null;
  }

  /** @param hash of the key in its database */
  rowOf(database: number, bytes: Buffer, start: number, end: number, { high, low }: KeyHash): number {
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

  /** The row of reads by this program, which belong to no namespace. */
  get ours(): number {
    return (this.oursRow ||= this.size++);
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
      ...(this.outside === 0
        ? []
        : [{ namespace: outsideName, database: this.database, rows: [this.outside] }]),
    ];
  }

  private place(database: number, key: ByteString): number {
    if (key.includes(markPrefix)) return (this.marks ||= this.size++);
    if (!this.selects(database, key)) {
      if (database === this.database) this.noteOutside(key);
      return (this.outside ||= this.size++);
    }
    if (database !== this.database) return this.rowOfDatabase(database);
    const leaf = this.tree.leafOf(key, this.map.isEmpty ? null : this.map.classify(key));
    leaf.keys++;
    return leaf.rows[0] ?? 0;
  }

  private noteOutside(key: ByteString): void {
    const [delimiter = ':'] = this.map.delimiters;
    const word = key.split(delimiter, 1)[0] ?? '';
    const known = this.outsideWords.get(word);
    if (known === undefined && this.outsideWords.size >= mostWords) return;
    this.outsideWords.set(known === undefined ? detached(word) : word, (known ?? 0) + 1);
  }

  private selects(database: number, key: ByteString): boolean {
    if (this.isSelected === null) return true;
    if (database !== this.database || this.failure !== null) return false;
    try {
      return this.isSelected(key);
    } catch (error) {
      this.failure = error as Error;
      return false;
    }
  }

  private rowOfDatabase(database: number): number {
    const known = this.others.get(database);
    if (known !== undefined) return known;
    const row = this.size++;
    this.others.set(database, row);
    return row;
  }
}

/** Keys of a namespace that are kept to ask their size. */
const sampleKeys = 32;

/** What is known of a namespace's misses beyond their number. Times in milliseconds. */
export class RowDetails {
  readonly refillMillis = new LogHistogram();
  /** From the end of a key's TTL, where it is known and in the window, to its first miss. */
  readonly expiredForMillis = new LogHistogram();
  /** The same of keys that were not missed: until they were stored again, or until the window ended. */
  readonly unreadForMillis = new LogHistogram();
  /** TTLs that keys were written with. */
  readonly ttlMillis = new LogHistogram();
  /** From the time that a key was stored until it expired. */
  readonly lifeMillis = new LogHistogram();
  /** Keys evicted between the eviction of a key and each miss of it, itself included. */
  readonly evictionDistance = new LogHistogram();
  stampedes = 0;
  extraMisses = 0;
  largestStampede = 0;
  /** Keys that came into being lately, the oldest overwritten. */
  readonly recentKeys: ByteString[] = [];
  private nextKey = 0;

  keep(key: ByteString): void {
    this.recentKeys[this.nextKey] = key;
    this.nextKey = (this.nextKey + 1) % sampleKeys;
  }

  copy(): RowDetails {
    const copy = new RowDetails();
    copy.merge(this);
    copy.nextKey = this.nextKey;
    return copy;
  }

  merge(other: RowDetails): void {
    this.refillMillis.merge(other.refillMillis);
    this.expiredForMillis.merge(other.expiredForMillis);
    this.unreadForMillis.merge(other.unreadForMillis);
    this.ttlMillis.merge(other.ttlMillis);
    this.lifeMillis.merge(other.lifeMillis);
    this.evictionDistance.merge(other.evictionDistance);
    this.stampedes += other.stampedes;
    this.extraMisses += other.extraMisses;
    this.largestStampede = Math.max(this.largestStampede, other.largestStampede);
    this.recentKeys.push(...other.recentKeys);
  }
}

/** The namespace and the cause of a key that is missed. */
export interface MissPlace {
  readonly row: number;
  readonly cause: number;
}

/** What one stream of one node showed of single keys since the window began. */
export interface WindowKeys {
  /** By row. */
  readonly details: ReadonlyMap<number, RowDetails>;
  readonly missing: FrequentList<MissPlace>;
  /** By the lookups that MONITOR showed, with the row of each. */
  readonly read: FrequentList<number>;
}

/**
 * The details of each row since the window began. What `shown` returned never changes: a row that continues is copied first, so
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
