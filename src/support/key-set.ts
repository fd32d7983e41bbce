import type { ByteString } from './bytes.ts';
import { avalanche, fnvBasis, fnvStep } from './hash.ts';

const firstPlaces = 2 ** 12;
/** 128 MB at the most, and half as much again while they are moved. */
const mostKeys = 2 ** 22;

/**
 * A set of keys in 16 to 32 bytes each: it holds a digest of 64 bits of each, not the key. Among four million keys the chance
 * that two share a digest is one in two million (n² / 2⁶⁵).
 */
export class KeySet {
  size = 0;
  /** True once a key was not remembered: whether those behind it come again is not known. */
  isOverfull = false;
  /** Open addressing: two numbers for each place, both zero where it is free. */
  private places = new Uint32Array(2 * firstPlaces);
  private low = 0;
  private high = 0;

  /** @param most Keys to remember. */
  constructor(private readonly most = mostKeys) {}

  has(key: ByteString): boolean {
    this.digest(key);
    return this.places[this.placeOf(this.places)] !== 0;
  }

  /** False where the key was added before. */
  add(key: ByteString): boolean {
    this.digest(key);
    const place = this.placeOf(this.places);
    if (this.places[place] !== 0) return false;
    if (this.size >= this.most) {
      this.isOverfull = true;
      return true;
    }
    this.places[place] = this.low;
    this.places[place + 1] = this.high;
    if (++this.size * 4 > this.places.length) this.grow();
    return true;
  }

  /** Two multiplicative hashes, FNV-1a and one with another prime and offset. */
  private digest(key: ByteString): void {
    let [low, high] = [fnvBasis, 0x9747b28c];
    for (let at = 0; at < key.length; at++) {
      const byte = key.charCodeAt(at);
      low = fnvStep(low, byte);
      high = Math.imul(high ^ byte, 0x85ebca6b);
      high ^= high >>> 13;
    }
    this.low = (avalanche(low ^ key.length) || 1) >>> 0;
    this.high = avalanche(high) >>> 0;
  }

  /** Where the digest in hand is, or the free place for it. */
  private placeOf(places: Uint32Array): number {
    const last = places.length - 1;
    for (let place = (2 * (this.low ^ this.high)) & last; ; place = (place + 2) & last)
      if (places[place] === 0 || (places[place] === this.low && places[place + 1] === this.high))
        return place;
  }

  private grow(): void {
    const larger = new Uint32Array(this.places.length * 2);
    for (let at = 0; at < this.places.length; at += 2) {
      this.low = this.places[at] as number;
      this.high = this.places[at + 1] as number;
      if (this.low !== 0) larger.set([this.low, this.high], this.placeOf(larger));
    }
    this.places = larger;
  }
}
