/**
 * What SCAN gives for a cursor, without a server: tables of buckets that are visited in the order of their number's bits
 * reversed, whatever the cursor's upper bits are.
 *
 * @see dictScan in src/dict.c and scanGenericCommand in src/db.c of Redis 7.0; kvstoreScan in src/kvstore.c of 7.4
 */
export interface ScanModel {
  readonly keys: number;
  /** The keys, as numbers from 0, that `SCAN cursor COUNT count` gives, and the cursor it returns. */
  scan(cursor: number, count: number): { readonly keys: number[]; readonly cursor: number };
}

const none = -1;

/** One table, as it is at rest: the keys of a bucket are a list that is linked by their places in `keys`. */
class Table {
  private readonly mask: number;
  private readonly first: Int32Array;
  private readonly next: Int32Array;

  /** @param bits of a bucket's number; where it is left out, those of a table that has just grown to hold the keys */
  constructor(
    private readonly keys: readonly number[],
    hashOf: (key: number) => number,
    bits?: number,
  ) {
    const size = 2 ** (bits ?? Math.max(2, Math.ceil(Math.log2(Math.max(1, keys.length)))));
    this.mask = size - 1;
    this.first = new Int32Array(size).fill(none);
    this.next = new Int32Array(keys.length);
    for (let at = keys.length - 1; at >= 0; at--) {
      const bucket = hashOf(keys[at] ?? 0) & this.mask;
      this.next[at] = this.first[bucket] ?? none;
      this.first[bucket] = at;
    }
  }

  /** One step of dictScan: adds the keys of one bucket, and returns the next cursor. */
  step(cursor: number, into: number[]): number {
    for (let at = this.first[(cursor & this.mask) >>> 0] ?? none; at !== none; at = this.next[at] ?? none)
      into.push(this.keys[at] ?? 0);
    return reversed((reversed((cursor | ~this.mask) >>> 0) + 1) >>> 0);
  }
}

/** One table for all keys. */
export function oneTable(keys: number, hashOf: (key: number) => number, bits?: number): ScanModel {
  const all = Array.from({ length: keys }, (_, key) => key);
  const table = new Table(all, hashOf, bits);
  return { keys, scan: (cursor, count) => scanWith((at, into) => table.step(at, into), cursor, count) };
}

const slots = 2 ** 14;

/** One table for each slot: the lowest 14 bits of a cursor are the slot, and slots are visited one by one. */
export function tableForEachSlot(
  keys: number,
  slotOf: (key: number) => number,
  hashOf: (key: number) => number,
): ScanModel & { readonly keysOfSlot: ReadonlyMap<number, number> } {
  const members = new Map<number, number[]>();
  for (let key = 0; key < keys; key++) {
    const slot = slotOf(key);
    const list = members.get(slot);
    if (list) list.push(key);
    else members.set(slot, [key]);
  }
  const tables = new Map([...members].map(([slot, list]) => [slot, new Table(list, hashOf)]));
  const step = (cursor: number, into: number[]) => {
    let slot = cursor % slots;
    const inTable = tables.get(slot)?.step(Math.floor(cursor / slots), into) ?? 0;
    if (inTable !== 0) return slot + inTable * slots;
    do slot++;
    while (slot < slots && !tables.has(slot));
    return slot === slots ? 0 : slot;
  };
  return {
    keys,
    keysOfSlot: new Map([...members].map(([slot, list]) => [slot, list.length])),
    scan: (cursor, count) => scanWith(step, cursor, count),
  };
}

function scanWith(
  step: (cursor: number, into: number[]) => number,
  from: number,
  count: number,
): { keys: number[]; cursor: number } {
  const keys: number[] = [];
  let cursor = from;
  let most = 10 * count;
  do cursor = step(cursor, keys);
  while (cursor !== 0 && most-- > 0 && keys.length < count);
  return { keys, cursor };
}

function reversed(number: number): number {
  let bits = number;
  bits = ((bits >>> 1) & 0x55555555) | ((bits & 0x55555555) << 1);
  bits = ((bits >>> 2) & 0x33333333) | ((bits & 0x33333333) << 2);
  bits = ((bits >>> 4) & 0x0f0f0f0f) | ((bits & 0x0f0f0f0f) << 4);
  bits = ((bits >>> 8) & 0x00ff00ff) | ((bits & 0x00ff00ff) << 8);
  return ((bits >>> 16) | (bits << 16)) >>> 0;
}
