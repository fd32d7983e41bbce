/** How far two TTLs may lie apart for `diff`, and for `warm --verify`, in milliseconds. */
export const defaultToleranceMillis = 2000;

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
