/** Bits of a cursor that name the slot, where keys are stored by slot. */
export const slotBits = 14;

/**
 * Share of the table (0 to 1) that lies before a SCAN cursor. Buckets are visited in the order of their number's bits
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
