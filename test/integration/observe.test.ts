import { describe, expect, onTestFinished, test } from 'vitest';
import { asBytes, type ByteString } from '../../src/support/bytes.ts';
import { parseInfo } from '../../src/redis/info.ts';
import { ReplyError, replyText } from '../../src/redis/reply.ts';
import type { RedisCommand } from '../../src/redis/server.ts';
import { startCluster } from '../server/cluster.ts';
import { freePort } from '../server/redis-process.ts';
import { send } from '../server/redis.ts';
import { until } from '../server/until.ts';
import { flagsOn } from './notifications-server.ts';
import { openTrafficSource } from '../../src/traffic/observe.ts';
import { expectOneWindow } from '../traffic/one-window.ts';
import {
  during,
  observeFor,
  optionsOf,
  startTraffic,
  sumOf,
  lookupsBeyond,
  untilLookups,
} from './observed-traffic.ts';
import { open, startRedis } from '../server/own.ts';

describe('with traffic over both edges of the window', () => {
  test('in mode exact each lookup is attributed, in window after window', async () => {
    const { url } = await startRedis();
    const server = await open(url);
    const traffic = await open(url);
    await startTraffic(traffic);
    for (let window = 0; window < 5; window++) {
      const { report, restored } = await observeFor(server, untilLookups(traffic, 1000));
      expect(report.residual).toEqual({ reads: 0, hits: 0, misses: 0 });
      expect(report).toMatchObject({ mode: 'exact', valid: true, invalidReasons: [], endedBy: null });
      expect(report.reads).toBeGreaterThan(100);
      expect(sumOf(report.namespaces.map(({ reads }) => reads))).toBe(report.reads);
      expect(sumOf(report.namespaces.map(({ hits }) => hits))).toBe(report.hits);
      expect(sumOf(report.namespaces.map(({ misses }) => misses))).toBe(report.misses);
      expect(report.namespaces.map(({ namespace }) => namespace).sort()).toEqual([
        'counters',
        'pages',
        'users',
      ]);
      expectOneWindow(report);
      expect(restored.map(({ outcome }) => outcome)).toEqual(['restored']);
    }
    expect(await flagsOn(server)).toBe('');
  });

  test('in mode misses-only each miss is', async () => {
    const { url } = await startRedis();
    const server = await open(url);
    const traffic = await open(url);
    await startTraffic(traffic);
    for (let window = 0; window < 5; window++) {
      const { report } = await observeFor(server, { mode: 'misses-only', ...untilLookups(traffic, 1000) });
      expect(report.residual).toEqual({ reads: null, hits: null, misses: 0 });
      expect(report).toMatchObject({ mode: 'misses-only', valid: true });
      expectOneWindow(report);
      expect(sumOf(report.namespaces.map(({ misses }) => misses))).toBe(report.misses);
      expect(report.namespaces.map(({ reads }) => reads)).not.toContain(expect.any(Number));
    }
  });

  test('in mode sampled the bursts are attributed whole, and the intervals hold the sum', async () => {
    const { url } = await startRedis();
    const server = await open(url);
    await startTraffic(await open(url));
    const { report } = await observeFor(server, { mode: 'sampled', seconds: 1.5 });
    expect(report.residual).toEqual({ reads: 0, hits: 0, misses: 0 });
    expect(report).toMatchObject({ mode: 'sampled', valid: true });
    expect(report.serverCost.duty).toBeGreaterThan(0.05);
    const estimated = sumOf(report.namespaces.map(({ hits }) => hits));
    expect(Math.abs(estimated - (report.hits ?? 0))).toBeLessThan(10);
  });

  test('in another database the map counts for that one, and the rest is told by its number', async () => {
    const { url } = await startRedis();
    const server = await open(`${url}/3`);
    await startTraffic(await open(`${url}/3`));
    await startTraffic(await open(url));
    const { report } = await observeFor(server);
    expect(report.residual).toEqual({ reads: 0, hits: 0, misses: 0 });
    expect(report.namespaces.map(({ namespace, database }) => `${namespace} ${database}`).sort()).toEqual([
      '(database 0) 0',
      'counters 3',
      'pages 3',
      'users 3',
    ]);
  });

  test('on a cluster the traffic of all primaries is attributed', async () => {
    const cluster = await startCluster(3);
    onTestFinished(() => cluster.stop());
    const places = cluster.nodes.map(({ port }) => ({ host: '127.0.0.1', port }));
    const server = await open(cluster.nodes[0].url, { topology: { kind: 'cluster', seeds: places } });
    expect(server.nodes).toHaveLength(3);
    const tags = server.nodes.map((node) => {
      let number = 0;
      while (server.nodeFor(asBytes(`{${number}}`)) !== node) number++;
      return `{${number}}:`;
    });
    for (const [index, node] of server.nodes.entries())
      await startTraffic({ ...server, nodes: [node] }, { tag: tags[index] ?? '' });
    const { report, restored } = await observeFor(server, untilLookups(server, 300));
    expect(report.residual).toEqual({ reads: 0, hits: 0, misses: 0 });
    expect(report).toMatchObject({ valid: true, mode: 'exact' });
    expect(report.reads).toBeGreaterThan(300);
    const missed = report.mostMissed.map(({ key }) => tags.findIndex((tag) => key.includes(tag)));
    expect(new Set(missed)).toEqual(new Set([0, 1, 2]));
    expectOneWindow(report);
    expect(restored.map(({ outcome }) => outcome)).toEqual(['restored', 'restored', 'restored']);
    for (const admin of cluster.admins) expect(await flagsOn(admin)).toBe('');
  });
});

describe('on a replica', () => {
  async function startReplica() {
    const [primary, replica] = [await startRedis(), await startRedis()];
    const server = await open(replica.url);
    await send(server, 'REPLICAOF', '127.0.0.1', primary.port);
    await until('the replica has found its primary', async () =>
      /master_link_status:up/.test(replyText(await send(server, 'INFO', 'replication'))),
    );
    return { writer: await open(primary.url), server };
  }

  test('reads are attributed, and those of commands that come from the primary', async () => {
    const { writer, server } = await startReplica();
    await startTraffic(writer);
    const reader = await server.nodes[0].openConnection();
    onTestFinished(() => reader.close());
    const read = async () => {
      for (let number = 0; number < 200; number++) {
        await reader.exchange([
          ['GET', asBytes(`user:${number % 40}`)],
          ['EXISTS', asBytes(`page:${number % 40}`)],
        ]);
        const [one, other, into] = ['s1', 's2', 'page:s'].map(asBytes) as [
          ByteString,
          ByteString,
          ByteString,
        ];
        await writer.nodes[0].batch([
          ['SADD', one, number],
          ['SUNIONSTORE', into, one, other],
        ]);
      }
      await send(writer, 'WAIT', 1, 30_000);
    };
    const { report } = await observeFor(server, during(read));
    expect(report).toMatchObject({ valid: true, residual: { reads: 0, hits: 0, misses: 0 } });
    expect(report.reads).toBeGreaterThan(400);
  });

  test('reads that it refuses for want of its primary are no window without reads', async () => {
    const { server } = await startReplica();
    await send(server, 'CONFIG', 'SET', 'replica-serve-stale-data', 'no');
    const port = await freePort();
    const lost: RedisCommand[] = [
      ['REPLICAOF', asBytes('127.0.0.1'), port],
      ...Array.from({ length: 40 }, () => ['GET', asBytes('user:1')] as const),
    ];
    const lose = () => server.nodes[0].batch(lost);
    // At one go, so that no mark falls in between.
    const found = () => server.nodes[0].batch([...lost, ['REPLICAOF', 'NO', 'ONE']]);
    expect((await observeFor(server, during(found))).report).toMatchObject({
      ...{ valid: false, reads: 0, endedBy: null },
      invalidReasons: [expect.stringContaining('refused 40 commands in the window (`MASTERDOWN` 40)')],
    });
    const { report, failure } = await observeFor(server, during(lose));
    expect(failure).toMatchObject({ failure: 'refused', code: 'MASTERDOWN' });
    expect(report).toMatchObject({ valid: false, endedBy: 'lost' });
    await expect(observeFor(server, during(lose))).rejects.toMatchObject({ code: 'MASTERDOWN' });
  });

  test('a key that was removed is missed for a reason that nobody knows', async () => {
    const { writer, server } = await startReplica();
    const remove = async () => {
      await send(writer, 'SET', 'user:1', 'v');
      await send(writer, 'DEL', 'user:1');
      // The replica has heard of it.
      await send(writer, 'WAIT', 1, 5000);
      await send(server, 'GET', 'user:1');
    };
    const { report } = await observeFor(server, during(remove));
    const users = report.namespaces.find(({ namespace }) => namespace === 'users');
    expect(users).toMatchObject({ misses: 1, causes: { unknown: 1, invalidated: 0 }, newKeys: 1 });
  });
});

test.each(['exact', 'misses-only', 'sampled'] as const)(
  'windows one after the other, in mode %s, have the keys, refills and stampedes of their own time',
  async (mode) => {
    const { url } = await startRedis();
    const server = await open(url);
    const traffic = await open(url);
    await startTraffic(traffic);
    const source = await openTrafficSource(server, optionsOf({ mode }));
    onTestFinished(() => source.close().then(() => undefined));
    for (let window = 0; window < 4; window++) {
      await lookupsBeyond(traffic, 1500);
      const report = await source.next();
      expect(report.mostMissed.length).toBeGreaterThan(10);
      if (mode !== 'sampled') expectOneWindow(report);
      for (const { key, misses } of report.mostMissed) {
        const name = key.startsWith('user') ? 'users' : 'pages';
        const row = report.namespaces.find(({ namespace }) => namespace === name);
        expect(misses).toBeLessThanOrEqual(row?.misses ?? 0);
      }
    }
  },
);

test('a command too long to be read whole makes its own window invalid, and not the next', async () => {
  const { url } = await startRedis();
  const [sender, server] = [await open(url), await open(url)];
  const source = await openTrafficSource(server, optionsOf());
  onTestFinished(() => source.close().then(() => undefined));
  const keys = Array.from({ length: 1000 }, (_, index) => asBytes(`user:${index}:${'x'.repeat(5000)}`));
  const connection = await sender.nodes[0].openConnection();
  onTestFinished(() => connection.close());
  expect(await connection.exchange([['EXISTS', ...keys]])).toEqual([0]);
  const long = await source.next();
  expect(long.valid).toBe(false);
  expect(long.invalidReasons[0]).toBe('1 command was too long to be read whole');
  await send(sender, 'GET', 'user:1');
  expect(await source.next()).toMatchObject({ valid: true, reads: 1, residual: { reads: 0 } });
});

test('all lookups of our own are told, and all are misses', async () => {
  const { url } = await startRedis();
  const [admin, server] = [await open(url), await open(url)];
  const { report } = await observeFor(server);
  const info = parseInfo(replyText(await send(admin, 'INFO', 'stats')));
  expect(report.serverCost).toMatchObject({ markLookups: Number(info['keyspace_misses']) });
  expect(info['keyspace_hits']).toBe('0');
  expect(report).toMatchObject({ reads: 0, valid: true, namespaces: [] });
});

test('what MONITOR prints of hostile arguments is read as it was sent', async () => {
  const { url } = await startRedis();
  const server = await open(url);
  const sender = await (await open(url)).nodes[0].openConnection();
  onTestFinished(() => sender.close());
  const hostile = [
    ...[
      '',
      ' ',
      '"',
      '\\',
      '" "GET" "x',
      '] "GET" "x"',
      '\r\n',
      '\n+OK\r\n',
      '\x00\x01',
      '\\x41',
      '\\',
      'a\\',
    ],
    ...[Array.from({ length: 256 }, (_, code) => String.fromCharCode(code)).join(''), 'GET', '1234', '-1'],
  ].map(asBytes);
  const commands: RedisCommand[] = hostile.flatMap((word): RedisCommand[] => [
    ['GET', word],
    ['MGET', word, word, ...hostile],
    ['SET', word, word, 'GET', 'PX', 10_000],
    ['SET', word, word],
    [asBytes('set'), word, asBytes('GET'), asBytes('kEePtTl')],
    ['OBJECT', 'ENCODING', word],
    ['XREAD', 'COUNT', 1, 'STREAMS', asBytes(`x${word}`), 0],
    ['ZUNION', 2, asBytes(`z${word}`), asBytes(`y${word}`)],
    ['EVAL', asBytes('return redis.call("get", KEYS[1])'), 1, word],
    ['EVAL', asBytes('return redis.call("exists", KEYS[1], ARGV[1])'), 1, word, word],
    ['GETSET', word, word],
    ['HGET', asBytes(`h${word}`), word],
  ]);
  let refused: ReplyError[] = [];
  const talk = async () => {
    const replies = await sender.exchange(commands);
    refused = replies.filter((reply) => reply instanceof ReplyError);
  };
  const { report } = await observeFor(server, during(talk));
  expect(refused).toEqual([]);
  expect(report.residual).toEqual({ reads: 0, hits: 0, misses: 0 });
  expect(report.reads).toBeGreaterThan(200);
});
