const probes = 4;

/** A set of hashes that has forgotten none, and takes others for its own at times. */
export class BloomFilter {
  private readonly words: Int32Array;
  private readonly mask: number;

  /** @param bits a power of two; with eleven times as many as hashes, less than one other hash in a hundred is mistaken */
  constructor(bits: number) {
    this.words = new Int32Array(bits >>> 5);
    this.mask = bits - 1;
  }

  add(hashHigh: number, hashLow: number): void {
    const step = hashLow | 1;
    let bit = hashHigh;
    for (let probe = 0; probe < probes; probe++) {
      const at = (bit & this.mask) >>> 5;
      this.words[at] = (this.words[at] ?? 0) | (1 << (bit & 31));
      bit = (bit + step) | 0;
    }
  }

  /** False where the hash was never added. */
  mayHold(hashHigh: number, hashLow: number): boolean {
    const step = hashLow | 1;
    let bit = hashHigh;
    for (let probe = 0; probe < probes; probe++) {
      if (((this.words[(bit & this.mask) >>> 5] ?? 0) & (1 << (bit & 31))) === 0) return false;
      bit = (bit + step) | 0;
    }
    return true;
  }
}
