import { createHash } from 'node:crypto';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { buildMap } from '../../src/config/build-map.ts';
import { emptyMap, type NamespaceMap } from '../../src/keyspace/map.ts';
import { NamespaceTree } from '../../src/keyspace/namespace-tree.ts';
import { SegmentTree } from '../../src/keyspace/segment-tree.ts';
import type { Leaf } from '../../src/keyspace/tree-node.ts';
import { asBytes, bytesOf } from '../../src/support/bytes.ts';
import { rounds } from '../server/effort.ts';

/** Numbers of the keys of one place. */
class Numbers implements Leaf<Numbers> {
  readonly list: number[] = [];

  merge(other: Numbers): void {
    this.list.push(...other.list);
  }

  get keys(): number {
    return this.list.length;
  }
}

function treeOf(keys: readonly string[], map: NamespaceMap = emptyMap, depth = Infinity) {
  const tree = new SegmentTree({ map, depth, newLeaf: () => new Numbers() });
  keys.forEach((key, index) => {
    const bytes = bytesOf(key);
    tree.leafOf(bytes, map.classify(bytes)).list.push(index);
  });
  return tree;
}

const someMap = buildMap({
  namespaces: { users: { pattern: 'user:*' }, profile: { pattern: 'user:<id>:profile' } },
});
const listsOf = (tree: SegmentTree<Numbers>) =>
  Object.fromEntries(
    tree
      .rows()
      .map(({ namespace, pattern, leaf }) => [pattern ?? namespace, leaf.list.sort((a, b) => a - b)]),
  );
const wordOf = (index: number) =>
  index.toString(26).replace(/[0-9]/g, (digit) => 'qrstuvwxyz'.charAt(Number(digit)));
const times = <T>(count: number, make: (index: number) => T): T[] =>
  Array.from({ length: count }, (_, index) => make(index));

test('keys of one pattern share a leaf', () => {
  const tree = treeOf([]);
  const leaf = tree.leafOf(asBytes('user:1:profile'), null);
  expect(tree.leafOf(asBytes('user:2:profile'), null)).toBe(leaf);
  expect(tree.leafOf(asBytes('user:2'), null)).not.toBe(leaf);
  expect([...tree.leaves()]).toHaveLength(2);
});

test('the leaves of words that turn out to be variable are merged, and none is lost', () => {
  const keys = times(100, (index) => `t:${wordOf(index)}:${index % 2 === 0 ? 'cs' : 'en'}`);
  expect(listsOf(treeOf(keys))).toEqual({
    't:<text>:cs': times(50, (index) => 2 * index),
    't:<text>:en': times(50, (index) => 2 * index + 1),
  });
});

test('numbered words are joined when the rows are asked for, and not before', () => {
  const tree = treeOf(times(8, (index) => `page_${index}`));
  expect([...tree.leaves()]).toHaveLength(8);
  expect(listsOf(tree)).toEqual({ 'page_<id>': times(8, (index) => index) });
  expect([...tree.leaves()]).toHaveLength(1);
});

describe('ids among ids', () => {
  const namesOf = (keys: readonly string[]) => Object.keys(listsOf(treeOf(keys))).sort();

  test('of base64url text are one placeholder, whatever characters each happens to have', () => {
    const bytes = times(3000, (index) => createHash('sha256').update(String(index)).digest().subarray(0, 24));
    const ids = [...bytes.map((each) => each.toString('base64url')), 'ZEAytyAfwKSxmmbnpHeicYmtCEMqfIkh'];
    expect(ids.filter((id) => !/\d/.test(id)).length).toBeGreaterThan(5);
    expect(namesOf(ids.map((id) => `sess:${id}`))).toEqual(['sess:<token>']);
  });

  test.each([
    'zm-C6aNefvK1c7glGgQlHJHHAJG5O0Ft',
    'kz9-GXl7TMIjdKYSEkGQ6Mj9BOzLWWRy',
    'nt-GXl7TMIjdKYSEkGQ6Mj9BOzLWW-12',
    'vu_C6aNefvK1c7glGgQlHJHHAJG5O-pm',
    'gg_C6aNefvK1c7glGgQlHJHHAJG5_123',
  ])('of base64url text are one among few, also %s', (odd) => {
    const bytes = times(60, (index) => createHash('sha256').update(`few ${index}`).digest().subarray(0, 24));
    const ids = [...bytes.map((each) => each.toString('base64url')), odd];
    expect(namesOf(ids.map((id) => `sess:${id}`))).toEqual(['sess:<token>']);
    expect(namesOf(ids.map((id) => `sess:${id}:data`))).toEqual(['sess:<token>:data']);
  });

  test('of short digests are one, also those of letters alone', () => {
    const ids = ['9f86d081', '1a2b3c4d', 'deadbeef', '0c0ffee0', 'e3b0c442'];
    expect(namesOf([...ids.map((id) => `cart:${id}:items`), 'cart:settings:items'])).toEqual([
      'cart:<text>:items',
      'cart:settings:items',
    ]);
  });

  test('of short digests are one, also those of digits alone, and their keys are found again', () => {
    const digestOf = (index: number, length: number) =>
      createHash('sha256').update(`short ${index}`).digest('hex').slice(0, length);
    for (const length of [4, 6, 8, 12]) {
      for (const count of [60, 2000]) {
        const keys = times(count, (index) => `search:${digestOf(index, length)}`);
        const tree = treeOf(keys);
        expect(Object.keys(listsOf(tree))).toEqual(['search:<text>']);
        for (const key of keys.slice(0, 100))
          expect(tree.nameOf(bytesOf(key))?.namespace).toBe('search:<text>');
      }
    }
  });

  test('that are numbers stay apart from names, of which there are more', () => {
    const names = times(
      400,
      (index) => `user:${'abcdefghij'[index % 10]}lice${'xyzuvw'[index % 6]}${index}n`,
    );
    const ids = times(20, (index) => `user:${1000 + index}`);
    expect(namesOf([...names, ...ids])).toContain('user:<id>');
  });

  test('of a short alphabet are one, and words beside them stay words', () => {
    const ids = [
      'V1StGXR8Z5jd',
      'dQw4w9WgXcQ8',
      'aB3dE5fG7hJ9',
      'k2L4m6N8p0Q1',
      'x9Y7w5V3u1T0',
      'QwErTyUiOpAs',
    ];
    expect(namesOf([...ids, 'popular', 'new'].map((id) => `video:${id}`))).toEqual([
      'video:<text>',
      'video:new',
      'video:popular',
    ]);
  });

  test('are not seen in words with numbers', () => {
    const names = ['gpt-4o', 'gpt-4o-mini', 'claude-3-5-sonnet', 'v2beta', 'mp3', 'utf8mb4'];
    expect(namesOf(names.map((name) => `model:${name}`))).toEqual(
      names.map((name) => `model:${name}`).sort(),
    );
  });
});

test('further first words share one leaf, the one of (other)', () => {
  const rows = treeOf(times(600, (index) => `${wordOf(index)}:x`)).rows();
  const other = rows.filter(({ namespace }) => namespace === '(other)');
  expect(other.map(({ pattern, path, leaf }) => [pattern, path, leaf.keys])).toEqual([
    [null, ['(other)'], 600 - 512],
  ]);
});

describe('with a map', () => {
  test('the namespace that is handed in decides, and the key is not looked at where no level is left for it', () => {
    const tree = treeOf([], someMap, 1);
    const [users = null] = someMap.namespaces;
    const leaf = tree.leafOf(asBytes('whatever:1'), users);
    expect(tree.leafOf(asBytes('user:1'), users)).toBe(leaf);
    tree.leafOf(asBytes('whatever:1'), null);
    expect(tree.rows().map(({ namespace }) => namespace)).toEqual(['users', '(unmapped)']);
  });

  test('further levels tell segments apart', () => {
    expect(listsOf(treeOf(['user:1', 'user:1:profile', 'else'], someMap, 3))).toEqual({
      'user:<id>': [0],
      'user:<id>:*': [1],
      else: [2],
    });
  });
});

const keyLists = fc.array(
  fc
    .array(
      fc.oneof(
        fc.constantFrom('user', 'profile', '', '1', 'a word', 'page_1'),
        fc.nat(60).map(wordOf),
        fc.nat(30).map((number) => `page_${number}`),
      ),
      { minLength: 1, maxLength: 4 },
    )
    .map((segments) => segments.join(':')),
  { maxLength: 400, size: 'max' },
);
const maps = fc.constantFrom(emptyMap, someMap);
const depths = fc.constantFrom(1, 2, 3, Infinity);

test('each key is in exactly one row, of the same name as in the tree of statistics', () => {
  fc.assert(
    fc.property(keyLists, maps, depths, (keys, map, depth) => {
      const rows = treeOf(keys, map, depth).rows();
      expect(rows.flatMap(({ leaf }) => leaf.list).sort((a, b) => a - b)).toEqual(keys.map((_, i) => i));

      const statistics = new NamespaceTree({ map, depth });
      for (const key of keys) statistics.add(bytesOf(key), { memoryBytes: 1, type: null, ttlMillis: null });
      const sizes = (list: readonly { path: readonly string[]; keys: number }[]) =>
        list.map(({ path, keys: count }) => `${path.join('\0')} ${count}`).sort();
      expect(sizes(rows.map(({ path, leaf }) => ({ path, keys: leaf.keys })))).toEqual(
        sizes(statistics.rows(Infinity).map((row) => ({ path: row.path, keys: row.statistics.keys }))),
      );
    }),
    { numRuns: rounds(200) },
  );
});

test('a tree that was saved and loaded groups further keys as the original does', () => {
  fc.assert(
    fc.property(keyLists, keyLists, (before, after) => {
      const original = treeOf(before);
      const copy = treeOf([]);
      copy.load(original.save(), (leaf, saved) => leaf.merge(saved));
      for (const tree of [original, copy]) {
        after.forEach((key, index) => tree.leafOf(bytesOf(key), null).list.push(before.length + index));
      }
      expect(listsOf(copy)).toEqual(listsOf(original));
      expect(copy.size).toBe(original.size);
    }),
    { numRuns: rounds(100) },
  );
});
