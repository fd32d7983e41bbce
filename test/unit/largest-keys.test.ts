import fc from 'fast-check';
import { expect, test } from 'vitest';
import type { LargeKey } from '../../src/keyspace/namespace-tree.ts';
import { TopKeys } from '../../src/keyspace/top-keys.ts';
import { asBytes, bytesOf } from '../../src/support/bytes.ts';
import { rounds } from '../server/effort.ts';

const largestKeys = (limit: number) => new TopKeys<LargeKey>(limit, ({ memoryBytes }) => memoryBytes);

test('a key that a sample draws again is listed once', () => {
  const largest = largestKeys(2);
  for (const [key, memoryBytes] of [
    ['a', 5],
    ['b', 9],
    ['b', 9],
    ['c', 7],
    ['b', 8],
  ] as const)
    largest.offer({ key: asBytes(key), memoryBytes, type: null });
  expect(largest.list().map(({ key }) => key)).toEqual(['b', 'c']);
});

test('the largest keys are those that sorting all of them would put first, equal ones in order of arrival', () => {
  fc.assert(
    fc.property(fc.array(fc.nat(20)), fc.nat(8), (sizes, limit) => {
      const largest = largestKeys(limit);
      const offered = sizes.map((memoryBytes, index) => ({
        key: bytesOf(`key:${index}`),
        memoryBytes,
        type: 'string',
      }));
      for (const each of offered) largest.offer(each);

      // Array.prototype.sort is stable.
      const sorted = [...offered].sort((left, right) => right.memoryBytes - left.memoryBytes);
      expect(largest.list()).toEqual(sorted.slice(0, limit));
    }),
    { numRuns: rounds(1000) },
  );
});
