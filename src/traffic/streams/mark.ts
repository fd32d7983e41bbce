import type { Info } from '../../redis/info.ts';
import type { WindowKeys } from '../keys/namespace-rows.ts';
import type { KeyEvent } from './event-reader.ts';

/**
 * One instant in the life of a node, the same in all that is observed of it: its counters, and what of the stream of
 * commands and of the stream of events lay before it.
 */
export interface Mark {
  /** Milliseconds, on the clock that the observation was given. */
  readonly atMillis: number;
  readonly info: Info;
  /** The counts that `commandsAt` and `eventsAt` gave when the mark went by; null for a stream that is not open. */
  readonly commands: Float64Array | null;
  readonly events: Float64Array | null;
  /** What the streams showed of single keys since the last `turn`; empty for a mark of a burst. */
  readonly keys: readonly WindowKeys[];
  readonly monitoredCommands: number;
  readonly monitorBytes: number;
  /** Lines of MONITOR so far that were too long to be read whole. */
  readonly cutLines: number;
  readonly eventCount: number;
  readonly eventBytes: number;
  /** The longest that a mark took until it was seen in every stream, of all up to this one. */
  readonly maxLagSeconds: number;
  /** Lookups of our own, all of them misses, that the server has counted before. */
  readonly ownMisses: number;
}

/**
 * What a mark takes: in a `burst` the counts alone; at the `end` of a window also what was seen of keys; a `turn` is such an
 * end, and the next window begins with it.
 */
export type MarkKind = 'burst' | 'end' | 'turn';

/** What a stream showed before a mark. */
export interface StreamCut {
  readonly counts: Float64Array;
  /** Null in a burst. */
  readonly keys: WindowKeys | null;
}

/** Counts what a node does. Keys are bytes of a buffer that is used again. */
export interface TrafficSink {
  /** The time of what follows, in milliseconds. */
  nowMillis: number;
  /** @param uncertain how many of the lookups were made only if the command did not fail */
  read(database: number, bytes: Buffer, start: number, end: number, lookups: number, uncertain: number): void;
  /** The key is given a value, and a time to live where that is above 0. */
  write(database: number, bytes: Buffer, start: number, end: number, ttlMillis: number): void;
  /** The key is given a time to live, and keeps its value. */
  lives(database: number, bytes: Buffer, start: number, end: number, ttlMillis: number): void;
  /** SCAN with TYPE: it may add so many hits at most, of keys that no line names. */
  scanByType(mostLookups: number): void;
  /** Keys of the database (of all where it is null) are gone without an event. */
  flush(database: number | null): void;
  event(kind: KeyEvent, database: number, bytes: Buffer, start: number, end: number): void;
  /** What has been counted so far, and what was seen of keys since the last turn. */
  commandsAt(kind: MarkKind): StreamCut;
  eventsAt(kind: MarkKind): StreamCut;
}

/** What MONITOR shows of it. */
export type CommandSink = Pick<TrafficSink, 'read' | 'write' | 'lives' | 'scanByType' | 'flush'>;
