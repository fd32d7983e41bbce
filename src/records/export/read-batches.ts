import type { KeyFilter } from '../../keyspace/key-selection.ts';
import { keyFields } from '../../keyspace/key-text.ts';
import type { WalkAccount } from '../../redis/account.ts';
import { handled } from '../../redis/columns.ts';
import { isAboutCommand } from '../../redis/errors.ts';
import type { PaceLimits } from '../../redis/pace.ts';
import { mayReturn } from '../../redis/readiness.ts';
import type { RedisServer } from '../../redis/server.ts';
import { walkNodes } from '../../redis/walk-nodes.ts';
import type { ByteString } from '../../support/bytes.ts';
import { KeySet } from '../../support/key-set.ts';
import { FirstFew, type KeyProblem } from '../problems.ts';
import { batchesOf, type FailedReading } from '../values/read-values.ts';
import type { KeyToRead } from '../values/commands.ts';
import type { ValueConnection } from '../values/value-connection.ts';
import { ValueReader } from '../values/value-reader.ts';

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
  /** What ended the reading half-way; what came before it is kept. */
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
  readonly walk: KeyFilter;
  /** COUNT of each SCAN. */
  readonly pageSize?: number;
  readonly pace: PaceLimits;
  /** Keys to read at most. */
  readonly limit: number;
  readonly signal: AbortSignal;
}

/** One is worked on here while the server answers for the others. */
const batchesInFlight = 2;

/** What was read of one batch of keys. */
interface ReadBatch<Item> {
  /** For what is longer than a batch may be. */
  readonly reader: ValueReader;
  readonly items: Found<Item>[];
}

/**
 * Walks all nodes and reads the keys in batches on a second connection to each; `ask` sends what is to be read. It reads
 * no faster than the batches are taken, and enters into the tally what is gone or cannot be had.
 * @throws RedisError
 */
export async function* readBatches<Item extends Asked>(
  server: RedisServer,
  { walk, pageSize, pace, signal, limit }: ExportScope,
  tally: ExportTally,
  ask: (values: ValueConnection, keys: readonly KeyToRead[]) => Promise<Item[]>,
): AsyncGenerator<ReadBatch<Item>> {
  let left = limit;
  const reader = new ValueReader(server, signal);
  const asked: Promise<Item[]>[] = [];
  const seen = new KeySet();
  const next = async (): Promise<ReadBatch<Item>> => ({
    reader,
    items: tally.found((await asked.shift()) as Item[]),
  });
  // What every key was asked for by its type has.
  const options = {
    ...{ ...walk, columns: { memory: true, type: walk.type === undefined }, limits: pace, signal },
    ...(pageSize !== undefined && { pageSize }),
  };
  const accounts: WalkAccount[] = [];
  try {
    const nodesAtOnce = Number.isFinite(limit) ? 1 : undefined;
    for await (const page of walkNodes(server, () => options, accounts, nodesAtOnce)) {
      const keys = page.keys
        .map((key, index) => ({
          key,
          type: walk.type ?? page.types[index] ?? null,
          memoryBytes: page.memoryBytes[index] ?? null,
        }))
        .filter(({ key }) => seen.add(key))
        .slice(0, left);
      left -= keys.length;
      for (const batch of batchesOf(keys)) asked.push(handled(reader.each(batch, ({ key }) => key, ask)));
      while (asked.length > batchesInFlight) yield await next();
      if (left === 0) break;
    }
    while (asked.length > 0) yield await next();
    tally.complete = accounts.every(({ complete }) => complete);
  } catch (error) {
    // What was lost is not waited for any longer.
    if (!signal.aborted || !mayReturn(error)) throw error;
  } finally {
    await Promise.allSettled(asked);
    await reader.close();
    tally.leavesIdleTimes = reader.leavesIdleTimes;
    tally.fieldTtlsRefused = reader.fieldTtlsRefused;
    tally.accounts.push(...accounts, ...reader.accounts);
  }
}
