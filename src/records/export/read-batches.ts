import { KeySet } from '../../support/key-set.ts';
import { keyFields } from '../../keyspace/key-text.ts';
import { emptyAccount, type WalkAccount } from '../../redis/account.ts';
import { isAboutCommand } from '../../redis/errors.ts';
import type { ByteString } from '../../support/bytes.ts';
import { handled } from '../../redis/columns.ts';
import type { PaceLimits } from '../../redis/pace.ts';
import type { RedisServer } from '../../redis/server.ts';
import { walkKeys, type WalkOptions } from '../../redis/walk.ts';
import { FirstFew, type KeyProblem } from '../problems.ts';
import { batchesOf, type FailedReading } from '../values/read-values.ts';
import type { KeyToRead } from '../values/commands.ts';
import { openValueConnection, type ValueConnection } from '../values/value-connection.ts';

/** What became of reading a key: it is gone, or cannot be had, or something was found. */
type Asked = { readonly key: ByteString } & ({ readonly kind: 'gone' | 'value' | 'long' } | FailedReading);

type Found<Item> = Exclude<Item, { readonly kind: 'gone' | 'failed' }>;

/** What became of the keys, as far as the work has come. */
export class ExportTally {
  keys = 0;
  /** Vanished between the walk and the reading. */
  skipped = 0;
  readonly problems = new FirstFew<KeyProblem>();
  /** Streams whose consumer groups were left out. */
  streamsWithGroups = 0;
  /** What a server answered in place of the TTLs of fields of hashes; null: none was refused. */
  fieldTtlsRefused: string | null = null;
  /** True when every key was seen that was asked for. */
  complete = false;
  /** False where a server takes our reading for a use of the key. */
  leavesIdleTimes = true;
  /** What ended the reading half-way; what came before it stands. */
  stopped: Error | null = null;
  readonly types: Record<string, number> = {};
  /** The first refusal of a command that was not about one key. */
  refused: FailedReading['refused'];
  /** Of the walks and of the connections for values. */
  readonly accounts: WalkAccount[] = [];

  /** @param groups consumer groups, which the record leaves out */
  add(type: string, groups = 0): void {
    this.keys++;
    this.types[type] = (this.types[type] ?? 0) + 1;
    if (groups > 0) this.streamsWithGroups++;
  }

  /** What was found of the items; the others are entered here. */
  found<Item extends Asked>(items: readonly Item[]): Found<Item>[] {
    return items.filter((item): item is Found<Item> => {
      if (item.kind === 'gone') this.skipped++;
      else if (item.kind === 'failed') this.fail(item.key, item);
      return item.kind !== 'gone' && item.kind !== 'failed';
    });
  }

  fail(key: ByteString, { reason, refused }: Omit<FailedReading, 'kind'>): void {
    this.problems.add({ ...keyFields(key), reason });
    if (refused && isAboutCommand(refused.reply)) this.refused ??= refused;
  }

  /** Keys that were looked at. */
  get seen(): number {
    return this.keys + this.skipped + this.problems.total;
  }
}

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
