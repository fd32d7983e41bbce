/** Texts people write for amounts, as numbers. Each throws an Error that names the input and shows a right one. */

const secondsPerUnit: Readonly<Record<string, number>> = {
  us: 1e-6,
  ms: 0.001,
  s: 1,
  m: 60,
  h: 3600,
  d: 86_400,
  w: 604_800,
};
const bytesPerUnit: Readonly<Record<string, number>> = {
  b: 1,
  kb: 1e3,
  mb: 1e6,
  gb: 1e9,
  kib: 2 ** 10,
  mib: 2 ** 20,
  gib: 2 ** 30,
};

/** `90`, `90s`, `5m`, `1h30m`, `250ms` in seconds; a bare number is seconds. */
export function parseDuration(text: string): number {
  const trimmed = text.trim();
  if (/^\d+(\.\d+)?$/.test(trimmed)) {
    const moment = momentOf(Number(trimmed));
    if (moment === null) return Number(trimmed);
    throw new Error(
      `\`${text}\` is the Unix time of ${moment}, not a duration; write 7d or 12h, with a unit`,
    );
  }
  const parts = [...trimmed.matchAll(/(\d+(?:\.\d+)?)(us|ms|s|m|h|d|w)/g)];
  if (parts.length === 0 || parts.map(([whole]) => whole).join('') !== trimmed) {
    throw new Error(`\`${text}\` is not a duration; write 90s, 5m, 1h30m or 7d`);
  }
  return parts.reduce(
    (sum, [, amount, unit]) => sum + Number(amount) * (secondsPerUnit[unit ?? 's'] ?? 1),
    0,
  );
}

/** From here on (2001) a bare number of seconds looks like a moment, and as a duration is 31 years. */
const leastEpochSeconds = 1e9;
/** From here on (1973) the same in milliseconds. */
const leastEpochMillis = 1e11;
/** The last moment that has a date, in milliseconds since the epoch. */
const lastEpochMillis = 8.64e15;

/** The date of a bare number that looks like seconds or milliseconds since the epoch; null where it does not. */
export function momentOf(number: number): string | null {
  if (!(number >= leastEpochSeconds && number <= lastEpochMillis)) return null;
  const millis = number < leastEpochMillis ? number * 1000 : number;
  return new Date(millis).toISOString().replace(/\.\d+Z$/, 'Z');
}

/** True for a number that looks like milliseconds since the epoch. */
export function isEpochMillis(number: number): boolean {
  return number >= leastEpochMillis && number <= lastEpochMillis;
}

/** `1048576`, `512KiB`, `1MB`, `2GB` in bytes; KB is 1000 bytes and KiB 1024. */
export function parseSize(text: string): number {
  const match = /^(\d+(?:\.\d+)?)\s*(b|kb|mb|gb|kib|mib|gib)?$/i.exec(text.trim());
  if (!match) throw new Error(`\`${text}\` is not a size; write 4096, 512KiB or 1MB`);
  return Math.round(Number(match[1]) * (bytesPerUnit[(match[2] ?? 'b').toLowerCase()] ?? 1));
}

/** `0.8` or `80%` as a ratio from 0 to 1. */
export function parseRatio(text: string): number {
  const match = /^(\d+(?:\.\d+)?)\s*(%)?$/.exec(text.trim());
  const ratio = match ? Number(match[1]) / (match[2] ? 100 : 1) : Number.NaN;
  if (ratio > 1 && ratio <= 100 && match?.[2] === undefined)
    throw new Error(
      `\`${text}\` is not a ratio; write ${Number((ratio / 100).toPrecision(12))} or ${match?.[1] ?? ''}%`,
    );
  if (!(ratio >= 0 && ratio <= 1)) throw new Error(`\`${text}\` is not a ratio; write 0.8 or 80%`);
  return ratio;
}

/** Values between two bounds, as a person writes them. */
export interface Range {
  /** As it was written. */
  readonly text: string;
  /** From 0 on; below 0: it has none. */
  readonly low: number;
  readonly high: number;
  readonly has: (value: number) => boolean;
}

/** `<5m`, `>1h`, `<=5m`, `>=1h`, `1h..2h` with both its ends, or `1h..` and `..2h`. @param examples for the message */
export function parseRange(text: string, parse: (bound: string) => number, examples: string): Range {
  const [, sign = '', limit = ''] = /^([<>]=?)(.+)$/.exec(text) ?? [];
  if (sign !== '') {
    const bound = parse(limit);
    const [low, high] = sign.startsWith('<') ? [0, bound] : [bound, Number.POSITIVE_INFINITY];
    const isIn = { '<': (value: number) => value < bound, '>': (value: number) => value > bound }[sign];
    return { text, low, high, has: (value) => value >= low && value <= high && (isIn?.(value) ?? true) };
  }
  const [, from = '', to = ''] = /^(.*?)\.\.(.*)$/.exec(text) ?? [];
  if (from === '' && to === '') throw new Error(`\`${text}\` is not a range; write ${examples}`);
  const low = from === '' ? 0 : parse(from);
  const high = to === '' ? Number.POSITIVE_INFINITY : parse(to);
  if (low > high) throw new Error(`\`${text}\` ends before it begins`);
  return { text, low, high, has: (value) => value >= low && value <= high };
}
