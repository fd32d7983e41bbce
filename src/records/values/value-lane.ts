import { isAboutOneKey } from '../../redis/errors.ts';
import { emptyAccount, noteRefusal, type WalkAccount } from '../../redis/account.ts';
import type { ByteString } from '../../support/bytes.ts';
import { keysWithFieldTtls, readInfoIfPermitted } from '../../redis/info.ts';
import type { Lane } from '../../redis/lane.ts';
import { type Reply, ReplyError, replyText } from '../../redis/reply.ts';
import type { RedisCommand, RedisNode } from '../../redis/server.ts';
import type { KeyToRead } from './commands.ts';

/** A connection for reading values, beside the one that walks. */
export interface ValueLane {
  readonly lane: Lane;
  readonly account: WalkAccount;
  /** False on servers before 7.2: reading a key there counts as a use of it. */
  readonly leavesIdleTimes: boolean;
  /** True where the database has hashes of which fields have TTLs of their own; null: not known, INFO is not permitted. */
  hasFieldTtls: boolean | null;
  /** What the server answered to a question for these TTLs; null: it was not asked, or gave them. */
  fieldTtlsRefused: string | null;
  /** Enters what was sent and received into the account, and closes the connection. */
  close(): void;
}

/** @throws RedisError */
export async function openValueLane(node: RedisNode): Promise<ValueLane> {
  const lane = await node.openLane();
  const account = emptyAccount();
  const info = await readInfoIfPermitted(node);
  return {
    lane,
    account,
    leavesIdleTimes: lane.leavesNoTouch,
    hasFieldTtls: info && (keysWithFieldTtls(info, node.database) ?? 0) > 0,
    fieldTtlsRefused: null,
    close: () => {
      account.commands = lane.commandsSent;
      account.receivedBytes = lane.bytesReceived;
      lane.close();
    },
  };
}

/** Sends the commands of several items at once, and gives each its own replies. @throws RedisError when the connection is lost */
export async function exchangeEach(
  lane: Lane,
  items: readonly (readonly RedisCommand[])[],
): Promise<Reply[][]> {
  const commands = items.flat();
  const replies = commands.length === 0 ? [] : await lane.exchange(commands);
  let at = 0;
  return items.map((own) => replies.slice(at, (at += own.length)));
}

/**
 * What is there of the keys. MEMORY USAGE goes first, which the server does not count: a key that is not there costs no
 * miss. Where it is refused, TYPE tells. Null in place of a key: there is none; a key that may not be read has no type.
 * @throws RedisError when the connection is lost
 */
export async function describeKeys(
  { lane, account }: ValueLane,
  keys: readonly ByteString[],
): Promise<(KeyToRead | null)[]> {
  const sizes = await lane.exchange(keys.map((key) => ['MEMORY', 'USAGE', key] as const));
  const asked = keys.filter((_, index) => sizes[index] !== null);
  const types = await lane.exchange(asked.map((key) => ['TYPE', key] as const));
  const typeOf = new Map(asked.map((key, index) => [key, types[index] ?? null]));
  return keys.map((key, index) => {
    const [size = null, type = null] = [sizes[index], typeOf.get(key)];
    if (size instanceof ReplyError && !isAboutOneKey(size)) noteRefusal(account, 'memory', size.message);
    if (type === null) return null;
    if (type instanceof ReplyError) {
      if (isAboutOneKey(type)) account.unreadableKeys++;
      return { key, type: null, memoryBytes: null };
    }
    return type === 'none'
      ? null
      : { key, type: replyText(type), memoryBytes: typeof size === 'number' ? size : null };
  });
}
