import { asBytes, type ByteString } from '../../support/bytes.ts';
import { type Reply, replyText } from '../../redis/reply.ts';
import type { RedisCommand } from '../../redis/server.ts';
import { collectionOf, listOf } from '../values/commands.ts';
import { fieldNames, lengthOf, sliceOf, type Value } from '../values/value.ts';
import { areEqual, hasIds, scoreText } from './canonical.ts';

const membersInPiece = 500;
const bytesInPiece = 1024 * 1024;

/** A long value with its members in pieces. */
export function* piecesOf(value: Value): Generator<Value> {
  // Entries without ids can be asked for by their places alone, from the first to the last.
  if (!hasIds(value)) {
    yield value;
    return;
  }
  const step = value.type === 'string' ? bytesInPiece : membersInPiece;
  for (let at = 0; at < lengthOf(value); at += step) yield sliceOf(value, at, at + step);
}

/** The commands that ask a server whether it holds the piece; `agrees` takes their replies. @param offset members before it */
export function probesFor(key: ByteString, piece: Value, offset: number): RedisCommand[] {
  switch (piece.type) {
    case 'string':
      return [['GETRANGE', key, offset, offset + piece.bytes.length - 1]];
    case 'list':
      return [['LRANGE', key, offset, offset + piece.elements.length - 1]];
    case 'hash':
      return [['HMGET', key, ...fieldNames(piece.elements)]];
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
      const scores = fieldNames(piece.elements);
      return replies.every(
        (each, index) => each !== null && scoreText(replyText(each)) === scoreText(scores[index] ?? ''),
      );
    }
  }
}
