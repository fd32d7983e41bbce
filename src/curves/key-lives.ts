import type { AccessTrace } from './access-sample.ts';
import { replay } from './replay.ts';

/** Fewer keys that missed do not show what the application does then. */
const fewestMissed = 20;
/** Of the keys that missed: with fewer that were written afterwards, the application does not store what it missed. */
const fewRefilled = 0.05;

export interface KeyLives {
  /** 1 for a key that was in the cache at some time of the window. */
  readonly wasThere: Uint8Array;
  /**
   * By row, whether a miss is followed by a write of its key. Where it is not, a key that memory loses is gone for good, or was never
   * one that is stored: the window does not tell these apart. Null: too few misses to tell.
   */
  readonly isRefilled: readonly (boolean | null)[];
}

/** Which keys of a sample were there, and what becomes of those that were not. */
export function keyLives(trace: AccessTrace, rows: number): KeyLives {
  const keys = trace.keys.row.length;
  const [wasThere, hasMissed, wasRefilled] = [0, 1, 2].map(() => new Uint8Array(keys)) as [
    Uint8Array,
    Uint8Array,
    Uint8Array,
  ];
  const isThere = (key: number) => void (wasThere[key] = 1);
  const isAbsent = (key: number) => void (hasMissed[key] = 1);
  replay(trace, {
    ...{ read: isThere, coldHit: isThere, coldMiss: isAbsent, miss: isAbsent, leave: () => undefined },
    write(key) {
      isThere(key);
      wasRefilled[key] = hasMissed[key] ?? 0;
    },
  });
  const [missed, refilled] = [new Uint32Array(rows), new Uint32Array(rows)];
  trace.keys.row.forEach((row, key) => {
    missed[row] = (missed[row] ?? 0) + (hasMissed[key] ?? 0);
    refilled[row] = (refilled[row] ?? 0) + (wasRefilled[key] ?? 0);
  });
  return {
    wasThere,
    isRefilled: Array.from(missed, (count, row) =>
      count < fewestMissed ? null : (refilled[row] ?? 0) >= fewRefilled * count,
    ),
  };
}
