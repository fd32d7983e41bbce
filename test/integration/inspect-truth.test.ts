import { describe, expect, test } from 'vitest';
import type { NamespaceSummary, SizeSummary } from '../../src/commands/namespace-summary.ts';
import { bytesOf, type ByteString } from '../../src/support/bytes.ts';
import { replyText } from '../../src/redis/reply.ts';
import type { Argument, RedisServer } from '../../src/redis/server.ts';
import { generateRecords, seedServer } from '../../src/sandbox/seed.ts';
import { systemNames } from '../../src/sandbox/systems.ts';
import { inspect } from '../commands/inspect-runs.ts';
import { folderWith } from '../commands/reading.ts';
import { emptyServer } from '../server/own.ts';

/** What a plain client finds out of one key. */
interface KeyTruth {
  readonly type: string;
  readonly encoding: string;
  readonly hasTtl: boolean;
  readonly memoryBytes: number;
  readonly nameBytes: number;
}

async function truthOf(server: RedisServer, keys: readonly ByteString[]): Promise<Map<ByteString, KeyTruth>> {
  const ask = (...words: readonly string[]) =>
    server.nodes[0].batch(keys.map((key) => [...words.map(bytesOf), key] as Argument[]));
  const [types, encodings, ttls, bytes] = [
    await ask('TYPE'),
    await ask('OBJECT', 'ENCODING'),
    await ask('PTTL'),
    await ask('MEMORY', 'USAGE'),
  ];
  return new Map(
    keys.map((key, index) => [
      key,
      {
        type: replyText(types[index]),
        encoding: replyText(encodings[index]),
        hasTtl: Number(ttls[index]) >= 0,
        memoryBytes: Number(bytes[index]),
        nameBytes: key.length,
      },
    ]),
  );
}

/** Filled buckets by their bound, and the largest. */
function spreadOf(sizes: readonly number[]) {
  const buckets = new Map<number, number>();
  for (const size of sizes.toSorted((one, other) => one - other)) {
    let bound = 1;
    while (bound < size) bound *= 2;
    buckets.set(bound, (buckets.get(bound) ?? 0) + 1);
  }
  return [Math.max(...sizes), [...buckets]];
}

const shownSpreadOf = (summary: SizeSummary | null) => [
  summary?.largestBytes,
  summary?.sizeHistogram
    .filter(({ readKeys }) => readKeys > 0)
    .map(({ upToBytes, readKeys }) => [upToBytes, readKeys]),
];

/** The sums that a namespace is to show. */
function sumsOf(truths: readonly KeyTruth[]) {
  const countBy = (label: (truth: KeyTruth) => string) => {
    const counts: Record<string, number> = {};
    for (const truth of truths) counts[label(truth)] = (counts[label(truth)] ?? 0) + 1;
    return counts;
  };
  const without = truths.filter(({ hasTtl }) => !hasTtl);
  return {
    keys: truths.length,
    memoryBytes: sum(truths.map(({ memoryBytes }) => memoryBytes)),
    types: countBy(({ type }) => type),
    encodings: countBy(({ encoding }) => encoding),
    withoutTtl: without.length,
    withoutTtlMemoryBytes: sum(without.map(({ memoryBytes }) => memoryBytes)),
    sizes: spreadOf(truths.map(({ memoryBytes }) => memoryBytes)),
    names: spreadOf(truths.map(({ nameBytes }) => nameBytes)),
  };
}

const figuresOf = (row: NamespaceSummary) => ({
  keys: row.keys,
  memoryBytes: row.memoryBytes,
  types: row.types,
  encodings: row.encodings,
  withoutTtl: row.withoutTtl,
  withoutTtlMemoryBytes: row.withoutTtlMemoryBytes,
  sizes: shownSpreadOf(row.sizes),
  names: shownSpreadOf(row.nameLengths),
});

const sum = (values: readonly number[]) => values.reduce((total, value) => total + value, 0);

describe('inspect --exact finds what a plain client finds', () => {
  test.each(systemNames)('of the keys of %s', async (system) => {
    const server = await emptyServer();
    const records = [...generateRecords(system, { keys: 2500, seed: 11, now: Date.now() })].filter(
      ({ ttlMillis }) => ttlMillis === null || ttlMillis > 120_000,
    );
    await seedServer(server.nodes[0], records);
    const truth = await truthOf(
      server,
      records.map(({ key }) => key),
    );
    // By the first letters of a key, for a truth that no rule of inference has touched.
    const wordOf = (key: string) => key.slice(0, 2);
    const words = [...new Set(records.map(({ key }) => wordOf(key)))];
    const nameOf = (word: string) => `ns-${words.indexOf(word)}`;
    const cwd = folderWith({
      namespaces: Object.fromEntries(words.map((word) => [nameOf(word), { pattern: `${word}*` }] as const)),
    });

    const { exitCode, result } = await inspect(['--exact', '--limit', '1000'], { cwd });

    expect(exitCode).toBe(0);
    expect(result).toMatchObject({ exact: true, keys: truth.size, total: { readKeys: truth.size } });
    expect(figuresOf(result.total)).toEqual(sumsOf([...truth.values()]));
    expect(result.namespaces.map(({ namespace }) => namespace).sort()).toEqual(words.map(nameOf).sort());
    for (const row of result.namespaces) {
      const own = [...truth].filter(([key]) => nameOf(wordOf(key)) === row.namespace);
      expect(figuresOf(row)).toEqual(sumsOf(own.map(([, each]) => each)));
      expect(row.keysInterval ?? row.memoryBytesInterval ?? row.withoutTtlInterval).toBeNull();
      expect(Object.values(row.encodingsIntervals ?? {}).every((interval) => interval === null)).toBe(true);
    }
  });

  test('of every type and encoding', async () => {
    const server = await emptyServer();
    const long = 'x'.repeat(100);
    const many = Array.from({ length: 600 }, (_, index) => `member-${index}`);
    const commands: string[][] = [
      ['SET', 'int:1', '12345'],
      ['SET', 'embstr:1', 'short'],
      ['SET', 'raw:1', long],
      ['SETBIT', 'bitmap:1', '9000', '1'],
      ['PFADD', 'hyper:1', ...many],
      ['HSET', 'hash-small:1', 'a', 'b'],
      ['HSET', 'hash-large:1', ...many.flatMap((name) => [name, long])],
      ['RPUSH', 'list-small:1', 'a'],
      ['RPUSH', 'list-large:1', ...many.map((name) => name + long)],
      ['SADD', 'set-int:1', '1', '2', '3'],
      ['SADD', 'set-large:1', ...many],
      ['ZADD', 'zset-small:1', '1', 'a'],
      ['ZADD', 'zset-large:1', ...many.flatMap((name, index) => [String(index), name])],
      ['GEOADD', 'geo:1', '14.42', '50.08', 'Praha'],
      ['XADD', 'stream:1', '*', 'field', 'value'],
    ];
    await server.nodes[0].batch(commands.map((words) => words.map(bytesOf)));
    const names = commands.map(([, key = '']) => bytesOf(key));
    const truth = await truthOf(server, names);

    const { result } = await inspect(['--exact', '--top', '100']);

    const sums = sumsOf([...truth.values()]);
    expect(figuresOf(result.total)).toEqual(sums);
    expect(Object.keys(sums.encodings).length).toBeGreaterThanOrEqual(8);
    for (const { key, memoryBytes, type } of result.largest)
      expect({ key, memoryBytes, type }).toEqual({
        key,
        memoryBytes: truth.get(bytesOf(key))?.memoryBytes,
        type: truth.get(bytesOf(key))?.type,
      });
  });
});

test('what is not the value is what the same value costs under a name of one letter, and the names', async () => {
  const server = await emptyServer();
  const lengths = [1, 5, 20, 31, 32, 44, 64, 100, 200, 255, 256, 300, 1000, 5000];
  const keyOf = (length: number) => 'k'.repeat(length);
  await server.nodes[0].batch(
    lengths.map((length) => ['SET', bytesOf(keyOf(length)), bytesOf('v'.repeat(300))] as const),
  );
  const value = (await server.nodes[0].batch([['STRLEN', bytesOf('k')]]))[0];
  expect(value).toBe(300);
  for (const length of lengths) {
    const { result } = await inspect(['--exact', '--match', keyOf(length)]);
    expect(result.keys).toBe(1);
    // A value of 300 bytes: a header of 3, its end, and the allocator's class of 320.
    expect([length, (result.memoryBytes ?? 0) - (result.overheadBytes ?? 0)]).toEqual([length, 320]);
  }
});
