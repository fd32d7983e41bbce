import { isAboutOneKey, isRedirection, mayPass, refusal } from '../../redis/errors.ts';
import { emptyAccount, noteRefusal, type WalkAccount } from '../../redis/account.ts';
import { chunksOf, groupBy } from '../../support/collections.ts';
import type { ByteString } from '../../support/bytes.ts';
import { infoOf, keysWithFieldTtls } from '../../redis/info.ts';
import type { Connection } from '../../redis/connection.ts';
import { type Reply, ReplyError, replyText } from '../../redis/reply.ts';
import type { RedisCommand, RedisNode } from '../../redis/server.ts';
import type { KeyToRead } from './commands.ts';
import { type FieldExpiries, fieldNames, type Value, withFields } from './value.ts';

/** A connection for reading values, in addition to the one that walks. */
export interface ValueConnection {
  readonly connection: Connection;
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

/** A server's own refusal of a command. */
export interface Refusal {
  readonly reply: ReplyError;
  readonly command: string;
}

/** @throws RedisError */
export async function openValueConnection(node: RedisNode): Promise<ValueConnection> {
  const connection = await node.openConnection();
  const account = emptyAccount();
  // Over the new connection: that of the run may be lost by now. It is no part of what reading costs.
  const bytesBefore = connection.bytesReceived;
  const info = infoOf((await connection.exchange([['INFO']]))[0]);
  const infoBytes = connection.bytesReceived - bytesBefore;
  return {
    connection,
    account,
    leavesIdleTimes: connection.leavesNoTouch,
    hasFieldTtls: info && (keysWithFieldTtls(info, node.database) ?? 0) > 0,
    fieldTtlsRefused: null,
    close: () => {
      account.commands = connection.commandsSent - 1;
      account.receivedBytes = connection.bytesReceived - infoBytes;
      connection.close();
    },
  };
}

/** Sends the commands of several items at once, and gives each its own replies. @throws RedisError when the connection is lost */
export async function exchangeEach(
  connection: Connection,
  items: readonly (readonly RedisCommand[])[],
): Promise<Reply[][]> {
  const commands = items.flat();
  const replies = commands.length === 0 ? [] : await connection.exchange(commands);
  let at = 0;
  return items.map((own) => replies.slice(at, (at += own.length)));
}

/**
 * What is there of the keys. MEMORY USAGE goes first, which the server does not count: a key that is not there costs no
 * miss. Where it is refused, TYPE answers. Null in place of a key: there is none; a key that may not be read, or is `refused` as
 * one of another node, has no type. @throws RedisError when the connection is lost, or the server is not ready
 */
export async function describeKeys(
  { connection, account }: ValueConnection,
  keys: readonly ByteString[],
): Promise<((KeyToRead & { readonly refused?: Refusal }) | null)[]> {
  const sizes = await connection.exchange(keys.map((key) => ['MEMORY', 'USAGE', key] as const));
  const asked = keys.filter((_, index) => sizes[index] !== null);
  const types = await connection.exchange(asked.map((key) => ['TYPE', key] as const));
  const typeOf = new Map(asked.map((key, index) => [key, types[index] ?? null]));
  return keys.map((key, index) => {
    const [size = null, type = null] = [sizes[index], typeOf.get(key)];
    for (const reply of [size, type])
      if (reply instanceof ReplyError && mayPass(reply)) throw refusal(reply, '`TYPE`', connection.address);
    if (size instanceof ReplyError && !isAboutOneKey(size) && !isRedirection(size))
      noteRefusal(account, 'memory', size.message);
    if (type === null) return null;
    if (type instanceof ReplyError) {
      if (isAboutOneKey(type)) account.unreadableKeys++;
      return { key, type: null, memoryBytes: null, refused: { reply: type, command: 'TYPE' } };
    }
    return type === 'none'
      ? null
      : { key, type: replyText(type), memoryBytes: typeof size === 'number' ? size : null };
  });
}

/** Fields in one command. */
const mostFields = 1000;

/**
 * The values, each hash with the moments at which its fields expire on their own; a field that has just expired is left out.
 * Not asked where the server reports no such fields; else one lookup for each command.
 * @throws RedisError when the connection is lost
 * @see https://redis.io/docs/latest/commands/hpexpiretime/ (Redis 7.4, Valkey 9)
 */
export async function withFieldExpiries(
  values: ValueConnection,
  items: readonly { readonly key: ByteString; readonly value: Value }[],
): Promise<Value[]> {
  const asked = items.map(({ value }) =>
    values.hasFieldTtls !== false && value.type === 'hash' ? fieldNames(value.elements) : [],
  );
  const replies = await exchangeEach(
    values.connection,
    items.map(({ key }, index) =>
      chunksOf(asked[index] ?? [], mostFields).map((chunk): RedisCommand => [
        'HPEXPIRETIME',
        key,
        'FIELDS',
        chunk.length,
        ...chunk,
      ]),
    ),
  );
  return items.map(({ value }, index): Value => {
    if (value.type !== 'hash') return value;
    // What another side reports of the fields is not what this one does.
    const { type, elements } = value;
    const own = replies[index] ?? [];
    const refused = own.find((reply) => reply instanceof ReplyError);
    if (refused !== undefined) {
      // A server without the command has no such fields.
      if (values.hasFieldTtls === null && /unknown command/i.test(refused.message))
        values.hasFieldTtls = false;
      if (values.hasFieldTtls === false) return { type, elements };
      if (isRedirection(refused) || mayPass(refused))
        throw refusal(refused, '`HPEXPIRETIME`', values.connection.address);
      values.fieldTtlsRefused = refused.message;
      return { type, elements, fieldExpiries: null };
    }
    const moments = own.flat();
    const expiries = new Map<ByteString, number>();
    const gone = new Set<ByteString>();
    for (const [at, name] of (asked[index] ?? []).entries()) {
      const moment = moments[at];
      if (moment === -2) gone.add(name);
      else if (typeof moment === 'number' && moment >= 0) expiries.set(name, moment);
    }
    const found = { type, elements, ...(expiries.size > 0 && { fieldExpiries: expiries }) };
    return gone.size === 0 ? found : withFields(found, (name) => !gone.has(name));
  });
}

/** The commands that give fields their moments, in groups that share one. A moment that has passed removes its field. */
export function expireFieldCommands(key: ByteString, expiries: FieldExpiries): RedisCommand[] {
  return [...groupBy(expiries, ([, at]) => at)].flatMap(([at, fields]) =>
    chunksOf(fields, mostFields).map((chunk): RedisCommand => {
      const names = chunk.map(([name]) => name);
      return ['HPEXPIREAT', key, at, 'FIELDS', names.length, ...names];
    }),
  );
}
