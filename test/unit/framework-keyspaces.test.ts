import { expect, test } from 'vitest';
import { emptyMap } from '../../src/keyspace/map.ts';
import { SegmentTree } from '../../src/keyspace/segment-tree.ts';
import { NamespaceTree } from '../../src/keyspace/namespace-tree.ts';
import { bytesOf } from '../../src/support/bytes.ts';
import { frameworks } from './framework-keyspaces.ts';

test.each(Object.entries(frameworks))(
  'the keys of %s make the tree that one would draw by hand',
  (_name, { keys, rows }) => {
    const tree = new NamespaceTree({ map: emptyMap, depth: Number.POSITIVE_INFINITY });
    for (const key of keys) tree.add(bytesOf(key), { ttlMillis: null });
    const drawn = tree.rows().map(({ namespace, statistics }) => [namespace, statistics.keys] as const);
    expect(Object.fromEntries(drawn)).toEqual(rows);
  },
);

class KeyCount {
  keys = 0;

  merge(other: KeyCount): void {
    this.keys += other.keys;
  }
}

test.each(Object.entries(frameworks))(
  'the name of each key of %s is that of its row',
  (_name, { keys, rows }) => {
    const tree = new SegmentTree({
      map: emptyMap,
      depth: Number.POSITIVE_INFINITY,
      newLeaf: () => new KeyCount(),
    });
    for (const key of keys) tree.leafOf(bytesOf(key), null).keys++;
    tree.rows();
    const counts: Record<string, number> = {};
    for (const key of keys) {
      const name = tree.nameOf(bytesOf(key))?.namespace ?? '';
      counts[name] = (counts[name] ?? 0) + 1;
    }
    expect(counts).toEqual(rows);
  },
);
