import { createHash } from 'node:crypto';
import type { ByteString } from '../redis/bytes.ts';
import type { Value } from '../values/value.ts';

/** What a message shows of a value: never the value itself. */
export interface Sighting {
  readonly type: string;
  /** Bytes of a string, members of a collection; null where they were not counted. */
  readonly length: number | null;
  /** The first 12 hex digits of the SHA-1 of the value's canonical form; null where it was not read whole. */
  readonly digest: string | null;
  /** Null: no TTL, or not known. */
  readonly ttlSeconds: number | null;
}

/**
 * Equal for values that an application could not tell apart: members of hashes and sets in any order, scores by number.
 * @param withIds false leaves the ids of stream entries out, which a fixture need not have.
 */
export function canonicalOf(value: Value, withIds = true): string {
  switch (value.type) {
    case 'string':
      return value.bytes;
    case 'list':
      return value.elements.map(framed).join('');
    case 'set':
      return [...new Set(value.elements)].sort().map(framed).join('');
    case 'hash':
      return sortedPairs(value.elements, (text) => text);
    case 'zset':
      return sortedPairs(swapped(value.elements), scoreText);
    case 'stream':
      return value.entries
        .map(({ id, fields }) => framed((withIds ? framed(id ?? '') : '') + fields.map(framed).join('')))
        .join('');
  }
}

export function areEqual(a: Value, b: Value): boolean {
  if (a.type !== b.type) return false;
  const withIds = hasIds(a) && hasIds(b);
  return canonicalOf(a, withIds) === canonicalOf(b, withIds);
}

export function digestOf(value: Value): string {
  return createHash('sha1').update(canonicalOf(value), 'latin1').digest('hex').slice(0, 12);
}

/** Members; of a string its bytes. A fixture may name one twice. */
export function distinctLengthOf(value: Value): number {
  switch (value.type) {
    case 'string':
      return value.bytes.length;
    case 'list':
      return value.elements.length;
    case 'set':
      return new Set(value.elements).size;
    case 'hash':
      return new Set(value.elements.filter((_, index) => index % 2 === 0)).size;
    case 'zset':
      return new Set(value.elements.filter((_, index) => index % 2 === 1)).size;
    case 'stream':
      return value.entries.length;
  }
}

/** The number behind a score: `inf`, `1e3` and `1000` as one would compare them; -0 is 0 there. */
export function scoreText(score: string): string {
  const infinite = /^([+-]?)inf/i.exec(score);
  if (infinite) return infinite[1] === '-' ? '-inf' : 'inf';
  return String(Number(score));
}

const hasIds = (value: Value) => value.type !== 'stream' || value.entries.every(({ id }) => id !== null);

const framed = (text: string) => `${text.length}:${text}`;

/** Score and member in turn become member and score. */
function swapped(elements: readonly ByteString[]): ByteString[] {
  const flat: ByteString[] = [];
  for (let at = 0; at < elements.length; at += 2)
    flat.push(elements[at + 1] as ByteString, elements[at] as ByteString);
  return flat;
}

/** Of a name that stands there twice, the last counts. */
function sortedPairs(flat: readonly ByteString[], normal: (text: string) => string): string {
  const pairs = new Map<string, string>();
  for (let at = 0; at < flat.length; at += 2) pairs.set(flat[at] as string, normal(flat[at + 1] as string));
  return [...pairs]
    .map(([name, text]) => framed(name) + framed(text))
    .sort()
    .join('');
}
