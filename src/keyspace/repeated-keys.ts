import type { ByteString } from '../support/bytes.ts';
import { avalanche, fnvOf } from '../support/hash.ts';
import { proportionInterval } from '../support/intervals.ts';

/** Keys that are remembered: some 10 MB. */
const mostKept = 100_000;

/**
 * SCAN gives keys again while a table shrinks. As long as there are few keys each is remembered, and one that comes again is
 * known; of more keys those are kept whose hash ends in zeros, half as many each time that there are too many, and tell
 * how many of all came again.
 */
export class RepeatedKeys {
  /** How often each was given. */
  private readonly times = new Map<ByteString, number>();
  private mask = 0;
  private given = 0;
  /** Keys that were known to come again. */
  repeats = 0;

  constructor(private readonly most = mostKept) {}

  /** True where the key is known to have been given before, and need not be counted again. */
  isRepeated(key: ByteString): boolean {
    if (this.mask !== 0 && (hashOf(key) & this.mask) !== 0) {
      this.given++;
      return false;
    }
    const times = this.times.get(key) ?? 0;
    if (times > 0 && this.mask === 0) {
      this.repeats++;
      return true;
    }
    this.given++;
    this.times.set(key, times + 1);
    if (this.times.size > this.most) this.thin();
    return false;
  }

  /** Keys that were counted again, at the most, with 97.5 % certainty; 0 where none of those that are remembered was. */
  get mostRepeats(): number {
    let [again, kept] = [0, 0];
    for (const times of this.times.values()) {
      kept += times;
      again += times - 1;
    }
    return again === 0 ? 0 : Math.ceil(proportionInterval(again, kept)[1] * this.given);
  }

  private thin(): void {
    this.mask = (this.mask << 1) | 1;
    for (const key of this.times.keys()) if ((hashOf(key) & this.mask) !== 0) this.times.delete(key);
  }
}

/** Its low bits are as good as its high ones. */
const hashOf = (key: ByteString) => avalanche(fnvOf(key));
