import { describe, expect, test } from 'vitest';
import {
  CoveringNames,
  segmentsOf,
  joinTraffic,
  type KeyRows,
} from '../../src/commands/stats/join-traffic.ts';
import type { NamespaceSummary } from '../../src/commands/namespace-summary.ts';
import { emptyMap } from '../../src/keyspace/map.ts';
import type { NamespaceTraffic } from '../../src/traffic/report.ts';

const coveringOf = (names: readonly string[], name: string) => new CoveringNames(names, [':', '|']).of(name);

describe('the row that a namespace of the traffic belongs to', () => {
  test('is the one of its name', () => {
    expect(coveringOf(['user:<id>', '<text>:<id>'], 'user:<id>')).toBe('user:<id>');
  });

  test.each([
    ['translation:<text>:cs', 'translation:home:cs'],
    ['translation:<text>:cs', 'translation:<id>:cs'],
    ['page_<id>:body', 'page_7:body'],
    ['etag:<hash>', 'etag:<id>'],
    ['cursor:<token>|next', 'cursor:<text>|next'],
    ['deep:<id>:*', 'deep:<id>:a:b'],
    ['words:<text>', 'words:last'],
  ])('is %s for %s, which the walk has joined', (pattern, name) => {
    expect(coveringOf([pattern, 'another:<id>'], name)).toBe(pattern);
  });

  test.each([
    ['translation:<text>:cs', 'translation:home:en'],
    ['translation:<text>:cs', 'translation:home|cs'],
    ['translation:<text>', 'translation:home:cs'],
    ['page_<id>', 'pages_7'],
    ['user:<id>', 'user:ann'],
    ['user:<id>', 'user:<uuid>'],
    ['deep:<id>:*', 'deep:<id>'],
    ['home', '<text>'],
  ])('is not %s for %s', (pattern, name) => {
    expect(coveringOf([pattern], name)).toBeNull();
  });

  test('is none where it could be any of two', () => {
    expect(coveringOf(['a:<text>:c', 'a:b:<text>'], 'a:b:c')).toBeNull();
  });
});

test('the segments of a name end in their delimiters, and joined they are the name', () => {
  expect(segmentsOf('a:<id>|b', [':', '|'])).toEqual(['a:', '<id>|', 'b']);
  expect(segmentsOf('a::', [':'])).toEqual(['a:', ':', '']);
  expect(segmentsOf('', [':'])).toEqual(['']);
});

const noCauses = {
  expired: 0,
  evicted: 0,
  invalidated: 0,
  renamed: 0,
  neverCached: 0,
  goneOrNew: 0,
  unknown: 0,
};

function traffic(namespace: string, hits: number, misses: number): NamespaceTraffic {
  return {
    namespace,
    database: 0,
    kind: null,
    reads: hits + misses,
    readsInterval: null,
    hits,
    hitsInterval: [hits * 0.9, hits * 1.1],
    misses,
    hitRate: hits + misses === 0 ? null : hits / (hits + misses),
    hitRateInterval: [0, 1],
    hitRateTarget: null,
    targetMet: null,
    readsPerSecond: (hits + misses) / 10,
    missShare: misses / 100,
    writes: 1,
    readsPerWrite: null,
    evictedKeys: 0,
    newKeys: null,
    causes: { ...noCauses, expired: misses },
    firstMisses: null,
    refill: null,
    stampedes: null,
    remedy: null,
  };
}

const keys = (listed: readonly string[], names = listed, mostUnseenKeys: number | null = null): KeyRows => ({
  rows: listed.map((namespace) => ({ namespace, keys: 5 }) as NamespaceSummary),
  names,
  mostUnseenKeys,
});
const joined = (rows: KeyRows | null, parts: readonly NamespaceTraffic[], limit = 20) =>
  joinTraffic(rows, parts, [], emptyMap, limit).map(({ namespace, keys: count, reads, misses }) => [
    namespace,
    count,
    reads,
    misses,
  ]);

describe('keys and traffic side by side', () => {
  test('lose no read: what is beyond the limit is in (other)', () => {
    const rows = keys(['a:<id>', '(other)'], ['a:<id>', 'b:<id>', 'c:<id>']);
    const parts = [traffic('a:<id>', 10, 0), traffic('b:<id>', 20, 2), traffic('c:<id>', 30, 3)];
    expect(joined(rows, parts, 1)).toEqual([
      ['a:<id>', 5, 10, 0],
      ['(other)', 5, 55, 5],
    ]);
    const [, other] = joinTraffic(rows, parts, [], emptyMap, 1);
    expect(other).toMatchObject({
      hitRate: 50 / 55,
      hitRateInterval: [45 / 50, 55 / 60],
      readsPerSecond: 5.5,
      missShare: 0.05,
      causes: { ...noCauses, expired: 5 },
    });
  });

  test('have rows without keys up to the limit, the first first', () => {
    const parts = ['x', 'y', 'z'].map((name, index) => traffic(name, 0, 9 - index));
    expect(joined(keys(['a']), parts, 1)).toEqual([
      ['a', 5, null, null],
      ['x', 0, 9, 9],
      ['(other)', 0, 15, 15],
    ]);
    expect(joined(keys(['a']), parts, 2)).toHaveLength(4);
    expect(joined(null, parts.slice(0, 1), 1)).toEqual([['x', null, 9, 9]]);
  });

  test('have no row for what is only written and gone', () => {
    expect(joined(keys([]), [traffic('gone', 0, 0)])).toEqual([]);
  });

  test('of a sample do not say that there is no key where none was seen', () => {
    const [row] = joinTraffic(keys([], [], 30), [traffic('rare', 5, 1)], [], emptyMap, 20);
    expect(row).toMatchObject({ keys: 0, keysInterval: [0, 30], memoryBytes: null, memoryShare: null });
  });
});
