import { emptyAccount, type WalkAccount } from '../redis/account.ts';
import type { ByteString } from '../redis/bytes.ts';
import { askColumns, receiveColumns } from '../redis/columns.ts';
import type { Lane } from '../redis/lane.ts';
import { ReplyError } from '../redis/reply.ts';
import type { RedisNode } from '../redis/server.ts';
import type { KeyToRead } from './read-values.ts';

/** A connection for reading values, beside the one that walks. */
export interface ValueLane {
  readonly lane: Lane;
  readonly account: WalkAccount;
  /** False on servers before 7.2: reading a key there counts as a use of it. */
  readonly leavesIdleTimes: boolean;
  /** Enters what was sent and received into the account, and closes the connection. */
  close(): void;
}

/** @throws RedisError */
export async function openValueLane(node: RedisNode): Promise<ValueLane> {
  const lane = await node.openLane();
  const account = emptyAccount();
  const [reply] = await lane.exchange([['CLIENT', 'NO-TOUCH', 'ON']]);
  return {
    lane,
    account,
    leavesIdleTimes: !(reply instanceof ReplyError),
    close: () => {
      account.commands = lane.commandsSent;
      account.bytesReceived = lane.bytesReceived;
      lane.close();
    },
  };
}

/**
 * What is there of the keys. MEMORY USAGE goes first, which the server does not count: a key that is not there costs no
 * miss. Where it is refused, TYPE tells. Null in place of a key: there is none.
 * @throws RedisError when the connection is lost
 */
export async function describeKeys(
  { lane, account }: ValueLane,
  keys: readonly ByteString[],
): Promise<(KeyToRead | null)[]> {
  const { memoryBytes } = await receiveColumns(askColumns(lane, keys, { memory: true }, account), account);
  const sized = !account.refusedColumns.some(({ column }) => column === 'memory');
  const present = keys.filter((_, index) => !sized || memoryBytes[index] !== null);
  const { types } = await receiveColumns(askColumns(lane, present, { type: true }, account), account);
  const typeOf = new Map(present.map((key, index) => [key, types[index] ?? null]));
  return keys.map((key, index) => {
    const type = typeOf.get(key);
    if (type === undefined || type === null) return null;
    return { key, type, memoryBytes: memoryBytes[index] ?? null };
  });
}
