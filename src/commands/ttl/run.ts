import { keyText } from '../../keyspace/key-text.ts';
import { bytesOf } from '../../redis/bytes.ts';
import type { RedisServer } from '../../redis/server.ts';
import { type Block, note } from '../../render/blocks.ts';
import type { Context, Execution, Outcome } from '../context.ts';
import { exitCodes } from '../exit-codes.ts';
import { ownLookupsText } from '../keyspace-report.ts';

interface TtlResult {
  readonly keys: readonly {
    readonly key: string;
    readonly state: 'expires' | 'permanent' | 'missing';
    readonly ttlSeconds: number | null;
  }[];
  /** Lookups of ours that the server counted as hits, and as misses. */
  readonly ownHits: number;
  readonly ownMisses: number;
}

/** `ttl` from its keys to its result. */
export function ttlExecution(keys: readonly string[]): Execution<TtlResult> {
  return {
    blank: { keys: [], ownHits: null, ownMisses: null },
    rows: 'keys',
    oneTable: true,
    run: (context) => readTtls(context, keys),
    view,
  };
}

async function readTtls(context: Context, keys: readonly string[]): Promise<Outcome<TtlResult>> {
  const server = await context.connect();
  const rows = await Promise.all(keys.map((text) => readTtl(server, text)));
  const ownMisses = rows.filter(({ state }) => state === 'missing').length;
  return {
    result: { keys: rows, ownHits: rows.length - ownMisses, ownMisses },
    exitCode: ownMisses > 0 ? exitCodes.negative : exitCodes.success,
  };
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
    note('dim', `cost to the server: ${ownLookupsText(result)}`),
  ];
}
