import { isAboutCommand } from '../../redis/errors.ts';
import { keyFields } from '../../keyspace/key-text.ts';
import type { WalkAccount } from '../../redis/account.ts';
import type { ByteString } from '../../support/bytes.ts';
import { FirstFew, type KeyProblem } from '../problems.ts';
import type { FailedReading } from '../values/read-values.ts';

/** What became of reading a key: it is gone, or cannot be had, or something was found. */
export type Asked = { readonly key: ByteString } & (
  { readonly kind: 'gone' | 'value' | 'long' } | FailedReading
);

export type Found<Item> = Exclude<Item, { readonly kind: 'gone' | 'failed' }>;

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
