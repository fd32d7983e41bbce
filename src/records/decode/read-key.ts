import { asBytes, bytesOf, type ByteString } from '../../support/bytes.ts';
import { refusal } from '../../redis/errors.ts';
import { keysWithFieldTtls, readInfoIfPermitted } from '../../redis/info.ts';
import type { Lane } from '../../redis/lane.ts';
import { type Reply, ReplyError, replyText } from '../../redis/reply.ts';
import type { RedisCommand, RedisNode } from '../../redis/server.ts';
import { fieldExpiryCommands } from '../values/field-expiries.ts';

/** What is known of one key, with the start of its value. A null: not permitted, or does not apply. */
export interface KeyReport {
  readonly type: string;
  readonly ttlMillis: number | null;
  readonly memoryBytes: number | null;
  /** The server's inner form: `listpack`, `embstr`, … */
  readonly internalEncoding: string | null;
  /** Since the last access, as it was before this one; not kept under an LFU policy. */
  readonly idleSeconds: number | null;
  /** Bytes of a string, members of a collection. */
  readonly length: number | null;
  readonly value: StringValue | CollectionValue | null;
}

export interface KeyLookup {
  /** Null: there is no such key. */
  readonly report: KeyReport | null;
  /** True where the server took the reading for a use: its idle time starts again. */
  readonly touched: boolean;
}

export interface StringValue {
  readonly kind: 'string';
  readonly bytes: ByteString;
  readonly truncated: boolean;
}

/** Members as rows of fields: `[field, value]`, `[index, value]`, `[member, score]`, `[id, field, value, …]`. */
export interface CollectionValue {
  readonly kind: 'collection';
  readonly rows: readonly (readonly ByteString[])[];
  /** Of a hash: when the field of each row expires on its own, in milliseconds since the epoch; null: no field does. */
  readonly expiresAtMillis: readonly (number | null)[] | null;
  readonly truncated: boolean;
}

/** How much of a value is read: a bounded page, whatever its size. */
export interface ReadLimits {
  readonly bytes: number;
  readonly members: number;
}

/** Reads one key over a connection that leaves idle times alone where the server can (7.2 and later). @throws RedisError */
export async function readKey(node: RedisNode, key: ByteString, limits: ReadLimits): Promise<KeyLookup> {
  const lane = await node.openLane();
  try {
    const lookup = await readOver(lane, key, limits);
    const value = lookup.report?.type === 'hash' ? lookup.report.value : null;
    if (lookup.report === null || value?.kind !== 'collection') return lookup;
    const expiresAtMillis = await readFieldExpiries(node, lane, key, value.rows);
    return { ...lookup, report: { ...lookup.report, value: { ...value, expiresAtMillis } } };
  } finally {
    lane.close();
  }
}

/** Null where the server reports no such fields, or does not permit to ask. */
async function readFieldExpiries(
  node: RedisNode,
  lane: Lane,
  key: ByteString,
  rows: CollectionValue['rows'],
): Promise<CollectionValue['expiresAtMillis']> {
  if ((keysWithFieldTtls((await readInfoIfPermitted(node)) ?? {}, node.database) ?? 0) === 0) return null;
  const names = rows.flatMap(([name]) => name ?? []);
  const moments = (await lane.exchange(fieldExpiryCommands(key, names))).flat();
  const expiries = moments.map((moment) => (typeof moment === 'number' && moment >= 0 ? moment : null));
  return expiries.every((moment) => moment === null) ? null : expiries;
}

async function readOver(lane: Lane, key: ByteString, limits: ReadLimits): Promise<KeyLookup> {
  // Idle time first: on older servers the commands after it reset what it reports.
  const [idle, inner, memory, typeReply, ttl] = await lane.exchange([
    ['OBJECT', 'IDLETIME', key],
    ['OBJECT', 'ENCODING', key],
    ['MEMORY', 'USAGE', key],
    ['TYPE', key],
    ['PTTL', key],
  ]);
  if (typeReply instanceof ReplyError) throw refusal(typeReply, '`TYPE`', lane.address);
  const type = replyText(typeReply);
  if (type === 'none') return { report: null, touched: false };
  const [lengthCommand, valueCommand] = commandsFor(type, key, limits);
  const [length, value] =
    lengthCommand && valueCommand ? await lane.exchange([lengthCommand, valueCommand]) : [];
  if (value instanceof ReplyError) throw refusal(value, `\`${String(valueCommand?.[0])}\``, lane.address);
  return {
    report: {
      type,
      ttlMillis: numberOr(ttl),
      memoryBytes: numberOr(memory),
      internalEncoding: typeof inner === 'string' ? inner : null,
      idleSeconds: numberOr(idle),
      length: numberOr(length),
      value: value === undefined ? null : valueOf(type, value, numberOr(length), limits),
    },
    touched: !lane.leavesNoTouch && length !== undefined,
  };
}

function commandsFor(
  type: string,
  key: ByteString,
  { bytes, members }: ReadLimits,
): readonly [RedisCommand?, RedisCommand?] {
  switch (type) {
    case 'string':
      return [
        ['STRLEN', key],
        ['GETRANGE', key, 0, bytes - 1],
      ];
    case 'hash':
      return [
        ['HLEN', key],
        ['HSCAN', key, 0, 'COUNT', members],
      ];
    case 'list':
      return [
        ['LLEN', key],
        ['LRANGE', key, 0, members - 1],
      ];
    case 'set':
      return [
        ['SCARD', key],
        ['SSCAN', key, 0, 'COUNT', members],
      ];
    case 'zset':
      return [
        ['ZCARD', key],
        ['ZRANGE', key, 0, members - 1, 'WITHSCORES'],
      ];
    case 'stream':
      return [
        ['XLEN', key],
        ['XRANGE', key, asBytes('-'), asBytes('+'), 'COUNT', members],
      ];
    default:
      return [];
  }
}

function valueOf(
  type: string,
  reply: Reply,
  length: number | null,
  limits: ReadLimits,
): StringValue | CollectionValue {
  if (type === 'string') {
    const bytes = asBytes(replyText(reply));
    return { kind: 'string', bytes, truncated: length !== null && bytes.length < length };
  }
  const rows = rowsOf(type, reply).slice(0, limits.members);
  return {
    kind: 'collection',
    rows,
    expiresAtMillis: null,
    truncated: length !== null && rows.length < length,
  };
}

function rowsOf(type: string, reply: Reply): ByteString[][] {
  const list = Array.isArray(reply) ? reply : [];
  const texts = (items: Reply | undefined) =>
    (Array.isArray(items) ? items : []).map((item) => asBytes(replyText(item)));
  switch (type) {
    case 'hash':
      return pairs(texts(list[1]));
    case 'zset':
      return pairs(texts(list));
    case 'set':
      return texts(list[1]).map((member) => [member]);
    case 'stream':
      return list.map((entry) =>
        Array.isArray(entry) ? [asBytes(replyText(entry[0])), ...texts(entry[1])] : [],
      );
    default:
      return texts(list).map((value, index) => [bytesOf(String(index)), value]);
  }
}

function pairs(items: readonly ByteString[]): ByteString[][] {
  return items.flatMap((item, index) => (index % 2 === 0 ? [[item, items[index + 1] ?? asBytes('')]] : []));
}

function numberOr(reply: Reply | undefined): number | null {
  return typeof reply === 'number' ? reply : null;
}
