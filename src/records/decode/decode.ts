import { type ForeignPacker, isReadable, type Packer, packerOf, unpackBytes } from '../compression.ts';
import { depthOf, layOutJson, losesNumbers, repeatsNames } from '../json-source.ts';
import type { Encoding } from '../../keyspace/map.ts';
import { asBytes, type ByteString, bufferOf, textOf } from '../../support/bytes.ts';

/** A value as people can read it: one of `json`, `text` and `hex` is there. */
export interface DecodedValue {
  readonly format: Encoding;
  /** What was seen through to get there, or what prevented it: see `remark`. */
  readonly compression: Compression | null;
  readonly json?: unknown;
  /** Beside `json`: its source, where parsing and printing it would not give the same again. */
  readonly text?: string;
  /** The first bytes, two digits each. */
  readonly hex?: string;
  /** The envelope's other fields, where `json` is its payload. */
  readonly envelope?: Readonly<Record<string, unknown>>;
  /** Why the value is not shown as the map says. */
  readonly remark?: string;
}

type Compression = Packer | ForeignPacker;
type Decoded = Omit<DecodedValue, 'compression'>;

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
  const unpacked = unpack(bytes, options.truncated);
  const { compression } = unpacked;
  if (unpacked.remark !== undefined)
    return { format: 'binary', compression, hex: hexOf(bytes), remark: unpacked.remark };
  const whole = options.truncated ? withoutCutCharacter(unpacked.bytes) : unpacked.bytes;
  return { compression, ...decodeAs(options.encoding ?? recognise(whole), whole, options) };
}

/** What the bytes look like: the narrowest of pickle, Fernet, integer, JSON, text and binary that fits. */
export function recognise(bytes: ByteString): Encoding {
  // Protocols 2 to 5 start with 0x80 and their number.
  if (/^\x80[\x02-\x05]/.test(bytes)) return 'pickle';
  if (isFernet(bytes)) return 'fernet';
  if (/^-?\d{1,20}$/.test(bytes)) return 'integer';
  const text = textOf(bytes);
  if (text === undefined || /[\u0000-\u0008\u000e-\u001a]/.test(text)) return 'binary';
  return /^\s*[[{"]/.test(text) && parseJson(text) !== undefined ? 'json' : 'text';
}

function decodeAs(format: Encoding, bytes: ByteString, options: DecodeOptions): Decoded {
  const text = textOf(bytes);
  switch (format) {
    case 'json':
    case 'json-envelope': {
      const json = text === undefined ? undefined : parseJson(text);
      if (text === undefined || json === undefined) return otherThan('JSON', bytes, options);
      return format === 'json' ? jsonOf(json, text) : envelopeOf(json, text, options.envelopeField);
    }
    case 'integer':
      return /^-?\d+$/.test(bytes) ? { format, text: bytes } : otherThan('an integer', bytes, options);
    case 'pickle':
      // The oldest protocols are text; they end in a full stop, which no JSON does.
      if (['json', 'integer'].includes(recognise(bytes))) return otherThan('a pickle', bytes, options);
      return {
        format,
        hex: hexOf(bytes),
        remark: 'a Python pickle: loading one runs code, so it is never loaded',
      };
    case 'binary':
      return { format, hex: hexOf(bytes) };
    case 'fernet':
      if (!isFernet(bytes)) return otherThan('a Fernet token', bytes, options);
      return { format, text: bytes, remark: 'encrypted (Fernet): its content needs the application’s key' };
    case 'text':
      return text === undefined ? otherThan('text', bytes, options) : { format, text };
  }
}

/** The value as it looks, for one that is not what the map says. Of a part nothing can be said, so nothing is. */
function otherThan(said: string, bytes: ByteString, options: DecodeOptions): Decoded {
  const decoded = decodeAs(recognise(bytes), bytes, options);
  if (options.truncated) return decoded;
  const remark = `not ${said}, though the map says so`;
  return { ...decoded, remark: decoded.remark === undefined ? remark : `${remark}; ${decoded.remark}` };
}

/** Deeper ones are shown as they are: neither parsed values nor indentation hold a hundred thousand levels. */
const deepest = 200;

function jsonOf(json: unknown, text: string): Decoded {
  if (depthOf(text) > deepest) {
    return { format: 'json', text, remark: `nested more than ${deepest} levels deep: shown as it is` };
  }
  if (layOutJson(text) === JSON.stringify(json, null, 2)) return { format: 'json', json };
  const lost = [
    losesNumbers(text) && 'numbers that JSON readers do not keep',
    repeatsNames(text) && 'a name that comes twice in one object',
  ].filter((each) => each !== false);
  const remark = `it holds ${lost.join(' and ')}; its text has them all`;
  return { format: 'json', json, text, ...(lost.length > 0 && { remark }) };
}

function envelopeOf(json: unknown, text: string, field: string): Decoded {
  if (!isRecord(json) || !Object.hasOwn(json, field)) {
    return { ...jsonOf(json, text), remark: `no field \`${field}\`: not the envelope that the map says` };
  }
  const { [field]: payload, ...envelope } = json;
  const whole = jsonOf(json, text);
  return whole.json === undefined ? whole : { ...whole, json: payload, format: 'json-envelope', envelope };
}

/** A Fernet token is base64 of version 0x80 and a 64-bit time whose first bytes are zero. */
function isFernet(bytes: ByteString): boolean {
  return /^gAAAAA[A-Za-z0-9_-]{70,}={0,2}$/.test(bytes);
}

interface Unpacked {
  readonly bytes: ByteString;
  readonly compression: Compression | null;
  /** Why the bytes are still packed. */
  readonly remark?: string;
}

function unpack(bytes: ByteString, truncated: boolean): Unpacked {
  const compression = packerOf(bytes);
  if (compression === null) return { bytes, compression };
  const stillPacked = (remark: string) => ({ bytes, compression, remark });
  if (!isReadable(compression)) return stillPacked(`compressed with ${compression}, which is not read`);
  const unpacked = unpackBytes(bufferOf(bytes), compression, longestUnpackedBytes, truncated);
  if (unpacked === 'too long') {
    const limit = `${longestUnpackedBytes / 1024 / 1024} MiB`;
    return stillPacked(`unpacks (${compression}) to more than ${limit}: not read`);
  }
  if (unpacked !== 'damaged') return { bytes: asBytes(unpacked.toString('latin1')), compression };
  // Two bytes that look like a zlib header are common in data that is none.
  if (compression === 'zlib') return { bytes, compression: null };
  return stillPacked(`starts like ${compression}, and cannot be unpacked`);
}

/** Without the first bytes of a UTF-8 character whose last ones were not read. */
function withoutCutCharacter(bytes: ByteString): ByteString {
  return asBytes(bytes.replace(/(?:[\xc2-\xdf]|[\xe0-\xef][\x80-\xbf]?|[\xf0-\xf4][\x80-\xbf]{0,2})$/, ''));
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
