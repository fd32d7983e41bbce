import { type ByteString, asBytes, bytesOf } from '../support/bytes.ts';
import { SeededRandom, noiseOf } from '../support/random.ts';
import type { RecordContext } from './family.ts';

/** Values in the forms in which the applications write them. */

export function json(value: unknown): ByteString {
  return bytesOf(JSON.stringify(value));
}

/** A moment within the day before `now`, as Python's `isoformat()` writes it. */
export function timestamp(draw: SeededRandom, now: number): string {
  return new Date(now - draw.below(86_400_000)).toISOString().replace('Z', '000');
}

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

/** Ids that are in every generated data set, so that examples and tests may name them. */
export const namedUsers = [1, 12, 123] as const;

/** The database id of the n-th user, scenario, …: `first` come first, then 1, 2, 3, … without those. */
export function nthId(rank: number, first: readonly number[] = namedUsers): number {
  const named = first[rank];
  if (named !== undefined) return named;
  let id = rank - first.length + 1;
  for (const taken of [...first].sort((left, right) => left - right)) if (id >= taken) id++;
  return id;
}

/** The users that have most of what users have; the named ones come first. */
export const earlyUser = ({ index, draw }: RecordContext): number =>
  nthId(index < namedUsers.length ? index : draw.rank(60));

/** Telegram ids of those who tried the bot before it was public. */
export const firstTelegramIds = [...namedUsers, 555] as const;

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
export type Language = 'english' | 'spanish' | 'czech';
const sentences: Readonly<Record<Language, readonly [string, ...string[]]>> = {
  english: [
    'The founder has until Friday to decide whether the second plant is worth its price.',
    'Compare the two suppliers on cost, delivery and the risk that either of them fails.',
    'Your margin fell by four points in spring; explain to the board where they went.',
    'Ask the customer what she tried before she called, and write down her own words.',
    'A good summary names the problem, the evidence, and one step that can be taken today.',
    'Use the passive voice when the action matters more than the person behind it.',
    'In groups of three, prepare a short presentation about safety rules in your warehouse.',
    'The negotiation stalled because neither side had written down what it could give up.',
    'Choose the word that fits the sentence, then say why the other three do not.',
    'Most of the delay comes from waiting for approval, not from the work itself.',
    'She was persuaded by the figures, although the story behind them was thin.',
    'Before you answer, repeat the question in your own words and check that it is the right one.',
  ],
  spanish: [
    'Después de una expresión de duda el verbo cambia al subjuntivo.',
    'Fíjate en el sujeto: cuando hay dos personas distintas, aparece la palabra que.',
    'Muy bien pensado; solo falta cambiar la vocal de la terminación.',
    'Recuerda que los verbos en -ar toman -e, y los verbos en -er y -ir toman -a.',
    'El disparador expresa un deseo, y por eso no se usa el indicativo.',
    'Prueba a decir la frase en voz alta antes de escribirla.',
    'Este verbo es irregular en la primera persona, y la raíz cambia en todas.',
    'Vas por buen camino: repasa las formas de ir y ser, que comparten el pasado.',
    'Cuando la acción ya ha ocurrido, vuelve el indicativo.',
    'Practica diez frases al día durante una semana y verás la diferencia.',
  ],
  czech: [
    'Ahoj! To je skvělé, že ses dneska zase přihlásil, pojďme na to.',
    'Tady pozor: po předložce bez píšeme druhý pád.',
    'Moc hezká věta, jenom bych řekl radši jdu do obchodu než jdu v obchod.',
    'A co jsi dělal o víkendu? Byl jsi někde venku, nebo jsi zůstal doma?',
    'V hospodě se obvykle platí až na konci, když řeknete zaplatím.',
    'Slovo kdyby se nikdy nepíše dohromady s jsem, ale kdybych ano.',
    'Výborně, úroveň máš čím dál lepší a chyb je méně než minulý týden.',
    'Zkus to říct ještě jednou a dej si pozor na délku samohlásek.',
    'Praha je krásná i v dešti, hlavně když si dáte dobrý čaj.',
    'Správně je oba dva přišli pozdě, protože jde o lidi.',
  ],
};
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
  const text = Array.from({ length: 3000 }, () => draw.pick(sentences[language])).join(' ');
  texts.set(language, text);
  return text;
}
