import { asBytes, type ByteString } from '../../support/bytes.ts';
import { type Reply, replyText } from '../../redis/reply.ts';
import type { RedisCommand } from '../../redis/server.ts';
import type { Collection, Value, ValueType } from './value.ts';

/** Where a page of a value begins: a cursor, an offset, or the id of the first entry. */
export type Place = ByteString | number;

interface ReadCommands {
  /** Its members; of a string, its bytes. */
  readonly length: Uppercase<string>;
  /** The whole of it; for a value that is known to be short. */
  readonly whole: (key: ByteString) => RedisCommand;
  /** About so many members (of a string, bytes) from a place on. */
  readonly page: (key: ByteString, place: Place, members: number) => RedisCommand;
  readonly start: Place;
}

const scanning = (
  length: Uppercase<string>,
  whole: ReadCommands['whole'],
  scan: 'HSCAN' | 'SSCAN' | 'ZSCAN',
): ReadCommands => ({
  length,
  whole,
  page: (key, place, members) => [scan, key, place, 'COUNT', members],
  start: asBytes('0'),
});

/** How values are read, by their types; `valueIn` takes the replies. */
export const readCommands: Readonly<Record<ValueType, ReadCommands>> = {
  string: {
    length: 'STRLEN',
    whole: (key) => ['GET', key],
    page: (key, place, bytes) => ['GETRANGE', key, place, Number(place) + bytes - 1],
    start: 0,
  },
  list: {
    length: 'LLEN',
    whole: (key) => ['LRANGE', key, 0, -1],
    page: (key, place, members) => ['LRANGE', key, place, Number(place) + members - 1],
    start: 0,
  },
  hash: scanning('HLEN', (key) => ['HGETALL', key], 'HSCAN'),
  set: scanning('SCARD', (key) => ['SMEMBERS', key], 'SSCAN'),
  zset: scanning('ZCARD', (key) => ['ZRANGE', key, 0, -1, 'WITHSCORES'], 'ZSCAN'),
  stream: {
    length: 'XLEN',
    whole: (key) => ['XRANGE', key, asBytes('-'), asBytes('+')],
    page: (key, place, members) => ['XRANGE', key, place, asBytes('+'), 'COUNT', members],
    start: asBytes('-'),
  },
};

export const lengthCommand = (type: ValueType, key: ByteString): RedisCommand => [
  readCommands[type].length,
  key,
];

/** What the reply to a whole value or a page holds; null where it holds nothing. A stream outlives its entries. */
export function valueIn(type: ValueType, reply: Reply): Value | null {
  if (type === 'string') return typeof reply === 'string' ? { type, bytes: reply } : null;
  const list = listOf(reply);
  // SCAN commands give their cursor before the members.
  const items = type !== 'stream' && Array.isArray(list[1]) ? list[1] : list;
  return items.length === 0 && type !== 'stream' ? null : collectionOf(type, items);
}

/** The members as a flat list in the reply (of a stream: its entries), in the order in which fixtures have them. */
export function collectionOf(type: Collection['type'], items: readonly Reply[]): Collection {
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

/** A key with what is known of it beforehand. */
export interface KeyToRead {
  readonly key: ByteString;
  /** Null: not permitted to know. */
  readonly type: string | null;
  /** Null: not known; then a collection counts as long. */
  readonly memoryBytes: number | null;
}
