import type { Info } from '../../redis/info.ts';
import type { ByteString } from '../../support/bytes.ts';
import { sumOf } from '../../support/collections.ts';
import type { WindowKeys } from '../keys/namespace-rows.ts';

/** What MONITOR shows, by its column. `uncertainReads`: those that were made only if their command did not fail. */
export const commandColumns = { reads: 0, writes: 1, uncertainReads: 2 } as const;

/** What events show: misses by their cause, which is known by its column, and after them the rest. */
export const eventColumns = {
  expired: 0,
  evicted: 1,
  invalidated: 2,
  renamed: 3,
  neverCached: 4,
  goneOrNew: 5,
  unknown: 6,
  firstMisses: 7,
  newKeys: 8,
  evictedKeys: 9,
} as const;
export const causeNames = [
  ...(['expired', 'evicted', 'invalidated', 'renamed', 'neverCached', 'goneOrNew', 'unknown'] as const),
] as const;

type CommandName = keyof typeof commandColumns;
type EventName = keyof typeof eventColumns;

/**
 * Counts by row, in columns: a table of numbers that grows with the rows and is copied as a whole, so that a window can
 * be cut where a mark is in the stream.
 */
export class Counts {
  private constructor(
    private readonly columns: number,
    private values: Float64Array,
  ) {}

  static of(names: object): Counts {
    const columns = Object.keys(names).length;
    return new Counts(columns, new Float64Array(64 * columns));
  }

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

/** What is between two marks of one node. */
export interface Span {
  readonly from: Mark;
  readonly to: Mark;
}

/** Between the marks of each span, over these rows. */
export function sumIn(
  spans: readonly Span[],
  name: CommandName | EventName,
  rows: readonly number[],
): number {
  const sumAt = ({ commands, events }: Mark) =>
    name in commandColumns
      ? commands.sum(commandColumns[name as CommandName], rows)
      : events.sum(eventColumns[name as EventName], rows);
  return sumOf(spans.map(({ from, to }) => sumAt(to) - sumAt(from)));
}

export const missesIn = (spans: readonly Span[], rows: readonly number[]) =>
  sumOf(causeNames.map((cause) => sumIn(spans, cause, rows)));

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
