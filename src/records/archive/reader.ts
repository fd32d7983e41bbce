import { crc32 } from 'node:zlib';
import type { ByteString } from '../../support/bytes.ts';
import {
  ArchiveError,
  type ArchiveFrame,
  type ArchiveHeader,
  checkedHeadBytes,
  headBytes,
  parseHeader,
  syncBytes,
} from './format.ts';

/** An archive as it is read: its header first, then frame after frame. */
export interface ArchiveReader {
  readonly header: ArchiveHeader;
  readonly frames: AsyncGenerator<ArchiveFrame>;
  /**
   * True where the file ends within a frame, or between two of them: the last one closes it, and may be damaged. Known when all
   * frames were read.
   */
  readonly isCut: () => boolean;
}

const mostHeaderBytes = 1048576;

/** A longer key is not named where its frame is damaged. */
const mostKeyBytes = 65536;

/**
 * @param chunks the bytes of the file; one is used no longer when the next is asked for
 * @throws ArchiveError for a file that is no archive, or is damaged
 */
export async function readArchive(chunks: AsyncIterable<Buffer>): Promise<ArchiveReader> {
  const file = new Bytes(chunks[Symbol.asyncIterator]());
  while (!file.buffer.includes(0x0a)) {
    if (file.left > mostHeaderBytes) throw new ArchiveError('its first line is no header');
    if (!(await file.fill(file.left + 1))) throw new ArchiveError('it is no archive of cachectl');
  }
  const end = file.buffer.indexOf(0x0a);
  const header = parseHeader(file.buffer.toString('utf8', 0, end));
  file.at = end + 1;
  let last: ArchiveFrame['kind'] | null = null;
  const found = framesOf(file, header.sync);
  // A file that is damaged from its start is refused at once.
  const first = await found.next();
  const frames = async function* () {
    for (let next = first; next.done !== true; next = await found.next()) {
      last = next.value.kind;
      yield next.value;
    }
  };
  return {
    header,
    frames: frames(),
    isCut: () => file.left > 0 || (last !== 'end' && last !== 'damaged'),
  };
}

/** The bytes of a file that were not used yet, as far as they were asked for. */
class Bytes {
  buffer: Buffer = Buffer.alloc(0);
  at = 0;

  constructor(private readonly chunks: AsyncIterator<Buffer>) {}

  get left(): number {
    return this.buffer.length - this.at;
  }

  /** False where the file has no more so many bytes. A long value is joined once. */
  async fill(count: number): Promise<boolean> {
    const parts = [this.buffer.subarray(this.at)];
    let bytes = this.left;
    while (bytes < count) {
      const next = await this.chunks.next();
      if (next.done === true) break;
      parts.push(Buffer.from(next.value));
      bytes += next.value.length;
    }
    this.buffer = Buffer.concat(parts, bytes);
    this.at = 0;
    return bytes >= count;
  }
}

async function* framesOf(file: Bytes, sync: string | undefined): AsyncGenerator<ArchiveFrame> {
  const mark = sync === undefined ? null : Buffer.from(sync, 'hex');
  const bodyAt = headBytesOf(mark);
  for (;;) {
    if (file.left < bodyAt && !(await file.fill(bodyAt))) return;
    const head = headAt(file.buffer, file.at, mark);
    if (head !== null && isSound(file.buffer, file.at, mark)) {
      const bytes = bodyAt + head.keyLength + head.payloadLength;
      if (file.left < bytes && !(await file.fill(bytes))) return;
      yield frameIn(file.buffer, file.at, head, mark);
      file.at += bytes;
    } else if (mark === null) throw new ArchiveError('it is damaged: what should begin a record does not');
    else yield await passDamage(file, head, mark);
  }
}

/** Goes on to the next frame, or to the end. @param head what the broken head seems to say */
async function passDamage(file: Bytes, head: Head | null, mark: Buffer): Promise<ArchiveFrame> {
  const named =
    head !== null && head.keyLength <= mostKeyBytes && (await file.fill(checkedHeadBytes + head.keyLength));
  const key = named ? keyOf(file.buffer, head, file.at + checkedHeadBytes) : null;
  const wholeBytes = checkedHeadBytes + (head?.keyLength ?? 0) + (head?.payloadLength ?? 0);
  let bytes = 0;
  const pass = (to: number) => {
    bytes += to - file.at;
    file.at = to;
  };
  pass(file.at + 1);
  let next = nextFrame(file.buffer, file.at, mark);
  while (next < 0) {
    // The buffer may end with a part of a head.
    pass(Math.max(file.at, file.buffer.length - checkedHeadBytes + 1));
    const more = await file.fill(checkedHeadBytes);
    next = more ? nextFrame(file.buffer, file.at, mark) : file.buffer.length;
  }
  pass(next);
  return { kind: 'damaged', key: bytes === wholeBytes ? key : null, bytes };
}

/** A longer key or value is no frame, but a file that is broken: the server allows 512 MB. */
const mostBytes = 1024 ** 3;

/** What a head says of its frame. */
interface Head {
  readonly letter: string;
  readonly keyLength: number;
  readonly payloadLength: number;
  readonly expiry: number;
}

/** @param mark The bytes of `sync`; null in version 1 */
const headBytesOf = (mark: Buffer | null) => (mark === null ? headBytes : checkedHeadBytes);

/** Null where it cannot be one. */
function headAt(buffer: Buffer, start: number, mark: Buffer | null): Head | null {
  const at = start + (mark?.length ?? 0);
  const letter = String.fromCharCode(buffer[at] ?? 0);
  const keyLength = buffer.readUInt32LE(at + 1);
  const payloadLength = buffer.readUInt32LE(at + 5);
  return !'VTKSE'.includes(letter) || keyLength > mostBytes || payloadLength > mostBytes
    ? null
    : { letter, keyLength, payloadLength, expiry: buffer.readDoubleLE(at + 9) };
}

/** True where the head is as it was written, which is not known of version 1. */
function isSound(buffer: Buffer, at: number, mark: Buffer | null): boolean {
  const crcAt = at + checkedHeadBytes - 4;
  return (
    mark === null ||
    (mark.equals(buffer.subarray(at, at + syncBytes)) &&
      crc32(buffer.subarray(at, crcAt)) === buffer.readUInt32LE(crcAt))
  );
}

/** Where the next frame of version 2 begins at or after `from`: its head is as it was written; -1: not in this buffer. */
function nextFrame(buffer: Buffer, from: number, mark: Buffer): number {
  for (let at = buffer.indexOf(mark, from); at >= 0; at = buffer.indexOf(mark, at + 1)) {
    if (buffer.length - at < checkedHeadBytes) return -1;
    if (headAt(buffer, at, mark) !== null && isSound(buffer, at, mark)) return at;
  }
  return -1;
}

/** The server's moments are numbers of 63 bits; a little less, for ours are rounded, and it adds a TTL to its time. */
const latestMillis = 2 ** 63 - 2 ** 13;

const keyOf = (buffer: Buffer, { keyLength }: Head, bodyAt: number) =>
  buffer.toString('latin1', bodyAt, bodyAt + keyLength) as ByteString;

/** The frame that begins at `start` and is all there. */
function frameIn(buffer: Buffer, start: number, head: Head, mark: Buffer | null): ArchiveFrame {
  const { letter, expiry, keyLength, payloadLength } = head;
  const bodyAt = start + headBytesOf(mark);
  const payloadAt = bodyAt + keyLength;
  const end = payloadAt + payloadLength;
  const key = keyOf(buffer, head, bodyAt);
  const damaged: ArchiveFrame = { kind: 'damaged', key, bytes: end - start };
  const isIntact = mark === null || crc32(buffer.subarray(bodyAt, end)) === buffer.readUInt32LE(bodyAt - 8);
  if (!isIntact || !(expiry >= 0 && expiry < Number.POSITIVE_INFINITY)) return damaged;
  const expiresAtMillis = expiry === 0 ? null : Math.min(expiry, latestMillis);
  switch (letter) {
    case 'V':
      return { kind: 'value', key, payload: Buffer.from(buffer.subarray(payloadAt, end)), expiresAtMillis };
    case 'T': {
      if (payloadLength !== 0 && payloadLength !== 8) return damaged;
      const shortened = payloadLength === 8 && { shortenedToMillis: buffer.readDoubleLE(payloadAt) };
      return { kind: 'ttl', key, expiresAtMillis, ...shortened };
    }
    case 'K':
      return { kind: 'removed', key };
    case 'S':
      return { kind: 'stays', key };
    default: {
      const summary = summaryOf(buffer.toString('utf8', payloadAt, end));
      return summary === null ? { ...damaged, key: null } : { kind: 'end', summary };
    }
  }
}

function summaryOf(text: string): Readonly<Record<string, unknown>> | null {
  try {
    return JSON.parse(text) as Record<string, unknown>;
  } catch {
    return null;
  }
}
