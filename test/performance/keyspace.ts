import { asBytes, bytesOf } from '../../src/redis/bytes.ts';
import type { RedisCommand, RedisNode } from '../../src/redis/server.ts';

/** The eight namespaces of the benchmark's keyspace, with their share of the keys. */
const namespaces: readonly {
  readonly share: number;
  readonly command: (index: number, size: number) => RedisCommand;
}[] = [
  {
    share: 30,
    command: (i, size) => ['SET', bytesOf(`user:${i}:profile`), filler(size), 'EX', 3600 + (i % 600)],
  },
  { share: 20, command: (i, size) => ['SET', bytesOf(`session:${hex(i, 32)}`), filler(size), 'EX', 86_400] },
  {
    share: 15,
    command: (i, size) => [
      'SET',
      bytesOf(`api_cache:${hex(i, 32)}`),
      filler(size * 4),
      'EX',
      300 + (i % 300),
    ],
  },
  {
    share: 10,
    command: (i) => [
      'HSET',
      bytesOf(`db_query:user_progress:user:${i}`),
      bytesOf('a'),
      1,
      bytesOf('b'),
      2,
      bytesOf('c'),
      3,
    ],
  },
  { share: 10, command: (i) => ['SET', bytesOf(`quota:text:${i}:2026-11-21`), i] },
  {
    share: 5,
    command: (i) => [
      'ZADD',
      bytesOf(`leaderboard:${i}:weekly`),
      1,
      bytesOf('x'),
      2,
      bytesOf('y'),
      3,
      bytesOf('z'),
    ],
  },
  {
    share: 5,
    command: (i) => ['RPUSH', bytesOf(`queue:${i}:jobs`), bytesOf('one'), bytesOf('two'), bytesOf('three')],
  },
  {
    share: 5,
    command: (i, size) => ['SET', bytesOf(`tts:${hex(i, 16)}:alloy:1.0`), filler(size * 8), 'EX', 2_592_000],
  },
];

const fillerText = 'x'.repeat(64 * 1024);
const filler = (size: number) => asBytes(fillerText.slice(0, size));
const hex = (index: number, digits: number) =>
  (BigInt(index + 1) * 0x9e3779b97f4a7c15n).toString(16).padStart(digits, 'a').slice(-digits);

/** A size with a long tail: most values are small, one in a thousand is hundreds of times larger. */
const sizeOf = (index: number) =>
  Math.min(8192, Math.round(64 / ((((index * 2654435761) >>> 0) % 1000) / 1000 + 0.008)));

/** Fills an empty server with `keys` keys in eight namespaces, mixed types, sizes with a long tail. Deterministic. */
export async function fillKeyspace(node: RedisNode, keys: number): Promise<void> {
  const turns = namespaces.flatMap(({ share }, index) => Array.from({ length: share }, () => index));
  const lane = await node.openLane();
  try {
    for (let start = 0; start < keys; start += 1000) {
      const batch: RedisCommand[] = [];
      for (let index = start; index < Math.min(keys, start + 1000); index++) {
        const namespace = namespaces[turns[index % turns.length] ?? 0];
        if (namespace) batch.push(namespace.command(index, sizeOf(index)));
      }
      await lane.exchange(batch);
    }
  } finally {
    lane.close();
  }
}
