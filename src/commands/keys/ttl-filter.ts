import { InvalidArgumentError } from '@commander-js/extra-typings';
import { parseDuration } from '../../support/quantity.ts';

/** Tests the milliseconds that PTTL gives: -1 without TTL. */
export type TtlFilter = (ttlMillis: number) => boolean;

export const withoutTtl: TtlFilter = (ttlMillis) => ttlMillis < 0;

/** `none`, `<5m` or `>1h`, as a test of a key's time to live. */
export function ttlArgument(text: string): TtlFilter {
  if (text === 'none') return withoutTtl;
  const condition = /^([<>])(.+)$/.exec(text);
  try {
    if (condition === null) throw new Error(`\`${text}\` is not a condition; write none, "<5m" or ">1h"`);
    const millis = parseDuration(condition[2] ?? '') * 1000;
    return condition[1] === '<' ? (ttl) => ttl >= 0 && ttl < millis : (ttl) => ttl > millis;
  } catch (error) {
    throw new InvalidArgumentError((error as Error).message);
  }
}
