import fc from 'fast-check';
import { expect, test } from 'vitest';
import { KeySet } from '../../src/support/key-set.ts';
import { asBytes, bytesOf } from '../../src/support/bytes.ts';

const smallKeys = fc.oneof(
  fc.string({ maxLength: 3 }),
  fc.nat(3000).map((id) => `user:${id}`),
);

test('says of each key what a set of the keys says', () => {
  fc.assert(
    fc.property(fc.array(smallKeys, { maxLength: 5000 }), (keys) => {
      const [own, known] = [new KeySet(), new Set<string>()];
      for (const key of keys) {
        expect(own.has(bytesOf(key))).toBe(known.has(key));
        expect(own.add(bytesOf(key))).toBe(!known.has(key));
        known.add(key);
      }
      expect(own.size).toBe(known.size);
    }),
    { numRuns: 50 },
  );
});

test('takes keys that differ in one character for different ones, among hundreds of thousands', () => {
  const keys = new KeySet();
  for (let id = 0; id < 300_000; id++) keys.add(bytesOf(`user:${id}:profile`));
  expect(keys).toMatchObject({ size: 300_000, isOverfull: false });
  expect(keys.add(bytesOf('user:299999:profile'))).toBe(false);
  expect(keys.has(bytesOf('user:300000:profile'))).toBe(false);
});

test('remembers so many keys, and says once there were more', () => {
  const keys = new KeySet(10);
  for (let id = 0; id < 10; id++) keys.add(asBytes(String(id)));
  expect(keys.isOverfull).toBe(false);
  expect(keys.add(asBytes('10'))).toBe(true);
  expect(keys.add(asBytes('10'))).toBe(true);
  expect(keys.add(asBytes('9'))).toBe(false);
  expect(keys).toMatchObject({ size: 10, isOverfull: true });
});
