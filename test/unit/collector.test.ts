import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { Collector, type CollectorState, keyOverheadBytes } from '../../src/keyspace/collector.ts';
import { buildMap } from '../../src/config/build-map.ts';
import { emptyMap, type NamespaceMap } from '../../src/keyspace/map.ts';
import { asBytes, type ByteString } from '../../src/support/bytes.ts';
import type { KeyColumns } from '../../src/redis/columns.ts';
import { rounds } from '../server/effort.ts';

type Page = KeyColumns & { readonly keys: readonly ByteString[] };

const nothing: KeyColumns = {
  memoryBytes: [],
  types: [],
  ttlMillis: [],
  encodings: [],
  idleSeconds: [],
  frequencies: [],
};
const map = buildMap({
  namespaces: {
    users: { pattern: 'user:*', ttl: 3600 },
    stats: { pattern: 'stats:*', ttl: { untilMidnight: 'UTC' } },
    rules: { pattern: 'rules:*', ttl: 'permanent' },
  },
});
const noon = Date.UTC(2026, 5, 1, 12, 0, 0);

const collectorOf = (ofMap: NamespaceMap, depth = 3, now = () => noon) =>
  new Collector({ map: ofMap, depth, top: 5, now });
const verdictsOf = (collector: Collector) =>
  Object.fromEntries(
    collector.tree
      .rows(100)
      .map(({ namespace, statistics }) => [
        namespace,
        Object.fromEntries([...statistics.ttlVerdicts.parts].map(([label, { keys }]) => [label, keys])),
      ]),
  );

const keys = fc
  .tuple(
    fc.constantFrom('user', 'stats', 'rules', 'page', 'ÿ\u0000'),
    fc.oneof(
      fc.nat(20).map(String),
      fc.nat(40).map((id) => `word${String.fromCharCode(97 + (id % 26))}${id}`),
      fc.constant(''),
    ),
    fc.constantFrom('profile', 'a', '7'),
  )
  .map((segments) => asBytes(segments.join(':')));

/** Pages as a walk gives them: columns that were not asked for are empty. */
const pages: fc.Arbitrary<Page> = fc
  .tuple(
    fc.array(
      fc.record({
        key: keys,
        memoryBytes: fc.option(fc.nat(100_000)),
        type: fc.option(fc.constantFrom('string', 'hash')),
        ttlMillis: fc.option(fc.oneof(fc.constantFrom(-1, 0), fc.nat(100_000_000))),
        encoding: fc.option(fc.constantFrom('raw', 'listpack')),
        idleSeconds: fc.option(fc.nat(1_000_000)),
        frequency: fc.option(fc.nat(255)),
      }),
      { maxLength: 60 },
    ),
    fc.boolean(),
  )
  .map(([rows, detailed]) => ({
    ...nothing,
    keys: rows.map(({ key }) => key),
    memoryBytes: rows.map(({ memoryBytes }) => memoryBytes),
    ...(detailed && {
      types: rows.map(({ type }) => type),
      ttlMillis: rows.map(({ ttlMillis }) => ttlMillis),
      encodings: rows.map(({ encoding }) => encoding),
      idleSeconds: rows.map(({ idleSeconds }) => idleSeconds),
      frequencies: rows.map(({ frequency }) => frequency),
    }),
  }));

describe('what was collected', () => {
  test('comes back from JSON as it was, and grows on as though it had never been saved', () => {
    fc.assert(
      fc.property(
        fc.array(pages, { maxLength: 6 }),
        fc.array(pages, { maxLength: 3 }),
        fc.constantFrom(emptyMap, map),
        fc.constantFrom(1, 2, 3, Infinity),
        (before, after, ofMap, depth) => {
          const collector = collectorOf(ofMap, depth);
          for (const page of before) collector.add(page, null);
          const loaded = collectorOf(ofMap, depth);
          loaded.load(JSON.parse(JSON.stringify(collector.save())) as CollectorState);
          expect(loaded.save()).toEqual(collector.save());
          for (const page of after) {
            collector.add(page, null);
            loaded.add(page, null);
          }

          expect(loaded.tree.rows(1000)).toEqual(collector.tree.rows(1000));
          expect(loaded.tree.keys).toBe(collector.tree.keys);
          expect(loaded.tree.size).toBe(collector.tree.size);
          expect(loaded.largest.list()).toEqual(collector.largest.list());
          expect(loaded.detailedKeys).toBe(collector.detailedKeys);
        },
      ),
      { numRuns: rounds(150) },
    );
  });

  test('comes back also where words were too many, and later words find the same place', () => {
    const wordOf = (index: number) =>
      index.toString(26).replace(/[0-9]/g, (digit) => 'qrstuvwxyz'.charAt(Number(digit)));
    const page = (first: number, count: number): Page => ({
      ...nothing,
      keys: Array.from({ length: count }, (_, index) => asBytes(`t:${wordOf(first + index)}:x`)),
    });
    const collector = collectorOf(emptyMap);
    collector.add(page(0, 300), null);
    const loaded = collectorOf(emptyMap);
    loaded.load(JSON.parse(JSON.stringify(collector.save())) as CollectorState);
    for (const each of [collector, loaded]) each.add(page(300, 300), null);
    expect(loaded.tree.rows(10).map(({ namespace, statistics }) => [namespace, statistics.keys])).toEqual([
      ['t:<any>:x', 600],
    ]);
    expect(loaded.tree.rows(10)).toEqual(collector.tree.rows(10));
  });

  test('has the type that was asked for, where no type was read', () => {
    const collector = new Collector({ map: emptyMap, depth: 1, top: 5, type: 'hash', now: () => noon });
    collector.add({ ...nothing, keys: [asBytes('a'), asBytes('b')], memoryBytes: [100, null] }, null);
    const [row] = collector.tree.rows(10);
    expect(collector.tree.total().types.part('hash').keys).toBe(2);
    expect(row?.statistics.overheadBytes).toBe(keyOverheadBytes(1));
    expect(collector.largest.list()).toEqual([{ key: 'a', memoryBytes: 100, type: 'hash' }]);
    expect(collector.detailedKeys).toBe(0);
  });
});

describe('TTLs are judged by the rule of their namespace', () => {
  const ttlPage = (rows: readonly (readonly [key: string, ttlMillis: number])[]): Page => ({
    ...nothing,
    keys: rows.map(([key]) => asBytes(key)),
    ttlMillis: rows.map(([, ttlMillis]) => ttlMillis),
  });

  test('and those without a rule by none', () => {
    const collector = collectorOf(map, 1);
    collector.add(
      ttlPage([
        ['user:1', 3_600_000],
        ['user:2', -1],
        ['user:3', 7_200_000],
        ['rules:1', 5],
        ['stats:1', 12 * 3_600_000],
        ['stats:2', 3_600_000],
        ['other', -1],
      ]),
      null,
    );
    expect(verdictsOf(collector)).toEqual({
      users: { kept: 1, missing: 1, 'too-long': 1 },
      rules: { unexpected: 1 },
      stats: { kept: 1, drifting: 1 },
      '(unmapped)': {},
    });
  });

  test('at the time at which they are read, however long the walk takes, past midnight too', () => {
    const clock = { now: noon };
    const collector = collectorOf(map, 1, () => clock.now);
    const midnight = noon + 12 * 3_600_000;
    for (; clock.now < midnight + 3_600_000; clock.now += 600_000) {
      const left = (clock.now < midnight ? midnight : midnight + 86_400_000) - clock.now;
      collector.add(ttlPage([['stats:1', left]]), null);
    }
    expect(verdictsOf(collector)).toEqual({ stats: { kept: 78 } });
  });
});
