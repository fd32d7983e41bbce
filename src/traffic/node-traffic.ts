import type { ByteString } from '../support/bytes.ts';
import { accessKinds, forever } from '../curves/access-sample.ts';
import { emptyList, FrequentKeys } from './keys/frequent-keys.ts';
import type { NodeAccesses } from './keys/node-accesses.ts';
import { hashBytes } from './keys/key-hash.ts';
import { firstMiss, type KeyHistory, type SeenKey } from './keys/key-history.ts';
import { markPrefix, type MissPlace, type NamespaceRows, WindowDetails } from './keys/namespace-rows.ts';
import { ReadKeys } from './keys/read-keys.ts';
import type { KeyEvent } from './streams/event-reader.ts';
import {
  commandColumns,
  Counts,
  eventColumns,
  type MarkKind,
  type PendingMark,
  type StreamCut,
  type StreamName,
} from './streams/mark.ts';

/** What all nodes of an observation share. */
export interface SharedTraffic {
  readonly rows: NamespaceRows;
  readonly history: KeyHistory;
  readonly isReplica: boolean;
  /** False before Redis 7.0, or where it is not known: writes show then when a key is stored again. */
  tellsNewKeys: boolean;
}

/** What MONITOR shows of a command. */
export type CommandSink = Pick<
  NodeTraffic,
  'isOurs' | 'read' | 'write' | 'alter' | 'remove' | 'scanByType' | 'flush'
>;

const isAnyMark = (bytes: Buffer, start: number, end: number) =>
  bytes.subarray(start, end).includes(markPrefix);

/** Keys whose misses are counted at a time. After a flush many are missed, each of them seldom, and a record is to name them. */
const missingTracked = 10_000;
const newMissing = () => new FrequentKeys<MissPlace>(missingTracked);

/** Counts what one node does, by namespace, up to each mark. Keys are bytes of a buffer that is used again. */
export class NodeTraffic {
  /** Whether what follows comes from this program, in this run or another: its reads are no traffic, its writes are. */
  isOurs = false;
  /** The time of what follows, in milliseconds. */
  nowMillis = 0;
  /** The mark whose lookup is to come. */
  pending: PendingMark | null = null;
  /** Apart, for each stream is cut where the mark is in it. */
  private readonly commands = { counts: Counts.of(commandColumns), details: new WindowDetails() };
  private readonly events = { counts: Counts.of(eventColumns), details: new WindowDetails() };
  private missing = newMissing();
  private readKeys = new ReadKeys();
  /** The key that was shown last: one object, for it is used for each command. */
  private readonly seen: SeenKey;

  /** @param accesses takes a sample of them; null: none is wanted */
  constructor(
    private readonly shared: SharedTraffic,
    private readonly accesses: NodeAccesses | null = null,
  ) {
    this.seen = { database: 0, row: 0, high: 0, low: 0, nowMillis: 0, details: this.commands.details };
  }

  /** @param uncertain how many of the lookups were made only if the command did not fail */
  read(
    database: number,
    bytes: Buffer,
    start: number,
    end: number,
    lookups: number,
    uncertain: number,
  ): void {
    if (this.isMark(bytes, start, end)) {
      this.passMark('commands');
      return;
    }
    const { counts } = this.commands;
    if (this.isOurs && !isAnyMark(bytes, start, end)) {
      counts.add(this.shared.rows.ours, commandColumns.reads, lookups);
      return;
    }
    const seen = this.see(this.commands.details, database, bytes, start, end);
    const { row } = seen;
    this.accesses?.pass(accessKinds.read, seen, bytes, start, end);
    if (this.isListed(row) && this.readKeys.pass())
      this.readKeys.add(bytes, start, end, { database, row }, lookups);
    counts.add(row, commandColumns.reads, lookups);
    if (uncertain > 0) counts.add(row, commandColumns.uncertainReads, uncertain);
  }

  /** The key is given a value. @param ttlMillis its time to live; 0: the one that it has, `forever`: none */
  write(database: number, bytes: Buffer, start: number, end: number, ttlMillis: number): void {
    const seen = this.see(this.commands.details, database, bytes, start, end);
    this.countWrite(seen, ttlMillis);
    this.accesses?.pass(accessKinds.write, seen, bytes, start, end, ttlMillis);
  }

  /**
   * The key loses its value or a part of it, or is given another time to live; where there is none, none is stored.
   * @param ttlMillis 0: the one that it has, `forever`: none @param isWrite whether that counts as a write
   */
  alter(
    database: number,
    bytes: Buffer,
    start: number,
    end: number,
    ttlMillis: number,
    isWrite: boolean,
  ): void {
    if (!isWrite && ttlMillis === 0 && this.accesses === null) return;
    const seen = this.see(this.commands.details, database, bytes, start, end);
    if (isWrite) this.countWrite(seen, ttlMillis);
    else this.giveTtl(seen, ttlMillis);
    this.accesses?.pass(accessKinds.alter, seen, bytes, start, end, ttlMillis);
  }

  /** A command takes the key away. Why reads miss it then is for its event to say. */
  remove(database: number, bytes: Buffer, start: number, end: number): void {
    if (this.accesses === null) return;
    const seen = this.see(this.commands.details, database, bytes, start, end);
    this.accesses.pass(accessKinds.remove, seen, bytes, start, end);
  }

  /** SCAN with TYPE: it may add so many hits at most, of keys that no line names. */
  scanByType(mostLookups: number): void {
    const row = this.shared.rows.scans;
    this.commands.counts.add(row, commandColumns.reads, mostLookups);
    this.commands.counts.add(row, commandColumns.writes, 1);
  }

  /** Keys of the database (of all where it is null) are gone without an event. */
  flush(database: number | null): void {
    this.shared.history.flushed(database, this.nowMillis);
    this.accesses?.flush(this.nowMillis);
  }

  event(kind: KeyEvent, database: number, bytes: Buffer, start: number, end: number): void {
    if (kind === 'keymiss' && this.isMark(bytes, start, end)) {
      this.passMark('events');
      return;
    }
    const { history } = this.shared;
    const { counts, details } = this.events;
    const seen = this.see(details, database, bytes, start, end);
    const { row } = seen;
    switch (kind) {
      case 'keymiss': {
        const found = history.miss(seen);
        const cause = found % firstMiss;
        counts.add(row, cause, 1);
        if (found >= firstMiss) counts.add(row, eventColumns.firstMisses, 1);
        this.accesses?.missed(seen);
        const key = bytes.toString('latin1', start, end) as ByteString;
        if (this.isListed(row)) this.missing.add(key, database, { row, cause });
        if (cause === eventColumns.evicted) details.of(row).keep(key);
        return;
      }
      case 'new':
        this.shared.tellsNewKeys = true;
        counts.add(row, eventColumns.newKeys, 1);
        history.stored(seen);
        this.accesses?.stored(seen);
        return;
      case 'expired':
        history.gone(seen, 'expired');
        this.accesses?.gone(seen);
        return;
      case 'evicted':
        counts.add(row, eventColumns.evictedKeys, 1);
        history.gone(seen, 'evicted');
        return;
      case 'del':
        history.gone(seen, 'invalidated');
        this.accesses?.gone(seen);
        return;
      case 'rename_from':
      case 'move_from':
        history.gone(seen, 'renamed');
        this.accesses?.gone(seen);
    }
  }

  /** What a stream has shown so far, of keys since the last turn. */
  cut(stream: StreamName, kind: MarkKind): StreamCut {
    const { counts: all, details } = this[stream];
    const counts = all.copy();
    if (kind === 'burst') return { counts, keys: null };
    const isOfEvents = stream === 'events';
    const keys = {
      details: details.shown(),
      missing: isOfEvents ? this.missing.list() : emptyList,
      read: isOfEvents ? emptyList : this.readKeys.list(),
    };
    if (kind === 'turn') {
      details.begin(this.nowMillis);
      if (isOfEvents) this.missing = newMissing();
      else this.readKeys = new ReadKeys();
    }
    return { counts, keys };
  }

  private countWrite(seen: SeenKey, ttlMillis: number): void {
    const { history, tellsNewKeys } = this.shared;
    this.commands.counts.add(seen.row, commandColumns.writes, 1);
    this.giveTtl(seen, ttlMillis);
    if (!tellsNewKeys) history.written(seen);
  }

  private giveTtl(seen: SeenKey, ttlMillis: number): void {
    if (ttlMillis === forever) this.shared.history.stays(seen);
    else if (ttlMillis > 0) this.shared.history.lives(seen, ttlMillis);
  }

  private isListed(row: number): boolean {
    const { marks, outside } = this.shared.rows;
    return row !== marks && row !== outside;
  }

  private see(details: WindowDetails, database: number, bytes: Buffer, start: number, end: number): SeenKey {
    const { seen } = this;
    hashBytes(bytes, start, end, database, seen);
    seen.database = database;
    seen.row = this.shared.rows.rowOf(database, bytes, start, end, seen);
    seen.nowMillis = this.nowMillis;
    seen.details = details;
    return seen;
  }

  private isMark(bytes: Buffer, start: number, end: number): boolean {
    if (this.pending === null) return false;
    const { key } = this.pending;
    if (end - start !== key.length) return false;
    for (let at = 0; at < key.length; at++) if (bytes[start + at] !== key.charCodeAt(at)) return false;
    return true;
  }

  private passMark(stream: StreamName): void {
    const { pending } = this;
    if (pending === null || pending.cuts[stream] !== undefined) return;
    pending.cuts[stream] = this.cut(stream, pending.kind);
    if (pending.kind === 'turn' && stream === 'commands') this.accesses?.begin(this.nowMillis);
    pending.seen(stream);
  }
}
