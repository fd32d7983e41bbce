import { concernsEveryKey, isAboutCommand, isAboutOneKey, refusal } from '../../redis/errors.ts';
import type { WalkAccount } from '../../redis/account.ts';
import type { ByteString } from '../../support/bytes.ts';
import type { Lane } from '../../redis/lane.ts';
import { type Reply, ReplyError, replyText } from '../../redis/reply.ts';
import type { RedisCommand } from '../../redis/server.ts';
import { type KeyToRead, listOf, readCommands, valueIn } from './commands.ts';
import { withFieldExpiries } from './field-expiries.ts';
import { isValueType, type Value, type ValueType } from './value.ts';
import { exchangeEach, type ValueLane } from './value-lane.ts';

/** What became of reading one key. */
export type KeyReading = { readonly key: ByteString } & (
  | {
      readonly kind: 'value';
      readonly value: Value;
      readonly ttlMillis: number | null;
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
  readonly refused?: { readonly reply: ReplyError; readonly command: string };
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
  values: ValueLane,
  keys: readonly KeyToRead[],
  limits: WholeLimits,
): Promise<KeyReading[]> {
  const { lane, account } = values;
  const plans = keys.map((each) => planOf(each, limits));
  const replies = await exchangeEach(
    lane,
    plans.map(({ commands }) => commands),
  );
  const readings = plans.map((plan, index) => readingOf(plan, replies[index] ?? [], lane, account));
  const changed = readings.flatMap((reading, index) => (isOfAnotherType(reading) ? [index] : []));
  // Written anew meanwhile, as something else.
  for (const index of changed) {
    const { key, memoryBytes } = keys[index] as KeyToRead;
    const [type] = await lane.exchange([['TYPE', key]]);
    const name = replyText(type);
    readings[index] =
      name === 'none'
        ? { kind: 'gone', key }
        : await readOnce(lane, { key, type: name, memoryBytes }, limits, account);
  }
  const hashes = values.hasFieldTtls === false ? [] : readings.filter(isOfHash);
  const complete = await withFieldExpiries(values, hashes);
  for (const [at, reading] of hashes.entries()) {
    const value = complete[at] ?? reading.value;
    const isEmpty = value.type === 'hash' && value.elements.length === 0;
    readings[readings.indexOf(reading)] = isEmpty
      ? { kind: 'gone', key: reading.key }
      : { ...reading, value };
  }
  return readings;
}

async function readOnce(
  lane: Lane,
  key: KeyToRead,
  limits: WholeLimits,
  account: WalkAccount,
): Promise<KeyReading> {
  const plan = planOf(key, limits);
  return readingOf(plan, await lane.exchange(plan.commands), lane, account);
}

interface Plan {
  readonly key: ByteString;
  /** A reading that needs no answer. */
  readonly known: KeyReading | null;
  readonly type: ValueType;
  readonly commands: readonly RedisCommand[];
}

function planOf({ key, type, memoryBytes }: KeyToRead, limits: WholeLimits): Plan {
  if (type === null || !isValueType(type)) {
    const reason =
      type === null ? 'its type is not permitted to this user' : `no fixture holds a \`${type}\``;
    // A key without a type has expired since the walk, or its type is not permitted.
    const commands: readonly RedisCommand[] = type === null ? [['PTTL', key]] : [];
    return { key, known: { kind: 'failed', key, reason }, type: 'string', commands };
  }
  const groups: readonly RedisCommand[] = type === 'stream' ? [['XINFO', 'GROUPS', key]] : [];
  const long =
    type === 'string'
      ? (memoryBytes ?? 0) > limits.stringBytes
      : (memoryBytes ?? Number.POSITIVE_INFINITY) > limits.collectionBytes;
  if (long) return { key, known: { kind: 'long', key, type, groups: 0 }, type, commands: groups };
  return { key, known: null, type, commands: [readCommands[type].whole(key), ['PTTL', key], ...groups] };
}

function readingOf(plan: Plan, replies: readonly Reply[], lane: Lane, account: WalkAccount): KeyReading {
  const { key, known, type, commands } = plan;
  if (known?.kind === 'failed' && replies[0] === -2) return { kind: 'gone', key };
  if (known !== null) {
    const groups = groupsIn(replies[0]);
    return known.kind === 'long' ? { ...known, groups } : known;
  }
  const [reply = null, ttl, groups] = replies;
  const refused = [reply, ttl].find((each) => each instanceof ReplyError);
  if (refused !== undefined) {
    const command = String((refused === reply ? commands[0] : commands[1])?.[0]);
    return { key, ...failedBy(refused, command, lane, account) };
  }
  if (ttl === -2) return { kind: 'gone', key };
  const value = valueIn(type, reply);
  const groupCount = groupsIn(groups);
  if (value === null) return { kind: 'gone', key };
  const ttlMillis = typeof ttl === 'number' && ttl >= 0 ? ttl : null;
  return { kind: 'value', key, value, ttlMillis, groups: groupCount };
}

function groupsIn(reply: Reply | undefined): number {
  return reply === undefined || reply instanceof ReplyError ? 0 : listOf(reply).length;
}

/** @throws RedisError where every other key would be refused for the same reason, and not for want of a permission */
export function failedBy(
  reply: ReplyError,
  command: string,
  lane: Lane,
  account: WalkAccount,
): FailedReading {
  if (concernsEveryKey(reply) && !isAboutCommand(reply)) throw refusal(reply, `\`${command}\``, lane.address);
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

function isOfAnotherType(reading: KeyReading): boolean {
  return reading.kind === 'failed' && reading.refused?.reply.code === 'WRONGTYPE';
}
