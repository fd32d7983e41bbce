import { InvalidArgumentError } from '@commander-js/extra-typings';
import { parseDistribution } from '../bench/key-choice.ts';
import { parsePayload } from '../bench/payload.ts';
import { parseDuration, parseRange, parseRatio, parseSize, type Range } from '../support/quantity.ts';
import { bytesOf } from '../support/bytes.ts';
import type { CostLimit } from '../traffic/observe.ts';

/** Parsers for the values of options. commander puts the option's name in front of what they say. */

const parsedBy =
  <T>(parse: (text: string) => T) =>
  (text: string): T => {
    try {
      return parse(text);
    } catch (error) {
      throw new InvalidArgumentError((error as Error).message);
    }
  };

/** Seconds. */
export const durationArgument = parsedBy(parseDuration);

/** Bytes. */
export const sizeArgument = parsedBy(parseSize);

/** How often the keys of a benchmark are used. */
export const distributionArgument = parsedBy(parseDistribution);

/** How large the values of a benchmark are. */
export const payloadArgument = parsedBy(parsePayload);

/** From 0 to 1. */
export const ratioArgument = parsedBy(parseRatio);

/** The same for values that would leave nothing to do where they are zero. */
export const aboveZero =
  (parse: (text: string) => number) =>
  (text: string): number => {
    const value = parse(text);
    if (value > 0) return value;
    throw new InvalidArgumentError(`\`${text}\` is nothing; write more than zero`);
  };

/** A number of at least `least`, with decimals where they are needed. */
export const numberArgument = (least: number) =>
  parsedBy((text) => {
    const value = Number(text);
    if (!/^\d+(\.\d+)?$/.test(text) || value < least) {
      throw new Error(`\`${text}\` is not a number of ${least} or more`);
    }
    return value;
  });

/** A whole number of at least `least`. */
export const countArgument = (least: number) =>
  parsedBy((text) => {
    const value = Number(text.replaceAll(/[_,]/g, ''));
    if (!/^[\d_,]+$/.test(text) || !Number.isSafeInteger(value) || value < least) {
      throw new Error(`\`${text}\` is not a whole number of ${least} or more`);
    }
    return value;
  });

function parseCount(text: string): number {
  const value = Number(text.replaceAll(/[_,]/g, ''));
  if (!/^[\d_,]+$/.test(text) || !Number.isSafeInteger(value))
    throw new Error(`\`${text}\` is not a whole number`);
  return value;
}

/** An amount of memory or of time. */
export type Budget =
  { readonly kind: 'bytes'; readonly bytes: number } | { readonly kind: 'time'; readonly seconds: number };

/** `100MB` or `30s`; also both, given one after the other. */
export function parseBudget(text: string): Budget {
  const isSize = /b$/i.test(text.trim());
  const amount = isSize ? parseSize(text) : parseDuration(text);
  if (!/[a-z]$/i.test(text.trim()) || amount <= 0)
    throw new Error(`\`${text}\` is no budget; write 100MB (of memory) or 30s (of time)`);
  return isSize ? { kind: 'bytes', bytes: amount } : { kind: 'time', seconds: amount };
}

/** The ranges of a selection: sizes in bytes, times in seconds; a TTL of `none` is below 0. */
export const parseRangeOf = {
  size: (text: string): Range => parseRange(text, parseSize, '"<1KB", ">1MB" or 1KB..1MB'),
  idle: (text: string): Range => parseRange(text, parseDuration, '">7d", "<1m" or 1d..7d'),
  ttl: (text: string): Range =>
    text === 'none'
      ? { text, low: Number.NEGATIVE_INFINITY, high: 0, has: (value) => value < 0 }
      : parseRange(text, parseDuration, 'none, "<5m", ">1h" or 1h..2h'),
  elements: (text: string): Range => parseRange(text, parseCount, '"<10", ">10000" or 1..10'),
} as const;

const ownTypes = ['string', 'list', 'set', 'zset', 'hash', 'stream'];

/** A type of Redis. Those of modules are taken as they are: ReJSON-RL, TSDB-TYPE, vectorset, … */
export function parseType(text: string): string {
  const type = text.toLowerCase();
  if (ownTypes.includes(type)) return type;
  if (/[A-Z-]/.test(text) || text === 'vectorset') return text;
  throw new Error(`\`${text}\` is no type of Redis; types are ${ownTypes.join(', ')}`);
}

/** A glob of the server's own, in bytes. */
export const globArgument = parsedBy(bytesOf);

type Collector<Value = string> = (text: string, previous: readonly Value[] | undefined) => Value[];

const collectors = new Set<unknown>();

/** Collects the values of an option that may be given several times. */
function collector<Value>(valuesIn: (text: string) => readonly Value[]): Collector<Value> {
  const collect: Collector<Value> = (text, previous = []) => [...previous, ...valuesIn(text)];
  collectors.add(collect);
  return collect;
}

/** True of a parser of an option that may be given several times. */
export const isCollector = (parse: unknown): boolean => collectors.has(parse);

/** Also of those that are given as a list with commas; `\,` is a comma in a value. */
export const listArgument = collector((text) =>
  text
    .split(/(?<!\\),/)
    .map((item) => item.trim())
    .filter((item) => item !== ''),
);

export const eachArgument = collector((text) => [text]);

/** Collects what the texts mean. */
export const eachParsed = <Value>(parse: (text: string) => Value): Collector<Value> => {
  const parsed = parsedBy(parse);
  return collector((text) => [parsed(text)]);
};

/** `80%` of a core, or `50000` operations per second. commander puts the option's name in front of what it says. */
export function costArgument(text: string): CostLimit {
  const [, amount, percent] = /^(\d[\d_,]*(?:\.\d+)?)\s*(%|\/s)?$/.exec(text.trim()) ?? [];
  const value = Number((amount ?? '').replaceAll(/[_,]/g, ''));
  if (amount === undefined || !(value > 0)) {
    throw new InvalidArgumentError(
      `\`${text}\` is no cost; write 80% (of a core), or 50000 (operations per second)`,
    );
  }
  return percent === '%' ? { kind: 'cpu', share: value / 100 } : { kind: 'operations', perSecond: value };
}

/** `9121`, `127.0.0.1:9121` or `[::1]:9121`. */
export const listenArgument = parsedBy((text) => {
  const [, bracketed, name, port = ''] = /^(?:\[([0-9a-f:.]+)\]:|([\w.-]+):)?(\d{1,5})$/i.exec(text) ?? [];
  if (port === '' || Number(port) > 65_535)
    throw new Error(`\`${text}\` is no address; write 9121, 127.0.0.1:9121 or [::1]:9121`);
  return { host: bracketed ?? name ?? '127.0.0.1', port: Number(port) };
});

/** A limit of a namespace; null: of all keys. */
export interface NamedLimit {
  readonly namespace: string | null;
  readonly limit: number;
}

/** `NAME=LIMIT`, also several times. @param isNamed false: LIMIT alone is that of all keys */
export const namedLimits = (parse: (text: string) => number, isNamed = true): Collector<NamedLimit> =>
  eachParsed((text) => {
    const [, namespace = null, limit = text] = /^(.+)=([^=]*)$/.exec(text) ?? [];
    if (namespace === null && isNamed)
      throw new Error(`\`${text}\` names no namespace; write NAMESPACE=LIMIT`);
    return { namespace, limit: parse(limit) };
  });

export const parseLimit = { count: parseCount, size: parseSize, ratio: parseRatio } as const;
