import { join } from 'node:path';
import { beforeEach, describe, expect, test } from 'vitest';
import { mapAt } from '../named-map.ts';
import { buildMap } from '../../src/config/build-map.ts';
import type { NamespaceMap } from '../../src/keyspace/map.ts';
import { asBytes } from '../../src/support/bytes.ts';
import { replyText } from '../../src/redis/reply.ts';
import { cli, jsonOf } from '../run-cli.ts';
import { emptyDatabase, send, sendAll } from '../server/redis.ts';
import { startServer, temporaryFolder } from '../server/own.ts';

/** A server of its own: what clients of others run shows in the statistics of commands. */
const { redis, server } = await startServer();
beforeEach(async () => {
  await emptyDatabase(server);
  await sendAll(server, [['CONFIG', 'RESETSTAT']]);
});

type Command = (string | number)[];
const numbered = (count: number, make: (index: number) => Command): Command[] =>
  Array.from({ length: count }, (_, index) => make(index));
const hex = (index: number, length = 32) =>
  (index * 2654435761 + 97).toString(16).padStart(length, '5d9fa71c');
const uuid = (index: number) => hex(index).replace(/^(.{8})(.{4})(.{4})(.{4})/, '$1-$2-$3-$4-');
const set = (key: string, value: string, seconds?: number): Command =>
  seconds === undefined ? ['SET', key, value] : ['SET', key, value, 'EX', seconds];

async function drawMap(
  commands: readonly Command[],
): Promise<{ map: NamespaceMap; result: Record<string, unknown> }> {
  await sendAll(server, commands);
  const cwd = temporaryFolder();
  const result = await cli(['config', 'init', '-o', 'json'], { url: redis.url, cwd });
  expect(result).toMatchObject({ exitCode: 0, stderr: '' });
  return { map: buildMap(mapAt(join(cwd, 'cachectl.config.json')).config), result: jsonOf(result) };
}

const kindsOf = (map: NamespaceMap, commands: readonly Command[]) =>
  Object.fromEntries(commands.map(([, key]) => [String(key), map.classify(asBytes(String(key)))?.kind]));
const all = (commands: readonly Command[], kind: string) =>
  Object.fromEntries(commands.map(([, key]) => [String(key), kind]));

/** A cache of the application, next to what the framework keeps. */
const pages = numbered(60, (index) => set(`page:${index}`, '<html>', 3000));

/** Key layouts as the source of each framework has them. */
const frameworks: Record<string, { state: Command[]; cache?: Command[] }> = {
  Sidekiq: {
    state: [
      ['SADD', 'queues', 'default'],
      ['LPUSH', 'queue:default', '{"class":"Mail","jid":"1"}'],
      ['ZADD', 'retry', 1, '{"class":"Mail","jid":"2"}'],
      ['ZADD', 'schedule', 1, '{"class":"Mail","jid":"3"}'],
      ['ZADD', 'dead', 1, '{"class":"Mail","jid":"4"}'],
      ['SADD', 'processes', 'web-1:4711:9f86d081884c'],
      ...numbered(9, (day) => set(`stat:processed:2026-03-0${day + 1}`, '17', 100_000)),
      set('stat:processed', '170'),
    ],
  },
  'Sidekiq in a namespace': {
    state: [
      ['SADD', 'shop:queues', 'default'],
      ['LPUSH', 'shop:queue:default', '{}'],
      ['ZADD', 'shop:retry', 1, '{}'],
    ],
    cache: numbered(20, (index) => set(`shop:price:${index}`, '{"price":1}', 600)),
  },
  Celery: {
    state: [
      ['LPUSH', 'celery', '{"body":"W10="}'],
      ['LPUSH', 'celery\u0006\u00163', '{"body":"W10="}'],
      ['SADD', '_kombu.binding.celery', 'celery\u0006\u0016\u0006\u0016celery'],
      ['HSET', 'unacked', uuid(1), '[]'],
      ['ZADD', 'unacked_index', 1, uuid(1)],
      ...numbered(30, (index) => set(`celery-task-meta-${uuid(index)}`, '{"status":"SUCCESS"}', 86_400)),
    ],
  },
  RQ: {
    state: [
      ['SADD', 'rq:queues', 'rq:queue:default'],
      ['LPUSH', 'rq:queue:default', uuid(1)],
      ...numbered(20, (index): Command => ['HSET', `rq:job:${uuid(index)}`, 'status', 'queued']),
      ['ZADD', 'rq:wip:default', 1, uuid(2)],
    ],
  },
  Laravel: {
    state: [
      ['RPUSH', 'shop_database_queues:default', '{"displayName":"Mail"}'],
      ['ZADD', 'shop_database_queues:default:reserved', 1, '{}'],
      ['RPUSH', 'shop_database_queues:default:notify', '1'],
      ['HSET', 'shop_horizon:master:web-1', 'status', 'running'],
      ['ZADD', 'shop_horizon:recent_jobs', 1, uuid(1)],
      ...numbered(40, (index) =>
        set(
          `shop_database_shop_cache_:${hex(index, 20)}AbCdEfGhIjKlMnOpQrSt`,
          's:60:"a:1:{s:6:"_token";s:40:"x";}";',
          7000,
        ),
      ),
    ],
    cache: numbered(40, (index) => set(`shop_database_shop_cache_:posts.${index}`, 's:5:"hello";', 500)),
  },
  Django: {
    state: numbered(60, (index) =>
      set(`:1:django.contrib.sessions.cache${hex(index).replace(/[0-9]/g, 'k')}`, '\u0080\u0005}', 1_200_000),
    ),
    cache: [
      ...numbered(40, (index) =>
        set(
          `:1:views.decorators.cache.cache_page..GET.${hex(index)}.${hex(7)}.en-us.UTC`,
          '\u0080\u0005.',
          600,
        ),
      ),
      ...numbered(20, (index) => set(`:1:template.cache.sidebar.${hex(index)}`, '\u0080\u0005.', 600)),
    ],
  },
  'Spring Session': {
    state: [
      ...numbered(30, (index): Command => [
        'HSET',
        `spring:session:sessions:${uuid(index)}`,
        'creationTime',
        1,
      ]),
      ...numbered(30, (index) => set(`spring:session:sessions:expires:${uuid(index)}`, '', 1800)),
      ['SADD', 'spring:session:expirations:1628959080000', 'x'],
    ],
  },
  'PHP sessions': {
    state: numbered(30, (index) => set(`PHPREDIS_SESSION:${hex(index, 26)}`, 'user|i:12;', 1440)),
  },
  'PHP sessions of a name of their own': {
    state: numbered(30, (index) => set(`visit:${hex(index, 26)}`, 'user|i:12;cart|a:0:{}', 1440)),
  },
  Rails: {
    state: numbered(30, (index) => set(`_session_id:2::${hex(index, 64)}`, '\u0004\b{', 3600)),
    cache: numbered(30, (index) => set(`views/posts/${index}-20260101`, '\u0004\b{', 3600)),
  },
  WordPress: {
    state: [
      ...numbered(20, (index) => set(`wp:transient:limit_${index}`, 'i:1;', 300)),
      set('wp:site-transient:update_core', 'O:8:"stdClass":0:{}', 4000),
    ],
    cache: [
      ...numbered(40, (index) => set(`wp:posts:${index}`, 'O:8:"stdClass":0:{}', 3600)),
      ...numbered(20, (index) => set(`wp:post_meta:${index}`, 'a:0:{}', 3600)),
      set('wp:options:alloptions', 'a:0:{}', 3600),
    ],
  },
};

test.each(Object.entries(frameworks))(
  'the first map knows what is state of %s',
  async (_name, { state, cache = [] }) => {
    const { map } = await drawMap([...pages, ...state, ...cache]);
    expect(kindsOf(map, [...pages, ...state, ...cache])).toEqual({
      ...all([...pages, ...cache], 'cache'),
      ...all(state, 'state'),
    });
  },
);

test('fields that happen to be called as a library calls its keys are no library', async () => {
  const commands = numbered(90, (index) =>
    set(`product:${index % 30}:${['id', 'meta', 'events'][Math.floor(index / 30)] ?? ''}`, 'text', 600),
  );
  const { map } = await drawMap(commands);
  expect(kindsOf(map, commands)).toEqual(all(commands, 'cache'));
});

describe('what no name says', () => {
  test.each([
    ['a list without a TTL', [['LPUSH', 'recent', 'a']]],
    [
      'a sorted set without a TTL, as a leaderboard is,',
      numbered(5, (index) => ['ZADD', `top:${index}`, 1, 'a']),
    ],
    ['a flag without a TTL', [['SET', 'maintenance', 'off']]],
    ['a set without a TTL', [['SADD', 'members', 'a']]],
    ['a hash without a TTL', numbered(5, (index) => ['HSET', `profile:${index}`, 'name', 'x'])],
    ['an integer without a TTL, as a counter is,', numbered(5, (index) => ['SET', `views:${index}`, '12'])],
    [
      'a stream, also under a TTL,',
      [
        ['XADD', 'news', '*', 'a', 'b'],
        ['EXPIRE', 'news', 100],
      ],
    ],
    [
      'an integer under a short TTL, as a limit is,',
      numbered(5, (index) => ['SET', `guard:${index}`, '3', 'EX', 60]),
    ],
  ] as [string, Command[]][])('%s is state', async (_what, commands) => {
    const { map } = await drawMap([...pages, ...commands]);
    expect(kindsOf(map, commands)).toEqual(all(commands, 'state'));
  });

  test('a list under a TTL is state where clients move jobs from list to list, and cache where they do not', async () => {
    const lists: Command[] = [
      ['RPUSH', 'outgoing', 'a', 'b'],
      ['EXPIRE', 'outgoing', 5000],
    ];
    expect(kindsOf((await drawMap(lists)).map, lists)).toEqual({ outgoing: 'cache' });
    await sendAll(server, [
      ['BRPOPLPUSH', 'outgoing', 'doing', 1],
      ['EXPIRE', 'doing', 5000],
    ]);
    const { map, result } = await drawMap([]);
    expect(kindsOf(map, lists)).toEqual({ outgoing: 'state' });
    expect(result['namespaces']).toContainEqual(
      expect.objectContaining({
        name: 'outgoing',
        signs: [{ from: 'type', text: 'holds lists, and clients use BRPOPLPUSH' }],
      }),
    );
  });

  test('pages under base64url digests are a cache: the kind follows the key, not the name of a placeholder', async () => {
    const commands = numbered(40, (index) =>
      set(`page:${Buffer.from(hex(index)).toString('base64url')}`, '<p>', 600),
    );
    const { map } = await drawMap(commands);
    expect(map.namespaces.map(({ patterns }) => patterns.map(({ text }) => text))).toEqual([
      ['page:<token>'],
    ]);
    expect(kindsOf(map, commands)).toEqual(all(commands, 'cache'));
  });

  test('cached counts with a long TTL are a cache, as long as no client counts with them', async () => {
    const commands = numbered(30, (index) => set(`total:${index}`, '12', 604_800));
    expect(kindsOf((await drawMap(commands)).map, commands)).toEqual(all(commands, 'cache'));
    await sendAll(server, [['INCR', 'total:3']]);
    expect(kindsOf((await drawMap([])).map, commands)).toEqual(all(commands, 'state'));
  });
});

test('queues named after customers become a placeholder, and no customer is in the map', async () => {
  const { map } = await drawMap(
    Array.from(
      { length: 30 },
      (_, index) => `bull:customer-${'abcdefghijklmnopqrstuvwxyz012345'.charAt(index)}`,
    ).flatMap((queue): Command[] => [
      ['HSET', `${queue}:meta`, 'version', 'bullmq'],
      ['SET', `${queue}:id`, 1],
      ['LPUSH', `${queue}:wait`, 1],
      ['HSET', `${queue}:1`, 'name', 'send'],
    ]),
  );
  expect(map.namespaces.map(({ name, patterns }) => [name, patterns.map(({ text }) => text)])).toEqual([
    ['bullmq', ['bull:<queue>:*']],
  ]);
});

test('each lookup of a type or a value is counted', async () => {
  await sendAll(server, [
    ...pages,
    ...numbered(20, (index): Command => ['LPUSH', `board:${index}`, 'a']),
    ['CONFIG', 'RESETSTAT'],
  ]);
  const result = jsonOf(
    await cli(['config', 'init', '--file', '-', '-o', 'json'], {
      url: redis.url,
      cwd: temporaryFolder(),
    }),
  );
  const stats = replyText(await send(server, 'INFO', 'STATS'));
  // 80 TTLs, 60 idle times, of 60 whether that is their own, the start of 3 strings, and of 3 lists that and the type.
  expect(result['ownLookups']).toMatchObject({ hits: 209, misses: 0 });
  expect(/keyspace_hits:(\d+)/.exec(stats)?.[1]).toBe('209');
});
