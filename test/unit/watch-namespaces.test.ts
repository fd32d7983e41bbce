import { describe, expect, test } from 'vitest';
import { buildMap } from '../../src/config/build-map.ts';
import { emptyMap } from '../../src/keyspace/map.ts';
import type { NamespaceTraffic, TrafficReport } from '../../src/traffic/report.ts';
import { topCauseOf } from '../../src/traffic/report.ts';
import { sortedNamespaces, watchedNamespaces } from '../../src/watch/namespaces.ts';
import { namespace } from './watch-figures.ts';

const causes = {
  expired: 1,
  evicted: 0,
  invalidated: 4,
  renamed: 0,
  neverCached: 2,
  goneOrNew: 0,
  unknown: 0,
};
const report = (namespaces: readonly Partial<NamespaceTraffic>[], windowSeconds = 2) =>
  ({ windowSeconds, namespaces }) as TrafficReport;
const size = (name: string, bytes: number | null, keys = 10) => ({
  namespace: name,
  kind: null,
  keys,
  memoryBytes: bytes,
  keysInterval: null,
  memoryBytesInterval: null,
  memoryShareInterval: null,
});

describe('sizes and traffic side by side', () => {
  test('meet by name, and each may stand alone', () => {
    const traffic = report([
      {
        namespace: 'a',
        misses: 7,
        hits: 93,
        hitRate: 0.93,
        readsPerSecond: 50,
        causes,
        targetMet: null,
        hitRateTarget: null,
      },
      { namespace: 'c', misses: 1, hits: null, hitRate: null, readsPerSecond: null, causes: null },
    ]);
    const rows = watchedNamespaces(emptyMap, [size('a', 300), size('b', 100)], traffic);
    expect(rows.map((row) => row.namespace)).toEqual(['a', 'b', 'c']);
    expect(rows[0]).toMatchObject({
      memoryBytes: 300,
      memoryShare: 0.75,
      missesPerSecond: 3.5,
      hitRate: 0.93,
      topCause: 'invalidated',
    });
    expect(rows[1]).toMatchObject({
      memoryBytes: 100,
      memoryShare: 0.25,
      missesPerSecond: null,
      hitRate: null,
      causes: null,
    });
    expect(rows[2]).toMatchObject({
      memoryBytes: null,
      keys: null,
      missesPerSecond: 0.5,
      readsPerSecond: null,
    });
  });

  test('have the target of the map, also without traffic', () => {
    const map = buildMap({ namespaces: { a: { pattern: 'a:*', hitRateTarget: 0.95 } } });
    expect(watchedNamespaces(map, [size('a', null)], null)).toMatchObject([
      { hitRateTarget: 0.95, targetMet: null, memoryShare: null },
    ]);
  });
});

describe('the worst on top', () => {
  const rows = [
    namespace('quiet', { hitRate: 1, missesPerSecond: 0, readsPerSecond: 3 }),
    namespace('bad', { hitRate: 0.2, missesPerSecond: 8, readsPerSecond: 10 }),
    namespace('unknown'),
    namespace('busy', { hitRate: 0.9, missesPerSecond: 10, readsPerSecond: 100 }),
  ];
  test.each([
    ['hitRate', ['bad', 'busy', 'quiet', 'unknown']],
    ['misses', ['busy', 'bad', 'quiet', 'unknown']],
    ['reads', ['busy', 'bad', 'quiet', 'unknown']],
    ['bytes', ['bad', 'busy', 'quiet', 'unknown']],
    ['name', ['bad', 'busy', 'quiet', 'unknown']],
  ] as const)('by %s', (order, names) => {
    expect(sortedNamespaces(rows, order).map((row) => row.namespace)).toEqual(names);
  });
});

test('the top cause is the one of most misses, and none where nothing was missed', () => {
  expect(topCauseOf(causes)).toBe('invalidated');
  expect(topCauseOf({ ...causes, expired: 0, invalidated: 0, neverCached: 0 })).toBeNull();
});
