import { asBytes, type ByteString } from '../../support/bytes.ts';
import { type Reply, replyText } from '../../redis/reply.ts';
import type { RedisCommand } from '../../redis/server.ts';
import { collectionOf, listOf, type Value, widths } from '../values/commands.ts';
import { fieldNames } from '../values/field-expiries.ts';
import { areEqual, hasIds, scoreText } from './canonical.ts';

const membersInPiece = 500;
const bytesInPiece = 1024 * 1024;

/** A long value with its members in pieces. */
export function* piecesOf(value: Value): Generator<Value> {
  switch (value.type) {
    case 'string':
      for (let at = 0; at < value.bytes.length; at += bytesInPiece)
        yield { type: 'string', bytes: value.bytes.slice(at, at + bytesInPiece) as ByteString };
      return;
    case 'stream':
      // Entries without ids can be asked for by their places alone, from the first to the last.
      if (!hasIds(value)) yield value;
      else
        for (let at = 0; at < value.entries.length; at += membersInPiece)
          yield { type: 'stream', entries: value.entries.slice(at, at + membersInPiece) };
      return;
    default: {
      const step = membersInPiece * widths[value.type];
      for (let at = 0; at < value.elements.length; at += step)
        yield withExpiriesOf(value, { type: value.type, elements: value.elements.slice(at, at + step) });
    }
  }
}

function withExpiriesOf(whole: Collection, piece: Collection): Value {
  const { fieldExpiries } = whole;
  if (!fieldExpiries) return piece;
  const own = fieldNames(piece.elements).flatMap((name) => {
    const at = fieldExpiries.get(name);
    return at === undefined ? [] : [[name, at] as const];
  });
  return { ...piece, fieldExpiries: new Map(own) };
}

type Collection = Extract<Value, { readonly elements: readonly ByteString[] }>;

/** The commands that ask a server whether it holds the piece; `agrees` takes their replies. @param offset members before it */
export function probesFor(key: ByteString, piece: Value, offset: number): RedisCommand[] {
  switch (piece.type) {
    case 'string':
      return [['GETRANGE', key, offset, offset + piece.bytes.length - 1]];
    case 'list':
      return [['LRANGE', key, offset, offset + piece.elements.length - 1]];
    case 'hash':
      return [['HMGET', key, ...piece.elements.filter((_, index) => index % 2 === 0)]];
    case 'set':
      return piece.elements.map((member) => ['SISMEMBER', key, member]);
    case 'zset':
      return piece.elements.flatMap((member, index) => (index % 2 === 1 ? [['ZSCORE', key, member]] : []));
    case 'stream': {
      const first = piece.entries[0]?.id ?? asBytes('-');
      return [['XRANGE', key, first, piece.entries.at(-1)?.id ?? asBytes('+')]];
    }
  }
}

export function agrees(piece: Value, replies: readonly Reply[]): boolean {
  const [reply = null] = replies;
  switch (piece.type) {
    case 'string':
      return reply === piece.bytes;
    case 'list':
    case 'stream':
      return areEqual(piece, collectionOf(piece.type, listOf(reply)));
    case 'hash': {
      const values = piece.elements.filter((_, index) => index % 2 === 1);
      return listOf(reply).every((each, index) => each === values[index]);
    }
    case 'set':
      return replies.every((each) => each === 1);
    case 'zset': {
      const scores = piece.elements.filter((_, index) => index % 2 === 0);
      return replies.every(
        (each, index) => each !== null && scoreText(replyText(each)) === scoreText(scores[index] ?? ''),
      );
    }
  }
}
