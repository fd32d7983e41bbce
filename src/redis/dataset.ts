import { databasesOf, type Info, infoNumber, productOf } from './info.ts';

/** Bounds of what MEMORY USAGE of every key of a server comes to, by the server's own accounts. */
export interface DatasetBounds {
  readonly lowBytes: number;
  readonly highBytes: number;
}

/** What the server needs for itself and counts as data: slow log, tables of clients. Measured: 50 kB on an idle one. */
const ownBytes = 512 * 1024;

/**
 * `used_memory_dataset` leaves out of each key what INFO counts as overhead, and MEMORY USAGE counts with the key: the entry
 * in the dictionary (24 bytes) and the header of the value (16). The accounts take 24 bytes for an entry, of keys and of
 * TTLs; an allocator whose sizes are multiples of 16 takes 32. docs/inspection.md has what was measured.
 *
 * @returns null where the server does not report it
 * @see getMemoryOverheadData and memoryCommand in src/object.c
 */
export function datasetBoundsOf(info: Info): DatasetBounds | null {
  const dataset = infoNumber(info, 'used_memory_dataset');
  const used = infoNumber(info, 'used_memory');
  // What is less than nothing is printed as a number without a sign.
  if (dataset === null || used === null || dataset > used) return null;
  const databases = databasesOf(info);
  if (databases === null) return null;
  let [keys, expires] = [0, 0];
  for (const database of databases) {
    keys += database.keys;
    if (database.keysWithTtl === null) return null;
    expires += database.keysWithTtl;
  }
  const { product, version } = productOf(info);
  const [major = 0, minor = 0] = version.split('.').map(Number);
  const of = (low: number, high: number) => ({ lowBytes: Math.max(0, low - ownBytes), highBytes: high });
  // From 8.1 on it keeps key, entry and short values in one block, and MEMORY USAGE leaves out a part of it.
  if (product === 'valkey' && (major > 8 || (major === 8 && minor >= 1)))
    return of(dataset - 20 * keys, dataset + 16 * keys);
  if (product !== 'redis' && product !== 'valkey') return null;
  const fine = dataset + 40 * keys;
  const coarse = fine - 8 * (keys + expires);
  return of(coarse, hasCoarseAllocator(info, major, minor) ? coarse : fine);
}

/** The servers' own jemalloc has sizes in multiples of 8; one of another version is the system's, with multiples of 16. */
function hasCoarseAllocator(info: Info, major: number, minor: number): boolean {
  const jemalloc = /^jemalloc-(.*)$/.exec(info['mem_allocator'] ?? '')?.[1];
  if (jemalloc === undefined) return false;
  const own = major < 6 ? undefined : major === 6 ? '5.1.0' : major === 7 && minor < 2 ? '5.2.1' : '5.3.0';
  return own !== undefined && jemalloc !== own;
}
