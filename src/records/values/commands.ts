import { asBytes, type ByteString } from '../../support/bytes.ts';
import { type Reply, replyText } from '../../redis/reply.ts';
import type { RedisCommand } from '../../redis/server.ts';

/** Reads the whole of a value that is known to be short. */
export function wholeCommand(type: ValueType, key: ByteString): RedisCommand {
  switch (type) {
    case 'string':
      return ['GET', key];
    case 'hash':
      return ['HGETALL', key];
    case 'list':
      return ['LRANGE', key, 0, -1];
    case 'set':
      return ['SMEMBERS', key];
    case 'zset':
      return ['ZRANGE', key, 0, -1, 'WITHSCORES'];
    case 'stream':
      return ['XRANGE', key, asBytes('-'), asBytes('+')];
  }
}

const lengthCommands = {
  string: 'STRLEN',
  hash: 'HLEN',
  list: 'LLEN',
  set: 'SCARD',
  zset: 'ZCARD',
  stream: 'XLEN',
} as const;

/** Asks for the members of a value; of a string, for its bytes. */
export function lengthCommand(type: ValueType, key: ByteString): RedisCommand {
  return [lengthCommands[type], key];
}

/** What the reply to `wholeCommand` holds; null where it holds nothing. A stream outlives its entries. */
export function wholeValue(type: ValueType, reply: Reply): Value | null {
  if (type === 'string') return typeof reply === 'string' ? { type, bytes: reply } : null;
  const items = listOf(reply);
  return items.length === 0 && type !== 'stream' ? null : collectionOf(type, items);
}

/** The members as a flat list in the reply (of a stream: its entries), in the order in which fixtures have them. */
export function collectionOf(
  type: Exclude<ValueType, 'string'>,
  items: readonly Reply[],
): Exclude<Value, { type: 'string' }> {
  switch (type) {
    case 'stream':
      return {
        type,
        entries: items.map((entry) => {
          const [id, fields] = listOf(entry);
          return { id: asBytes(replyText(id)), fields: listOf(fields) as ByteString[] };
        }),
      };
    case 'zset': {
      // The server gives the member first, and takes the score first.
      const elements: ByteString[] = [];
      for (let at = 0; at < items.length; at += 2)
        elements.push(asBytes(replyText(items[at + 1])), items[at] as ByteString);
      return { type, elements };
    }
    default:
      return { type, elements: items as ByteString[] };
  }
}

export function listOf(reply: Reply | undefined): Reply[] {
  return Array.isArray(reply) ? reply : [];
}

/** The types that every server has; those of modules have no form of their own here. */
export const valueTypes = ['string', 'hash', 'list', 'set', 'zset', 'stream'] as const;
export type ValueType = (typeof valueTypes)[number];

/** A value as an application sees it, whatever the server's inner encoding. */
export type Value =
  | { readonly type: 'string'; readonly bytes: ByteString }
  /** Field and value, element, member, score and member: flat, as HSET, RPUSH, SADD and ZADD take them. */
  | {
      readonly type: 'hash' | 'list' | 'set' | 'zset';
      readonly elements: readonly ByteString[];
      /** Of a hash; absent: none of its fields has a TTL of its own; null: not known. */
      readonly fieldExpiries?: FieldExpiries | null;
    }
  | { readonly type: 'stream'; readonly entries: readonly Entry[] };

/** When fields of a hash expire on their own, in milliseconds since the epoch. */
export type FieldExpiries = ReadonlyMap<ByteString, number>;

/** An entry of a stream. */
export interface Entry {
  /** `ms-sequence`; null: not known, for a fixture leaves it to the server. */
  readonly id: ByteString | null;
  /** Field and value in turn. */
  readonly fields: readonly ByteString[];
}

export function isValueType(type: string): type is ValueType {
  return (valueTypes as readonly string[]).includes(type);
}

/** Texts per member in the flat lists. */
export const widths = { hash: 2, list: 1, set: 1, zset: 2 } as const;

/** How many members the value has; of a string, its bytes. */
export function lengthOf(value: Value): number {
  if (value.type === 'string') return value.bytes.length;
  return value.type === 'stream' ? value.entries.length : value.elements.length / widths[value.type];
}

/** A key with what is known of it beforehand. */
export interface KeyToRead {
  readonly key: ByteString;
  /** Null: not permitted to know. */
  readonly type: string | null;
  /** Null: not known; then a collection counts as long. */
  readonly memoryBytes: number | null;
}
