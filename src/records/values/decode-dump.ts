import { asBytes, type ByteString, bufferOf } from '../../support/bytes.ts';
import { chunksOf } from '../../support/collections.ts';
import type { Entry, Value, ValueType } from './value.ts';

/**
 * The value in a payload of DUMP, whose form depends on the version and the settings of the server that wrote it. Null
 * where the form is not known here (types of modules), or the payload is damaged.
 * @see https://github.com/redis/redis/blob/7.0/src/rdb.h for the types, rdbLoadObject in rdb.c for what is in them
 */
export function decodeDump(payload: ByteString): Value | null {
  try {
    const reader = new DumpReader(bufferOf(payload));
    return forms[reader.byte()]?.[1]?.(reader) ?? null;
  } catch (error) {
    if (error instanceof RangeError || error instanceof SyntaxError) return null;
    throw error;
  }
}

/** The type of the value in a payload of DUMP, as TYPE names it; null where the form is not known here. */
export function typeOfDump(payload: ByteString): string | null {
  const form = payload.charCodeAt(0);
  return form === moduleForm ? moduleTypeOf(payload) : (forms[form]?.[0] ?? null);
}

const moduleForm = 7;

/**
 * An eight-byte number, whose first 54 bits are the nine letters of the type's name.
 * @see moduleTypeEncodeId in https://github.com/redis/redis/blob/7.0/src/module.c
 */
function moduleTypeOf(payload: ByteString): string | null {
  if (payload.charCodeAt(1) !== 0x81 || payload.length < 10) return null;
  return Buffer.from(payload.slice(2, 10), 'latin1').toString('base64url').slice(0, 9);
}

type Form = readonly [type: ValueType, read: ((reader: DumpReader) => Value | null) | null];

const flat = (
  type: 'hash' | 'list' | 'set' | 'zset',
  read: (reader: DumpReader) => readonly ByteString[],
): Form => [type, (reader) => ({ type, elements: read(reader) })];

const stream: Form = [
  'stream',
  (reader) => ({
    type: 'stream',
    entries: reader.repeated(() => streamNode(reader.blob(), reader.blob())),
  }),
];

type TimedField = readonly [name: ByteString, value: ByteString, expiresAtMillis: number];

/** A hash of which fields have TTLs of their own; a moment of 0 or less is none. */
const timedHash = (read: (reader: DumpReader) => readonly TimedField[] | null): Form => [
  'hash',
  (reader) => {
    const fields = read(reader);
    if (fields === null) return null;
    const timed = fields.flatMap(([name, , at]) => (at > 0 ? [[name, at] as const] : []));
    const elements = fields.flatMap(([name, value]) => [name, value]);
    return { type: 'hash', elements, ...(timed.length > 0 && { fieldExpiries: new Map(timed) }) };
  },
];

/** Of Redis from 7.4 on: the earliest moment, then each field behind its own, counted from there, or 0. */
function offsetFields(reader: DumpReader): TimedField[] {
  const first = reader.moment();
  return reader.repeated(() => {
    const offset = reader.length();
    return [[reader.text(), reader.text(), offset === 0 ? 0 : first + offset - 1]];
  });
}

/** Of Redis from 7.4 on, where it is short: the earliest moment, then field, value and moment in turn. */
function packedFields(reader: DumpReader): TimedField[] {
  reader.moment();
  return chunksOf(readListpack(reader.blob()), 3).map(([name, value, at]) => {
    if (name === undefined || value === undefined) throw new RangeError('a field without a value');
    return [name, value, Number(at)];
  });
}

/** Of Valkey from 9.0 on: each field with its value and its moment. Release candidates of Redis 7.4 had another form of this number. */
function momentFields(reader: DumpReader): TimedField[] | null {
  if (reader.version < firstOfValkey) return null;
  return reader.repeated(() => [[reader.text(), reader.text(), reader.moment()]]);
}

/** Versions of the format that Valkey has for itself. @see RDB_VERSION in its src/rdb.h */
const firstOfValkey = 80;

/** By the first byte of a dump; null for those that are not read here. */
const forms: Readonly<Record<number, Form>> = {
  0: ['string', (reader) => ({ type: 'string', bytes: reader.text() })],
  1: flat('list', (reader) => reader.texts(1)),
  2: flat('set', (reader) => reader.texts(1)),
  3: flat('zset', (reader) => reader.repeated(() => scored(reader.text(), reader.shortDouble()))),
  4: flat('hash', (reader) => reader.texts(2)),
  5: flat('zset', (reader) => reader.repeated(() => scored(reader.text(), reader.double()))),
  9: ['hash', null],
  10: flat('list', (reader) => readZiplist(reader.blob())),
  11: flat('set', (reader) => readIntset(reader.blob())),
  12: flat('zset', (reader) => swapped(readZiplist(reader.blob()))),
  13: flat('hash', (reader) => readZiplist(reader.blob())),
  14: flat('list', (reader) => reader.repeated(() => readZiplist(reader.blob()))),
  15: stream,
  16: flat('hash', (reader) => readListpack(reader.blob())),
  17: flat('zset', (reader) => swapped(readListpack(reader.blob()))),
  18: flat('list', (reader) => reader.repeated(() => quicklistNode(reader))),
  19: stream,
  20: flat('set', (reader) => readListpack(reader.blob())),
  21: stream,
  22: timedHash(momentFields),
  23: ['hash', null],
  24: timedHash(offsetFields),
  25: timedHash(packedFields),
};

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
 * its id less that of the node (modulo 2^64), and its fields or their values.
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
    const own = asBytes(`${wrapped(millis + BigInt(next()))}-${wrapped(sequence + BigInt(next()))}`);
    const fields =
      (flags & sameFields) === 0 ? take(2 * Number(next())) : shared.flatMap((name) => [name, next()]);
    next();
    if ((flags & deleted) === 0) entries.push({ id: own, fields });
  }
  return entries;
}

const wrapped = (sum: bigint) => BigInt.asUintN(64, sum);

/** Reads the numbers and strings of the RDB format, one after the other. */
class DumpReader {
  private at = 0;

  constructor(private readonly bytes: Buffer) {}

  /** Of the format, before the check sum of eight bytes at the end. */
  get version(): number {
    return this.bytes.readUInt16LE(this.bytes.length - 10);
  }

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
    if (kind === 0xc3) {
      const packedBytes = this.length();
      const bytes = this.length();
      return unpackLzf(this.take(packedBytes), bytes);
    }
    // An integer of one, two or four bytes.
    if (kind > 0xc3) throw new RangeError('an unknown form of a string');
    const width = 2 ** (kind - 0xc0);
    return Buffer.from(String(this.take(width).readIntLE(0, width)));
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

  /** Milliseconds since the epoch. */
  moment(): number {
    return Number(this.take(8).readBigInt64LE());
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

/**
 * Unpacks LZF, in which the server stores long strings. @throws RangeError where the bytes are no LZF of that length
 * @see https://github.com/redis/redis/blob/7.0/src/lzf_d.c
 */
function unpackLzf(packed: Buffer, length: number): Buffer {
  const out = Buffer.alloc(length);
  let [from, to] = [0, 0];
  while (from < packed.length) {
    const control = packed[from++] ?? 0;
    if (control < 32) {
      // A run of bytes as they are.
      to += packed.copy(out, to, from, from + control + 1);
      from += control + 1;
      continue;
    }
    let run = control >> 5;
    if (run === 7) run += packed[from++] ?? 0;
    let back = to - ((control & 31) << 8) - (packed[from++] ?? 0) - 1;
    if (back < 0) throw new RangeError('a reference points before the start');
    // Byte by byte: a run may overlap what it repeats.
    for (let left = run + 2; left > 0; left--) out[to++] = out[back++] ?? 0;
  }
  if (to !== length) throw new RangeError('the length is another');
  return out;
}

/** The compact lists in which the server stores short collections, and each node of a long list or a stream. @see https://github.com/antirez/listpack/blob/master/listpack.md. @throws RangeError where it is damaged */
function readListpack(pack: Buffer): ByteString[] {
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
  const text = (start: number, length: number) => textItem(pack, at, start, length);
  if (first < 0x80) return [integer(first), 1];
  if (first < 0xc0) return text(1, first & 0x3f);
  if (first < 0xe0) {
    const value = ((first & 0x1f) << 8) | pack.readUInt8(at + 1);
    return [integer(value >= 4096 ? value - 8192 : value), 2];
  }
  if (first < 0xf0) return text(2, ((first & 0x0f) << 8) | pack.readUInt8(at + 1));
  if (first === 0xf0) return text(5, pack.readUInt32LE(at + 1));
  return integerItem(pack, at, listpackIntegers[first]);
}

/** How many bytes of an integer follow the first byte. */
const listpackIntegers: Readonly<Record<number, number>> = { 0xf1: 2, 0xf2: 3, 0xf3: 4, 0xf4: 8 };
const ziplistIntegers: Readonly<Record<number, number>> = { 0xc0: 2, 0xd0: 4, 0xe0: 8, 0xf0: 3, 0xfe: 1 };

function integerItem(buffer: Buffer, at: number, width: number | undefined): [ByteString, number] {
  if (width === undefined) throw new RangeError('an unknown encoding of an integer');
  return [integerIn(buffer, at + 1, width), width + 1];
}

const integerIn = (buffer: Buffer, at: number, width: number): ByteString =>
  integer(width === 8 ? buffer.readBigInt64LE(at) : buffer.readIntLE(at, width));

/** @see lpEncodeBacklen in https://github.com/redis/redis/blob/7.0/src/listpack.c */
function backLengthBytes(size: number): number {
  if (size <= 127) return 1;
  if (size < 16383) return 2;
  if (size < 2097151) return 3;
  return size < 268435455 ? 4 : 5;
}

/** Before 7.0. @see https://github.com/redis/redis/blob/7.0/src/ziplist.c. @throws RangeError where it is damaged */
function readZiplist(list: Buffer): ByteString[] {
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
  const text = (start: number, length: number) => textItem(list, at, start, length);
  switch (first >> 6) {
    case 0:
      return text(1, first);
    case 1:
      return text(2, ((first & 0x3f) << 8) | list.readUInt8(at + 1));
    case 2:
      return text(5, list.readUInt32BE(at + 1));
  }
  return first > 0xf0 && first < 0xfe
    ? [integer((first & 0x0f) - 1), 1]
    : integerItem(list, at, ziplistIntegers[first]);
}

/** A set of whole numbers. @see https://github.com/redis/redis/blob/7.0/src/intset.c. @throws RangeError where it is damaged */
function readIntset(set: Buffer): ByteString[] {
  const width = set.readUInt32LE(0);
  const count = set.readUInt32LE(4);
  return Array.from({ length: count }, (_, index) => integerIn(set, 8 + index * width, width));
}
const integer = (value: number | bigint) => asBytes(String(value));

/** A text behind `start` bytes that say its length. */
function textItem(buffer: Buffer, at: number, start: number, length: number): [ByteString, number] {
  const from = at + start;
  if (from + length > buffer.length) throw new RangeError('a text goes beyond the end');
  return [asBytes(buffer.toString('latin1', from, from + length)), start + length];
}
