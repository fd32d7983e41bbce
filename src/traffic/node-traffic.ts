import type { ByteString } from '../support/bytes.ts';
import {
  commandColumnCount,
  commandColumns,
  Counts,
  eventColumnCount,
  eventColumns,
} from './figures/counts.ts';
import type { KeyEvent } from './streams/event-reader.ts';
import { FrequentKeys } from './keys/frequent-keys.ts';
import { hashBytes, lastHash } from './keys/key-hash.ts';
import { causeIndex, firstMiss, type KeyHistory } from './keys/key-history.ts';
import { type NamespaceRows, type MissPlace, WindowDetails } from './keys/namespace-rows.ts';
import type { MarkKind, StreamCut, TrafficSink } from './streams/mark.ts';

/** What all nodes of an observation share. */
export interface SharedTraffic {
  readonly rows: NamespaceRows;
  readonly history: KeyHistory;
  readonly isReplica: boolean;
  /** False before Redis 7.0, or where it is not known: writes tell then when a key is stored again. */
  tellsNewKeys: boolean;
}

/** Keys that are counted for the list of those that miss most. */
const missingKeysTracked = 1000;

/** Counts what one node does, by namespace. */
export class NodeTraffic implements TrafficSink {
  nowMillis = 0;
  private readonly commands = new Counts(commandColumnCount);
  private readonly events = new Counts(eventColumnCount);
  /** Apart, for each stream is cut where the mark stands in it. */
  private readonly shownByCommands = new WindowDetails();
  private readonly shownByEvents = new WindowDetails();
  private missing = newMissing();

  constructor(private readonly shared: SharedTraffic) {}

  read(
    database: number,
    bytes: Buffer,
    start: number,
    end: number,
    lookups: number,
    uncertain: number,
  ): void {
    const row = this.rowOf(database, bytes, start, end);
    this.commands.add(row, commandColumns.reads, lookups);
    if (uncertain > 0) this.commands.add(row, commandColumns.uncertainReads, uncertain);
  }

  write(database: number, bytes: Buffer, start: number, end: number, ttlMillis: number): void {
    const { history, tellsNewKeys } = this.shared;
    const row = this.rowOf(database, bytes, start, end);
    const { high, low } = lastHash;
    this.commands.add(row, commandColumns.writes, 1);
    if (ttlMillis > 0) history.lives(ttlMillis, row, high, low, this.nowMillis, this.shownByCommands);
    if (!tellsNewKeys) history.written(row, high, low, this.nowMillis, this.shownByCommands);
  }

  lives(database: number, bytes: Buffer, start: number, end: number, ttlMillis: number): void {
    const row = this.rowOf(database, bytes, start, end);
    const { high, low } = lastHash;
    this.shared.history.lives(ttlMillis, row, high, low, this.nowMillis, this.shownByCommands);
  }

  scanByType(mostLookups: number): void {
    const row = this.shared.rows.scans;
    this.commands.add(row, commandColumns.reads, mostLookups);
    this.commands.add(row, commandColumns.writes, 1);
  }

  flush(database: number | null): void {
    this.shared.history.flushed(database, this.nowMillis);
  }

  event(kind: KeyEvent, database: number, bytes: Buffer, start: number, end: number): void {
    const { history } = this.shared;
    const { nowMillis, shownByEvents: details } = this;
    const row = this.rowOf(database, bytes, start, end);
    const { high, low } = lastHash;
    switch (kind) {
      case 'keymiss': {
        const told = history.miss(database, row, high, low, nowMillis, details);
        const cause = told % firstMiss;
        this.events.add(row, cause, 1);
        if (told >= firstMiss) this.events.add(row, eventColumns.firstMisses, 1);
        const key = bytes.toString('latin1', start, end) as ByteString;
        if (row !== this.shared.rows.marks) this.missing.add(key, database, { row, cause });
        if (cause === causeIndex.evicted) details.of(row).keep(key);
        return;
      }
      case 'new':
        this.shared.tellsNewKeys = true;
        this.events.add(row, eventColumns.newKeys, 1);
        history.stored(row, high, low, nowMillis, details);
        return;
      case 'expired':
        history.gone('expired', row, high, low, nowMillis, details);
        return;
      case 'evicted':
        this.events.add(row, eventColumns.evictedKeys, 1);
        history.gone('evicted', row, high, low, nowMillis, details);
        return;
      case 'del':
        history.gone('invalidated', row, high, low, nowMillis, details);
        return;
      case 'rename_from':
      case 'move_from':
        history.gone('renamed', row, high, low, nowMillis, details);
    }
  }

  commandsAt(kind: MarkKind): StreamCut {
    const counts = this.commands.snapshot();
    if (kind === 'burst') return { counts, keys: null };
    const keys = { details: this.shownByCommands.shown(), missing: [] };
    if (kind === 'turn') this.shownByCommands.begin(this.nowMillis);
    return { counts, keys };
  }

  eventsAt(kind: MarkKind): StreamCut {
    const counts = this.events.snapshot();
    if (kind === 'burst') return { counts, keys: null };
    const keys = { details: this.shownByEvents.shown(), missing: this.missing.top(this.missing.size) };
    if (kind === 'turn') {
      this.shownByEvents.begin(this.nowMillis);
      this.missing = newMissing();
    }
    return { counts, keys };
  }

  private rowOf(database: number, bytes: Buffer, start: number, end: number): number {
    hashBytes(bytes, start, end, database);
    return this.shared.rows.rowOf(database, bytes, start, end, lastHash.high, lastHash.low);
  }
}

const newMissing = () => new FrequentKeys<MissPlace>({ capacity: missingKeysTracked });
