import { asBytes, type ByteString } from '../../support/bytes.ts';
import { findSharedValues, IdleLimit, type IdleTime, noOwnIdleTime } from '../../redis/idle-times.ts';
import { refusal } from '../../redis/errors.ts';
import { type Reply, ReplyError, replyText } from '../../redis/reply.ts';
import type { RedisCommand, RedisNode } from '../../redis/server.ts';
import { collectionOf, lengthCommand, listOf, readCommands, valueIn } from './commands.ts';
import { isValueType, lengthOf, sliceOf, type Value, type ValueType } from './value.ts';
import { openValueConnection, type ValueConnection, withFieldExpiries } from './value-connection.ts';

/** What is known of one key, with the start of its value. A null: not permitted, or does not apply. */
export interface KeyReport {
  readonly type: string;
  readonly ttlMillis: number | null;
  readonly memoryBytes: number | null;
  /** The server's inner form: `listpack`, `embstr`, … */
  readonly internalEncoding: string | null;
  /** Since the last access, as it was before this one; not kept under an LFU policy. */
  readonly idleSeconds: IdleTime | null;
  /** Bytes of a string, members of a collection. */
  readonly length: number | null;
  /** Of a vector set, some of its elements in no order, as a set. */
  readonly value: Value | null;
  /** Of the vectors of a vector set. */
  readonly dimensions: number | null;
  /** The value is the start of a longer one. */
  readonly truncated: boolean;
  /** The server took the reading for a use: the idle time starts again. */
  readonly touched: boolean;
}

/** How much of a value is read: a bounded page, whatever its size. */
interface ReadLimits {
  readonly bytes: number;
  readonly members: number;
}

/**
 * Reads one key over a connection that leaves idle times alone where the server can (7.2 and later). Null: there is none.
 * @throws RedisError
 */
export async function readKey(
  node: RedisNode,
  key: ByteString,
  limits: ReadLimits,
): Promise<KeyReport | null> {
  const values = await openValueConnection(node);
  const { connection } = values;
  try {
    // Idle time first: on older servers the commands after it reset what it reports.
    const [idle, inner, memory, typeReply, ttl] = await connection.exchange([
      ['OBJECT', 'IDLETIME', key],
      ['OBJECT', 'ENCODING', key],
      ['MEMORY', 'USAGE', key],
      ['TYPE', key],
      ['PTTL', key],
    ]);
    if (typeReply instanceof ReplyError) throw refusal(typeReply, '`TYPE`', connection.address);
    const type = replyText(typeReply);
    if (type === 'none') return null;
    const [shared] =
      inner === 'int' ? await findSharedValues((commands) => connection.exchange(commands), [key]) : [];
    const limit = new IdleLimit((commands) => connection.exchange(commands));
    const {
      value,
      length,
      dimensions = null,
      quantization = null,
    } = isValueType(type)
      ? await readStart(values, type, key, limits)
      : type === 'vectorset'
        ? await readVectorSet(values, key, limits)
        : { value: null, length: null };
    return {
      type,
      ttlMillis: numberOr(ttl),
      memoryBytes: numberOr(memory),
      internalEncoding: quantization ?? (typeof inner === 'string' ? inner : null),
      dimensions,
      idleSeconds:
        shared instanceof ReplyError || !(await limit.isPossible(numberOr(idle) ?? 0))
          ? null
          : shared === true
            ? noOwnIdleTime
            : numberOr(idle),
      length,
      value,
      truncated: value !== null && length !== null && lengthOf(value) < length,
      touched: !connection.leavesNoTouch && value !== null,
    };
  } finally {
    values.close();
  }
}

/** The start of a value, and of a vector set what its vectors are. */
interface Start {
  readonly value: Value | null;
  readonly length: number | null;
  readonly dimensions?: number | null;
  readonly quantization?: string | null;
}

/** @throws RedisError */
async function readStart(
  values: ValueConnection,
  type: ValueType,
  key: ByteString,
  limits: ReadLimits,
): Promise<Start> {
  const { connection } = values;
  const most = type === 'string' ? limits.bytes : limits.members;
  const { page, start } = readCommands[type];
  // The highest scores first, as whoever looks at a ranking wants them; ZSCAN keeps no order, and ZRANGE has REV from 6.2 on.
  const first: RedisCommand =
    type === 'zset' ? ['ZREVRANGE', key, 0, most - 1, 'WITHSCORES'] : page(key, start, most);
  const [length, reply = null] = await connection.exchange([lengthCommand(type, key), first]);
  if (reply instanceof ReplyError) throw refusal(reply, `\`${String(first[0])}\``, connection.address);
  const read = sliceOf(valueIn(type, reply) ?? emptyOf(type), 0, most);
  const [value = read] = await withFieldExpiries(values, [{ key, value: read }]);
  return { value, length: numberOr(length) };
}

/** @throws RedisError */
async function readVectorSet(
  { connection }: ValueConnection,
  key: ByteString,
  { members }: ReadLimits,
): Promise<Start> {
  const [info = null, some = null] = await connection.exchange([
    ['VINFO', key],
    ['VRANDMEMBER', key, members],
  ]);
  const facts = listOf(info);
  const fact = (name: string) => facts[facts.indexOf(asBytes(name)) + 1];
  const [length, dimensions, quantization] = ['size', 'vector-dim', 'quant-type'].map(fact);
  return {
    // To the server these commands write: a user who may only read the key is refused.
    value: Array.isArray(some) ? { type: 'set', elements: some as ByteString[] } : null,
    length: numberOr(length),
    dimensions: numberOr(dimensions),
    quantization: typeof quantization === 'string' ? quantization : null,
  };
}

/** What a key that went meanwhile holds. */
const emptyOf = (type: ValueType): Value =>
  type === 'string' ? { type, bytes: asBytes('') } : collectionOf(type, []);

function numberOr(reply: Reply | undefined): number | null {
  return typeof reply === 'number' ? reply : null;
}
