import { bytesOf } from '../../redis/bytes.ts';
import type { RedisServer } from '../../redis/server.ts';
import { keyText } from '../../keyspace/key-text.ts';
import type { Block } from '../../render/blocks.ts';
import type { Context, Execution, Outcome } from '../context.ts';

interface TtlResult {
  readonly keys: readonly {
    readonly key: string;
    readonly state: 'expires' | 'permanent' | 'missing';
    readonly ttlSeconds: number | null;
  }[];
}

/** `ttl` from its keys to its result. */
export function ttlExecution(keys: readonly string[]): Execution<TtlResult> {
  return { blank: { keys: [] }, rows: 'keys', run: (context) => readTtls(context, keys), view };
}

async function readTtls(context: Context, keys: readonly string[]): Promise<Outcome<TtlResult>> {
  const server = await context.connect();
  const rows: TtlResult['keys'][number][] = [];
  for (const text of keys) rows.push(await readTtl(server, text));
  return { result: { keys: rows } };
}

async function readTtl(server: RedisServer, text: string): Promise<TtlResult['keys'][number]> {
  const key = bytesOf(text);
  const millis = Number(await server.nodeFor(key).call('PTTL', key));
  if (millis === -2) return { key: keyText(key), state: 'missing', ttlSeconds: null };
  if (millis === -1) return { key: keyText(key), state: 'permanent', ttlSeconds: null };
  return { key: keyText(key), state: 'expires', ttlSeconds: millis / 1000 };
}

function view(result: TtlResult): Block[] {
  return [
    {
      kind: 'table',
      name: 'keys',
      columns: [
        { name: 'key', header: 'KEY', unit: 'text' },
        { name: 'ttlSeconds', header: 'TTL', unit: 'seconds' },
        { name: 'state', header: 'STATE', unit: 'text' },
      ],
      rows: result.keys.map(({ key, ttlSeconds, state }) => [key, ttlSeconds, state]),
    },
  ];
}
