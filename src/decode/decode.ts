import { gunzipSync, inflateSync } from 'node:zlib';
import type { Encoding } from '../keyspace/map.ts';
import { asBytes, type ByteString, bufferOf, textOf } from '../redis/bytes.ts';

/** A value as people can read it. One of `json`, `text` and `hex` is there, unless the value is empty. */
export interface DecodedValue {
  readonly format: Encoding;
  /** What was seen through to get there. `zstd` is named only: this Node.js cannot read it. */
  readonly compression: 'gzip' | 'zlib' | 'zstd' | null;
  readonly json?: unknown;
  readonly text?: string;
  /** The first bytes, two digits each. */
  readonly hex?: string;
  /** The envelope's other fields, where `json` is its payload. */
  readonly envelope?: Readonly<Record<string, unknown>>;
  /** Why the value is not shown as the map says. */
  readonly remark?: string;
}

export interface DecodeOptions {
  /** What the map says; null: find out. */
  readonly encoding: Encoding | null;
  readonly envelopeField: string;
  /** Only the start of the value was read. */
  readonly truncated: boolean;
}

/** A small value can unpack into a huge one. */
const longestUnpackedBytes = 16 * 1024 * 1024;
const hexBytes = 512;

/** Decodes a string value by the map, or by what it looks like. Never runs what it reads: pickle is named, not loaded. */
export function decodeValue(bytes: ByteString, options: DecodeOptions): DecodedValue {
  const unpacked = options.truncated ? { bytes, compression: compressionOf(bytes) } : unpack(bytes);
  const { compression } = unpacked;
  if (compression !== null && unpacked.bytes === bytes) {
    const remark = options.truncated
      ? 'compressed, and only its start was read; --max-bytes reads more'
      : `compressed with ${compression}, which was not read`;
    return { format: 'binary', compression, hex: hexOf(bytes), remark };
  }
  const format = options.encoding ?? recognise(unpacked.bytes);
  return { compression, ...decodeAs(format, unpacked.bytes, options) };
}

/** What the bytes look like: the narrowest of pickle, Fernet, integer, JSON, text and binary that fits. */
export function recognise(bytes: ByteString): Encoding {
  if (isPickle(bytes)) return 'pickle';
  // A Fernet token is base64 of version 0x80 and a 64-bit time whose first bytes are zero.
  if (/^gAAAAA[A-Za-z0-9_-]{70,}={0,2}$/.test(bytes)) return 'fernet';
  if (/^-?\d{1,20}$/.test(bytes)) return 'integer';
  const text = textOf(bytes);
  if (text === undefined || /[\u0000-\u0008\u000e-\u001a]/.test(text)) return 'binary';
  return /^\s*[[{"]/.test(text) && parseJson(text) !== undefined ? 'json' : 'text';
}

function decodeAs(
  format: Encoding,
  bytes: ByteString,
  { envelopeField, truncated }: DecodeOptions,
): Omit<DecodedValue, 'compression'> {
  const text = textOf(bytes);
  switch (format) {
    case 'json':
    case 'json-envelope': {
      const json = text === undefined ? undefined : parseJson(text);
      if (json === undefined) {
        const remark = truncated
          ? 'only the start was read; --max-bytes reads more'
          : 'not JSON, though the map says so';
        return { ...asText(bytes, text), remark };
      }
      if (format === 'json') return { format, json };
      if (!isRecord(json) || !(envelopeField in json))
        return {
          format: 'json',
          json,
          remark: `no field \`${envelopeField}\`: not the envelope that the map says`,
        };
      const { [envelopeField]: payload, ...envelope } = json;
      return { format, json: payload, envelope };
    }
    case 'integer':
      return /^-?\d+$/.test(bytes)
        ? { format, text: bytes }
        : { ...asText(bytes, text), remark: 'no integer, though the map says so' };
    case 'pickle':
      return {
        format,
        hex: hexOf(bytes),
        remark: 'a Python pickle: loading one runs code, so it is never loaded',
      };
    case 'binary':
      return { format, hex: hexOf(bytes) };
    case 'fernet':
      return { format, text: bytes, remark: 'encrypted (Fernet): its content needs the application’s key' };
    case 'text':
      return asText(bytes, text);
  }
}

function asText(bytes: ByteString, text: string | undefined): Omit<DecodedValue, 'compression'> {
  return text === undefined ? { format: 'binary', hex: hexOf(bytes) } : { format: 'text', text };
}

/** Protocols 2 to 5 start with 0x80 and their number, and every pickle ends with a full stop. */
function isPickle(bytes: ByteString): boolean {
  return /^\x80[\x02-\x05]/.test(bytes);
}

function unpack(bytes: ByteString): { bytes: ByteString; compression: DecodedValue['compression'] } {
  const compression = compressionOf(bytes);
  if (compression === null || compression === 'zstd') return { bytes, compression };
  try {
    const read = compression === 'gzip' ? gunzipSync : inflateSync;
    return {
      bytes: asBytes(read(bufferOf(bytes), { maxOutputLength: longestUnpackedBytes }).toString('latin1')),
      compression,
    };
  } catch {
    // Two bytes that look like a zlib header are common in data that is none.
    return { bytes, compression: compression === 'zlib' ? null : compression };
  }
}

function compressionOf(bytes: ByteString): DecodedValue['compression'] {
  if (bytes.startsWith('\x1f\x8b\x08')) return 'gzip';
  if (bytes.startsWith('\x28\xb5\x2f\xfd')) return 'zstd';
  return /^\x78[\x01\x5e\x9c\xda]/.test(bytes) ? 'zlib' : null;
}

function hexOf(bytes: ByteString): string {
  const hex = bufferOf(asBytes(bytes.slice(0, hexBytes))).toString('hex');
  return hex.replace(/(..)(?=.)/g, '$1 ') + (bytes.length > hexBytes ? ' …' : '');
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text) as unknown;
  } catch {
    return undefined;
  }
}

function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
