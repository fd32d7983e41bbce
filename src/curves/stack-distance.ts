import { NumberHeap } from '../support/number-heap.ts';

/**
 * The keys of an LRU cache without bounds, the latest on top: the depth of a key in bytes is the smallest memory that still
 * holds it. Each touch takes the next place of a Fenwick tree of bytes, so that a depth is a sum over the places behind, in
 * O(log n).
 *
 * A key that goes leaves a hole, for a cache that had evicted what lies below does not get it back. What is put on top next
 * takes the topmost hole up first, as it does in a cache that has free memory again, and what lies below the hole is not pushed
 * further down. A key that moves to the top leaves a hole too, which it takes up itself where there is none above.
 * @see Mattson, Gecsei, Slutz, Traiger: Evaluation techniques for storage hierarchies (1970); Fenwick: A New Data Structure for
 *   Cumulative Frequency Tables (1994)
 */
export class LruStack {
  /** Of all that was put on top and not taken up since: bytes of keys and of holes. */
  totalBytes = 0;
  private readonly tree: Float64Array;
  private readonly held: Float64Array;
  /** By key; 0: not in the stack. */
  private readonly places: Uint32Array;
  private readonly holes = new NumberHeap();
  private next = 1;

  /** @param touches most calls of `touch` */
  constructor(keys: number, touches: number) {
    this.tree = new Float64Array(touches + 2);
    this.held = new Float64Array(touches + 2);
    this.places = new Uint32Array(keys);
  }

  has(key: number): boolean {
    return this.places[key] !== 0;
  }

  /** Bytes from the top down to this key, itself included. The key must be in the stack. */
  depthOf(key: number): number {
    return this.totalBytes - this.sumBefore(this.places[key] ?? 0);
  }

  /** Puts the key on top. */
  touch(key: number, bytes: number): void {
    this.remove(key);
    let left = bytes;
    while (left > 0 && this.holes.size > 0) {
      const place = -this.holes.least;
      const hole = this.held[place] ?? 0;
      const taken = Math.min(hole, left);
      this.add(place, -taken);
      left -= taken;
      if (taken === hole) this.holes.pop();
    }
    const place = this.next++;
    this.places[key] = place;
    this.add(place, bytes);
  }

  remove(key: number): void {
    const place = this.places[key] ?? 0;
    if (place === 0) return;
    this.places[key] = 0;
    if ((this.held[place] ?? 0) > 0) this.holes.push(-place, place);
  }

  private add(place: number, bytes: number): void {
    const { tree } = this;
    this.held[place] = (this.held[place] ?? 0) + bytes;
    this.totalBytes += bytes;
    for (let at = place; at < tree.length; at += at & -at) tree[at] = (tree[at] ?? 0) + bytes;
  }

  private sumBefore(place: number): number {
    let sum = 0;
    for (let at = place - 1; at > 0; at -= at & -at) sum += this.tree[at] ?? 0;
    return sum;
  }
}
