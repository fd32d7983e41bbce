import { isFrom, type Release } from '../redis/info.ts';

/** Size classes of jemalloc, the allocator of Redis on Linux, in steps of a quarter between powers of two. */
function allocated(bytes: number): number {
  if (bytes <= 8) return 8;
  if (bytes <= 128) return Math.ceil(bytes / 16) * 16;
  const step = 2 ** (Math.floor(Math.log2(bytes - 1)) - 2);
  return Math.ceil(bytes / step) * step;
}

const dictionaryEntryBytes = 24;
const objectBytes = 16;

/** A dynamic string, with what is before and behind it. @see sds.c of Redis 7.0 */
const stringBytes = (length: number) =>
  (length < 32 ? 1 : length < 256 ? 3 : length < 65536 ? 5 : 9) + length + 1;

/** Most names are short: their figures are looked up. */
function tabled(computed: (keyLength: number) => number): (keyLength: number) => number {
  const known = Array.from({ length: 512 }, (_, length) => computed(length));
  return (keyLength) => known[keyLength] ?? computed(keyLength);
}

/**
 * Bytes that a key costs in addition to its value: its name, its entry in the dictionary, the header of the value's object.
 * Computed from the length of the name in bytes, not measured: MEMORY USAGE gives the sum of these and the value. Exact for Redis
 * 6 to 8.0 on 64-bit Linux.
 * @see object.c (memoryCommand) and dict.h of Redis 7.0; https://jemalloc.net/jemalloc.3.html#size_classes
 */
export const keyOverheadBytes = tabled(
  (keyLength) => allocated(stringBytes(keyLength)) + dictionaryEntryBytes + objectBytes,
);

/**
 * Valkey from 8.1 on keeps the name behind the header of the value, with room for a TTL (8 bytes) from the start where the name is
 * long, and no entry. A TTL of a key with a short name is left out. Exact for Valkey 9.1.2.
 */
const embeddedOverheadBytes = tabled((keyLength) =>
  allocated(objectBytes + (keyLength < 128 ? 0 : 8) + 1 + stringBytes(keyLength)),
);

/** The function for a server. Valkey counts a name that it keeps there in MEMORY USAGE only from 8.1.4 on. */
export function keyOverheadOn(release: Release | undefined): (keyLength: number) => number {
  if (release?.product !== 'valkey' || !isFrom(release, [8, 1])) return keyOverheadBytes;
  return isFrom(release, [8, 1, 4]) ? embeddedOverheadBytes : () => objectBytes;
}

/** In a table of keys: one, for twice as many as there are keys at most. */
const bucketBytes = 16;

/** What a key adds to the server's memory before its value: MEMORY USAGE has neither the tables nor the entry of the TTL. */
export const keyBytes = (keyLength: number, hasTtl: boolean): number =>
  keyOverheadBytes(keyLength) + bucketBytes + (hasTtl ? dictionaryEntryBytes + bucketBytes : 0);

/** A string as a value, or in a collection. */
export const textBytes = (length: number): number => allocated(stringBytes(length));

/** A field of a hash that is a table, before its value. */
export const hashFieldBytes = 64;
