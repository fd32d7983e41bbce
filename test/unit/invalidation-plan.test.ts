import fc from 'fast-check';
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import type { ConfigFile } from '../../src/config/schema.ts';
import { learnNames } from '../../src/changes/inferred-names.ts';
import { planInvalidation, riskOf, scopeOf } from '../../src/changes/plan.ts';
import { selectKeys, type Target } from '../../src/changes/selection.ts';
import { buildMap } from '../../src/config/build-map.ts';
import { bindPlaceholder, compilePattern, parsePattern } from '../../src/keyspace/pattern.ts';
import { silentProgress } from '../../src/support/progress.ts';
import { asBytes, bytesOf } from '../../src/support/bytes.ts';
import { infoNumber, readInfo } from '../../src/redis/info.ts';
import type { RedisServer } from '../../src/redis/server.ts';
import { emptyDatabase, send, sendAll, testServer } from '../server/redis.ts';
import { ids, keys, patternTexts } from './pattern-arbitraries.ts';
import { type FrameworkKeyspace, frameworks } from './framework-keyspaces.ts';
import { open, startServer } from '../server/own.ts';

const letters = (index: number) =>
  [676, 26, 1].map((power) => String.fromCharCode(97 + (Math.floor(index / power) % 26))).join('');
const user = (...list: string[]): Target => ({ kind: 'entity', name: 'user', ids: list });
const pattern = (text: string): Target => ({ kind: 'pattern', texts: [text], all: true });

const quiet = { signal: new AbortController().signal, progress: silentProgress };

async function plan(server: RedisServer, target: Target, config: ConfigFile = {}) {
  const map = buildMap(config);
  const names = target.kind === 'namespace' ? target.names : [];
  const inferred = map.isEmpty ? await learnNames(server, map, names, quiet) : undefined;
  return planInvalidation(server, selectKeys(target, map, inferred), {
    ...{ map, scope: scopeOf(map, []), ...quiet, now: Date.now },
  });
}

describe('a plan', () => {
  let server: RedisServer;
  beforeAll(async () => {
    server = await testServer();
  });
  beforeEach(() => emptyDatabase(server));
  afterAll(() => server.close());

  const store = (list: readonly string[]) =>
    sendAll(
      server,
      list.map((key) => ['SET', bytesOf(key), 'value']),
    );

  test('holds every key that fits, and no other, whichever way it is found', async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.array(patternTexts, { minLength: 1, maxLength: 3 }),
        fc.array(ids, { minLength: 1, maxLength: 3 }),
        fc.array(keys, { minLength: 40, maxLength: 40 }),
        fc.constantFrom<string[]>([':'], [':', '_']),
        async (texts, list, stored, delimiters) => {
          const patterns = texts.map((text) => `${text}<id>`);
          // Keys made from the patterns, next to random ones.
          const made = patterns.flatMap((text) =>
            [...list, 'b', 'ab'].map((id) =>
              parsePattern(text)
                .parts.map((part) =>
                  part.kind === 'literal' ? part.bytes : part.kind === 'placeholder' ? bytesOf(id) : 'a:',
                )
                .join(''),
            ),
          );
          const all = [...new Set([...stored, ...made.map(asBytes)])];
          await emptyDatabase(server);
          await sendAll(
            server,
            all.map((key) => ['SET', key, '1']),
          );
          const expected = all.filter((key) =>
            patterns.some((text) =>
              list.some((id) =>
                compilePattern(bindPlaceholder(parsePattern(text), 'id', id), delimiters)(key),
              ),
            ),
          );
          const found = await plan(server, user(...list), { delimiters, entities: { user: { patterns } } });
          expect([...found.keys].sort()).toEqual(expected.sort());
        },
      ),
      { numRuns: 60 },
    );
  });

  test('of any word holds the keys with word and id as consecutive segments', async () => {
    await store(['user:1', 'user:12', 'user:1:a', 'app:user:1', 'app:user:1:b', 'superuser:1', 'user:x:1']);
    const { keys: found, namespaces } = await plan(server, user('1'));
    expect([...found].sort()).toEqual(['app:user:1', 'app:user:1:b', 'user:1', 'user:1:a']);
    expect(namespaces.map(({ namespace }) => namespace)).toContain('user:<id>');
  });

  test('counts keys and bytes by namespace as the server does, and samples each', async () => {
    await store(['user:1:a', 'user:2:a', 'user:1:b', 'other']);
    await send(server, 'SET', 'user:3:b', 'x'.repeat(5000));
    const result = await plan(server, pattern('user:*'), {
      namespaces: { a: { pattern: 'user:<id>:a' }, b: { pattern: 'user:<id>:b' } },
    });
    const bytes = async (...list: string[]) => {
      let sum = 0;
      for (const key of list) sum += Number(await send(server, 'MEMORY', 'USAGE', key));
      return sum;
    };
    expect(result.namespaces).toEqual([
      { namespace: 'b', keys: 2, memoryBytes: await bytes('user:1:b', 'user:3:b') },
      { namespace: 'a', keys: 2, memoryBytes: await bytes('user:1:a', 'user:2:a') },
    ]);
    expect(result.memoryBytes).toBe(await bytes('user:1:a', 'user:2:a', 'user:1:b', 'user:3:b'));
    expect(result.keyspaceKeys).toBe(5);
    expect([...result.sample].sort()).toEqual(['user:1:a', 'user:1:b', 'user:2:a', 'user:3:b']);
  });

  test('leaves state out, and counts it', async () => {
    await store(['user:1:a', 'user:1:quota', 'user:2:quota']);
    const result = await plan(server, pattern('user:*'), {
      namespaces: { a: { pattern: 'user:<id>:a' }, quota: { pattern: 'user:<id>:quota', kind: 'state' } },
    });
    expect(result.keys).toEqual(['user:1:a']);
    expect(result.excluded).toEqual([{ namespace: 'quota', keys: 2, reason: 'state' }]);
  });

  test('keeps apart what is no UTF-8', async () => {
    const binary = asBytes('user:1:\xff\x00\xfe');
    await sendAll(server, [
      ['SET', binary, '1'],
      ['SET', 'user:1:\xc3\xbf', '1'],
    ]);
    expect((await plan(server, user('1'))).keys).toContain(binary);
    expect((await plan(server, pattern('user:1:ÿ'))).keys).toEqual([bytesOf('user:1:ÿ')]);
  });

  test('of exact keys walks over nothing', async () => {
    await store(Array.from({ length: 500 }, (_, index) => `user:${index}`));
    const many = Array.from({ length: 2500 }, (_, index) => String(index));
    const result = await plan(server, user(...many), { entities: { user: { patterns: ['user:<id>'] } } });
    expect(result.keys).toHaveLength(500);
    // One MEMORY USAGE for each, and no SCAN.
    expect(result.account).toMatchObject({ commands: many.length, complete: false });
  });

  test('has a cap on its namespaces, and loses no key by it', async () => {
    // Without a map each of these words is a namespace.
    await store(Array.from({ length: 900 }, (_, index) => `w${letters(index)}:1`));
    const result = await plan(server, pattern('w*'));
    expect(result.namespaces.length).toBeLessThan(600);
    expect(result.namespaces.reduce((sum, { keys: count }) => sum + count, 0)).toBe(900);
    expect(result.namespaces[0]?.namespace).toBe('(other)');
    expect(result.sample).toHaveLength(10);
  });

  test('has one row for keys that differ in a word, and takes the keys of an inferred namespace and no others', async () => {
    const { keys: wordpress, rows } = frameworks['WordPress'] as FrameworkKeyspace;
    await store([...wordpress, 'wp_:transient:other']);
    const all = await plan(server, pattern('*'));
    const drawn = Object.fromEntries(all.namespaces.map(({ namespace, keys: count }) => [namespace, count]));
    expect(drawn).toEqual({ ...rows, 'wp_:transient:other': 1 });
    for (const name of ['wp_:transient:plugin_<text>', 'wp_:transient:wc_related_<id>', 'wp_:options:cron']) {
      const { keys: found, namespaces } = await plan(server, { kind: 'namespace', names: [name] });
      expect([found.length, namespaces.map(({ namespace }) => namespace)]).toEqual([rows[name], [name]]);
    }
  });

  test('ends early, and says so, when it is interrupted', async () => {
    await store(Array.from({ length: 3000 }, (_, index) => `user:${index}`));
    const map = buildMap({});
    const result = await planInvalidation(server, selectKeys(pattern('user:*'), map), {
      map,
      scope: scopeOf(map, []),
      signal: AbortSignal.abort('SIGINT'),
      progress: silentProgress,
      now: Date.now,
    });
    expect(result.complete).toBe(false);
  });
});

describe('making a plan', () => {
  test('leaves no trace in the counters of the server', async () => {
    const { server } = await startServer();
    await sendAll(
      server,
      Array.from({ length: 2000 }, (_, index) => ['SET', `user:${index}:a`, 'x']),
    );
    const lookups = async () => {
      const info = await readInfo(server.nodes[0]);
      return [infoNumber(info, 'keyspace_hits'), infoNumber(info, 'keyspace_misses')];
    };
    const before = await lookups();

    const config = { entities: { user: { patterns: ['user:<id>:a', 'user:<id>:*', 'gone:<id>'] } } };
    expect((await plan(server, user('1', '2'), config)).keys).toHaveLength(2);

    expect(await lookups()).toEqual(before);
  });

  test('does without MEMORY USAGE where the server refuses it', async () => {
    const { redis, server: admin } = await startServer({
      config: ['user ann on >secret ~* resetchannels -@all +ping +select +scan +unlink'],
    });
    await sendAll(admin, [
      ['SET', 'user:1:a', 'x'],
      ['SET', 'user:2:a', 'x'],
      ['SET', 'user:1:b', 'x'],
      ['SET', 'page:1', 'x'],
    ]);
    const server = await open(redis.url, { username: 'ann', password: 'secret' });

    const config = { entities: { user: { patterns: ['user:<id>:a', 'page:<id>', 'nosuch:<id>'] } } };
    const result = await plan(server, user('1', '3'), config);

    expect([...result.keys].sort()).toEqual(['page:1', 'user:1:a']);
    expect(result.memoryBytes).toBeNull();
    expect(result.keyspaceKeys).toBeNull();
    expect(result.account.refusedColumns[0]?.reason).toContain('NOPERM');
    expect((await plan(server, pattern('user:1:a'))).keys).toEqual(['user:1:a']);
    expect((await plan(server, pattern('user:9:a'))).keys).toEqual([]);
  });
});

describe('the risk', () => {
  test.each([
    [1, 10, 'low'],
    [999, 20_000, 'low'],
    [1000, 1_000_000, 'medium'],
    [60, 1000, 'medium'],
    [250, 1000, 'high'],
    [100_000, 100_000_000, 'high'],
    [500, null, 'low'],
    [5000, null, 'medium'],
  ])('of %i keys among %s is %s', (count, keyspace, expected) => {
    expect(riskOf(count, keyspace)).toBe(expected);
  });
});
