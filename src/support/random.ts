import { type ByteString, asBytes } from './bytes.ts';
import { fnvOf } from './hash.ts';

/**
 * A stream of pseudo-random numbers, and values made from them. Equal arguments give equal streams, so a
 * record depends on its own coordinates only and any record can be made without those before it.
 *
 * The engine is sfc32 ("small fast chaotic") of Chris Doty-Humphrey's PractRand, with its seeding of 15 discarded
 * rounds: 128 bits of state, so that streams of neighbouring indexes do not meet.
 * @see https://pracrand.sourceforge.net/RNG_engines.txt
 */
export class SeededRandom {
  private a: number;
  private b: number;
  private c: number;
  private counter = 1;

  /** `seed` is an integer from 0 to 2^53; `stream` a name; `index` an integer below 2^32. */
  constructor(seed: number, stream: string, index = 0) {
    this.a = (seed >>> 0) | 0;
    this.b = fnvOf(stream) ^ Math.floor(seed / 2 ** 32);
    this.c = index | 0;
    for (let round = 0; round < 15; round++) this.uint32();
  }

  /** An integer from 0 to 2^32 - 1. */
  uint32(): number {
    const sum = (((this.a + this.b) | 0) + this.counter) | 0;
    this.counter = (this.counter + 1) | 0;
    this.a = this.b ^ (this.b >>> 9);
    this.b = (this.c + (this.c << 3)) | 0;
    this.c = (((this.c << 21) | (this.c >>> 11)) + sum) | 0;
    return sum >>> 0;
  }

  /** From 0 to 1, 1 excluded. */
  fraction(): number {
    return this.uint32() / 2 ** 32;
  }

  /** An integer from 0 to `limit` - 1. */
  below(limit: number): number {
    return Math.floor(this.fraction() * limit);
  }

  /** An integer from `low` to `high`, both included. */
  between(low: number, high: number): number {
    return low + this.below(high - low + 1);
  }

  chance(probability: number): boolean {
    return this.fraction() < probability;
  }

  pick<T>(list: readonly [T, ...T[]]): T {
    return list[this.below(list.length)] ?? list[0];
  }

  /** Lower-case hex digits; `digits` is a multiple of 8. */
  hex(digits: number): string {
    let text = '';
    while (text.length < digits) text += this.uint32().toString(16).padStart(8, '0');
    return text;
  }

  bytes(length: number): Buffer {
    const buffer = Buffer.alloc(length);
    for (let at = 0; at < length; at++) buffer[at] = this.uint32() & 0xff;
    return buffer;
  }

  /** 43 characters, as 32 random bytes look in URL-safe base64. */
  token(): string {
    return this.bytes(32).toString('base64url');
  }

  /** A signed 64-bit decimal, as Python's `hash()` of a text gives. */
  pythonHash(): string {
    return BigInt.asIntN(64, (BigInt(this.uint32()) << 32n) | BigInt(this.uint32())).toString();
  }

  /**
   * A rank from 0 upwards whose frequency falls like that of Zipf and Mandelbrot: half of them are below `spread`,
   * few are far beyond. (The Lomax distribution, inverted, with shape 1.)
   */
  rank(spread: number): number {
    const u = this.fraction();
    return Math.min(Math.floor((spread * u) / (1 - u)), 1_000_000);
  }

  /** A size with a long tail: log-normal around the median, at most 12 times it. */
  size(median: number): number {
    const normal = Math.sqrt(-2 * Math.log(1 - this.fraction())) * Math.cos(2 * Math.PI * this.fraction());
    return Math.round(median * Math.min(12, Math.exp(0.8 * normal)));
  }
}

let noise: string | undefined;

/** Bytes without any pattern, cheaply: a slice of one random block. */
export function noiseOf(draw: SeededRandom, length: number): ByteString {
  noise ??= new SeededRandom(0, 'noise').bytes(2 ** 18).toString('latin1');
  const start = draw.below(noise.length - length);
  return asBytes(noise.slice(start, start + length));
}
