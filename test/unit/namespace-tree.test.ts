import { createHash } from 'node:crypto';
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { inferPattern } from '../../src/keyspace/infer.ts';
import type { KeyReading } from '../../src/keyspace/key-statistics.ts';
import { buildMap } from '../../src/config/build-map.ts';
import { emptyMap, type NamespaceMap } from '../../src/keyspace/map.ts';
import { type NamespaceRow, NamespaceTree } from '../../src/keyspace/namespace-tree.ts';
import { compilePattern, parsePattern } from '../../src/keyspace/pattern.ts';
import { asBytes, bytesOf } from '../../src/support/bytes.ts';
import { keys as anyKeys } from './pattern-arbitraries.ts';
import { rounds } from '../server/effort.ts';

const reading: KeyReading = { memoryBytes: 10, type: 'string', ttlMillis: -1 };

function treeOf(keys: Iterable<string>, map: NamespaceMap = emptyMap, depth = Infinity): NamespaceTree {
  const tree = new NamespaceTree({ map, depth });
  for (const key of keys) tree.add(bytesOf(key), reading);
  return tree;
}

const counts = (rows: readonly NamespaceRow[]) =>
  Object.fromEntries(
    rows.map(({ namespace, pattern, statistics }) => [pattern ?? namespace, statistics.keys]),
  );
const countsOf = (keys: Iterable<string>, map?: NamespaceMap, depth?: number) =>
  counts(treeOf(keys, map, depth).rows(1000));
const times = <T>(count: number, make: (index: number) => T): T[] =>
  Array.from({ length: count }, (_, index) => make(index));
const wordOf = (index: number) =>
  index.toString(26).replace(/[0-9]/g, (digit) => 'qrstuvwxyz'.charAt(Number(digit)));
const digestOf = (index: number) => createHash('sha256').update(String(index)).digest('hex').slice(0, 16);

describe('without a map', () => {
  test('the rows are the patterns of the keys', () => {
    expect(countsOf(['user:1:profile', 'user:2:profile', 'user:2', 'stats:7:daily:2026-01-02'])).toEqual({
      'user:<id>:profile': 2,
      'user:<id>': 1,
      'stats:<id>:daily:<date>': 1,
    });
  });

  test('a depth tells so many segments apart, and the rest is a star', () => {
    const keys = ['user:1:profile', 'user:2:profile', 'user:2', 'solo'];
    expect(countsOf(keys, emptyMap, 1)).toEqual({ 'user:*': 3, solo: 1 });
    expect(countsOf(keys, emptyMap, 2)).toEqual({ 'user:<id>:*': 2, 'user:<id>': 1, solo: 1 });
    expect(countsOf(keys, emptyMap, 3)).toEqual({ 'user:<id>:profile': 2, 'user:<id>': 1, solo: 1 });
  });

  test('a digest without a letter joins the digests beside it, and a number elsewhere stays one', () => {
    const digests = times(200, (index) => `tts:${digestOf(index)}:nova`);
    expect(countsOf([...digests, 'tts:8213374019245501:nova', 'user:8213374019245501:nova'])).toEqual({
      'tts:<hash>:nova': 201,
      'user:<id>:nova': 1,
    });
  });

  test('a token without a digit joins the tokens beside it', () => {
    const tokens = times(200, (index) => `session:Zk3-9fQxW_${1_000_000_000 + index}`);
    expect(countsOf([...tokens, `session:${'ZkA-bfQxW_c'.repeat(4)}`])).toEqual({ 'session:<token>': 201 });
  });

  test('numbers beside a few digests are numbers', () => {
    expect(countsOf([...times(50, (index) => `x:${index}`), `x:${digestOf(1)}`])).toEqual({
      'x:<id>': 50,
      'x:<hash>': 1,
    });
  });

  test('words that differ in their numbers alone are one pattern, once there are three', () => {
    expect(countsOf(times(3, (index) => `page_${index}:body`))).toEqual({ 'page_<id>:body': 3 });
    expect(Object.keys(countsOf(times(2, (index) => `page_${index}:body`)))).toHaveLength(2);
    expect(countsOf(times(5000, (index) => `page_${index}_v${index % 3}`))).toEqual({
      'page_<id>_v<id>': 5000,
    });
  });

  test('more words than a level may have are one variable segment, and what follows them stays', () => {
    const languages = ['cs', 'en', 'uk'];
    const keys = times(3000, (index) => `translation:${wordOf(index)}:${languages[index % 3] ?? ''}`);
    expect(countsOf(keys)).toEqual({
      'translation:<text>:cs': 1000,
      'translation:<text>:en': 1000,
      'translation:<text>:uk': 1000,
    });
  });

  test('a word that follows a variable segment late still has its own row', () => {
    const early = times(100, (index) => `t:${wordOf(index)}:${['a', 'b', 'c', 'd', 'e'][index % 5] ?? ''}`);
    const rows = countsOf([...early, 't:somewhere:late']);
    expect(rows['t:<text>:late']).toBe(1);
  });

  test('more words at the start than the tree may have go to (other), the last row', () => {
    const rows = treeOf(times(2000, (index) => `${wordOf(index)}:x`)).rows(1000);
    expect(rows).toHaveLength(513);
    expect(rows.at(-1)).toMatchObject({ namespace: '(other)', pattern: null, path: ['(other)'] });
    expect(rows.at(-1)?.statistics.keys).toBe(2000 - 512);
  });
});

describe('the limit of rows', () => {
  const keys = times(60, (index) => times(index + 1, (id) => `${wordOf(index)}:${id}`)).flat();

  test('keeps the largest, and sums up the rest in (other), which stands last even where it is the largest', () => {
    const rows = treeOf(keys).rows(3);
    expect(rows.map(({ statistics }) => statistics.keys)).toEqual([60, 59, 58, keys.length - 60 - 59 - 58]);
    expect(rows.at(-1)?.namespace).toBe('(other)');
  });

  test('makes no (other) where every row fits', () => {
    expect(
      treeOf(keys)
        .rows(60)
        .map(({ namespace }) => namespace),
    ).not.toContain('(other)');
  });

  test('may be asked for again with another number', () => {
    const tree = treeOf(keys);
    expect(tree.rows(1)).toHaveLength(2);
    expect(tree.rows(60)).toHaveLength(60);
  });
});

describe('bounded memory', () => {
  test.each([
    ['first words', (index: number) => wordOf(index)],
    ['second words', (index: number) => `t:${wordOf(index)}`],
    [
      'words on every level',
      (index: number) => times(5, (level) => wordOf((index * 7 ** level) % 100_000)).join(':'),
    ],
    ['numbered words', (index: number) => `flat_${index}_${wordOf(index)}`],
  ])('holds with a hundred thousand keys that differ in %s', (_what, keyOf) => {
    const tree = new NamespaceTree({ map: emptyMap, depth: Infinity });
    for (let index = 0; index < 100_000; index++) tree.add(asBytes(keyOf(index)), reading);

    expect(tree.size).toBeLessThan(45_000);
    expect(tree.keys).toBe(100_000);
    const rows = tree.rows(20);
    expect(rows.length).toBeLessThanOrEqual(21);
    expect(rows.reduce((sum, { statistics }) => sum + statistics.keys, 0)).toBe(100_000);
  });

  test('holds with keys of delimiters alone, and of every kind of segment on every level', () => {
    const kinds = [
      '',
      '1',
      'ann@example.org',
      '2026-01-01',
      digestOf(1),
      'a word',
      '3f2b8c1e-9d04-4a57-8e21-0c6d5b7a9f13',
    ];
    const tree = new NamespaceTree({ map: emptyMap, depth: Infinity });
    tree.add(asBytes(':'.repeat(65_536)), reading);
    for (let index = 0; index < 100_000; index++) {
      const key = times(12, (level) => kinds[Math.floor(index / 3 ** level) % kinds.length] ?? '').join(':');
      tree.add(asBytes(key), reading);
    }

    expect(tree.size).toBeLessThan(45_000);
    expect(tree.rows(10).reduce((sum, { statistics }) => sum + statistics.keys, 0)).toBe(100_001);
  });

  test('does not keep the long keys that its segments were cut from', () => {
    setFlagsFromString('--expose-gc');
    const collectGarbage = runInNewContext('gc') as () => void;
    const tree = new NamespaceTree({ map: emptyMap, depth: Infinity });
    collectGarbage();
    const before = process.memoryUsage().heapUsed;
    for (let index = 0; index < 1000; index++) {
      const word = `a-word-of-some-length-${wordOf(index)}`;
      tree.add(asBytes(`${wordOf(index % 500)}:${word}:${'x'.repeat(65_536)}`), reading);
    }
    collectGarbage();
    // The keys have 65 MB together.
    expect(process.memoryUsage().heapUsed - before).toBeLessThan(20e6);
    expect(tree.keys).toBe(1000);
  });
});

const segments = fc.oneof(
  fc.constantFrom(
    'user',
    'stats',
    'a',
    'b',
    '',
    '1',
    '22',
    'a word',
    'page_1',
    'page_2',
    digestOf(3),
    digestOf(4),
  ),
  fc.nat(60).map(wordOf),
  fc.nat(30).map((number) => `page_${number}`),
);
const segmentedKeys = fc
  .array(segments, { minLength: 1, maxLength: 5 })
  .map((list) => asBytes(list.join(':')));
const keyLists = fc.oneof(
  fc.array(segmentedKeys, { maxLength: 400, size: 'max' }),
  fc.array(anyKeys, { maxLength: 50 }),
);
const readings = fc.record({
  memoryBytes: fc.option(fc.nat(10_000)),
  type: fc.constantFrom('string', 'hash', null),
  ttlMillis: fc.constantFrom(null, -1, 1000),
});
const someMap = buildMap({
  namespaces: {
    users: { pattern: 'user:*' },
    page1: { pattern: 'page_1:*' },
    page2: { pattern: 'page_2:*' },
  },
});

test('the rows add up to the total, whatever the keys, the depth and the limit', () => {
  fc.assert(
    fc.property(
      keyLists,
      fc.array(readings, { minLength: 1, maxLength: 20 }),
      fc.constantFrom(emptyMap, someMap),
      fc.constantFrom(1, 2, 3, Infinity),
      fc.integer({ min: 1, max: 40 }),
      (keys, values, map, depth, limit) => {
        const tree = new NamespaceTree({ map, depth });
        keys.forEach((key, index) => tree.add(key, values[index % values.length] ?? reading));
        const total = tree.total();
        const rows = tree.rows(limit);
        const sum = (of: (row: NamespaceRow) => number) => rows.reduce((total, row) => total + of(row), 0);

        expect(sum(({ statistics }) => statistics.keys)).toBe(keys.length);
        expect([tree.keys, total.keys]).toEqual([keys.length, keys.length]);
        expect(sum(({ statistics }) => statistics.memoryBytes)).toBe(total.memoryBytes);
        expect(sum(({ statistics }) => statistics.withoutTtl)).toBe(total.withoutTtl);
        expect(sum(({ statistics }) => statistics.by.type.part('hash').keys)).toBe(
          total.by.type.part('hash').keys,
        );
        expect(rows.length).toBeLessThanOrEqual(limit + 1);
        expect(new Set(rows.map(({ path }) => path.join('\0'))).size).toBe(rows.length);
        expect(rows.every(({ statistics }) => statistics.keys > 0)).toBe(true);
      },
    ),
    { numRuns: rounds(300) },
  );
});

test('a row without variable words is exactly the keys of its pattern', () => {
  fc.assert(
    fc.property(fc.array(segmentedKeys, { maxLength: 30 }), (keys) => {
      for (const { pattern, statistics } of treeOf(keys).rows(1000)) {
        if (pattern === null || pattern === '' || /<text>|page_<id>/.test(pattern)) continue;
        const matches = compilePattern(parsePattern(pattern), [':']);
        const meant = keys.filter((key) => inferPattern(key, [':']) === pattern);
        expect(meant.every(matches)).toBe(true);
        expect(statistics.keys).toBe(meant.length);
      }
    }),
  );
});

describe('with a map', () => {
  const map = buildMap({
    namespaces: {
      profile: { pattern: 'user:<id>:profile' },
      users: { pattern: 'user:*' },
      přehled: { pattern: 'summary:*' },
    },
  });
  const keys = ['user:1:profile', 'user:2:profile', 'user:2:settings', 'summary:1', 'nowhere:1', 'else'];

  test('its namespaces are the rows, and the keys it does not know are (unmapped)', () => {
    const rows = treeOf(keys, map, 1).rows(10);
    expect(Object.fromEntries(rows.map((row) => [row.namespace, row.statistics.keys]))).toEqual({
      profile: 2,
      users: 1,
      přehled: 1,
      '(unmapped)': 2,
    });
    expect(rows.every(({ pattern }) => pattern === null)).toBe(true);
  });

  test('two levels tell the first segments below each name apart', () => {
    expect(
      treeOf(keys, map, 2)
        .rows(10)
        .map(({ namespace, pattern }) => [namespace, pattern]),
    ).toEqual([
      ['profile', 'user:*'],
      ['users', 'user:*'],
      ['přehled', 'summary:*'],
      ['(unmapped)', 'nowhere:*'],
      ['(unmapped)', 'else'],
    ]);
  });

  test('names that differ in a number stay apart', () => {
    const names = Object.fromEntries(times(10, (index) => [`level${index}`, { pattern: `l${index}:*` }]));
    const numbered = buildMap({ namespaces: names });
    expect(
      treeOf(
        times(10, (index) => `l${index}:x`),
        numbered,
        1,
      ).rows(20),
    ).toHaveLength(10);
  });

  test('the keys outside it keep their first words, however many', () => {
    const rows = treeOf(
      times(100, (index) => `${wordOf(index)}:x`),
      map,
      Infinity,
    ).rows(200);
    expect(rows).toHaveLength(100);
  });
});
