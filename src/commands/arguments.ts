import { InvalidArgumentError } from '@commander-js/extra-typings';
import { parseDuration, parseRatio, parseSize } from '../support/quantity.ts';
import { bytesOf } from '../support/bytes.ts';

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

const ownTypes = ['string', 'list', 'set', 'zset', 'hash', 'stream'];

/** A type of Redis. Those of modules are taken as they are: ReJSON-RL, TSDB-TYPE, vectorset, … */
export const typeArgument = parsedBy((text) => {
  const type = text.toLowerCase();
  if (ownTypes.includes(type)) return type;
  if (/[A-Z-]/.test(text) || text === 'vectorset') return text;
  throw new Error(`\`${text}\` is no type of Redis; types are ${ownTypes.join(', ')}`);
});

/** A glob of the server's own, in bytes. */
export const globArgument = parsedBy(bytesOf);

/** Collects the values of an option that may be given several times, or as a list with commas. */
export const listArgument = (text: string, previous: readonly string[] | undefined): string[] => [
  ...(previous ?? []),
  ...text
    .split(',')
    .map((item) => item.trim())
    .filter((item) => item !== ''),
];

/** Collects the values of an option that may be given several times. */
export const eachArgument = (text: string, previous: readonly string[] | undefined): string[] => [
  ...(previous ?? []),
  text,
];
