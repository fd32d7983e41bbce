/** A set of numbers from 0 on, in one bit each. */
export class OrdinalSet {
  private bits = new Uint8Array(1024);

  add(ordinal: number): void {
    const byte = ordinal >>> 3;
    if (byte >= this.bits.length) {
      const longer = new Uint8Array(2 * byte);
      longer.set(this.bits);
      this.bits = longer;
    }
    this.bits[byte] = (this.bits[byte] ?? 0) | (1 << (ordinal & 7));
  }

  has(ordinal: number): boolean {
    return ((this.bits[ordinal >>> 3] ?? 0) & (1 << (ordinal & 7))) !== 0;
  }
}
