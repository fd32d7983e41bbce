import type { Value } from '../values/value.ts';

/** How far two TTLs may lie apart for `diff`, and for `warm --verify`, in milliseconds. */
export const defaultToleranceMillis = 2000;

/** The same for the fields of two hashes; what is no hash, or not known, is the same. */
export function haveSameFieldExpiries(found: Value, expected: Value, toleranceMillis: number): boolean {
  if (found.type !== 'hash' || expected.type !== 'hash') return true;
  const [ofFound, ofExpected] = [found.fieldExpiries, expected.fieldExpiries];
  if (ofFound === null || ofExpected === null) return true;
  const names = new Set([...(ofFound?.keys() ?? []), ...(ofExpected?.keys() ?? [])]);
  return [...names].every((name) =>
    isSameExpiry(ofFound?.get(name) ?? null, ofExpected?.get(name) ?? null, toleranceMillis),
  );
}

/** When a key expires, in milliseconds since the epoch; null without TTL, undefined where nobody knows. */
export type Expiry = number | null | undefined;

/** A moment, or one between two: that of a key that was written some time ago, or with a TTL that is shortened at random. */
export type ExpectedExpiry = Expiry | { readonly from: number; readonly to: number };

export function isSameExpiry(found: Expiry, expected: ExpectedExpiry, toleranceMillis: number): boolean {
  if (found === undefined || expected === undefined) return true;
  if (found === null || expected === null) return found === expected;
  const { from, to } = typeof expected === 'number' ? { from: expected, to: expected } : expected;
  // Beyond 2^53 a number of milliseconds is rounded, once here and once where the TTL is added to the time.
  const tolerance = toleranceMillis + Math.max(0, found - 2 ** 53) * 2 ** -51;
  return found >= from - tolerance && found <= to + tolerance;
}
