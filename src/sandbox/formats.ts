import { type ByteString, asBytes, bytesOf } from '../support/bytes.ts';
import { type Draw, noiseOf } from '../support/random.ts';

/** Values in the forms in which the applications write them. */

export function json(value: unknown): ByteString {
  return bytesOf(JSON.stringify(value));
}

/** A moment within the day before `now`, as Python's `isoformat()` writes it. */
export function timestamp(draw: Draw, now: number): string {
  return new Date(now - draw.below(86_400_000)).toISOString().replace('Z', '000');
}

let components: string[] | undefined;

/** An embedding of `dimensions` numbers between -0.1 and 0.1. */
export function embedding(draw: Draw, dimensions: number): number[] {
  components ??= Array.from({ length: 4096 }, (_, index) => (Math.sin(index * 12.9898) / 10).toFixed(9));
  const start = draw.below(components.length - dimensions);
  return components.slice(start, start + dimensions).map(Number);
}

/**
 * A Fernet token: version 0x80, time, IV, cipher text in blocks of 16 bytes, HMAC; in URL-safe base64.
 * @see https://github.com/fernet/spec/blob/master/Spec.md
 */
export function fernetToken(draw: Draw, now: number): ByteString {
  const head = Buffer.alloc(9);
  head[0] = 0x80;
  head.writeBigUInt64BE(BigInt(Math.floor(now / 1000) - draw.below(600)), 1);
  const encrypted = draw.bytes(16 + 16 * draw.between(6, 12) + 32);
  // Unlike Node's own base64url, the specification keeps the padding.
  return asBytes(
    Buffer.concat([head, encrypted]).toString('base64').replaceAll('+', '-').replaceAll('/', '_'),
  );
}

/** Bytes like those of an MP3 file: frames of 24 kHz speech, each with its header. */
export function audio(draw: Draw, length: number): ByteString {
  const frame = 288;
  const frames = Math.max(1, Math.round(length / frame));
  let bytes = '';
  for (let at = 0; at < frames; at++) bytes += `\xff\xf3\x84\xc4${noiseOf(draw, frame - 4)}`;
  return asBytes(bytes);
}

/**
 * A Python object as `pickle.dumps` writes it (protocol 4): its class by name, then its attributes.
 * @see https://github.com/python/cpython/blob/main/Lib/pickletools.py
 */
export function pickledObject(
  module: string,
  name: string,
  fields: Readonly<Record<string, string | number>>,
): ByteString {
  const attributes = Object.entries(fields).map(
    ([field, value]) => pickledText(field) + pickledScalar(value),
  );
  const body = `${pickledText(module)}${pickledText(name)}\x93\x94)\x81\x94}\x94(${attributes.join('')}ub.`;
  const length = Buffer.alloc(8);
  length.writeBigUInt64LE(BigInt(body.length));
  return asBytes(`\x80\x04\x95${length.toString('latin1')}${body}`);
}

function pickledScalar(value: string | number): string {
  if (typeof value === 'string') return pickledText(value);
  const number = Buffer.alloc(8);
  if (!Number.isInteger(value)) {
    number.writeDoubleBE(value);
    return `G${number.toString('latin1')}`;
  }
  // One, two or four bytes, as few as there may be.
  const [opcode, width] = value < 0 || value > 0xffff ? ['J', 4] : value > 0xff ? ['M', 2] : ['K', 1];
  number.writeInt32LE(value);
  return `${opcode}${number.toString('latin1', 0, width)}`;
}

function pickledText(text: string): string {
  const bytes = bytesOf(text);
  if (bytes.length < 256) return `\x8c${String.fromCharCode(bytes.length)}${bytes}\x94`;
  const length = Buffer.alloc(4);
  length.writeUInt32LE(bytes.length);
  return `X${length.toString('latin1')}${bytes}\x94`;
}
