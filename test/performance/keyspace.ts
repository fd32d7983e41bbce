import { asBytes, type ByteString, bytesOf } from '../../src/support/bytes.ts';
import type { RedisCommand, RedisNode } from '../../src/redis/server.ts';

interface NamespaceRecipe {
  /** The pattern that is inferred from each of its keys. */
  readonly pattern: string;
  /** Keys of it in each hundred. */
  readonly share: number;
  /** @param index of the key, @param size of a value in bytes, @param hundred number of the hundred, for rare variants */
  readonly command: (index: number, size: number, hundred: number) => RedisCommand;
}

const hour = 3600;
const day = 24 * hour;

/**
 * Eight namespaces. Keys without TTL, types and encodings are mixed within them, so that every breakdown has something to
 * get wrong. TTLs lie hours away from their end and from the next lower bound of a histogram.
 */
const recipes: readonly NamespaceRecipe[] = [
  {
    pattern: 'user:<id>:profile',
    share: 30,
    command: (i, size) => ['SET', profileKey(i), filler(size), 'EX', 8 * hour + (i % 600)],
  },
  {
    pattern: 'session:<hash>',
    share: 20,
    command: (i, size, hundred) => {
      const command: RedisCommand = ['SET', bytesOf(`session:${hash(i, 32)}`), filler(size)];
      // A leak, as it happens: one in twenty was written without a TTL.
      return hundred % 20 === 0 ? command : [...command, 'EX', 3 * day];
    },
  },
  {
    pattern: 'api_cache:<hash>',
    share: 15,
    command: (i, size, hundred) => [
      ...(['SET', bytesOf(`api_cache:${hash(i, 32)}`), filler(size * 4)] as const),
      ...(['EX', hundred % 5 === 0 ? 2 * day : 10 * hour + (i % 300)] as const),
    ],
  },
  {
    pattern: 'db_query:user_progress:user:<id>',
    share: 10,
    command: (i, _size, hundred) => [
      ...(['HSET', bytesOf(`db_query:user_progress:user:${i}`), bytesOf('a'), 1, bytesOf('b')] as const),
      // A field of more than 64 bytes makes a hash table of it.
      ...([hundred % 10 === 0 ? filler(80) : 2, bytesOf('c'), 3] as const),
    ],
  },
  {
    pattern: 'quota:text:<id>:<date>',
    share: 10,
    command: (i, _size, hundred) => [
      ...(['SET', bytesOf(`quota:text:${i}:2026-11-21`)] as const),
      hundred % 4 === 0 ? bytesOf('unlimited') : i,
    ],
  },
  {
    pattern: 'leaderboard:<id>:weekly',
    share: 5,
    command: (i) => ['ZADD', bytesOf(`leaderboard:${i}:weekly`), 1, bytesOf('x'), 2, bytesOf('y')],
  },
  {
    pattern: 'queue:<id>:jobs',
    share: 5,
    command: (i, _size, hundred) => [
      ...([hundred % 5 === 0 ? 'SADD' : 'RPUSH', bytesOf(`queue:${i}:jobs`)] as const),
      ...[bytesOf('one'), bytesOf('two'), bytesOf('three')],
    ],
  },
  {
    pattern: 'tts:<hash>:alloy:1.0',
    share: 5,
    command: (i, size) => ['SET', bytesOf(`tts:${hash(i, 16)}:alloy:1.0`), filler(size * 8), 'EX', 30 * day],
  },
];

const typeOfCommand: Readonly<Record<string, string>> = {
  SET: 'string',
  HSET: 'hash',
  ZADD: 'zset',
  RPUSH: 'list',
  SADD: 'set',
};

/** What was written of a namespace: the truth that readers of the keyspace are held against. */
export interface WrittenNamespace {
  readonly pattern: string;
  keys: number;
  withoutTtl: number;
  /** Keys by Redis type. */
  readonly types: Record<string, number>;
}

const fillerText = 'x'.repeat(64 * 1024);
const filler = (size: number) => asBytes(fillerText.slice(0, size));
const profileKey = (index: number) => bytesOf(`user:${index}:profile`);

/** Distinct hex digits for each index. The leading letter keeps a digest of decimals alone from being read as a number. */
const hash = (index: number, digits: number) =>
  'a' +
  (BigInt(index + 1) * 0x9e3779b97f4a7c15n)
    .toString(16)
    .padStart(digits, 'a')
    .slice(1 - digits);

/** A size with a long tail: most values are small, one in a thousand is over a hundred times larger. */
const sizeOf = (index: number) =>
  Math.round(64 / (((Math.imul(index, 2654435761) >>> 0) % 1000) / 1000 + 0.008));

/** A key that is there whatever else is: the first of a hundred keys. */
export const firstKeyOf = (hundred: number): ByteString => profileKey(hundred * 100);

/** Fills an empty server with `keys` keys and returns what it wrote. Deterministic, also in its order. */
export async function fillKeyspace(node: RedisNode, keys: number): Promise<WrittenNamespace[]> {
  const written = recipes.map(({ pattern }) => ({ pattern, keys: 0, withoutTtl: 0, types: {} }));
  const places = recipes.flatMap(({ share }, place) => Array.from({ length: share }, () => place));
  const connection = await node.openConnection();
  try {
    for (let start = 0; start < keys; start += 1000) {
      const batch: RedisCommand[] = [];
      for (let index = start; index < Math.min(keys, start + 1000); index++) {
        const place = places[index % places.length] ?? 0;
        const [recipe, account] = [recipes[place], written[place]];
        if (recipe === undefined || account === undefined) continue;
        const command = recipe.command(index, sizeOf(index), Math.floor(index / 100));
        note(account, command);
        batch.push(command);
      }
      await connection.exchange(batch);
    }
  } finally {
    connection.close();
  }
  return written;
}

function note(account: WrittenNamespace, command: RedisCommand): void {
  const type = typeOfCommand[command[0] ?? ''] ?? '';
  account.keys++;
  account.types[type] = (account.types[type] ?? 0) + 1;
  if (!command.includes('EX')) account.withoutTtl++;
}
