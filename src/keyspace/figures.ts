import type { ColumnName } from '../redis/account.ts';
import type { Figure, SampleEstimator } from './estimate.ts';
import type { Tally } from './tally.ts';

/** Estimates shares of keys and of bytes, see SampleEstimator and ChosenEstimator. */
export type ShareEstimator = Pick<SampleEstimator, 'share' | 'byteShare'>;

/** Turns what was counted into figures of the whole keyspace: as they stand, or estimated. */
export class Figures {
  /**
   * @param sampled the estimator of a sample; null where every key was read
   * @param mostRepeats keys that may have been counted again, of any namespace
   * @param columns the estimators of columns of which fewer keys were read than there are
   */
  constructor(
    private readonly sampled: SampleEstimator | null,
    private readonly columns: ReadonlyMap<ColumnName, ShareEstimator> = new Map(),
    private readonly mostRepeats = 0,
  ) {}

  keys(tally: Tally): Figure {
    return this.sampled?.keys(tally) ?? this.counted(tally.keys, tally.keys);
  }

  memoryBytes(tally: Tally): Figure {
    return this.sampled?.memoryBytes(tally) ?? this.counted(tally.memoryBytes, tally.keys);
  }

  /** Share of the keys of `whole` that are in its part by a column, from 0 to 1. */
  share(column: ColumnName, part: Tally, whole: Tally): Figure {
    const estimator = this.columns.get(column) ?? this.sampled;
    return estimator?.share(part, whole) ?? exactly(whole.keys === 0 ? 0 : part.keys / whole.keys);
  }

  /** Share of the bytes of `whole` that are in its part by a column, from 0 to 1. */
  byteShare(column: ColumnName, part: Tally, whole: Tally): Figure {
    const estimator = this.columns.get(column) ?? this.sampled;
    return (
      estimator?.byteShare(part, whole) ??
      exactly(whole.memoryBytes === 0 ? 0 : part.memoryBytes / whole.memoryBytes)
    );
  }

  /** The repeats may all be of these keys, each as large as their mean. */
  private counted(value: number, keys: number): Figure {
    if (this.mostRepeats === 0 || keys === 0) return exactly(value);
    return { value, interval: [Math.round(value * Math.max(0, 1 - this.mostRepeats / keys)), value] };
  }

  /** The most bytes of keys that a sample did not meet and the server's accounts speak of; null where every key was read. */
  get mostUnmetBytes(): number | null {
    return this.sampled?.mostUnmetBytes ?? null;
  }

  /** The most keys of a namespace of which not one was seen, with 95 % certainty; null where every key was read. */
  get mostUnseenKeys(): number | null {
    return this.sampled?.mostUnseenKeys ?? null;
  }
}

const exactly = (value: number): Figure => ({ value, interval: null });
