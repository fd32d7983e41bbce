import { asBytes, type ByteString } from '../support/bytes.ts';

/** A cluster divides its keys over so many slots. */
export const slotCount = 16_384;

/** From `first` to `last`, both included. */
export interface SlotRange {
  readonly first: number;
  readonly last: number;
}

/**
 * The slot of a key: CRC16 of its hash tag, or of the whole key where it has none. The tag is between the first `{`
 * and the first `}` after it, and is not empty.
 * @see https://redis.io/docs/latest/operate/oss_and_stack/reference/cluster-spec/#key-distribution-model
 */
export function slotOf(key: ByteString): number {
  return crc16(hashedPart(key)) % slotCount;
}

/**
 * A name that begins with `key` and `suffix` and is in the slot of the key, so that one command may name both. A key
 * with a hash tag gives its slot to every name that begins with it; for any other a number is appended.
 */
export function neighbourOf(key: ByteString, suffix: string): ByteString {
  const slot = slotOf(key);
  const name = asBytes(`${key}${suffix}`);
  if (slotOf(name) === slot) return name;
  // A CRC is linear: that of a name and an end is the CRC of the name with zeros for an end, XOR that of the end.
  const withZeros = crc16(asBytes('\0'.repeat(endLength)), crc16(name));
  endOfSlot ??= findEnds();
  return asBytes(name + endText(endOfSlot[(withZeros % slotCount) ^ slot] ?? 0));
}

const endDigits = 6;
const endLength = 1 + endDigits;
const endText = (number: number) => asBytes(`:${String(number).padStart(endDigits, '0')}`);

/** By slot: the number whose end has its CRC in that slot. */
let endOfSlot: Uint32Array | undefined;

function findEnds(): Uint32Array {
  const ends = new Uint32Array(slotCount);
  const open = new Set(Array.from({ length: slotCount }, (_, slot) => slot));
  for (let number = 0; open.size > 0; number++) {
    const slot = crc16(endText(number)) % slotCount;
    if (open.delete(slot)) ends[slot] = number;
  }
  return ends;
}

/** The slots that are in none of the ranges. */
export function uncoveredSlots(ranges: readonly SlotRange[]): SlotRange[] {
  const gaps: SlotRange[] = [];
  let next = 0;
  for (const { first, last } of [...ranges].sort((left, right) => left.first - right.first)) {
    if (first > next) gaps.push({ first: next, last: first - 1 });
    next = Math.max(next, last + 1);
  }
  if (next < slotCount) gaps.push({ first: next, last: slotCount - 1 });
  return gaps;
}

function hashedPart(key: ByteString): ByteString {
  const open = key.indexOf('{');
  const close = open < 0 ? -1 : key.indexOf('}', open + 1);
  return close > open + 1 ? asBytes(key.slice(open + 1, close)) : key;
}

/** CRC-16/XMODEM: polynomial 0x1021, start 0. `begun` is that of the bytes before these. */
function crc16(bytes: ByteString, begun = 0): number {
  let crc = begun;
  for (let at = 0; at < bytes.length; at++)
    crc = ((crc << 8) & 0xffff) ^ (crcTable[(crc >> 8) ^ bytes.charCodeAt(at)] ?? 0);
  return crc;
}

const crcTable = Uint16Array.from({ length: 256 }, (_, byte) => {
  let crc = byte << 8;
  for (let bit = 0; bit < 8; bit++) crc = (crc & 0x8000 ? (crc << 1) ^ 0x1021 : crc << 1) & 0xffff;
  return crc;
});
