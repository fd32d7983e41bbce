import type { NamespaceMap } from '../keyspace/map.ts';
import type { ByteString } from '../support/bytes.ts';
import type { MissCause } from '../traffic/report.ts';

/** The reads of one namespace as the application that made them knows them. */
export interface NamespaceTotals {
  reads: number;
  hits: number;
  misses: number;
  /** Why they were misses, as far as the generator knows: it knows what it stored, let expire and removed. */
  readonly causes: Record<MissCause, number>;
}

export interface TrafficTotals {
  operations: number;
  hits: number;
  misses: number;
  /** By the map's name, or `(unmapped)`. Empty where the traffic was given no map. */
  readonly byNamespace: Map<string, NamespaceTotals>;
}

/** `absent`: not there when the traffic began. */
type Fate = 'absent' | 'expired' | 'invalidated' | { readonly expiresAt: number };

/** Of keys beyond so many the fate is forgotten, the oldest first. */
const fatesKept = 200_000;

/** Counts what the traffic meets, and keeps what the traffic itself did to each key, for the cause of a later miss. */
export class TrafficAccount {
  readonly totals: TrafficTotals = { operations: 0, hits: 0, misses: 0, byNamespace: new Map() };
  private readonly fates = new Map<ByteString, Fate>();

  /**
   * @param map of namespaces; without one only the sums are kept
   * @param evicts true where the server may evict
   */
  constructor(
    private readonly map: NamespaceMap | undefined,
    private readonly evicts = false,
  ) {}

  /** Key was written at `at`, or is there since before. `ttlMillis` null: never expires; undefined: not known. */
  stored(key: ByteString, at: number, ttlMillis: number | null | undefined): void {
    this.remember(key, { expiresAt: ttlMillis === undefined ? Number.NaN : at + (ttlMillis ?? Infinity) });
  }

  /** Key was there, and is no more or not for long; or was not there when the traffic began. */
  gone(key: ByteString, fate: 'absent' | 'expired' | 'invalidated'): void {
    this.remember(key, fate);
  }

  hit(key: ByteString): void {
    this.totals.hits++;
    const row = this.rowOf(key);
    if (row === undefined) return;
    row.reads++;
    row.hits++;
  }

  missed(key: ByteString, at: number, isNew: boolean): void {
    this.totals.misses++;
    const row = this.rowOf(key);
    if (row === undefined) return;
    row.reads++;
    row.misses++;
    row.causes[isNew ? 'neverCached' : this.causeAt(key, at)]++;
  }

  private causeAt(key: ByteString, at: number): MissCause {
    const fate = this.fates.get(key);
    if (fate === undefined) return 'unknown';
    if (fate === 'absent') return 'neverCached';
    if (typeof fate === 'string') return fate;
    // What ends by itself ends for one reason, where the server does not evict.
    if (!this.evicts || at >= fate.expiresAt) return 'expired';
    return Number.isNaN(fate.expiresAt) ? 'unknown' : 'evicted';
  }

  private remember(key: ByteString, fate: Fate): void {
    if (this.map === undefined) return;
    // Deleted first, so that the order is that of the last change.
    this.fates.delete(key);
    this.fates.set(key, fate);
    if (this.fates.size <= fatesKept) return;
    const [oldest] = this.fates.keys();
    if (oldest !== undefined) this.fates.delete(oldest);
  }

  private rowOf(key: ByteString): NamespaceTotals | undefined {
    if (this.map === undefined) return undefined;
    const name = this.map.classify(key)?.name ?? '(unmapped)';
    let row = this.totals.byNamespace.get(name);
    if (row === undefined) {
      const causes = {
        ...{ expired: 0, evicted: 0, invalidated: 0, renamed: 0 },
        ...{ neverCached: 0, goneOrNew: 0, unknown: 0 },
      };
      row = { reads: 0, hits: 0, misses: 0, causes };
      this.totals.byNamespace.set(name, row);
    }
    return row;
  }
}
