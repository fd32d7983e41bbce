import { type ByteString, asBytes, bytesOf } from '../support/bytes.ts';
import { SeededRandom, noiseOf } from '../support/random.ts';
import sentences from './sentences.json';

let components: string[] | undefined;

/** An embedding of `dimensions` numbers between -0.1 and 0.1. */
export function embedding(draw: SeededRandom, dimensions: number): number[] {
  components ??= Array.from({ length: 4096 }, (_, index) => (Math.sin(index * 12.9898) / 10).toFixed(9));
  const start = draw.below(components.length - dimensions);
  return components.slice(start, start + dimensions).map(Number);
}

/**
 * A Fernet token: version 0x80, time, IV, cipher text in blocks of 16 bytes, HMAC; in URL-safe base64.
 * @see https://github.com/fernet/spec/blob/master/Spec.md
 */
export function fernetToken(draw: SeededRandom, now: number): ByteString {
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
export function audio(draw: SeededRandom, length: number): ByteString {
  const frame = 288;
  const frames = Math.max(1, Math.round(length / frame));
  let bytes = '';
  for (let at = 0; at < frames; at++) bytes += `\xff\xf3\x84\xc4${noiseOf(draw, frame - 4)}`;
  return asBytes(bytes);
}

export interface PickledObject {
  readonly module: string;
  readonly name: string;
  readonly fields: Readonly<Record<string, string | number>>;
}

/**
 * A Python object as `pickle.dumps` writes it (protocol 4): its class by name, then its attributes.
 * @see https://github.com/python/cpython/blob/main/Lib/pickletools.py
 */
export function pickledObject({ module, name, fields }: PickledObject): ByteString {
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

/** Ids that are in every generated data set, so that examples and tests may name them. */
export const namedUsers = [1, 12, 123] as const;

/** The database id of the n-th user, scenario, …: `first` come first, then 1, 2, 3, … without those. */
export function nthId<T>(rank: number, first: readonly T[]): T | number {
  const named = first[rank];
  if (named !== undefined) return named;
  let id = rank - first.length + 1;
  const taken = first.filter((each) => typeof each === 'number').sort((left, right) => left - right);
  for (const each of taken) if (id >= each) id++;
  return id;
}

/** Telegram ids of those who tried the bot before it was public. */
const firstTelegramIds = [...namedUsers, 555] as const;

/** A prime below the number of nine-digit ids, so that the step below meets each id once. */
const telegramIds = 899999963;

/** The first Telegram ids, then nine-digit ones, none twice. */
export function telegramId(rank: number): number {
  return firstTelegramIds[rank] ?? 100000000 + ((rank * 314159269) % telegramIds);
}

/** The index as one choice from each list, in an order that mixes them; all combinations come before any comes twice. */
export function combination(index: number, sizes: readonly number[]): number[] {
  const total = combinations(sizes);
  // 7919 is prime and larger than each list, so the step visits every combination.
  let rest = (index * 7919) % total;
  return sizes.map((size) => {
    const choice = rest % size;
    rest = Math.floor(rest / size);
    return choice;
  });
}

/** How many combinations there are. */
export function combinations(sizes: readonly number[]): number {
  return sizes.reduce((product, size) => product * size, 1);
}
export type Language = keyof typeof sentences;

const texts = new Map<Language, string>();

/** A text of about `length` characters, cut between words. */
export function prose(draw: SeededRandom, language: Language, length: number): string {
  const text = longTextIn(language);
  const start = text.indexOf(' ', draw.below(text.length - length - 200)) + 1;
  return text.slice(start, Math.max(text.lastIndexOf(' ', start + length), start + 1));
}

function longTextIn(language: Language): string {
  const known = texts.get(language);
  if (known !== undefined) return known;
  const draw = new SeededRandom(0, language);
  const text = Array.from({ length: 3000 }, () =>
    draw.pick(sentences[language] as [string, ...string[]]),
  ).join(' ');
  texts.set(language, text);
  return text;
}
