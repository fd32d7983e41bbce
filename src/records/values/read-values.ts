import { concernsEveryKey, isAboutCommand, isAboutOneKey, refusal } from '../../redis/errors.ts';
import type { WalkAccount } from '../../redis/account.ts';
import { asBytes, type ByteString } from '../../support/bytes.ts';
import type { Connection } from '../../redis/connection.ts';
import { type Reply, ReplyError, replyText } from '../../redis/reply.ts';
import { CursorTrail } from '../../redis/scan-bounds.ts';
import type { RedisCommand } from '../../redis/server.ts';
import { type KeyToRead, listOf, type Place, readCommands, valueIn } from './commands.ts';
import { isValueType, lengthOf, textsOf, type Value, type ValueType } from './value.ts';
import { exchangeEach, type Refusal, type ValueConnection, withFieldExpiries } from './value-connection.ts';

/** What became of reading one key. */
export type KeyReading = { readonly key: ByteString } & (
  | {
      readonly kind: 'value';
      readonly value: Value;
      readonly ttlMillis: number | null;
      /** When the TTL was read, in milliseconds since the epoch. */
      readonly readAtMillis: number;
      /** Consumer groups of a stream, which no value holds. */
      readonly groups: number;
    }
  /** Longer than the limits: to be read in pieces. */
  | { readonly kind: 'long'; readonly type: ValueType; readonly groups: number }
  | { readonly kind: 'gone' }
  | FailedReading
);

export interface FailedReading {
  readonly kind: 'failed';
  /** In words, for the end of a sentence. */
  readonly reason: string;
  /** The server's own refusal, where there was one. */
  readonly refused?: Refusal;
}

/** Values that take more memory are read in pieces, in bytes. */
export interface WholeLimits {
  readonly stringBytes: number;
  readonly collectionBytes: number;
}

/** A page of this many bytes keeps a server busy for about a millisecond. */
const batchBytes = 512 * 1024;
const batchKeys = 250;

/** Cuts keys into batches of bounded size. A key that nothing is known of counts as 32 kB. */
export function batchesOf<Key extends Pick<KeyToRead, 'memoryBytes'>>(keys: readonly Key[]): Key[][] {
  const batches: Key[][] = [];
  let batch: Key[] = [];
  let bytes = 0;
  for (const each of keys) {
    const size = each.memoryBytes ?? 32_768;
    if (batch.length > 0 && (bytes + size > batchBytes || batch.length >= batchKeys)) {
      batches.push(batch);
      batch = [];
      bytes = 0;
    }
    batch.push(each);
    bytes += size;
  }
  if (batch.length > 0) batches.push(batch);
  return batches;
}

/**
 * Reads the values and TTLs of the keys in one exchange, the two of a key side by side.
 * @throws RedisError when the connection is lost, or the server refuses for a reason that holds for every key
 */
export async function readValues(
  values: ValueConnection,
  keys: readonly KeyToRead[],
  limits: WholeLimits,
  now: () => number,
): Promise<KeyReading[]> {
  const { connection } = values;
  const commands = keys.map((key) => commandsFor(key, limits));
  const replies = await exchangeEach(connection, commands);
  const readAtMillis = now();
  const readings = keys.map((key, index) =>
    readingOf(key, limits, replies[index] ?? [], values, readAtMillis),
  );
  for (const [index, reading] of readings.entries()) {
    // Written anew meanwhile, as something else.
    if (reading.kind !== 'failed' || reading.refused?.reply.code !== 'WRONGTYPE') continue;
    const [type] = await connection.exchange([['TYPE', reading.key]]);
    const anew = { ...(keys[index] as KeyToRead), type: replyText(type) };
    readings[index] =
      anew.type === 'none'
        ? { kind: 'gone', key: anew.key }
        : readingOf(anew, limits, await connection.exchange(commandsFor(anew, limits)), values, now());
  }
  const hashes = values.hasFieldTtls === false ? [] : readings.filter(isOfHash);
  const complete = await withFieldExpiries(values, hashes);
  const completed = new Map(hashes.map((reading, at) => [reading as KeyReading, complete[at]]));
  return readings.map((reading): KeyReading => {
    const value = completed.get(reading);
    if (value === undefined || reading.kind !== 'value') return reading;
    return lengthOf(value) === 0 ? { kind: 'gone', key: reading.key } : { ...reading, value };
  });
}

/** What `readingOf` takes the replies to. */
function commandsFor(each: KeyToRead, limits: WholeLimits): RedisCommand[] {
  const { key, type } = each;
  // A key without a type has expired since the walk, or its type is not permitted.
  if (type === null) return [['PTTL', key]];
  if (!isValueType(type)) return [];
  const groups: RedisCommand[] = type === 'stream' ? [['XINFO', 'GROUPS', key]] : [];
  return isLong(each, limits) ? groups : [readCommands[type].whole(key), ['PTTL', key], ...groups];
}

function isLong({ type, memoryBytes }: KeyToRead, { stringBytes, collectionBytes }: WholeLimits): boolean {
  return type === 'string'
    ? (memoryBytes ?? 0) > stringBytes
    : (memoryBytes ?? Number.POSITIVE_INFINITY) > collectionBytes;
}

function readingOf(
  each: KeyToRead,
  limits: WholeLimits,
  replies: readonly Reply[],
  { connection, account }: ValueConnection,
  readAtMillis: number,
): KeyReading {
  const { key, type } = each;
  if (type === null && replies[0] === -2) return { kind: 'gone', key };
  if (type === null) return { kind: 'failed', key, reason: 'its type is not permitted to this user' };
  if (!isValueType(type))
    return {
      kind: 'failed',
      key,
      reason: `values of type \`${type}\` are kept by archives alone, and not compared`,
    };
  const groups = type === 'stream' ? listOf(replies.at(-1)).length : 0;
  if (isLong(each, limits)) return { kind: 'long', key, type, groups };
  const [reply = null, ttl] = replies;
  if (reply instanceof ReplyError)
    return { key, ...failedBy(reply, String(readCommands[type].whole(key)[0]), connection, account) };
  if (ttl instanceof ReplyError) return { key, ...failedBy(ttl, 'PTTL', connection, account) };
  const value = ttl === -2 ? null : valueIn(type, reply);
  if (value === null) return { kind: 'gone', key };
  const ttlMillis = typeof ttl === 'number' && ttl >= 0 ? ttl : null;
  return { kind: 'value', key, value, ttlMillis, readAtMillis, groups };
}

/** @throws RedisError where every other key would be refused for the same reason, and not for want of a permission */
export function failedBy(
  reply: ReplyError,
  command: string,
  connection: Connection,
  account: WalkAccount,
): FailedReading {
  if (concernsEveryKey(reply) && !isAboutCommand(reply))
    throw refusal(reply, `\`${command}\``, connection.address);
  if (isAboutOneKey(reply)) account.unreadableKeys++;
  return {
    kind: 'failed',
    reason: `the server answered \`${reply.message}\` to \`${command}\``,
    refused: { reply, command },
  };
}

function isOfHash(reading: KeyReading): reading is Extract<KeyReading, { kind: 'value' }> {
  return reading.kind === 'value' && reading.value.type === 'hash';
}

/** A long value whose reading ended early. */
export class PieceFault extends Error {
  override readonly name = 'PieceFault';

  constructor(readonly failed: FailedReading) {
    super(failed.reason);
  }
}

const aimedBytes = 256 * 1024;
const mostMembers = 1000;
const firstMembers = 100;
const windowBytes = 1024 * 1024;

/**
 * The pieces of a long value, each a value of its own type with some of its members, about 256 kB at a time. They are no
 * snapshot: what is written meanwhile is seen or not. SCAN commands may give a member twice, and give every member that
 * stays. Lists and streams are read from their start to where they end by then.
 * @throws PieceFault where the server refuses a piece; RedisError when the connection is lost
 */
export async function* readPieces(
  { connection, account }: ValueConnection,
  key: ByteString,
  type: ValueType,
): AsyncGenerator<Value> {
  const { page, start } = readCommands[type];
  let members = type === 'string' ? windowBytes : firstMembers;
  let place = start;
  const trail = new CursorTrail(String(page(key, place, members)[0]), connection.address);
  for (;;) {
    const command = page(key, place, members);
    const [reply = null] = await connection.exchange([command]);
    if (reply instanceof ReplyError)
      throw new PieceFault(failedBy(reply, String(command[0]), connection, account));
    const piece = valueIn(type, reply);
    const count = piece === null ? 0 : lengthOf(piece);
    if (piece !== null && count > 0) yield piece;
    if (type === 'hash' || type === 'set' || type === 'zset') {
      place = asBytes(replyText(listOf(reply)[0]));
      if (place === '0') return;
      trail.follow(place);
    } else {
      const next = count < members || piece === null ? null : placeBehind(piece, place, count);
      if (next === null) return;
      place = next;
    }
    if (piece !== null && count > 0 && type !== 'string') {
      const bytes = textsOf(piece).reduce((sum, text) => sum + text.length, 0);
      members = Math.max(1, Math.min(mostMembers, Math.floor((members * aimedBytes) / Math.max(1, bytes))));
    }
  }
}

/** Null: the value ends here. */
function placeBehind(piece: Value, place: Place, count: number): Place | null {
  if (piece.type !== 'stream') return Number(place) + count;
  const last = piece.entries.at(-1)?.id ?? null;
  return last === null ? null : nextId(last);
}

/** The smallest id above: `(id` as a start is known from 6.2 on. */
function nextId(id: ByteString): ByteString {
  const [millis = '0', sequence = '0'] = id.split('-');
  const highest = 2n ** 64n - 1n;
  return asBytes(
    BigInt(sequence) === highest ? `${BigInt(millis) + 1n}-0` : `${millis}-${BigInt(sequence) + 1n}`,
  );
}
