import type { ByteString } from '../support/bytes.ts';

/** Keeps the `limit` first of any number of keys, the highest rank first, and one that comes again once. Of equal ranks the first to come. */
export class TopKeys<Item extends { readonly key: ByteString }> {
  private readonly kept: Item[] = [];
  private readonly names = new Set<ByteString>();

  constructor(
    private readonly limit: number,
    private readonly rankOf: (item: Item) => number,
  ) {}

  /** False where one of this rank would not be kept. */
  admits(rank: number): boolean {
    const { kept, limit } = this;
    const last = kept.length < limit ? undefined : kept.at(-1);
    return last === undefined ? limit > 0 : rank > this.rankOf(last);
  }

  offer(item: Item): void {
    const { kept, names, limit } = this;
    const rank = this.rankOf(item);
    if (!this.admits(rank) || names.has(item.key)) return;
    kept.splice(this.placeOf(rank), 0, item);
    names.add(item.key);
    const dropped = kept.length > limit ? kept.pop() : undefined;
    if (dropped) names.delete(dropped.key);
  }

  /** Behind all of this rank or a higher one. */
  private placeOf(rank: number): number {
    let [first, end] = [0, this.kept.length];
    while (first < end) {
      const middle = (first + end) >> 1;
      if (this.rankOf(this.kept[middle] as Item) < rank) end = middle;
      else first = middle + 1;
    }
    return first;
  }

  /** The highest rank first. */
  list(): readonly Item[] {
    return this.kept;
  }
}
