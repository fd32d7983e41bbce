import { randomBytes } from 'node:crypto';
import { crc32 } from 'node:zlib';
import type { Watched } from '../../redis/server.ts';
import type { ByteString } from '../../support/bytes.ts';

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
 *
 * From version 2 on a frame begins with the four bytes of `sync`, and behind the expiry come `u32 CRC-32 of key and payload` and
 * `u32 CRC-32 of the head so far`: a frame that is damaged is lost alone, and the next one is found by `sync`, which no other
 * file has.
 */
export interface ArchiveHeader {
  readonly format: 'cachectl-archive';
  readonly version: 1 | 2;
  /** Eight hexadecimal digits, drawn for each file; version 2 alone. */
  readonly sync?: string;
  /** `journal`: what a change has taken away; `export`: keys as they were. */
  readonly kind: 'journal' | 'export';
  /** ISO 8601. */
  readonly createdAt: string;
  /** Without password. */
  readonly server: string;
  readonly database: number;
  readonly watched?: Watched;
  readonly profile: string | null;
  /** The command and what it was asked for, in words. */
  readonly action: string;
  readonly patterns: readonly string[];
  /** True where values were kept, and not only names. */
  readonly withValues: boolean;
  /** Of a saved plan that is carried out: its identity. */
  readonly plan?: string;
}

/** What a writer says of its archive; the rest of the header is its form. */
export type ArchiveAbout = Omit<ArchiveHeader, 'format' | 'version' | 'sync'>;

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
  | { readonly kind: 'end'; readonly summary: Readonly<Record<string, unknown>> }
  /** What cannot be read of the file: `bytes` of it, most likely about the key. Never written. */
  | { readonly kind: 'damaged'; readonly key: ByteString | null; readonly bytes: number };

export type WrittenFrame = Exclude<ArchiveFrame, { kind: 'damaged' }>;

const letters = { value: 'V', ttl: 'T', removed: 'K', stays: 'S', end: 'E' } as const;
export const headBytes = 1 + 4 + 4 + 8;
export const syncBytes = 4;
export const checkedHeadBytes = syncBytes + headBytes + 4 + 4;

/** The header of a new archive. */
export function newHeader(about: ArchiveAbout): ArchiveHeader & { readonly sync: string } {
  const sync = randomBytes(syncBytes).toString('hex');
  return { format: 'cachectl-archive', version: 2, sync, ...about };
}

export function encodeHeader(header: ArchiveHeader): Buffer {
  return Buffer.from(JSON.stringify(header) + '\n', 'utf8');
}

/** @param sync Of the header; absent: as version 1 has it, without checksums */
export function encodeFrame(frame: WrittenFrame, sync?: string): Buffer {
  const key = frame.kind === 'end' ? Buffer.alloc(0) : Buffer.from(frame.key, 'latin1');
  const payload = payloadOf(frame);
  const start = sync === undefined ? 0 : syncBytes;
  const bodyAt = sync === undefined ? headBytes : checkedHeadBytes;
  const encoded = Buffer.allocUnsafe(bodyAt + key.length + payload.length);
  encoded.write(letters[frame.kind], start, 'latin1');
  encoded.writeUInt32LE(key.length, start + 1);
  encoded.writeUInt32LE(payload.length, start + 5);
  encoded.writeDoubleLE('expiresAtMillis' in frame ? (frame.expiresAtMillis ?? 0) : 0, start + 9);
  key.copy(encoded, bodyAt);
  payload.copy(encoded, bodyAt + key.length);
  if (sync !== undefined) {
    encoded.write(sync, 0, 'hex');
    encoded.writeUInt32LE(crc32(encoded.subarray(bodyAt)), bodyAt - 8);
    encoded.writeUInt32LE(crc32(encoded.subarray(0, bodyAt - 4)), bodyAt - 4);
  }
  return encoded;
}

function payloadOf(frame: WrittenFrame): Buffer {
  if (frame.kind === 'value') return frame.payload;
  if (frame.kind === 'end') return Buffer.from(JSON.stringify(frame.summary), 'utf8');
  if (frame.kind !== 'ttl' || frame.shortenedToMillis === undefined) return Buffer.alloc(0);
  const payload = Buffer.alloc(8);
  payload.writeDoubleLE(frame.shortenedToMillis);
  return payload;
}

/** Why a file is no archive, or not one that can be read on. */
export class ArchiveError extends Error {
  override readonly name = 'ArchiveError';
}

/** A header, or why there is none. @throws ArchiveError */
export function parseHeader(line: string): ArchiveHeader {
  let header: Partial<ArchiveHeader>;
  try {
    header = JSON.parse(line) as Partial<ArchiveHeader>;
  } catch {
    throw new ArchiveError('its first line is no header');
  }
  if (header.format !== 'cachectl-archive') throw new ArchiveError('it is no archive of cachectl');
  const { version, sync } = header;
  if (version !== 1 && version !== 2) {
    throw new ArchiveError(`it has version ${String(version)}, and this program reads versions 1 and 2`);
  }
  if (version === 2 && !/^[0-9a-f]{8}$/.test(sync ?? ''))
    throw new ArchiveError('its first line is no header');
  return header as ArchiveHeader;
}
