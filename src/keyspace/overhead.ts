/** Size classes of jemalloc, the allocator of Redis on Linux, in steps of a quarter between powers of two. */
function allocated(bytes: number): number {
  if (bytes <= 8) return 8;
  if (bytes <= 128) return Math.ceil(bytes / 16) * 16;
  const step = 2 ** (Math.floor(Math.log2(bytes - 1)) - 2);
  return Math.ceil(bytes / step) * step;
}

const dictionaryEntryBytes = 24;
const objectBytes = 16;

/**
 * Bytes that a key costs beside its value: its name as a dynamic string, its entry in the dictionary, the header of the
 * value's object. Computed, not measured: MEMORY USAGE gives the sum of these and the value. Exact for Redis 6 and 7 on
 * 64-bit Linux; newer servers save some of it by keeping name and value in one block.
 *
 * @param keyLength of the name, in bytes
 * @see sds.c, object.c (memoryCommand) and dict.h of Redis 7.0; https://jemalloc.net/jemalloc.3.html#size_classes
 */
export function keyOverheadBytes(keyLength: number): number {
  return known[keyLength] ?? computed(keyLength);
}

function computed(keyLength: number): number {
  const header = keyLength < 32 ? 1 : keyLength < 256 ? 3 : keyLength < 65_536 ? 5 : 9;
  return allocated(header + keyLength + 1) + dictionaryEntryBytes + objectBytes;
}

const known: readonly number[] = Array.from({ length: 512 }, (_, length) => computed(length));
