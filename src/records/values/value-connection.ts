import { isAboutOneKey } from '../../redis/errors.ts';
import { emptyAccount, noteRefusal, type WalkAccount } from '../../redis/account.ts';
import { groupBy } from '../../support/collections.ts';
import type { ByteString } from '../../support/bytes.ts';
import { infoOf, keysWithFieldTtls } from '../../redis/info.ts';
import type { Connection } from '../../redis/connection.ts';
import { type Reply, ReplyError, replyText } from '../../redis/reply.ts';
import type { RedisCommand, RedisNode } from '../../redis/server.ts';
import type { KeyToRead } from './commands.ts';
import { type FieldExpiries, fieldNames, type Value, withoutFields } from './value.ts';

/** A connection for reading values, beside the one that walks. */
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
 * miss. Where it is refused, TYPE tells. Null in place of a key: there is none; a key that may not be read has no type.
 * @throws RedisError when the connection is lost
 */
export async function describeKeys(
  { connection, account }: ValueConnection,
  keys: readonly ByteString[],
): Promise<(KeyToRead | null)[]> {
  const sizes = await connection.exchange(keys.map((key) => ['MEMORY', 'USAGE', key] as const));
  const asked = keys.filter((_, index) => sizes[index] !== null);
  const types = await connection.exchange(asked.map((key) => ['TYPE', key] as const));
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

/** Fields in one command. */
const mostFields = 1000;

/**
 * Asks when the fields expire on their own; `fieldExpiriesIn` takes the replies. One lookup for each command.
 * @see https://redis.io/docs/latest/commands/hpexpiretime/ (Redis 7.4, Valkey 9)
 */
function fieldExpiryCommands(key: ByteString, names: readonly ByteString[]): RedisCommand[] {
  return inChunks(names).map((chunk) => ['HPEXPIRETIME', key, 'FIELDS', chunk.length, ...chunk]);
}

/** What `fieldExpiryCommands` have found: the moments, and the fields that are gone by now (-2); or the refusal. */
function fieldExpiriesIn(
  names: readonly ByteString[],
  replies: readonly Reply[],
): { readonly expiries: FieldExpiries; readonly gone: ReadonlySet<ByteString> } | ReplyError {
  const expiries = new Map<ByteString, number>();
  const gone = new Set<ByteString>();
  const refused = replies.find((reply) => reply instanceof ReplyError);
  if (refused !== undefined) return refused;
  replies.flat().forEach((moment, index) => {
    const name = names[index];
    if (name === undefined || typeof moment !== 'number') return;
    if (moment >= 0) expiries.set(name, moment);
    else if (moment === -2) gone.add(name);
  });
  return { expiries, gone };
}

/**
 * The values, each hash with the moments at which its fields expire on their own; a field that has just expired is left out.
 * Not asked where the server reports no such fields. @throws RedisError when the connection is lost
 */
export async function withFieldExpiries(
  values: ValueConnection,
  items: readonly { readonly key: ByteString; readonly value: Value }[],
): Promise<Value[]> {
  // What another side reports of the fields is not what this one does.
  const asked = items.map(({ key, value }) => ({
    key,
    value: value.type === 'hash' ? { type: value.type, elements: value.elements } : value,
    names: values.hasFieldTtls !== false && value.type === 'hash' ? fieldNames(value.elements) : [],
  }));
  const replies = await exchangeEach(
    values.connection,
    asked.map(({ key, names }) => fieldExpiryCommands(key, names)),
  );
  return asked.map(({ value, names }, index): Value => {
    if (value.type !== 'hash') return value;
    const found = fieldExpiriesIn(names, replies[index] ?? []);
    if (found instanceof ReplyError) {
      // A server without the command has no such fields.
      if (values.hasFieldTtls === null && /unknown command/i.test(found.message)) values.hasFieldTtls = false;
      if (values.hasFieldTtls === false) return value;
      values.fieldTtlsRefused = found.message;
      return { ...value, fieldExpiries: null };
    }
    const { expiries, gone } = found;
    const elements = gone.size === 0 ? value.elements : withoutFields(value.elements, gone);
    return { ...value, elements, ...(expiries.size > 0 && { fieldExpiries: expiries }) };
  });
}

/** The commands that give fields their moments, in groups that share one. A moment that has passed removes its field. */
export function expireFieldCommands(key: ByteString, expiries: FieldExpiries): RedisCommand[] {
  return [...groupBy(expiries, ([, at]) => at)].flatMap(([at, fields]) =>
    inChunks(fields.map(([name]) => name)).map((chunk): RedisCommand => [
      'HPEXPIREAT',
      key,
      at,
      'FIELDS',
      chunk.length,
      ...chunk,
    ]),
  );
}

function inChunks(names: readonly ByteString[]): ByteString[][] {
  return Array.from({ length: Math.ceil(names.length / mostFields) }, (_, index) =>
    names.slice(index * mostFields, (index + 1) * mostFields),
  );
}
