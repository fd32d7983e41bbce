import { asBytes, type ByteString } from '../../support/bytes.ts';

/** The compact lists in which the server stores short collections, and each node of a long list or a stream. */

/** @see https://github.com/antirez/listpack/blob/master/listpack.md. @throws RangeError where it is damaged */
export function readListpack(pack: Buffer): ByteString[] {
  const items: ByteString[] = [];
  for (let at = 6; pack.readUInt8(at) !== 0xff;) {
    const [item, size] = listpackItem(pack, at);
    items.push(item);
    at += size + backLengthBytes(size);
  }
  return items;
}

/** The item and its bytes, without the length behind it by which the list is read backwards. */
function listpackItem(pack: Buffer, at: number): [item: ByteString, bytes: number] {
  const first = pack.readUInt8(at);
  const text = (start: number, length: number): [ByteString, number] => [
    textIn(pack, at + start, length),
    start + length,
  ];
  if (first < 0x80) return [integer(first), 1];
  if (first < 0xc0) return text(1, first & 0x3f);
  if (first < 0xe0) {
    const value = ((first & 0x1f) << 8) | pack.readUInt8(at + 1);
    return [integer(value >= 4096 ? value - 8192 : value), 2];
  }
  if (first < 0xf0) return text(2, ((first & 0x0f) << 8) | pack.readUInt8(at + 1));
  switch (first) {
    case 0xf0:
      return text(5, pack.readUInt32LE(at + 1));
    case 0xf1:
      return [integer(pack.readInt16LE(at + 1)), 3];
    case 0xf2:
      return [integer(pack.readIntLE(at + 1, 3)), 4];
    case 0xf3:
      return [integer(pack.readInt32LE(at + 1)), 5];
    case 0xf4:
      return [integer(pack.readBigInt64LE(at + 1)), 9];
    default:
      throw new RangeError('an unknown encoding in a listpack');
  }
}

/** @see lpEncodeBacklen in https://github.com/redis/redis/blob/7.0/src/listpack.c */
function backLengthBytes(size: number): number {
  if (size <= 127) return 1;
  if (size < 16_383) return 2;
  if (size < 2_097_151) return 3;
  return size < 268_435_455 ? 4 : 5;
}

/** Before 7.0. @see https://github.com/redis/redis/blob/7.0/src/ziplist.c. @throws RangeError where it is damaged */
export function readZiplist(list: Buffer): ByteString[] {
  const items: ByteString[] = [];
  for (let at = 10; list.readUInt8(at) !== 0xff;) {
    at += list.readUInt8(at) < 254 ? 1 : 5;
    const [item, size] = ziplistItem(list, at);
    items.push(item);
    at += size;
  }
  return items;
}

function ziplistItem(list: Buffer, at: number): [item: ByteString, bytes: number] {
  const first = list.readUInt8(at);
  const text = (start: number, length: number): [ByteString, number] => [
    textIn(list, at + start, length),
    start + length,
  ];
  switch (first >> 6) {
    case 0:
      return text(1, first);
    case 1:
      return text(2, ((first & 0x3f) << 8) | list.readUInt8(at + 1));
    case 2:
      return text(5, list.readUInt32BE(at + 1));
  }
  switch (first) {
    case 0xc0:
      return [integer(list.readInt16LE(at + 1)), 3];
    case 0xd0:
      return [integer(list.readInt32LE(at + 1)), 5];
    case 0xe0:
      return [integer(list.readBigInt64LE(at + 1)), 9];
    case 0xf0:
      return [integer(list.readIntLE(at + 1, 3)), 4];
    case 0xfe:
      return [integer(list.readInt8(at + 1)), 2];
    default:
      return [integer((first & 0x0f) - 1), 1];
  }
}

/** A set of whole numbers. @see https://github.com/redis/redis/blob/7.0/src/intset.c. @throws RangeError where it is damaged */
export function readIntset(set: Buffer): ByteString[] {
  const width = set.readUInt32LE(0);
  const count = set.readUInt32LE(4);
  return Array.from({ length: count }, (_, index) => {
    const at = 8 + index * width;
    return integer(width === 8 ? set.readBigInt64LE(at) : set.readIntLE(at, width));
  });
}

const integer = (value: number | bigint) => asBytes(String(value));

function textIn(buffer: Buffer, start: number, length: number): ByteString {
  if (start + length > buffer.length) throw new RangeError('a text goes beyond the end');
  return asBytes(buffer.toString('latin1', start, start + length));
}
