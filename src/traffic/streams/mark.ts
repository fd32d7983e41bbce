import type { Info } from '../../redis/info.ts';
import type { ByteString } from '../../support/bytes.ts';
import type { Counts } from '../counts.ts';
import type { WindowKeys } from '../keys/namespace-rows.ts';

/**
 * One instant in the life of a node, the same in all that is observed of it: its counters, and what of the stream of
 * commands and of the stream of events lay before it.
 */
export interface Mark {
  /** Milliseconds, on the clock that the observation was given. */
  readonly atMillis: number;
  readonly info: Info;
  /** What the streams had shown when the mark went by. */
  readonly commands: Counts;
  readonly events: Counts;
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

export type StreamName = 'commands' | 'events';

/** What a stream showed before a mark. */
export interface StreamCut {
  readonly counts: Counts;
  /** Null in a burst. */
  readonly keys: WindowKeys | null;
}

/** A mark that has not gone by in every stream. */
export interface PendingMark {
  readonly key: ByteString;
  readonly kind: MarkKind;
  readonly cuts: Partial<Record<StreamName, StreamCut>>;
  /** Called when it went by in a stream, after its cut was taken. */
  readonly seen: (stream: StreamName) => void;
}
