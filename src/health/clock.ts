/** Milliseconds, from any start, never backwards. */
export type Clock = () => number;

/** To the microsecond: what follows is the noise of subtracting two large numbers. */
export function millisSince(startedAt: number, clock: Clock): number {
  return Math.round((clock() - startedAt) * 1000) / 1000;
}
