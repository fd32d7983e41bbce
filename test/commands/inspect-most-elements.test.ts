import { beforeAll, describe, expect, test } from 'vitest';
import { countersOf } from './reading.ts';
import { inspect, inspectTable } from './inspect-runs.ts';
import { startServer } from '../server/own.ts';
import { sendAll } from '../server/redis.ts';
import { countsScanType, readInfo } from '../../src/redis/info.ts';

const { redis, server } = await startServer();
const numbered = (count: number) => Array.from({ length: count }, (_, index) => index);
const collections = 5 * 30;
const strings = 2001;

beforeAll(async () => {
  const members = (size: number) => numbered(size).map((index) => `m${index}`);
  await sendAll(server, [
    // Few large elements take more memory than many small ones.
    ...['RPUSH', 'SADD'].map((command) => [command, `heavy:${command}`, 'x'.repeat(100_000)]),
    ...numbered(29).flatMap((index) => [
      ['RPUSH', `queue:${index}`, ...members(index + 1)],
      ['SADD', `tags:${index}`, ...members(2 * index + 1)],
      ['HSET', `cart:${index}`, ...members(3 * index + 1).flatMap((name) => [name, '1'])],
      ['ZADD', `board:${index}`, ...members(index + 1).flatMap((name, score) => [score, name])],
      ...members(index + 1).map((name) => ['XADD', `events:${index}`, '*', name, '1']),
    ]),
    ...['HSET cart:29 a 1', 'ZADD board:29 1 a', 'XADD events:29 * a 1'].map((line) => line.split(' ')),
    ...numbered(strings - 1).map((index) => ['SET', `user:${index}`, 'x'.repeat(1 + (index % 50))]),
    ['SET', 'blob:1', 'x'.repeat(50_000)],
  ]);
});

const run = (...args: readonly string[]) => inspect(['--most-elements', ...args], { url: redis.url });

describe('inspect --most-elements', () => {
  test('finds the first of each type, then the second, whatever memory they take', async () => {
    const { result } = await run('--top', '2');
    expect(result.mostElements?.map(({ type, key, elements }) => [type, key, elements])).toEqual([
      ['list', 'queue:28', 29],
      ['hash', 'cart:28', 85],
      ['set', 'tags:28', 57],
      ['zset', 'board:28', 29],
      ['stream', 'events:28', 29],
      ['string', 'blob:1', null],
      ['list', 'queue:27', 28],
      ['hash', 'cart:27', 82],
      ['set', 'tags:27', 55],
      ['zset', 'board:27', 28],
      ['stream', 'events:27', 28],
      ['string', expect.stringMatching(/^user:/), null],
    ]);
    expect(result.mostElements?.[0]).toMatchObject({ namespace: 'queue:<id>' });
    expect(result.mostElements?.every(({ memoryBytes }) => (memoryBytes ?? 0) > 0)).toBe(true);
  });

  test('keeps to the selection, and is null where it was not asked for', async () => {
    const { result } = await run('cart:*', 'user:*', '--type', 'hash', '--top', '1');
    expect(result.mostElements).toEqual([expect.objectContaining({ key: 'cart:28', elements: 85 })]);
    expect((await inspect([], { url: redis.url })).result.mostElements).toBeNull();
  });

  test('looks up the type of each key where the server counts that, and the length of each collection', async () => {
    const hitsOf = async (...args: readonly string[]) => {
      const before = await countersOf(server);
      const { result } = await inspect(['--exact', ...args], { url: redis.url });
      const { hits } = await countersOf(server);
      expect(result.ownLookups.hits).toBe(hits - before.hits);
      return { hits: hits - before.hits, commands: result.serverCost.commands };
    };
    const [without, asked] = [await hitsOf(), await hitsOf('--most-elements')];
    const types = countsScanType(await readInfo(server.nodes[0])) ? strings + collections : 0;
    expect(asked.hits - without.hits).toBe(types + collections);
    expect(asked.commands - without.commands).toBeGreaterThan(types + collections);
  });

  test('is the first thing on a terminal, and has no place in --browse', async () => {
    expect(await inspectTable(['--most-elements', '--top', '1'], { url: redis.url })).toMatch(
      /^Most elements by type, and the largest strings\n {2}TYPE +KEY +ELEMENTS +MEMORY\n {2}list +queue:28 +29 /,
    );
    const { exitCode, stderr } = await run('--browse');
    expect({ exitCode, stderr }).toMatchObject({
      exitCode: 2,
      stderr: expect.stringContaining('--most-elements') as string,
    });
  });
});
