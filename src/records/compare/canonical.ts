import { createHash } from 'node:crypto';
import type { ByteString } from '../../support/bytes.ts';
import { lengthOf, memberForms, sliceOf, type Value } from '../values/value.ts';

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
    case 'hash':
    case 'zset':
      return [...membersIn(value)]
        .map(([name, text]) => framed(name) + framed(text))
        .sort()
        .join('');
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

/**
 * True where `found` has all that was added to it: the members of a hash or set with their values, of a list or stream the
 * last elements.
 */
export function holdsAll(found: Value, added: Value): boolean {
  if (found.type !== added.type) return false;
  switch (found.type) {
    case 'string':
      return areEqual(found, added);
    case 'stream':
    case 'list':
      return areEqual(sliceOf(found, Math.max(0, lengthOf(found) - lengthOf(added))), added);
    default: {
      const there = membersIn(found);
      return [...membersIn(added as typeof found)].every(([name, text]) => there.get(name) === text);
    }
  }
}

export function digestOf(value: Value): string {
  return createHash('sha1').update(canonicalOf(value), 'latin1').digest('hex').slice(0, 12);
}

/** Members; of a string its bytes. A fixture may name one twice. */
export function distinctLengthOf(value: Value): number {
  const isNamed = value.type === 'set' || value.type === 'hash' || value.type === 'zset';
  return isNamed ? membersIn(value).size : lengthOf(value);
}

/** The number behind a score: `inf`, `1e3` and `1000` as one would compare them; -0 is 0 there. */
export function scoreText(score: string): string {
  const infinite = /^([+-]?)inf/i.exec(score);
  if (infinite) return infinite[1] === '-' ? '-inf' : 'inf';
  return String(Number(score));
}

export const hasIds = (value: Value) =>
  value.type !== 'stream' || value.entries.every(({ id }) => id !== null);

const framed = (text: string) => `${text.length}:${text}`;

type Unordered = Extract<Value, { readonly elements: readonly ByteString[] }>;

/** Members with what belongs to them: nothing, a value, or the number of a score. Of one that comes twice, the last counts. */
function membersIn({ type, elements }: Unordered): ReadonlyMap<string, string> {
  const members = new Map<string, string>();
  for (let at = 0; at < elements.length; at += memberForms[type].width) {
    const [first = '', second = ''] = elements.slice(at, at + 2);
    if (type === 'zset') members.set(second, scoreText(first));
    else members.set(first, type === 'hash' ? second : '');
  }
  return members;
}

/** How far two TTLs may lie apart for `diff`, and for `warm --verify`, in milliseconds. */
export const defaultToleranceMillis = 2000;

/** The same for the fields of two hashes: null where they could not be read on one side. What is no hash is the same. */
export function haveSameFieldExpiries(
  found: Value,
  expected: Value,
  toleranceMillis: number,
): boolean | null {
  if (found.type !== 'hash' || expected.type !== 'hash') return true;
  const [ofFound, ofExpected] = [found.fieldExpiries, expected.fieldExpiries];
  if (ofFound === null || ofExpected === null) return null;
  const names = new Set([...(ofFound?.keys() ?? []), ...(ofExpected?.keys() ?? [])]);
  return [...names].every((name) =>
    isSameExpiry(ofFound?.get(name) ?? null, ofExpected?.get(name) ?? null, toleranceMillis),
  );
}

/** When a key expires, in milliseconds since the epoch; null without TTL, undefined where it is not known. */
export type Expiry = number | null | undefined;

/** A moment, or one between two: that of a key that was written some time ago, or with a TTL that is shortened at random. */
export type ExpectedExpiry = Expiry | { readonly from: number; readonly to: number };

export function isSameExpiry(found: Expiry, expected: ExpectedExpiry, toleranceMillis: number): boolean {
  if (found === undefined || expected === undefined) return true;
  if (found === null || expected === null) return found === expected;
  const { from, to } = typeof expected === 'number' ? { from: expected, to: expected } : expected;
  // Beyond 2^53 a number of milliseconds is rounded, here and where the TTL is added to the time, and an archive ends at 2^63.
  const tolerance = toleranceMillis + Math.max(0, found - 2 ** 53) * 2 ** -49;
  return found >= from - tolerance && found <= to + tolerance;
}
