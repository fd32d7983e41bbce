import type { ByteString } from '../../support/bytes.ts';
import { SeededRandom } from '../../support/random.ts';
import { FrequentKeys, type FrequentList } from './frequent-keys.ts';

/** Keys that are counted at a time, for a list of those that are read most. */
const keysTracked = 1000;

/** So many reads of a window are all counted. */
const countedFirst = 2 ** 14;

/** Later, of n reads one in n / 2^12: a key with a tenth of all reads is known to within 7 %, with a hundredth to within 22 %. */
const sampledReads = 2 ** 12;

/**
 * The keys that are read most. To count a read by its key costs several times what its line of MONITOR does, so beyond
 * the first reads a sample of them is counted, at random distances, each for those since the last. The distance grows
 * with the reads, so what is counted grows with their logarithm.
 */
export class ReadKeys {
  // Each key is made from its bytes here, and no part of another text.
  private readonly keys = new FrequentKeys<number>(keysTracked, (key) => key);
  private readonly random = new SeededRandom(1, 'read keys');
  private reads = 0;
  /** Reads since the last that was counted, and from that one to the next. */
  private passed = 0;
  private distance = 1;

  /** Takes a read into account; true where it is one to be counted, by `add`. */
  pass(): boolean {
    return ++this.passed >= this.distance;
  }

  /** @param row of the namespace @param lookups that this read makes of its key */
  add(
    bytes: Buffer,
    start: number,
    end: number,
    { database, row }: { readonly database: number; readonly row: number },
    lookups: number,
  ): void {
    const { passed } = this;
    const key = bytes.toString('latin1', start, end) as ByteString;
    this.keys.add(key, database, row, passed * lookups, passed * (passed - 1) * lookups ** 2);
    this.reads += passed;
    this.passed = 0;
    if (this.reads < countedFirst) return;
    const mean = Math.floor(this.reads / sampledReads);
    this.distance = 1 + Math.floor(this.random.fraction() * (2 * mean - 1));
  }

  list(): FrequentList<number> {
    return this.keys.list();
  }
}
