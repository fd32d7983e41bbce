import { asBytes, type ByteString, bufferOf } from '../../support/bytes.ts';
import { unpackLzf } from './lzf.ts';
import { readIntset, readListpack, readZiplist } from './packed-lists.ts';
import type { Entry, Value, ValueType } from './value.ts';

/**
 * The value in a payload of DUMP, whose form depends on the version and the settings of the server that wrote it. Null
 * where the form is not known here (types of modules, hashes with TTLs for fields), or the payload is damaged.
 * @see https://github.com/redis/redis/blob/7.0/src/rdb.h for the types, rdbLoadObject in rdb.c for what stands in them
 */
export function decodeDump(payload: ByteString): Value | null {
  try {
    const reader = new DumpReader(bufferOf(payload));
    return valueOf(reader.byte(), reader);
  } catch (error) {
    if (error instanceof RangeError || error instanceof SyntaxError) return null;
    throw error;
  }
}

/** Types by the first byte of a dump, also of those whose form is not read here. */
const typesByKind: Readonly<Record<number, ValueType>> = {
  ...{ 0: 'string', 1: 'list', 2: 'set', 3: 'zset', 4: 'hash', 5: 'zset', 9: 'hash', 10: 'list', 11: 'set' },
  ...{ 12: 'zset', 13: 'hash', 14: 'list', 15: 'stream', 16: 'hash', 17: 'zset', 18: 'list', 19: 'stream' },
  ...{ 20: 'set', 21: 'stream', 22: 'hash', 23: 'hash', 24: 'hash', 25: 'hash' },
};

/** The type of the value in a payload of DUMP; null where it is of a module. */
export function typeOfDump(payload: ByteString): ValueType | null {
  return typesByKind[payload.charCodeAt(0)] ?? null;
}

function valueOf(kind: number, reader: DumpReader): Value | null {
  switch (kind) {
    case 0:
      return { type: 'string', bytes: reader.text() };
    case 1:
      return { type: 'list', elements: reader.texts(1) };
    case 10:
      return { type: 'list', elements: readZiplist(reader.blob()) };
    case 14:
      return { type: 'list', elements: reader.repeated(() => readZiplist(reader.blob())) };
    case 18:
      return { type: 'list', elements: reader.repeated(() => quicklistNode(reader)) };
    case 2:
      return { type: 'set', elements: reader.texts(1) };
    case 11:
      return { type: 'set', elements: readIntset(reader.blob()) };
    case 20:
      return { type: 'set', elements: readListpack(reader.blob()) };
    case 4:
      return { type: 'hash', elements: reader.texts(2) };
    case 13:
      return { type: 'hash', elements: readZiplist(reader.blob()) };
    case 16:
      return { type: 'hash', elements: readListpack(reader.blob()) };
    case 3:
      return { type: 'zset', elements: reader.repeated(() => scored(reader.text(), reader.shortDouble())) };
    case 5:
      return { type: 'zset', elements: reader.repeated(() => scored(reader.text(), reader.double())) };
    case 12:
      return { type: 'zset', elements: swapped(readZiplist(reader.blob())) };
    case 17:
      return { type: 'zset', elements: swapped(readListpack(reader.blob())) };
    case 15:
    case 19:
    case 21:
      return { type: 'stream', entries: reader.repeated(() => streamNode(reader.blob(), reader.blob())) };
    default:
      return null;
  }
}

/** One long element, or many short ones. */
function quicklistNode(reader: DumpReader): ByteString[] {
  const isPlain = reader.length() === 1;
  const blob = reader.blob();
  return isPlain ? [asBytes(blob.toString('latin1'))] : readListpack(blob);
}

const scored = (member: ByteString, score: string): ByteString[] => [asBytes(score), member];

function swapped(flat: readonly ByteString[]): ByteString[] {
  return flat.flatMap((item, index) => (index % 2 === 0 ? scored(item, flat[index + 1] ?? '') : []));
}

const deleted = 1;
const sameFields = 2;

/**
 * The entries of one node of a stream: first those field names that most of them share, then entry by entry its flags,
 * its id less that of the node, and its fields or their values.
 * @see https://github.com/redis/redis/blob/7.0/src/t_stream.c
 */
function streamNode(id: Buffer, listpack: Buffer): Entry[] {
  const items = readListpack(listpack);
  let at = 0;
  const next = () => {
    const item = items[at++];
    if (item === undefined) throw new RangeError('a node of a stream ends too early');
    return item;
  };
  const take = (count: number) => Array.from({ length: count }, next);
  const count = Number(next()) + Number(next());
  const shared = take(Number(next()));
  next();
  const [millis, sequence] = [id.readBigUInt64BE(0), id.readBigUInt64BE(8)];
  const entries: Entry[] = [];
  for (let index = 0; index < count; index++) {
    const flags = Number(next());
    const own = asBytes(`${millis + BigInt(next())}-${sequence + BigInt(next())}`);
    const fields =
      (flags & sameFields) === 0 ? take(2 * Number(next())) : shared.flatMap((name) => [name, next()]);
    next();
    if ((flags & deleted) === 0) entries.push({ id: own, fields });
  }
  return entries;
}

/** Reads the numbers and strings of the RDB format, one after the other. */
class DumpReader {
  private at = 0;

  constructor(private readonly bytes: Buffer) {}

  byte(): number {
    return this.bytes.readUInt8(this.at++);
  }

  length(): number {
    const first = this.byte();
    switch (first >> 6) {
      case 0:
        return first;
      case 1:
        return ((first & 0x3f) << 8) | this.byte();
      case 2:
        this.at += first === 0x81 ? 8 : 4;
        return first === 0x81
          ? Number(this.bytes.readBigUInt64BE(this.at - 8))
          : this.bytes.readUInt32BE(this.at - 4);
      default:
        throw new RangeError('a number where a length should be');
    }
  }

  blob(): Buffer {
    const kind = this.bytes.readUInt8(this.at);
    if (kind < 0xc0) return this.take(this.length());
    this.at++;
    switch (kind) {
      case 0xc0:
        return Buffer.from(String(this.take(1).readInt8()));
      case 0xc1:
        return Buffer.from(String(this.take(2).readInt16LE()));
      case 0xc2:
        return Buffer.from(String(this.take(4).readInt32LE()));
      case 0xc3: {
        const packedBytes = this.length();
        const bytes = this.length();
        return unpackLzf(this.take(packedBytes), bytes);
      }
      default:
        throw new RangeError('an unknown form of a string');
    }
  }

  text(): ByteString {
    return asBytes(this.blob().toString('latin1'));
  }

  /** A length, and that many times `width` strings. */
  texts(width: number): ByteString[] {
    return Array.from({ length: this.length() * width }, () => this.text());
  }

  repeated<Item>(read: () => readonly Item[]): Item[] {
    const items: Item[] = [];
    for (let left = this.length(); left > 0; left--) items.push(...read());
    return items;
  }

  double(): string {
    return doubleText(this.take(8).readDoubleLE());
  }

  /** As servers before 4.0 wrote a score. */
  shortDouble(): string {
    const length = this.byte();
    if (length === 254) return 'inf';
    return length === 255 ? '-inf' : this.take(length).toString('latin1');
  }

  private take(count: number): Buffer {
    if (this.at + count > this.bytes.length) throw new RangeError('the payload ends too early');
    this.at += count;
    return this.bytes.subarray(this.at - count, this.at);
  }
}

function doubleText(value: number): string {
  if (Number.isFinite(value)) return Object.is(value, -0) ? '-0' : String(value);
  return value > 0 ? 'inf' : '-inf';
}
