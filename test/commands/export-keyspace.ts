import fc from 'fast-check';
import { type Reply, replyText } from '../../src/redis/reply.ts';
import type { RedisServer } from '../../src/redis/server.ts';
import { send, sendAll } from '../server/redis.ts';

/** Any bytes, one per character; often such that JSON and terminals treat specially. */
const bytes = fc.oneof(
  fc.uint8Array({ maxLength: 12 }).map((array) => Buffer.from(array).toString('latin1')),
  fc.constantFrom('__proto__', '0', '1', '"', '\\', '{"a": 1}', 'null', '\x7f\x1b[2J', ' \r\n', '\xc5\xbe'),
);
const score = fc.oneof(
  fc.constantFrom('inf', '-inf', '-0', '0', '1e300', '5e-324', '0.1', '9007199254740993'),
  fc.double({ noNaN: true, noDefaultInfinity: true }).map(String),
);
const some = <T>(item: fc.Arbitrary<T>) => fc.array(item, { minLength: 1, maxLength: 8 });
/** Field names that no JSON object drops or sorts. */
const fieldName = fc
  .uint8Array({ minLength: 1, maxLength: 6 })
  .map((array) => `f\xff${Buffer.from(array).toString('latin1')}`);

type Words = readonly (string | number)[];

/** A command that makes the key, whatever its type. */
const filling: fc.Arbitrary<(key: string) => Words> = fc.oneof(
  bytes.map((value) => (key: string) => ['SET', key, value]),
  some(fc.tuple(bytes, bytes)).map((pairs) => (key: string) => ['HSET', key, ...pairs.flat()]),
  some(bytes).map((items) => (key: string) => ['RPUSH', key, ...items]),
  some(bytes).map((items) => (key: string) => ['SADD', key, ...items]),
  some(fc.tuple(score, bytes)).map((pairs) => (key: string) => ['ZADD', key, ...pairs.flat()]),
  fc
    .tuple(fc.nat(1e6), fc.uniqueArray(fieldName, { minLength: 1, maxLength: 4 }), bytes)
    .map(([id, names, value]) => (key: string) => [
      'XADD',
      key,
      `${id}-1`,
      ...names.flatMap((name) => [name, value]),
    ]),
);

/** Keys with the command that fills each, and their TTLs in seconds (null: none). */
export const keyspaces = fc.uniqueArray(
  fc.record({ key: bytes, fill: filling, ttl: fc.option(fc.integer({ min: 600, max: 10_000 })) }),
  { minLength: 1, maxLength: 12, selector: ({ key }) => key },
);

export async function fillKeyspace(
  server: RedisServer,
  keys: readonly { key: string; fill: (key: string) => Words; ttl: number | null }[],
): Promise<void> {
  await sendAll(
    server,
    keys.flatMap(({ key, fill, ttl }) => [fill(key), ...(ttl === null ? [] : [['EXPIRE', key, ttl]])]),
  );
}

/** What an application would see of each key, ordered by key; TTLs in seconds, -1 for none. */
export async function keyspaceOf(
  server: RedisServer,
): Promise<{ key: string; type: string; value: unknown; ttl: number }[]> {
  const [, keys] = (await send(server, 'SCAN', '0', 'COUNT', 100_000)) as [Reply, string[]];
  return Promise.all(
    [...keys].sort().map(async (key) => {
      const type = replyText(await send(server, 'TYPE', key));
      const value = await send(server, ...readerOf(type, key));
      const unordered = type === 'set' && Array.isArray(value) ? [...value].sort() : value;
      const pairs = type === 'hash' && Array.isArray(value) ? pairsOf(value) : unordered;
      return { key, type, value: pairs, ttl: Math.round(Number(await send(server, 'PTTL', key)) / 1000) };
    }),
  );
}

function pairsOf(flat: readonly Reply[]): string[] {
  return flat
    .flatMap((item, index) => (index % 2 === 0 ? [`${replyText(item)} = ${replyText(flat[index + 1])}`] : []))
    .sort();
}

function readerOf(type: string, key: string): Words {
  switch (type) {
    case 'hash':
      return ['HGETALL', key];
    case 'list':
      return ['LRANGE', key, 0, -1];
    case 'set':
      return ['SMEMBERS', key];
    case 'zset':
      return ['ZRANGE', key, 0, -1, 'WITHSCORES'];
    case 'stream':
      return ['XRANGE', key, '-', '+'];
    default:
      return ['GET', key];
  }
}
