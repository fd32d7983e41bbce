import { KeySet } from '../../support/key-set.ts';
import { emptyAccount } from '../../redis/account.ts';
import { handled } from '../../redis/columns.ts';
import type { PaceLimits } from '../../redis/pace.ts';
import type { RedisServer } from '../../redis/server.ts';
import { walkKeys, type WalkOptions } from '../../redis/walk.ts';
import { batchesOf } from '../values/read-values.ts';
import type { KeyToRead } from '../values/commands.ts';
import { openValueConnection, type ValueConnection } from '../values/value-connection.ts';
import type { Asked, ExportTally, Found } from './tally.ts';

/** Which keys are read, and how fast. */
export interface ExportScope {
  readonly walk: Pick<WalkOptions, 'match' | 'type' | 'accepts' | 'pageSize'>;
  readonly pace: PaceLimits;
  /** Keys to read at most. */
  readonly limit: number;
  readonly signal: AbortSignal;
}

/** One is worked on here while the server answers for the others. */
const batchesInFlight = 2;

/** What was read of one batch of keys. */
interface ReadBatch<Item> {
  readonly values: ValueConnection;
  readonly items: Found<Item>[];
}

/**
 * Walks all nodes and reads the keys in batches on a second connection to each; `ask` sends what is to be read. It reads
 * no faster than the batches are taken, and enters into the tally what is gone or cannot be had.
 * @throws RedisError
 */
export async function* readBatches<Item extends Asked>(
  server: RedisServer,
  { walk, pace, signal, limit }: ExportScope,
  tally: ExportTally,
  ask: (values: ValueConnection, keys: readonly KeyToRead[]) => Promise<Item[]>,
): AsyncGenerator<ReadBatch<Item>> {
  let left = limit;
  for (const node of server.nodes) {
    if (left === 0 || signal.aborted) return;
    const account = emptyAccount();
    const values = await openValueConnection(node);
    tally.accounts.push(account, values.account);
    tally.leavesIdleTimes &&= values.leavesIdleTimes;
    const asked: Promise<Item[]>[] = [];
    const seen = new KeySet();
    const next = async () => ({ values, items: tally.found((await asked.shift()) ?? []) });
    try {
      // What every key was asked for by its type has.
      const columns = { memory: true, type: walk.type === undefined };
      for await (const page of walkKeys(node, { ...walk, columns, limits: pace, signal }, account)) {
        const keys = page.keys
          .map((key, index) => ({
            key,
            type: walk.type ?? page.types[index] ?? null,
            memoryBytes: page.memoryBytes[index] ?? null,
          }))
          .filter(({ key }) => seen.add(key))
          .slice(0, left);
        left -= keys.length;
        for (const batch of batchesOf(keys)) {
          asked.push(handled(ask(values, batch)));
          if (asked.length > batchesInFlight) yield await next();
        }
        if (left === 0) break;
      }
      while (asked.length > 0) yield await next();
      if (!account.complete) return;
    } finally {
      await Promise.allSettled(asked);
      tally.fieldTtlsRefused ??= values.fieldTtlsRefused;
      values.close();
    }
  }
  tally.complete = true;
}
