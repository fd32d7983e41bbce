import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { buildMap } from '../../../src/config/build-map.ts';
import { emptyMap, type NamespaceMap } from '../../../src/keyspace/map.ts';
import { NamespaceTree } from '../../../src/keyspace/namespace-tree.ts';
import { asBytes } from '../../../src/support/bytes.ts';
import { hashBytes } from '../../../src/traffic/keys/key-hash.ts';
import { NamespaceRows } from '../../../src/traffic/keys/namespace-rows.ts';
import { rounds } from '../../server/effort.ts';

const map = buildMap({
  namespaces: {
    users: { pattern: 'user:*' },
    admins: { pattern: 'user:admin:*' },
    carts: { pattern: ['cart:*', 'basket:*'] },
  },
});

/** Counts keys by the row that they are given, as a window does. */
class Counter {
  readonly rows: NamespaceRows;
  private readonly counts = new Map<number, number>();

  constructor(of: NamespaceMap, database = 0) {
    this.rows = new NamespaceRows(of, database);
  }

  add(key: string, database = 0): number {
    const bytes = Buffer.from(`before${key}behind`, 'latin1');
    const [start, end] = [6, 6 + key.length];
    const hash = { high: 0, low: 0 };
    hashBytes(bytes, start, end, database, hash);
    const row = this.rows.rowOf(database, bytes, start, end, hash);
    this.counts.set(row, (this.counts.get(row) ?? 0) + 1);
    return row;
  }

  /** How often keys of each group were added; a row that is in no group, or in two, is a failure. */
  byName(): Record<string, number> {
    const groups = this.rows.groups();
    const owners = new Map<number, string>();
    const twice: number[] = [];
    for (const { namespace, rows } of groups) {
      for (const row of rows) {
        if (owners.has(row)) twice.push(row);
        owners.set(row, namespace);
      }
    }
    expect(twice).toEqual([]);
    const sums: Record<string, number> = {};
    expect([...this.counts.keys()].filter((row) => !owners.has(row))).toEqual([]);
    for (const [row, count] of this.counts) {
      const name = owners.get(row) ?? '';
      sums[name] = (sums[name] ?? 0) + count;
    }
    return sums;
  }
}

/** The same from the tree that `inspect` uses. */
function namesOf(of: NamespaceMap, keys: readonly string[]): Record<string, number> {
  const tree = new NamespaceTree({ map: of, depth: of.isEmpty ? Number.POSITIVE_INFINITY : 1 });
  for (const key of keys) tree.add(asBytes(key), { memoryBytes: null, type: null, ttlMillis: null });
  return Object.fromEntries(
    tree
      .rows(Number.POSITIVE_INFINITY)
      .map(({ namespace, statistics }) => [namespace, statistics.keys] as const),
  );
}

const word = fc.oneof(
  fc.constantFrom('user', 'admin', 'cart', 'page', 'a', '', '42', '9f86d081884c7d65', '\xff\x00'),
  fc.nat(60).map((number) => `page_${number}`),
  fc.nat(60).map((number) => String.fromCharCode(97 + (number % 26), 97 + Math.floor(number / 26))),
);
const key = fc.array(word, { minLength: 1, maxLength: 4 }).map((words) => words.join(':'));

describe.each([
  ['without a map', emptyMap],
  ['with a map', map],
])('%s', (_, of) => {
  test('keys are counted under the names that inspect gives them', () => {
    fc.assert(
      fc.property(fc.uniqueArray(key, { maxLength: 400, size: 'max' }), (keys) => {
        const counter = new Counter(of);
        for (const each of keys) counter.add(each);
        expect(counter.byName()).toEqual(namesOf(of, keys));
      }),
      { numRuns: rounds(100), interruptAfterTimeLimit: 10_000 },
    );
  });
});

test('a key that comes again is counted in the same group, also when groups were asked for between', () => {
  const counter = new Counter(emptyMap);
  const keys = Array.from(
    { length: 300 },
    (_, index) => `section:${'abcdefghij'[index % 10] ?? ''}x${index}:list`,
  );
  for (const each of keys) counter.add(each);
  expect(Object.values(counter.byName()).reduce((sum, count) => sum + count, 0)).toBe(300);
  for (const each of keys) counter.add(each);
  const sums = counter.byName();
  expect(Object.values(sums).reduce((sum, count) => sum + count, 0)).toBe(600);
  for (const count of Object.values(sums)) expect(count % 2).toBe(0);
});

test('words that were counted apart before they were joined are one group', () => {
  const counter = new Counter(emptyMap);
  const letters = (index: number) => String.fromCharCode(97 + (index % 26), 97 + Math.floor(index / 26));
  const keys = Array.from({ length: 100 }, (_, index) => `translation:${letters(index)}:cs`);
  const rows = new Set(keys.map((each) => counter.add(each)));
  expect(rows.size).toBeGreaterThan(10);
  expect(counter.byName()).toEqual({ 'translation:<text>:cs': 100 });
});

test('keys of another database share a group each, whatever the map says of such names', () => {
  const counter = new Counter(map, 2);
  for (const [name, database] of [
    ['user:1', 2],
    ['user:1', 0],
    ['user:2', 0],
    ['x', 15],
  ] as const)
    counter.add(name, database);
  expect(counter.byName()).toEqual({ users: 1, '(database 0)': 2, '(database 15)': 1 });
  expect(counter.rows.groups().map(({ database }) => database)).toEqual([2, 0, 15]);
});

test('keys whose hashes fall into one slot, or share a half, are told apart', () => {
  const rows = new NamespaceRows(map, 0);
  const rowOf = (name: string, high: number, low: number) =>
    rows.rowOf(0, Buffer.from(name), 0, name.length, { high, low });
  const [user, cart] = [rowOf('user:1', 1, 5), rowOf('cart:1', 2, 5)];
  expect(user).not.toBe(cart);
  expect(rowOf('cart:2', 1, 5 + 2 ** 18)).toBe(cart);
  expect(rowOf('user:1', 1, 5)).toBe(user);
  expect(rowOf('cart:1', 2, 5)).toBe(cart);
  expect(rowOf('user:3', 0, 0)).toBe(user);
  expect(rowOf('cart:3', -7, 0)).toBe(cart);
});

test('more keys than the cache holds are counted as if there were none', () => {
  const counter = new Counter(map);
  const names = ['user', 'cart', 'user:admin', 'other'];
  for (let round = 0; round < 2; round++)
    for (let index = 0; index < 300_000; index++) counter.add(`${names[index % 4] ?? ''}:${index}`);
  expect(counter.byName()).toEqual({
    users: 150_000,
    carts: 150_000,
    admins: 150_000,
    '(unmapped)': 150_000,
  });
});

test('more rows than 65,536, as of words that are numbered, are still told apart', () => {
  const counter = new Counter(emptyMap);
  const letters = (index: number) =>
    [1, 26].map((power) => String.fromCharCode(97 + (Math.floor(index / power) % 26))).join('');
  const keys: string[] = [];
  for (let first = 0; first < 500; first++)
    for (let family = 0; family < 20; family++)
      for (let number = 0; number < 8; number++) keys.push(`x${letters(first)}:${letters(family)}_${number}`);
  for (const each of keys) counter.add(each);
  expect(counter.rows.size).toBeGreaterThan(65_536);
  for (const each of keys) counter.add(each);
  const once = namesOf(emptyMap, keys);
  const twice = Object.fromEntries(Object.entries(once).map(([name, count]) => [name, 2 * count]));
  expect(counter.byName()).toEqual(twice);
});
