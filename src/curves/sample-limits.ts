/** What a sample of accesses keeps, at each node. */
export interface SampleLimits {
  /** Share of the keys, from 0 to 1; it falls where the bounds are reached. */
  readonly rate: number;
  readonly maxKeys: number;
  /** At a time: 2^18 take 3.4 MB, and as much again while they are run through. */
  readonly maxAccesses: number;
}

/** Unless other limits are asked for. */
export const usualSample: SampleLimits = { rate: 1, maxKeys: 32_768, maxAccesses: 2 ** 18 };
