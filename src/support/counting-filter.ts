const probes = 4;
const most = 255;

/**
 * How often hashes were added, up to 255, in bounded memory: never too low, and too high at times. Of the cells of a hash only the lowest
 * are raised.
 * @see Estan, Varghese: New Directions in Traffic Measurement and Accounting (2003), "conservative update"
 */
export class CountingFilter {
  private readonly cells: Uint8Array;
  private readonly mask: number;

  /** @param cells a power of two; with twelve times as many as hashes, less than one in a hundred has a count too high */
  constructor(cells: number) {
    this.cells = new Uint8Array(cells);
    this.mask = cells - 1;
  }

  /** @returns how often it was added by now; 0 where that can be counted no further */
  add(hashHigh: number, hashLow: number): number {
    const { cells, mask } = this;
    const step = hashLow | 1;
    let least = most;
    for (let probe = 0, at = hashHigh; probe < probes; probe++, at = (at + step) | 0) {
      const count = cells[at & mask] ?? 0;
      if (count < least) least = count;
    }
    if (least === most) return 0;
    least++;
    for (let probe = 0, at = hashHigh; probe < probes; probe++, at = (at + step) | 0)
      if ((cells[at & mask] ?? 0) < least) cells[at & mask] = least;
    return least;
  }
}
