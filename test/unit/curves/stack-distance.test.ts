import { describe, expect, it } from 'vitest';
import { LruStack } from '../../../src/curves/stack-distance.ts';
import { SeededRandom } from '../../../src/support/random.ts';

/** A cache of one size, by lists: the twin that the stack is held against. */
class PlainLru {
  private readonly order: number[] = [];

  constructor(
    private readonly capacityBytes: number,
    private readonly bytes: readonly number[],
  ) {}

  read(key: number): boolean {
    const isHit = this.remove(key);
    this.order.push(key);
    while (this.usedBytes > this.capacityBytes) this.order.shift();
    return isHit;
  }

  remove(key: number): boolean {
    const place = this.order.indexOf(key);
    if (place >= 0) this.order.splice(place, 1);
    return place >= 0;
  }

  private get usedBytes(): number {
    return this.order.reduce((sum, key) => sum + (this.bytes[key] ?? 0), 0);
  }
}

describe('the stack of an LRU cache', () => {
  it('says of each read in which sizes of memory it hits, as caches of these sizes do, also after removals', () => {
    for (let seed = 1; seed <= 8; seed++) {
      const random = new SeededRandom(seed, 'stack');
      const keys = 40;
      const bytes = Array.from({ length: keys }, () => random.between(1, 30));
      const sizes = [10, 40, 90, 150, 250, 400, 700];
      const caches = sizes.map((size) => new PlainLru(size, bytes));
      const stack = new LruStack(keys, 2000);
      for (let step = 0; step < 2000; step++) {
        const key = Math.min(random.rank(8), keys - 1);
        if (random.chance(0.1)) {
          stack.remove(key);
          for (const cache of caches) cache.remove(key);
          continue;
        }
        const depth = stack.has(key) ? stack.depthOf(key) : Number.POSITIVE_INFINITY;
        expect(caches.map((cache) => cache.read(key))).toEqual(sizes.map((size) => depth <= size));
        stack.touch(key, bytes[key] ?? 0);
      }
    }
  });

  it('pushes nothing down where what is put on top fits into what was removed above', () => {
    const stack = new LruStack(4, 10);
    for (const key of [0, 1, 2]) stack.touch(key, 10);
    expect(stack.depthOf(0)).toBe(30);
    stack.remove(2);
    stack.touch(3, 10);
    expect(stack.depthOf(0)).toBe(30);
    expect(stack.totalBytes).toBe(30);
  });
});
