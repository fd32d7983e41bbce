import { keyText } from '../../keyspace/key-text.ts';
import { bytesOf } from '../../support/bytes.ts';
import type { OwnLookups } from '../../redis/lookups.ts';
import type { RedisServer } from '../../redis/server.ts';
import { type Block, costNote } from '../../render/blocks.ts';
import { fieldsOf, tableOf } from '../../render/table.ts';
import type { Context, Execution, Outcome } from '../context.ts';
import { warnOfEscapes } from '../escaped-key.ts';
import { exitCodes } from '../exit-codes.ts';
import { ownLookupsText } from '../keyspace-report.ts';

interface TtlResult {
  readonly items: readonly {
    readonly key: string;
    readonly state: 'expires' | 'permanent' | 'missing';
    readonly ttlSeconds: number | null;
  }[];
}

/** `ttl` from its keys to its result. */
export function ttlExecution(keys: readonly string[]): Execution<TtlResult> {
  return {
    blank: { items: [] },
    rows: 'items',
    oneTable: true,
    run: (context) => readTtls(context, keys),
    view,
  };
}

async function readTtls(context: Context, keys: readonly string[]): Promise<Outcome<TtlResult>> {
  const server = await context.connect();
  const rows = await Promise.all(keys.map((text) => readTtl(server, text)));
  const missing = keys.filter((_, index) => rows[index]?.state === 'missing');
  warnOfEscapes(context, missing);
  return { result: { items: rows }, exitCode: missing.length > 0 ? exitCodes.negative : exitCodes.success };
}

async function readTtl(server: RedisServer, text: string): Promise<TtlResult['items'][number]> {
  const key = bytesOf(text);
  const millis = Number(await server.nodeFor(key).call('PTTL', key));
  if (millis === -2) return { key: keyText(key), state: 'missing', ttlSeconds: null };
  if (millis === -1) return { key: keyText(key), state: 'permanent', ttlSeconds: null };
  return { key: keyText(key), state: 'expires', ttlSeconds: millis / 1000 };
}

function view(result: TtlResult, own: OwnLookups): Block[] {
  const { text, seconds } = fieldsOf<TtlResult['items'][number]>();
  return [
    tableOf('items', result.items, [
      text('key', 'KEY'),
      seconds('ttlSeconds', 'TTL'),
      text('state', 'STATE'),
    ]),
    costNote(ownLookupsText(own)),
  ];
}
