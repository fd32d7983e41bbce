import fc from 'fast-check';
import { expect, test } from 'vitest';
import { SizeBuckets } from '../../src/keyspace/size-buckets.ts';

const bucketsOf = (sizes: readonly number[]) => {
  const buckets = new SizeBuckets();
  for (const size of sizes) buckets.add(size);
  return buckets;
};
const sizes = fc.array(fc.oneof(fc.nat(300), fc.nat(2 ** 40), fc.constantFrom(0, 1, 2, 4, 1024, 2 ** 33)));

test('a quantile is bounded from above, by less than twice the true one', () => {
  fc.assert(
    fc.property(sizes, fc.constantFrom(0.5, 0.9, 0.99, 1), (all, share) => {
      const found = bucketsOf(all).quantile(share);
      const sorted = all.toSorted((one, other) => one - other);
      const exact = sorted[Math.max(0, Math.ceil(share * all.length) - 1)];
      if (exact === undefined || found === null) {
        expect([exact, found]).toEqual([undefined, null]);
        return;
      }
      expect(found).toBeGreaterThanOrEqual(exact);
      if (exact > 1) expect(found).toBeLessThan(2 * exact);
    }),
  );
});

test('merged, also from JSON, are as if counted at once', () => {
  fc.assert(
    fc.property(sizes, sizes, (some, others) => {
      const merged = bucketsOf(some);
      merged.merge(JSON.parse(JSON.stringify(bucketsOf(others))) as SizeBuckets);
      expect(merged).toEqual(bucketsOf([...some, ...others]));
    }),
  );
});
