import { beforeAll, afterAll, describe, expect, test } from 'vitest';
import { asBytes } from '../../src/support/bytes.ts';
import { connect } from '../../src/redis/connect.ts';
import { clientName } from '../../src/redis/target.ts';
import { parseInfo } from '../../src/redis/info.ts';
import { replyText } from '../../src/redis/reply.ts';
import type { RedisServer } from '../../src/redis/server.ts';
import { countersOf, json } from '../commands/reading.ts';
import type { RedisProcess } from '../server/redis-process.ts';
import { makeIdle, send, sendAll, startPrivateServer, targetOf } from '../server/redis.ts';

interface Cost {
  readonly hits: number;
  readonly misses: number;
}

const costOf = (result: Readonly<Record<string, unknown>>): Cost => {
  const { hits, misses } = result['ownLookups'] as Cost;
  return { hits, misses };
};

const keys = [
  ...Array.from({ length: 150 }, (_, index) => `user:${index}:profile`),
  ...Array.from({ length: 20 }, (_, index) => `session:${index}`),
  'queue:mail',
  'tags',
  'scores',
  'events',
];

/** One key of each type; every second profile has a TTL. */
const writes = [
  ...Array.from({ length: 150 }, (_, index) =>
    index % 2 === 0
      ? ['SET', `user:${index}:profile`, '{"name":"x"}', 'EX', 5000]
      : ['SET', `user:${index}:profile`, '{"name":"x"}'],
  ),
  ...Array.from({ length: 20 }, (_, index) => ['HSET', `session:${index}`, 'field', 'value']),
  ['RPUSH', 'queue:mail', 'a'],
  ['SADD', 'tags', 'a'],
  ['ZADD', 'scores', 1, 'a'],
  ['XADD', 'events', '*', 'field', 'value'],
];

/** Commands that look at many keys and touch none. */
const observers: readonly string[][] = [
  ['stats'],
  ['stats', '--exact', '--window', '100ms'],
  ['inspect'],
  ['inspect', '--exact', '--latency-budget', '50ms'],
  ['inspect', '--precision', '60%', '--seed', '1'],
  ['inspect', '--precision', '0.1%'],
  ['inspect', 'user:<id>:profile', '--match', '*1*'],
  ['keys'],
  ['keys', 'user:*', '--long'],
  ['keys', '--ttl', 'none', '--larger-than', '70'],
  ['ttl', 'user:0:profile', 'user:1:profile', 'nobody'],
];

describe.each([
  ['allkeys-lru', 'IDLETIME', []],
  // Every access counts, and nothing decays: a touch shows.
  ['allkeys-lfu', 'FREQ', ['--lfu-log-factor', '0', '--lfu-decay-time', '0']],
] as const)('under %s', (policy, subcommand, args) => {
  let redis: RedisProcess;
  let server: RedisServer;

  beforeAll(async () => {
    redis = await startPrivateServer({ args: ['--maxmemory-policy', policy, ...args] });
    server = await connect(targetOf(redis.url));
    await sendAll(server, writes);
    if (subcommand === 'IDLETIME') await makeIdle(server, keys, 100);
  });
  afterAll(async () => {
    server.close();
    await redis.stop();
  });

  const recency = async () =>
    (await sendAll(
      server,
      keys.map((key) => ['OBJECT', subcommand, key]),
    )) as number[];

  /** How far the server's counters moved. */
  const moved = async (run: () => Promise<unknown>): Promise<Cost> => {
    const before = await countersOf(server);
    await run();
    const after = await countersOf(server);
    return { hits: after.hits - before.hits, misses: after.misses - before.misses };
  };

  test.each(observers.map((line) => [line] as const))(
    '%j moves the counters by what it says, and touches no key',
    async (line) => {
      const before = await recency();
      let cost: Cost | undefined;
      const counted = await moved(async () => {
        const { exitCode, result } = await json(line, { url: redis.url });
        expect(exitCode).toBe(line.includes('nobody') ? 1 : 0);
        cost = costOf(result);
      });
      expect(cost).toEqual(counted);

      const after = await recency();
      if (subcommand === 'FREQ') expect(after).toEqual(before);
      else
        after.forEach((seconds, index) => {
          expect([keys[index], seconds]).toEqual([keys[index], expect.any(Number)]);
          expect(seconds).toBeGreaterThanOrEqual(Math.max(100, before[index] ?? 0));
        });
    },
  );

  test('stats leaves the counters as they are', async () => {
    expect(await moved(() => json(['stats'], { url: redis.url }))).toEqual({ hits: 0, misses: 0 });
  });

  test('get moves the counters by what it says', async () => {
    for (const key of ['user:7:profile', 'session:3', 'queue:mail', 'tags', 'scores', 'events', 'nobody']) {
      let cost: Cost | undefined;
      const counted = await moved(async () => {
        cost = costOf((await json(['get', key], { url: redis.url })).result);
      });
      expect([key, cost]).toEqual([key, counted]);
    }
  });

  test('config init moves the counters by what it says', async () => {
    let cost: Cost | undefined;
    const counted = await moved(async () => {
      const { exitCode, result } = await json(['config', 'init', '--file', '-'], { url: redis.url });
      expect(exitCode).toBe(0);
      cost = costOf(result);
    });
    expect(cost).toEqual(counted);
  });
});

test('get gives the idle time as it was before', async () => {
  const redis = await startPrivateServer();
  const server = await connect(targetOf(redis.url));
  try {
    await send(server, 'SET', 'user:1', 'x');
    await makeIdle(server, ['user:1'], 100);
    const { result } = await json(['get', 'user:1'], { url: redis.url });
    expect(result['idleSeconds']).toBeGreaterThanOrEqual(100);
  } finally {
    server.close();
    await redis.stop();
  }
});

test('every connection bears the name of the program', async () => {
  const redis = await startPrivateServer();
  const server = await connect(targetOf(redis.url, { clientName }));
  try {
    await sendAll(
      server,
      Array.from({ length: 2000 }, (_, index) => ['SET', `user:${index}`, 'x']),
    );
    const line = ['inspect', '--exact', '--max-rate', '2000', '--latency-budget', '50ms'];
    const running = json(line, { url: redis.url });
    // The client for single commands, the walk's connection and the probe's, and ours.
    await expect.poll(() => namesOf(server)).toEqual(['cachectl', 'cachectl', 'cachectl', 'cachectl']);
    expect((await running).exitCode).toBe(0);

    for (const short of [
      ['stats'],
      ['inspect'],
      ['inspect', '--precision', '60%'],
      ['keys', '--long'],
      ['get', 'user:1'],
      ['ttl', 'user:1'],
      ['config', 'init', '--file', '-'],
    ]) {
      const before = await connectionsOf(server);
      expect((await json(short, { url: redis.url })).exitCode).toBe(0);
      const after = await connectionsOf(server);
      expect([short, after.named - before.named]).toEqual([short, after.opened - before.opened]);
      expect(after.opened).toBeGreaterThan(before.opened);
    }
  } finally {
    server.close();
    await redis.stop();
  }
});

async function namesOf(server: RedisServer): Promise<string[]> {
  const list = replyText(await server.nodes[0].call('CLIENT', asBytes('LIST')));
  return [...list.matchAll(/ name=(\S*)/g)].map(([, name = '']) => name);
}

/** Connections that were opened, and commands that named one. */
async function connectionsOf(server: RedisServer): Promise<{ opened: number; named: number }> {
  const text = replyText(await send(server, 'INFO', 'everything'));
  const named = /cmdstat_client\|setname:calls=(\d+)/.exec(text)?.[1];
  return { opened: Number(parseInfo(text)['total_connections_received']), named: Number(named ?? 0) };
}
