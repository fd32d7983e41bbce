import { beforeAll, describe, expect, onTestFinished, test } from 'vitest';
import { emptyAccount, type WalkAccount } from '../../../src/redis/account.ts';
import { connect } from '../../../src/redis/connect.ts';
import { shareBefore } from '../../../src/redis/page-source.ts';
import { infoNumber, readInfo } from '../../../src/redis/info.ts';
import type { RedisServer } from '../../../src/redis/server.ts';
import { walkKeys, type WalkOptions, type WalkPage } from '../../../src/redis/walk.ts';
import { type Proxy } from '../../server/proxy.ts';
import type { RedisProcess } from '../../server/redis-process.ts';
import { sendAll, startPrivateServer, targetOf } from '../../server/redis.ts';
import { open, proxyTo, startRedis, startServer } from '../../server/own.ts';

const keyCount = 10_000;
const { redis, server } = await startServer();
beforeAll(async () => {
  await fill(server);
});

async function fill(target: RedisServer): Promise<void> {
  const indexes = Array.from({ length: keyCount }, (_, index) => index);
  await sendAll(
    target,
    indexes.map((index) => ['SET', `key:${index}`, 'x']),
  );
}

async function relayed(
  process = redis,
  retryMillis = 10_000,
): Promise<{ proxy: Proxy; through: RedisServer }> {
  const proxy = await proxyTo(process.port);
  const through = await open(proxy.url, { retryMillis });
  return { proxy, through };
}

interface Walk {
  readonly keys: readonly string[];
  readonly numbers: readonly number[];
  readonly account: WalkAccount;
  readonly failure: unknown;
}

/** @param onPage called with the number of pages so far, this one included */
async function walk(
  target: RedisServer,
  onPage: (pages: number) => unknown,
  options: Partial<WalkOptions> = {},
  account = emptyAccount(),
): Promise<Walk> {
  const keys: string[] = [];
  const numbers: number[] = [];
  const all: WalkOptions = { columns: { memory: true, type: true, ttl: true }, pageSize: 200, ...options };
  let failure: unknown = null;
  try {
    for await (const page of walkKeys(target.nodes[0], all, account)) {
      keys.push(...page.keys);
      numbers.push(page.number);
      await onPage(numbers.length);
    }
  } catch (error) {
    failure = error;
  }
  return { keys, numbers, account, failure };
}

const hits = async () => infoNumber(await readInfo(server.nodes[0]), 'keyspace_hits') ?? -1;

describe('a walk whose connection breaks', () => {
  test('goes on where it was: every key of a keyspace at rest once', async () => {
    const { proxy, through } = await relayed();
    const before = await hits();
    const { keys, numbers, account, failure } = await walk(through, (pages) => pages === 20 && proxy.cut());

    expect(failure).toBeNull();
    expect(keys).toHaveLength(keyCount);
    expect(new Set(keys).size).toBe(keyCount);
    expect(numbers).toEqual(numbers.map((_, index) => index));
    expect(account).toMatchObject({
      complete: true,
      cursor: '0',
      reconnects: 1,
      refusedColumns: [],
    });
    // What was handed over was counted by the server; what was lost may have been.
    const own = through.nodes[0].lookups;
    expect([own.hits, own.misses]).toEqual([2 * keyCount, 0]);
    expect(own.lost).toBeGreaterThan(0);
    const counted = (await hits()) - before;
    expect(counted).toBeGreaterThanOrEqual(own.hits);
    expect(counted).toBeLessThanOrEqual(own.hits + own.lost);
    expect(account.commands).toBeGreaterThan(3 * keyCount);
  });

  test('in the middle of further columns reads the page again', async () => {
    const { proxy, through } = await relayed();
    const asked: number[] = [];
    const { keys, account, failure } = await walk(
      through,
      (pages) => {
        // The page after this one is asked for further columns by a connection that is gone.
        if (pages === 20) proxy.cut();
      },
      {
        columns: { memory: true },
        conditions: { size: [{ text: '>0', low: 0, high: 1e9, has: (bytes) => bytes > 0 }] },
        further: [
          {
            columns: { ttl: true },
            of: (page) => {
              asked.push(page.number);
              return [0];
            },
          },
        ],
      },
    );
    expect(failure).toBeNull();
    expect(account).toMatchObject({ complete: true, reconnects: 1 });
    expect(new Set(keys).size).toBe(keys.length);
    expect(keys.length).toBeGreaterThanOrEqual(keyCount / 2);
    expect(through.nodes[0].lookups).toMatchObject({ hits: new Set(asked).size, misses: 0 });
  });

  test('again and again comes to its end as long as it gets on in between', async () => {
    const { proxy, through } = await relayed();
    const { keys, account, failure } = await walk(through, (pages) => pages % 10 === 5 && proxy.cut());

    expect(failure).toBeNull();
    expect(new Set(keys).size).toBe(keyCount);
    expect(keys).toHaveLength(keyCount);
    expect(account.reconnects).toBeGreaterThanOrEqual(4);
    expect(account).toMatchObject({ complete: true });
  });

  test('ends with the first error when the server is gone for good', async () => {
    const { proxy, through } = await relayed(redis, 500);
    const startedAt = performance.now();
    const { keys, account, failure } = await walk(through, (pages) => pages === 5 && proxy.refuse());

    expect(failure).toMatchObject({ name: 'RedisError', failure: 'lost', code: 'ECONNRESET' });
    // The patience of a walk is ten seconds where nothing is said of it.
    expect(performance.now() - startedAt).toBeLessThan(9000);
    expect(account).toMatchObject({ complete: false, reconnects: 0 });
    expect(shareBefore(account.cursor)).toBeCloseTo(keys.length / keyCount, 1);
  });

  test('and can be taken up at its cursor by another walk', async () => {
    const { proxy, through } = await relayed(redis, 200);
    const first = await walk(through, (pages) => pages === 12 && proxy.refuse());
    expect(first.failure).not.toBeNull();
    const second = await walk(server, () => undefined, { from: first.account.cursor });

    const keys = [...first.keys, ...second.keys];
    expect(keys).toHaveLength(keyCount);
    expect(new Set(keys).size).toBe(keyCount);
    expect(second.account.complete).toBe(true);
  });

  test('waits no longer once it is aborted', async () => {
    const { proxy, through } = await relayed(redis, 60000);
    const controller = new AbortController();
    const startedAt = performance.now();
    const { account, failure } = await walk(
      through,
      async (pages) => {
        if (pages !== 5) return;
        await proxy.refuse();
        setTimeout(() => controller.abort(), 300);
      },
      { signal: controller.signal },
    );

    expect(failure).toBeNull();
    expect(performance.now() - startedAt).toBeLessThan(30_000);
    expect(account.complete).toBe(false);
  });

  test('ends where it breaks at the same page each time', async () => {
    const { proxy, through } = await relayed(redis, 500);
    const [node] = through.nodes;
    // Each connection breaks with the first page that is asked for on it.
    const openConnection = async () => {
      const connection = await node.openConnection();
      const exchange = connection.exchange.bind(connection);
      connection.exchange = (commands) => {
        const replies = exchange(commands);
        if (commands[0]?.[0] === 'SCAN') proxy.cut();
        return replies;
      };
      return connection;
    };
    const breaking: RedisServer = { ...through, nodes: [{ ...node, openConnection }] };
    const { keys, account, failure } = await walk(breaking, () => undefined);

    expect(failure).toMatchObject({ failure: 'lost', code: 'ECONNRESET' });
    expect(keys).toEqual([]);
    expect(account.reconnects).toBeLessThan(20);
  });
});

describe('a walk whose server is started anew', () => {
  test('ends, for its cursor means nothing to the new process', async () => {
    const first = await startRedis();
    const filling = await connect(targetOf(first.url));
    await fill(filling);
    filling.close();
    let second: RedisProcess | undefined;
    onTestFinished(() => second?.stop());
    // The address stays: a relay that leads to another process from then on.
    const { proxy, through } = await relayed(first);
    const [node] = through.nodes;
    const restarted = async () => {
      second = await startPrivateServer();
      await first.stop();
      proxy.cut();
    };
    const openConnection = async () =>
      second === undefined
        ? node.openConnection()
        : (await connect(targetOf(second.url))).nodes[0].openConnection();
    const moved: RedisServer = { ...through, nodes: [{ ...node, openConnection }] };
    const { account, failure } = await walk(moved, (pages) => (pages === 5 ? restarted() : undefined));

    expect(failure).toMatchObject({ name: 'RedisError', failure: 'lost', code: 'ERESTART' });
    expect(failure).toHaveProperty('message', expect.stringContaining('started anew'));
    expect(failure).toHaveProperty('hint', expect.stringContaining('run the command again'));
    expect(account).toMatchObject({ complete: false, reconnects: 0 });
  });
});

describe('the cursor of a walk', () => {
  test('tells how far it came: more with each page, and all but the last page at the end', async () => {
    const account = emptyAccount();
    const pages: WalkPage[] = [];
    const options = { columns: {}, pageSize: 100 };
    for await (const page of walkKeys(server.nodes[0], options, account)) pages.push(page);
    const shares = pages.map(({ cursor }) => shareBefore(cursor));

    // The last cursor is 0 again.
    const [last, ...before] = shares.reverse();
    expect(last).toBe(0);
    expect(before.reverse()).toEqual([...before].sort((a, b) => a - b));
    expect(new Set(before).size).toBe(before.length);
    expect(before.at(-1)).toBeGreaterThan(0.97);
    expect(before.at(-1)).toBeLessThan(1);
    // And in proportion to the keys.
    before.forEach((share, index) => {
      const seen = pages.slice(0, index + 1).reduce((sum, { keys }) => sum + keys.length, 0);
      expect(Math.abs(share - seen / keyCount)).toBeLessThan(0.03);
    });
  });

  test('is the share of the slots before, and of the slot, where keys are stored by slot', () => {
    expect(shareBefore('0', true)).toBe(0);
    expect(shareBefore('8192', true)).toBe(0.5);
    expect(shareBefore('16383', true)).toBeCloseTo(1 - 1 / 16_384, 12);
    // Bucket 1 of slot 8192: half of its table is behind it.
    expect(shareBefore(String(8192 + 16_384), true)).toBe((8192 + 0.5) / 16_384);
  });

  test('is told of numbers beyond those that floating point holds', () => {
    expect(shareBefore('1')).toBe(0.5);
    expect(shareBefore('2')).toBe(0.25);
    expect(shareBefore('18446744073709551615')).toBe(1);
    expect(shareBefore(String(2n ** 63n))).toBe(2 ** -64);
  });
});
