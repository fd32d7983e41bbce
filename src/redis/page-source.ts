import { firstAbove } from '../support/collections.ts';
import type { SeededRandom } from '../support/random.ts';
import type { ByteString } from '../support/bytes.ts';

/** Where one page of a sample begins. */
export interface PagePlace {
  readonly cursor: string;
  /** COUNT for its SCAN. */
  readonly count: number;
  /** True for the keys that belong to the page, of those that the SCAN gives. */
  readonly holds: (key: ByteString) => boolean;
}

/** Draws pages of one node at random. */
export interface PageSource {
  /** Keys of the node. */
  readonly keys: number;
  /** Keys of a page, about. */
  readonly pageSize: number;
  /** Pages there are to draw from; null where they are drawn with replacement. */
  readonly pages: number | null;
  /** Up to `limit` further places; none once all are drawn. */
  draw(limit: number, draw: SeededRandom): PagePlace[];
  /** Another process of the server has the keys in another order: the pages of both are drawn as with replacement. */
  layOutAgain(): void;
}

const aimedPageSize = 100;
const all = () => true;

/**
 * Pages of a table that is ordered by a hash of the key, drawn without replacement. The table is cut into 2^b equal
 * segments: the buckets whose number ends in the same b bits, which SCAN visits one after the other. Segments have
 * about `pageSize` keys, and each page begins at the same random place of its segment.
 */
export function segmentPages(keys: number): PageSource {
  const bits = Math.max(0, Math.round(Math.log2(Math.max(1, keys) / aimedPageSize)));
  const segments = 2 ** bits;
  const pageSize = Math.max(1, Math.round(keys / segments));
  // The first steps of a Fisher-Yates shuffle, which needs to remember no more than what it has moved.
  const moved = new Map<number, number>();
  let drawn = 0;
  let pages: number | null = segments;
  let phase: number | undefined;
  return {
    keys,
    pageSize,
    get pages() {
      return pages;
    },
    draw(limit, draw) {
      phase ??= draw.below(2 ** 16);
      const places: PagePlace[] = [];
      for (; places.length < limit && drawn < segments; drawn++) {
        const at = drawn + draw.below(segments - drawn);
        const segment = moved.get(at) ?? at;
        moved.set(at, moved.get(drawn) ?? drawn);
        places.push({ cursor: String(segment + segments * phase), count: pageSize, holds: all });
      }
      return places;
    },
    layOutAgain() {
      moved.clear();
      drawn = 0;
      pages = null;
    },
  };
}

/**
 * Pages of a table that is stored by slot, where keys with one hash tag lie together: a slot is drawn with probability
 * proportional to its keys, with replacement, and of it all keys, or a page from a random place on where it has many.
 *
 * @param keysOfSlot keys by number of the slot
 * @param slotOf the slot of a key: a page ends where its slot ends
 */
export function slotPages(
  keysOfSlot: ReadonlyMap<number, number>,
  slotOf: (key: ByteString) => number,
): PageSource {
  const slots = [...keysOfSlot.keys()].filter((slot) => (keysOfSlot.get(slot) ?? 0) > 0);
  const sums: number[] = [];
  for (const slot of slots) sums.push((sums.at(-1) ?? 0) + (keysOfSlot.get(slot) ?? 0));
  const keys = sums.at(-1) ?? 0;
  return {
    keys,
    pageSize: Math.min(aimedPageSize, Math.max(1, Math.round(keys / Math.max(1, slots.length)))),
    pages: null,
    draw(limit, draw) {
      if (keys === 0) return [];
      return Array.from({ length: limit }, () => {
        const slot = slots[firstAbove(sums, draw.fraction() * keys)] ?? 0;
        const inSlot = keysOfSlot.get(slot) ?? 0;
        const whole = inSlot <= 2 * aimedPageSize;
        const cursor = slot + 2 ** slotBits * (whole ? 0 : draw.below(2 ** 32));
        return {
          cursor: String(cursor),
          count: whole ? inSlot : aimedPageSize,
          holds: (key: ByteString) => slotOf(key) === slot,
        };
      });
    },
    // They are drawn with replacement, and a slot is where it was.
    layOutAgain: () => undefined,
  };
}

/**
 * Share of the keys that `drawn` pages of a source without replacement have read, from 0 to 1; 0 of one with it.
 * A page has a fixed number of keys and its segment has not, so the pages overlap here and leave gaps there: the mean
 * deviation of a Poisson number is what all of them together still do not tell.
 */
export function shareRead(
  { pages, pageSize }: Pick<PageSource, 'pages' | 'pageSize'>,
  drawn: number,
): number {
  if (pages === null) return 0;
  return Math.min(1, drawn / pages) * Math.max(0, 1 - Math.sqrt(2 / (Math.PI * pageSize)));
}

/** Bits of a cursor that name the slot, where keys are stored by slot. */
export const slotBits = 14;

/**
 * Share of the table (0 to 1) that is before a SCAN cursor. Buckets are visited in the order of their number's bits
 * reversed, so that a table may grow or shrink in between; '0' is the start. Where keys are stored by slot (Redis 7.4
 * and Valkey 8 as cluster nodes) the lowest 14 bits are the slot, and slots are visited one by one.
 *
 * @see dictScan in https://github.com/redis/redis/blob/7.0/src/dict.c and kvstoreScan in src/kvstore.c of 7.4
 */
export function shareBefore(cursor: string, storedBySlot = false): number {
  const number = BigInt(cursor);
  if (!storedBySlot) return reversedFraction(number);
  const slot = Number(number & ((1n << BigInt(slotBits)) - 1n));
  return (slot + reversedFraction(number >> BigInt(slotBits))) / 2 ** slotBits;
}

function reversedFraction(number: bigint): number {
  let fraction = 0;
  let weight = 0.5;
  for (let rest = number; rest > 0n; rest >>= 1n, weight /= 2) {
    if ((rest & 1n) === 1n) fraction += weight;
  }
  return fraction;
}
