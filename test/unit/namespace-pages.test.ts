import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { keyOverheadBytes } from '../../src/keyspace/key-memory.ts';
import { NamespaceTree, type TreeState } from '../../src/keyspace/namespace-tree.ts';
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
  elements: [],
};
const map = buildMap({
  namespaces: {
    users: { pattern: 'user:*', ttl: 3600 },
    stats: { pattern: 'stats:*', ttl: { untilMidnight: 'UTC' } },
    rules: { pattern: 'rules:*', ttl: 'permanent' },
  },
});
const noon = Date.UTC(2026, 5, 1, 12, 0, 0);

const treeOf = (ofMap: NamespaceMap, depth = 3, now = () => noon) =>
  new NamespaceTree({ map: ofMap, depth, top: 5, now });
const verdictsOf = (tree: NamespaceTree) =>
  Object.fromEntries(
    tree
      .rows(100)
      .map(({ namespace, statistics }) => [
        namespace,
        Object.fromEntries([...statistics.by.verdict.parts].map(([label, { keys }]) => [label, keys])),
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
          const tree = treeOf(ofMap, depth);
          for (const page of before) tree.addPage(page, null);
          const loaded = treeOf(ofMap, depth);
          loaded.load(JSON.parse(JSON.stringify(tree.save())) as TreeState);
          expect(loaded.save()).toEqual(tree.save());
          for (const page of after) {
            tree.addPage(page, null);
            loaded.addPage(page, null);
          }

          expect(loaded.rows(1000)).toEqual(tree.rows(1000));
          expect(loaded.keys).toBe(tree.keys);
          expect(loaded.size).toBe(tree.size);
          expect(loaded.largest.list()).toEqual(tree.largest.list());
          expect(loaded.detailedKeys).toBe(tree.detailedKeys);
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
    const tree = treeOf(emptyMap);
    tree.addPage(page(0, 300), null);
    const loaded = treeOf(emptyMap);
    loaded.load(JSON.parse(JSON.stringify(tree.save())) as TreeState);
    for (const each of [tree, loaded]) each.addPage(page(300, 300), null);
    expect(loaded.rows(10).map(({ namespace, statistics }) => [namespace, statistics.keys])).toEqual([
      ['t:<text>:x', 600],
    ]);
    expect(loaded.rows(10)).toEqual(tree.rows(10));
  });

  test('has the type that was asked for, where no type was read', () => {
    const tree = new NamespaceTree({ map: emptyMap, depth: 1, top: 5, type: 'hash', now: () => noon });
    tree.addPage({ ...nothing, keys: [asBytes('a'), asBytes('b')], memoryBytes: [100, null] }, null);
    const [row] = tree.rows(10);
    expect(tree.total().by.type.part('hash').keys).toBe(2);
    expect(row?.statistics.overheadBytes).toBe(keyOverheadBytes(1));
    expect(tree.largest.list()).toEqual([{ key: 'a', memoryBytes: 100, type: 'hash' }]);
    expect(tree.detailedKeys).toBe(0);
  });
});

describe('TTLs are judged by the rule of their namespace', () => {
  const ttlPage = (rows: readonly (readonly [key: string, ttlMillis: number])[]): Page => ({
    ...nothing,
    keys: rows.map(([key]) => asBytes(key)),
    ttlMillis: rows.map(([, ttlMillis]) => ttlMillis),
  });

  test('and those without a rule by none', () => {
    const tree = treeOf(map, 1);
    tree.addPage(
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
    expect(verdictsOf(tree)).toEqual({
      users: { kept: 1, missing: 1, 'too-long': 1 },
      rules: { unexpected: 1 },
      stats: { kept: 1, drifting: 1 },
      '(unmapped)': {},
    });
  });

  test('at the time at which they are read, however long the walk takes, past midnight too', () => {
    const clock = { now: noon };
    const tree = treeOf(map, 1, () => clock.now);
    const midnight = noon + 12 * 3_600_000;
    for (; clock.now < midnight + 3_600_000; clock.now += 600_000) {
      const left = (clock.now < midnight ? midnight : midnight + 86_400_000) - clock.now;
      tree.addPage(ttlPage([['stats:1', left]]), null);
    }
    expect(verdictsOf(tree)).toEqual({ stats: { kept: 78 } });
  });
});
