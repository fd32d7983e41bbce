import type { ByteString } from '../redis/bytes.ts';

/**
 * An archive is a line of JSON (the header) followed by frames, each appended when it is known and none changed later:
 * whatever a crash leaves behind is an archive of what had happened until then.
 *
 *     V  key, value as DUMP gives it, expiry        a key as it was
 *     T  key, expiry, f64 end of the new TTL        a key's TTL as it was, before it was shortened
 *     K  key                                        the name alone, before the key is removed
 *     S  key                                        the server refused: the key of a frame before this one stays
 *     E  JSON                                       the end: what became of all of it
 *
 * A frame is its letter, then `u32 length of the key`, `u32 length of the payload`, `f64 expiry` (milliseconds since the
 * epoch, 0 for none), key, payload; all little-endian. The payload of V carries a checksum of its own (DUMP's CRC64).
 */
export interface ArchiveHeader {
  readonly format: 'cachectl-archive';
  readonly version: 1;
  /** `journal`: what a change has taken away; `export`: keys as they were. */
  readonly kind: 'journal' | 'export';
  /** ISO 8601. */
  readonly createdAt: string;
  /** Without password. */
  readonly server: string;
  readonly database: number;
  readonly profile: string | null;
  /** The command and what it was asked for, in words. */
  readonly action: string;
  readonly patterns: readonly string[];
  /** True where values were kept, and not only names. */
  readonly withValues: boolean;
  /** Of a saved plan that is carried out: its identity. */
  readonly plan?: string;
}

export type ArchiveFrame =
  | {
      readonly kind: 'value';
      readonly key: ByteString;
      /** As DUMP gives it. */
      readonly payload: Buffer;
      /** Milliseconds since the epoch; null without TTL. */
      readonly expiresAtMillis: number | null;
    }
  | {
      readonly kind: 'ttl';
      readonly key: ByteString;
      readonly expiresAtMillis: number | null;
      /** When the TTL ends that takes its place: a key that expires at another time was written since. */
      readonly shortenedToMillis?: number;
    }
  | { readonly kind: 'removed'; readonly key: ByteString }
  | { readonly kind: 'stays'; readonly key: ByteString }
  | { readonly kind: 'end'; readonly summary: Readonly<Record<string, unknown>> };

const letters = { value: 'V', ttl: 'T', removed: 'K', stays: 'S', end: 'E' } as const;
const headBytes = 1 + 4 + 4 + 8;
/** A longer key or value is no frame, but a file that is broken: the server allows 512 MB. */
const mostBytes = 1024 ** 3;
const mostHeaderBytes = 1_048_576;

export function encodeHeader(header: ArchiveHeader): Buffer {
  return Buffer.from(JSON.stringify(header) + '\n', 'utf8');
}

export function encodeFrame(frame: ArchiveFrame): Buffer {
  const key = frame.kind === 'end' ? Buffer.alloc(0) : Buffer.from(frame.key, 'latin1');
  const payload = payloadOf(frame);
  const encoded = Buffer.allocUnsafe(headBytes + key.length + payload.length);
  encoded.write(letters[frame.kind], 0, 'latin1');
  encoded.writeUInt32LE(key.length, 1);
  encoded.writeUInt32LE(payload.length, 5);
  encoded.writeDoubleLE('expiresAtMillis' in frame ? (frame.expiresAtMillis ?? 0) : 0, 9);
  key.copy(encoded, headBytes);
  payload.copy(encoded, headBytes + key.length);
  return encoded;
}

function payloadOf(frame: ArchiveFrame): Buffer {
  switch (frame.kind) {
    case 'value':
      return frame.payload;
    case 'ttl': {
      if (frame.shortenedToMillis === undefined) return Buffer.alloc(0);
      const payload = Buffer.alloc(8);
      payload.writeDoubleLE(frame.shortenedToMillis);
      return payload;
    }
    case 'end':
      return Buffer.from(JSON.stringify(frame.summary), 'utf8');
    case 'removed':
    case 'stays':
      return Buffer.alloc(0);
  }
}

/** Why a file is no archive, or not one that can be read on. */
export class ArchiveError extends Error {
  override readonly name = 'ArchiveError';
}

/** Reads an archive from chunks cut at any place. */
export class ArchiveDecoder {
  header: ArchiveHeader | undefined;
  /** What is left of the chunks so far, and how many bytes it takes to go on: a long value is joined once. */
  private waiting: Buffer[] = [];
  private waitingBytes = 0;
  private neededBytes = 1;

  /** The frames that are complete with this chunk. @throws ArchiveError */
  push(chunk: Buffer): ArchiveFrame[] {
    this.waiting.push(chunk);
    this.waitingBytes += chunk.length;
    if (this.waitingBytes < this.neededBytes) return [];
    const buffer = this.waiting.length === 1 ? chunk : Buffer.concat(this.waiting, this.waitingBytes);
    const start = this.header === undefined ? this.readHeader(buffer) : 0;
    const frames: ArchiveFrame[] = [];
    let at = start;
    let needed = 1;
    while (this.header !== undefined) {
      const read = frameAt(buffer, at);
      if (typeof read === 'number') {
        needed = read;
        break;
      }
      frames.push(read.frame);
      at = read.end;
    }
    const rest = Buffer.from(buffer.subarray(at));
    this.waiting = [rest];
    this.waitingBytes = rest.length;
    this.neededBytes = this.header === undefined ? rest.length + 1 : needed;
    return frames;
  }

  /** Bytes of a frame that was begun and not ended: what a crash has cut off. */
  get pendingBytes(): number {
    return this.waitingBytes;
  }

  /** Where the frames begin; 0 while the header is not complete. */
  private readHeader(buffer: Buffer): number {
    const end = buffer.indexOf(0x0a);
    if (end < 0) {
      if (buffer.length > mostHeaderBytes) throw new ArchiveError('its first line is no header');
      return 0;
    }
    this.header = headerOf(buffer.toString('utf8', 0, end));
    return end + 1;
  }
}

function headerOf(line: string): ArchiveHeader {
  let header: Partial<ArchiveHeader>;
  try {
    header = JSON.parse(line) as Partial<ArchiveHeader>;
  } catch {
    throw new ArchiveError('its first line is no header');
  }
  if (header.format !== 'cachectl-archive') throw new ArchiveError('it is no archive of cachectl');
  if (header.version !== 1) {
    throw new ArchiveError(`it has version ${String(header.version)}, and this program reads version 1`);
  }
  return header as ArchiveHeader;
}

/** The frame at `start` and where it ends, or how many bytes from `start` on it takes to read it. */
function frameAt(buffer: Buffer, start: number): { frame: ArchiveFrame; end: number } | number {
  if (buffer.length - start < headBytes) return headBytes;
  const letter = String.fromCharCode(buffer[start] ?? 0);
  const keyLength = buffer.readUInt32LE(start + 1);
  const payloadLength = buffer.readUInt32LE(start + 5);
  if (!'VTKSE'.includes(letter) || keyLength > mostBytes || payloadLength > mostBytes)
    throw new ArchiveError('it is damaged: what should begin a record does not');
  const keyAt = start + headBytes;
  const payloadAt = keyAt + keyLength;
  const end = payloadAt + payloadLength;
  if (end > buffer.length) return end - start;
  const key = buffer.toString('latin1', keyAt, payloadAt) as ByteString;
  const expiry = buffer.readDoubleLE(start + 9);
  const expiresAtMillis = expiry === 0 ? null : expiry;
  switch (letter) {
    case 'V':
      return {
        frame: { kind: 'value', key, payload: Buffer.from(buffer.subarray(payloadAt, end)), expiresAtMillis },
        end,
      };
    case 'T': {
      if (payloadLength !== 0 && payloadLength !== 8)
        throw new ArchiveError('it is damaged: a TTL is not of its length');
      const shortened = payloadLength === 8 && { shortenedToMillis: buffer.readDoubleLE(payloadAt) };
      return { frame: { kind: 'ttl', key, expiresAtMillis, ...shortened }, end };
    }
    case 'K':
      return { frame: { kind: 'removed', key }, end };
    case 'S':
      return { frame: { kind: 'stays', key }, end };
    default:
      return { frame: { kind: 'end', summary: summaryOf(buffer.toString('utf8', payloadAt, end)) }, end };
  }
}

function summaryOf(text: string): Readonly<Record<string, unknown>> {
  try {
    return JSON.parse(text) as Record<string, unknown>;
  } catch {
    throw new ArchiveError('it is damaged: its end cannot be read');
  }
}
