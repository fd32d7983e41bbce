import { createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';
import type { ConfigFile } from '../../src/config/schema.ts';
import { asBytes, type ByteString, bytesOf } from '../../src/support/bytes.ts';
import { replyText } from '../../src/redis/reply.ts';
import type { RedisServer } from '../../src/redis/server.ts';
import { send, sendAll } from '../server/redis.ts';
import { until } from '../server/until.ts';
import { hostileKeys } from './hostile-keys.ts';

/** What the program takes for the present: noon in Prague, 13 hours before midnight of the rule `daily` at UTC+1. */
export const now = Date.parse('2026-01-15T11:00:00Z');

const minute = 60;
const hour = 3600;
const day = 86_400;

const honzik = JSON.parse(
  readFileSync(new URL('../../examples/honzik/cachectl.config.json', import.meta.url), 'utf8'),
) as ConfigFile;

/** The map of the tutor, with an index and a generation besides. */
export const mapFor = (url: string): ConfigFile => ({
  profiles: {
    here: { url },
    production: { url: 'rediss://cache.honzik.example:6380/0', passwordEnv: 'HONZIK_REDIS_PASSWORD' },
  },
  namespaces: {
    ...honzik.namespaces,
    catalogue: { pattern: 'catalogue:<int>:*', generation: 'gen:catalogue' },
  },
  entities: {
    ...honzik.entities,
    course: { patterns: ['course:<id>:*'], index: 'idx:course:<id>', generation: 'gen:course:<id>' },
  },
  thresholds: { minHitRate: '70%', maxMemoryRatio: '90%' },
});

/** The same with profiles that protect the server, whichever of them is in force. */
export const guardedMapFor = (url: string): ConfigFile => ({
  ...mapFor(url),
  profiles: { guarded: { url, protected: true } },
});
export const readOnlyMapFor = (url: string): ConfigFile => ({
  ...mapFor(url),
  profiles: { watched: { url, readOnly: true } },
});

interface Seed {
  readonly key: ByteString;
  /** The command that writes it; `*` is the key. */
  readonly write: readonly (readonly (string | number)[])[];
  /** Null: none. */
  readonly ttlSeconds: number | null;
  readonly idleSeconds: number;
}

const seeds: Seed[] = [];
function add(key: string, ttlSeconds: number | null, write: Seed['write'], idleSeconds = 0): void {
  seeds.push({ key: asBytes(key), ttlSeconds, write, idleSeconds });
}
const text = (key: string, ttlSeconds: number | null, value: string, idleSeconds = 0) =>
  add(bytesOf(key), ttlSeconds, [['SET', '*', bytesOf(value)]], idleSeconds);
const each = (count: number, make: (index: number) => void) => {
  for (let index = 1; index <= count; index++) make(index);
};
const digest = (name: string, length: number) =>
  createHash('sha256').update(name).digest('hex').slice(0, length);
const words = ['dobrý den', 'děkuji', 'prosím', 'na shledanou', 'kolik to stojí'];

// Users 12 and 123, of whom one must not be taken for the other; two profiles without TTL, and two that live too long.
each(60, (index) => {
  const id = index === 60 ? 123 : index;
  const ttl = index <= 2 ? null : index <= 4 ? 7 * day : 10 * minute + index * 40;
  text(`user:${id}:profile`, ttl, JSON.stringify({ id, name: `Ada ${id}`, level: 'A2', streak: index % 7 }));
});
each(40, (index) =>
  text(
    `stats:${index}:daily:2026-01-15`,
    11 * hour + index * 20,
    JSON.stringify({ day: '2026-01-15', answers: index }),
  ),
);
each(80, (index) =>
  text(
    `honzik:response:${digest(`answer ${index}`, 32)}`,
    hour + index * 15 * minute,
    JSON.stringify({
      reply: `${words[index % 5] ?? ''} `.repeat(1 + (index % 6)),
      corrected: index % 2 === 0,
    }),
  ),
);
each(6, (index) =>
  add(`tts:${digest(`speech ${index}`, 16)}:alloy:1.0`, (20 + index) * day, [
    [
      'SET',
      '*',
      asBytes(`\xff\xfb\x90\x00${'\x00\x55\xaa\xf0'.repeat(index === 1 ? 75_000 : 10_000 * index)}`),
    ],
  ]),
);
each(20, (index) =>
  text(`translation:${words[index % 5] ?? ''} ${index}:en`, 2 * day + index * hour, '{"text":"good day"}'),
);
// Five of them long unused.
each(30, (index) =>
  text(
    `weekly_report:${index}:2026-01-12`,
    4 * day,
    '{"answers":70,"streak":5}',
    index > 5 ? 0 : (8 + index) * day,
  ),
);
text('platform:metrics:latest', 20 * minute, '{"users":1204}');
each(25, (index) => text(`session:${digest(`token ${index}`, 40)}`, 20 * day, '{"user":12}'));
each(30, (index) => text(`quota:text:${index}:2026-01-15`, index <= 5 ? null : 20 * hour, String(index)));
each(15, (index) => text(`scenario_unlocked:${index}:market`, index === 1 ? day : null, '{"paid":true}'));
// An index with a member that is gone.
each(8, (index) => text(`course:7:part:${index}`, 3 * hour, `part ${index}`));
add('idx:course:7', null, [
  ['SADD', '*', ...Array.from({ length: 9 }, (_, index) => `course:7:part:${index + 1}`)],
]);
each(10, (index) => text(`catalogue:3:item:${index}`, null, 'x'.repeat(100)));
text('gen:catalogue', null, '3');
// Outside the map: the other types.
each(20, (index) => add(`cart:${index}`, 2 * hour, [['HSET', '*', 'item', `book ${index}`, 'count', index]]));
each(20, (index) => add(`feed:${index}`, 30 * minute, [['RPUSH', '*', 'a', 'b', bytesOf('č')]]));
each(25, (index) => add(`tags:${index}`, null, [['SADD', '*', 'one', 'two', `tag-${index}`]]));
each(10, (index) => add(`rank:week:${index}`, day, [['ZADD', '*', 10, 'ada', 7.5, 'ben', index, 'eve']]));
add('big:list', null, [
  ['RPUSH', '*', ...Array.from({ length: 2000 }, (_, index) => `element ${1000 + index}`)],
]);
add('log:events', null, [
  ...[1, 2, 3].map((id) => ['XADD', '*', `170000000000${id}-0`, 'event', `answer ${id}`]),
  ['XGROUP', 'CREATE', '*', 'workers', '0'],
]);
for (const key of hostileKeys.filter((each) => each.length < 1000))
  add(key, hour, [['SET', '*', bytesOf('hostile\x1b[2J\tvalue')]]);
text(`long:${'x'.repeat(300)}`, hour, 'a long name');

/** A namespace that has expired to its last key, which the server has not noticed yet. */
const expired = Array.from({ length: 20 }, (_, index) => `common_phrase:ahoj ${index}:A1:casual`);

/** Database of the keyspace, and the one that holds what it is made from, which is a second database for INFO. */
export const database = 3;
const store = 4;

/** In one command, for it runs before each command line. Stored are key, TTL in milliseconds, DUMP and idle time in turn. */
const fillScript = `
  repeat
    local page = redis.call('SCAN', '0', 'COUNT', 1000)
    if #page[2] > 0 then redis.call('UNLINK', unpack(page[2])) end
  until #page[2] == 0
  for _, key in ipairs(ARGV) do redis.call('SET', key, 'ahoj', 'PX', 1) end
  redis.call('SELECT', ${store})
  local seeds = redis.call('LRANGE', 'seeds', 0, -1)
  redis.call('SELECT', ${database})
  for i = 1, #seeds, 4 do
    redis.call('RESTORE', seeds[i], seeds[i + 1], seeds[i + 2], 'IDLETIME', seeds[i + 3])
  end`;

/** Reads of data, for the hit rates since the counters began: 150 hits and 50 misses. */
const readScript = `
  -- Idle times of keys that were restored are believed where the server reports that there were any.
  redis.pcall('RESTORE', 'refused', 0, 'no dump')
  for i = 0, 199 do
    redis.call('GET', 'user:' .. (i < 150 and 1 + i % 50 or 1000 + i) .. ':profile')
  end`;

/** Builds the keyspace, and keeps what `fill` makes it from anew. */
export async function prepareKeyspace(server: RedisServer): Promise<void> {
  await send(server, 'DEBUG', 'SET-ACTIVE-EXPIRE', '0');
  await sendAll(
    server,
    seeds.flatMap(({ key, write }) => write.map((line) => line.map((word) => (word === '*' ? key : word)))),
  );
  const dumps = await sendAll(
    server,
    seeds.map(({ key }) => ['DUMP', key]),
  );
  const stored = seeds.map(({ key, ttlSeconds, idleSeconds }, index) => [
    key,
    ttlSeconds === null ? 0 : ttlSeconds * 1000 - aMomentMillis,
    dumps[index] as string,
    idleSeconds,
  ]);
  await sendAll(server, [
    ['SELECT', store],
    ...stored.map((words) => ['RPUSH', 'seeds', ...words]),
    ['SELECT', database],
  ]);
}

export async function fill(server: RedisServer): Promise<void> {
  await send(server, 'EVAL', fillScript, 0, ...expired);
  await alone(server);
  await send(server, 'CONFIG', 'RESETSTAT');
  await send(server, 'EVAL', readScript, 0);
}

/** Waits until the server has closed the connections of what ran before, which INFO would count. */
export async function alone(server: RedisServer): Promise<void> {
  await until('no other client is connected', async () =>
    /^connected_clients:1\r?$/m.test(replyText(await send(server, 'INFO', 'clients'))),
  );
}

/** A TTL is below the one that was written, and rounds to it until `ttlPatienceMillis` have passed since. */
const aMomentMillis = 5;
export const ttlPatienceMillis = 450;
