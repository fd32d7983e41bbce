import { setTimeout as sleep } from 'node:timers/promises';
import fc from 'fast-check';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { emptyAccount, type WalkAccount } from '../../../src/redis/account.ts';
import { asBytes, type ByteString, bytesOf } from '../../../src/support/bytes.ts';
import { infoNumber, readInfo } from '../../../src/redis/info.ts';
import type { RedisServer } from '../../../src/redis/server.ts';
import { walkKeys, type WalkOptions, type WalkPage } from '../../../src/redis/walk.ts';
import { emptyDatabase, send, sendAll } from '../../server/redis.ts';
import { open, proxyTo, startServer } from '../../server/own.ts';
import { rounds } from '../../server/effort.ts';

const everything = { memory: true, type: true, ttl: true };

/** What was read of each key that the walk gave. */
interface Walk {
  readonly pages: WalkPage[];
  readonly rows: { key: ByteString; memoryBytes: unknown; type: unknown; ttlMillis: unknown }[];
  readonly account: WalkAccount;
  /** What it has looked up, in keyspace_hits and keyspace_misses. */
  readonly own: { readonly hits: number; readonly misses: number };
}

async function walk(server: RedisServer, options: Partial<WalkOptions> = {}): Promise<Walk> {
  const account = emptyAccount();
  const pages: WalkPage[] = [];
  const { hits, misses } = server.nodes[0].lookups;
  for await (const page of walkKeys(server.nodes[0], { columns: everything, ...options }, account))
    pages.push(page);
  const rows = pages.flatMap((page) =>
    page.keys.map((key, index) => ({
      key,
      memoryBytes: page.memoryBytes[index],
      type: page.types[index],
      ttlMillis: page.ttlMillis[index],
    })),
  );
  const { lookups } = server.nodes[0];
  return { pages, rows, account, own: { hits: lookups.hits - hits, misses: lookups.misses - misses } };
}

const plainKeys = (count: number) =>
  Array.from({ length: count }, (_, index) => ['SET', `key:${index}`, 'x'] as const);

const columnOf = (walk: Walk, name: 'memoryBytes' | 'type' | 'ttlMillis') =>
  new Set(walk.rows.map((row) => row[name]));

const { redis, server } = await startServer({
  config: [
    'user readonly on >pass %R~* -@all +scan +type +pttl +info +select +client',
    'user tenant on >pass ~user:* -@all +scan +type +pttl +memory|usage',
    'user blind on >pass ~* -@all +ping +type',
  ],
});
beforeEach(() => emptyDatabase(server));

async function connectAs(username: string): Promise<RedisServer> {
  const connection = await open(redis.url, { username, password: 'pass' });
  return connection;
}

async function lookups(): Promise<{ hits: number; misses: number }> {
  const info = await readInfo(server.nodes[0]);
  return { hits: infoNumber(info, 'keyspace_hits') ?? -1, misses: infoNumber(info, 'keyspace_misses') ?? -1 };
}

/** How often the server has run these commands. */
async function callsOf(...names: readonly string[]): Promise<number> {
  const statistics = (await send(server, 'INFO', 'commandstats')) as string;
  const calls = [...statistics.matchAll(/^cmdstat_(.*?):calls=(\d+)/gm)];
  return calls.reduce((sum, [, name = '', count]) => sum + (names.includes(name) ? Number(count) : 0), 0);
}

describe('a walk', () => {
  test('passes over more keys at once while MATCH lets almost none through, unless a page has its size', async () => {
    await sendAll(server, plainKeys(20_000));
    const longestPage = async (options: Partial<WalkOptions>) => {
      let longest = 0;
      const onScan = (count: number) => (longest = Math.max(longest, count));
      await walk(server, { columns: {}, match: asBytes('key:77'), onScan, ...options });
      return longest;
    };
    expect(await longestPage({})).toBeGreaterThanOrEqual(3000);
    expect(await longestPage({ pageSize: 500 })).toBe(500);
  });

  test('gives every key of a keyspace at rest once, with memory, type and TTL', async () => {
    await sendAll(server, [
      ...Array.from({ length: 5000 }, (_, index) => ['SET', `text:${index}`, 'x'.repeat(index % 300)]),
      ...Array.from({ length: 500 }, (_, index) => ['SET', `brief:${index}`, 'x', 'EX', 1000 + index]),
      ...Array.from({ length: 300 }, (_, index) => ['HSET', `hash:${index}`, 'field', 'value']),
      ...Array.from({ length: 200 }, (_, index) => ['RPUSH', `list:${index}`, 'a', 'b']),
      ['ZADD', 'zset', 1, 'a'],
      ['SADD', 'set', 'a'],
      ['XADD', 'stream', '*', 'field', 'value'],
    ]);

    const result = await walk(server);

    expect(result.rows).toHaveLength(6003);
    expect(new Set(result.rows.map(({ key }) => key)).size).toBe(6003);
    expect(columnOf(result, 'type')).toEqual(new Set(['string', 'hash', 'list', 'zset', 'set', 'stream']));
    const brief = result.rows.find(({ key }) => key === 'brief:7');
    expect(brief?.ttlMillis).toBeGreaterThan(1_000_000);
    expect(brief?.ttlMillis).toBeLessThanOrEqual(1_007_000);
    expect(result.rows.find(({ key }) => key === 'text:7')).toMatchObject({
      type: 'string',
      ttlMillis: -1,
      memoryBytes: await send(server, 'MEMORY', 'USAGE', 'text:7'),
    });
    expect(result.own.misses).toBe(0);
    expect(result.account).toMatchObject({
      complete: true,
      unreadableKeys: 0,
      refusedColumns: [],
    });
  });

  test('keeps each value with its key, whatever bytes the keys are made of', async () => {
    const names = fc.uniqueArray(
      fc.uint8Array({ maxLength: 24 }).map((bytes) => Buffer.from(bytes).toString('latin1')),
      { minLength: 1, maxLength: 60 },
    );
    await fc.assert(
      fc.asyncProperty(names, fc.integer({ min: 1, max: 70 }), async (keys, pageSize) => {
        await emptyDatabase(server);
        await sendAll(
          server,
          keys.map((key, index) => ['SET', key, 'x', 'PX', 1_000_000 + index * 10_000]),
        );

        const { rows } = await walk(server, { pageSize });

        expect(new Set(rows.map(({ key }) => String(key)))).toEqual(new Set(keys));
        for (const { key, ttlMillis } of rows) {
          expect(Math.round(Number(ttlMillis) / 10_000) - 100).toBe(keys.indexOf(key));
        }
      }),
      { numRuns: rounds(80) },
    );
  });

  test('of an empty database is complete and gives no page', async () => {
    const { pages, account, own } = await walk(server);
    expect(pages).toEqual([]);
    expect([account, own]).toMatchObject([{ complete: true, commands: 1 }, { hits: 0 }]);
  });

  test('asks for no column that is not wanted', async () => {
    await sendAll(server, [['SET', 'key', 'x']]);
    const { pages, account, own } = await walk(server, { columns: {} });
    const [page] = pages;
    expect(pages).toHaveLength(1);
    expect(page?.keys).toEqual(['key']);
    expect(Object.values({ ...page, keys: [], number: [], cursor: [] }).flat()).toEqual([]);
    expect([account, own]).toMatchObject([{ commands: 1 }, { hits: 0 }]);
  });

  test('lets the server choose by pattern and type, the pattern in bytes', async () => {
    await send(server, 'SET', bytesOf('klíč:1'), 'x');
    await sendAll(server, [
      ['SET', 'other', 'x'],
      ['HSET', bytesOf('klíč:2'), 'field', 'value'],
    ]);
    const matched = await walk(server, { match: bytesOf('klíč:*') });
    expect(matched.rows.map(({ key }) => key).sort()).toEqual([bytesOf('klíč:1'), bytesOf('klíč:2')]);
    const hashes = await walk(server, { match: bytesOf('klíč:*'), type: 'hash' });
    expect(hashes.rows.map(({ key }) => key)).toEqual([bytesOf('klíč:2')]);
  });

  test('gives null for what is gone between SCAN and the look at it', async () => {
    const proxy = await proxyTo(redis.port);
    const relayed = await open(proxy.url);
    await sendAll(server, [
      ['SET', 'stays', 'x'],
      ['SET', 'goes', 'x'],
    ]);
    const before = await lookups();
    // The answer to SCAN is held back until one of its keys has gone.
    const [node] = relayed.nodes;
    const openConnection = async () => {
      const connection = await node.openConnection();
      const exchange = connection.exchange.bind(connection);
      connection.exchange = (commands) => {
        if (commands[0]?.[0] === 'SCAN') proxy.stall();
        return exchange(commands);
      };
      return connection;
    };
    const scans = await callsOf('scan');
    const walking = walk({ ...relayed, nodes: [{ ...node, openConnection }] });
    while ((await callsOf('scan')) === scans) await sleep(5);
    await send(server, 'UNLINK', 'goes');
    proxy.resume();
    const { rows, account, own } = await walking;
    const after = await lookups();

    expect(rows.find(({ key }) => key === 'goes')).toMatchObject({
      memoryBytes: null,
      type: null,
      ttlMillis: null,
    });
    expect(rows.find(({ key }) => key === 'stays')).toMatchObject({ type: 'string', ttlMillis: -1 });
    expect(account.unreadableKeys).toBe(0);
    expect(own).toEqual({ hits: 2, misses: 2 });
    expect(own).toEqual({ hits: after.hits - before.hits, misses: after.misses - before.misses });
  });
});

describe('the account of a walk', () => {
  test.each([
    ['memory', { memory: true }, 0],
    ['type', { type: true }, 1],
    ['TTL', { ttl: true }, 1],
    ['memory, type and TTL', everything, 2],
  ])('with %s says how many hits the server counted: to the unit', async (_name, columns, hitsPerKey) => {
    await sendAll(server, plainKeys(2500));
    const before = await lookups();
    const { own } = await walk(server, { columns });
    const after = await lookups();

    expect(own.hits).toBe(2500 * hitsPerKey);
    expect(after.hits - before.hits).toBe(own.hits);
    expect(after.misses - before.misses).toBe(0);
  });

  test('says how many commands it sent, as the server counts them', async () => {
    await sendAll(server, plainKeys(2500));
    const before = await callsOf('scan', 'memory|usage', 'type', 'pttl');
    const { account } = await walk(server);
    const read = (await callsOf('scan', 'memory|usage', 'type', 'pttl')) - before;
    expect(account.commands).toBe(read);
    expect(account.receivedBytes).toBeGreaterThan(2500 * 10);
  });

  test('is true to the unit also when the reader leaves after the first page', async () => {
    await sendAll(server, plainKeys(5000));
    const before = await lookups();
    const { hits } = server.nodes[0].lookups;
    const account = emptyAccount();
    for await (const page of walkKeys(server.nodes[0], { columns: everything, pageSize: 500 }, account)) {
      expect(page.keys.length).toBeGreaterThan(0);
      break;
    }
    await sleep(50);
    const after = await lookups();

    expect(account.complete).toBe(false);
    const own = server.nodes[0].lookups.hits - hits;
    expect(own).toBe(after.hits - before.hits);
    expect(own).toBeLessThan(10_000);
  });
});

describe('a walk that is aborted', () => {
  test('ends soon and is not complete', async () => {
    await sendAll(server, plainKeys(10_000));
    const controller = new AbortController();
    const account = emptyAccount();
    const { hits } = server.nodes[0].lookups;
    let keys = 0;
    for await (const page of walkKeys(
      server.nodes[0],
      { columns: everything, signal: controller.signal, pageSize: 500 },
      account,
    )) {
      keys += page.keys.length;
      controller.abort();
    }
    expect(account.complete).toBe(false);
    expect(keys).toBeLessThan(4000);
    expect(server.nodes[0].lookups.hits - hits).toBe(keys * 2);
  });

  test('before its first page gives none', async () => {
    await send(server, 'SET', 'key', 'x');
    const { rows, account } = await walk(server, { signal: AbortSignal.abort() });
    expect(rows).toEqual([]);
    expect(account.complete).toBe(false);
  });
});

describe('a walk by a user with few permissions', () => {
  test('loses the column whose command is refused, with the reason, and nothing else', async () => {
    await sendAll(server, plainKeys(4000));
    const result = await walk(await connectAs('readonly'));

    expect(result.rows).toHaveLength(4000);
    expect(columnOf(result, 'type')).toEqual(new Set(['string']));
    expect(columnOf(result, 'ttlMillis')).toEqual(new Set([-1]));
    expect(new Set(result.pages.flatMap(({ memoryBytes }) => memoryBytes))).toEqual(new Set([null]));
    expect(result.account).toMatchObject({ complete: true, unreadableKeys: 0 });
    expect(result.own.hits).toBe(8000);
    expect(result.account.refusedColumns).toEqual([
      { column: 'memory', reason: expect.stringContaining('NOPERM') as string },
    ]);
  });

  test('soon stops asking for what was refused', async () => {
    await sendAll(server, plainKeys(10_000));
    const options = { columns: { memory: true }, pageSize: 500 };
    const { account } = await walk(await connectAs('readonly'), options);
    expect(account.commands).toBeLessThan(4000);
  });

  test('counts the keys it may see but not read', async () => {
    await sendAll(server, [
      ...Array.from({ length: 1500 }, (_, index) => ['SET', `user:${index}`, 'x']),
      ...Array.from({ length: 700 }, (_, index) => ['SET', `foreign:${index}`, 'x']),
    ]);
    const before = await lookups();
    const { rows, account, own } = await walk(await connectAs('tenant'));
    const after = await lookups();

    expect(rows).toHaveLength(2200);
    expect(account).toMatchObject({ complete: true, unreadableKeys: 700, refusedColumns: [] });
    expect([own.hits, after.hits - before.hits]).toEqual([3000, 3000]);
    for (const { key, memoryBytes, type, ttlMillis } of rows) {
      if (key.startsWith('user:'))
        expect([typeof memoryBytes, type, ttlMillis]).toEqual(['number', 'string', -1]);
      else expect([memoryBytes, type, ttlMillis]).toEqual([null, null, null]);
    }
  });

  test('is refused where SCAN is', async () => {
    const blind = await connectAs('blind');
    await expect(walk(blind)).rejects.toMatchObject({
      name: 'RedisError',
      failure: 'refused',
      code: 'NOPERM',
    });
  });
});

describe('a walk leaves no rejection unhandled', () => {
  const unhandled: unknown[] = [];
  const note = (reason: unknown) => unhandled.push(reason);
  beforeEach(() => {
    unhandled.length = 0;
    process.on('unhandledRejection', note);
  });
  afterEach(() => process.off('unhandledRejection', note));

  test('when the reader leaves early', async () => {
    await sendAll(server, plainKeys(5000));
    for await (const page of walkKeys(server.nodes[0], { columns: everything }, emptyAccount())) {
      expect(page.keys.length).toBeGreaterThan(0);
      break;
    }
    await sleep(50);
    expect(unhandled).toEqual([]);
  });

  test('when the connection is lost for good on the way', async () => {
    await sendAll(server, plainKeys(5000));
    const proxy = await proxyTo(redis.port);
    const relayed = await open(proxy.url, { retryMillis: 300 });
    const account = emptyAccount();
    let keys = 0;
    const walking = (async () => {
      const options = { columns: everything, pageSize: 100 };
      for await (const page of walkKeys(relayed.nodes[0], options, account)) {
        keys += page.keys.length;
        void proxy.refuse();
      }
    })();

    await expect(walking).rejects.toMatchObject({ failure: 'lost', code: 'ECONNRESET' });
    await sleep(50);
    expect(unhandled).toEqual([]);
    expect(account.complete).toBe(false);
    expect(relayed.nodes[0].lookups.hits).toBeGreaterThanOrEqual(keys * 2);
  });
});

test('a key is named in bytes', async () => {
  await send(server, 'SET', asBytes('\u00ff\u0000'), 'x');
  const { rows } = await walk(server);
  expect(rows.map(({ key }) => key)).toEqual(['\u00ff\u0000']);
});
