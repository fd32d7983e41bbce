import type { WalkAccount } from '../../redis/account.ts';
import { asBytes, type ByteString } from '../../support/bytes.ts';
import type { Lane } from '../../redis/lane.ts';
import { type Reply, ReplyError, replyText } from '../../redis/reply.ts';
import { CursorTrail } from '../../redis/scan-bounds.ts';
import type { RedisCommand } from '../../redis/server.ts';
import { collectionOf, listOf, lengthOf, type Value, type ValueType } from './commands.ts';
import { type FailedReading, failedBy } from './read-values.ts';

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
  lane: Lane,
  key: ByteString,
  type: ValueType,
  account: WalkAccount,
): AsyncGenerator<Value> {
  let members = firstMembers;
  let place: Place = firstPlaces[type];
  const trail = new CursorTrail(String(pieceCommand(type, key, place, members)[0]), lane.address);
  for (;;) {
    const command = pieceCommand(type, key, place, members);
    const [reply = null] = await lane.exchange([command]);
    if (reply instanceof ReplyError) throw new PieceFault(failedBy(reply, String(command[0]), lane, account));
    const piece = pieceOf(type, reply);
    if (piece.count > 0) yield piece.value;
    const next = placeBehind(type, place, reply, piece, members);
    if (next === null) return;
    if (isScanned(type)) trail.follow(String(next));
    place = next;
    if (piece.count > 0) {
      const fitting = Math.floor((members * aimedBytes) / Math.max(1, piece.bytes));
      members = Math.max(1, Math.min(mostMembers, fitting));
    }
  }
}

/** A cursor, an offset, or the id of the first entry. */
type Place = ByteString | number;

const isScanned = (type: ValueType) => type === 'hash' || type === 'set' || type === 'zset';

const firstPlaces: Readonly<Record<ValueType, Place>> = {
  string: 0,
  list: 0,
  hash: asBytes('0'),
  set: asBytes('0'),
  zset: asBytes('0'),
  stream: asBytes('-'),
};

function pieceCommand(type: ValueType, key: ByteString, place: Place, members: number): RedisCommand {
  switch (type) {
    case 'string':
      return ['GETRANGE', key, place, Number(place) + windowBytes - 1];
    case 'list':
      return ['LRANGE', key, place, Number(place) + members - 1];
    case 'hash':
      return ['HSCAN', key, place, 'COUNT', members];
    case 'set':
      return ['SSCAN', key, place, 'COUNT', members];
    case 'zset':
      return ['ZSCAN', key, place, 'COUNT', members];
    case 'stream':
      return ['XRANGE', key, place, asBytes('+'), 'COUNT', members];
  }
}

interface Piece {
  readonly value: Value;
  /** Members; of a string, bytes. */
  readonly count: number;
  readonly bytes: number;
}

function pieceOf(type: ValueType, reply: Reply): Piece {
  if (type === 'string') {
    const bytes = asBytes(replyText(reply));
    return { value: { type, bytes }, count: bytes.length, bytes: bytes.length };
  }
  const items = type === 'list' || type === 'stream' ? listOf(reply) : listOf(listOf(reply)[1]);
  const value = collectionOf(type, items);
  const texts = value.type === 'stream' ? value.entries.flatMap(({ fields }) => fields) : value.elements;
  return { value, count: lengthOf(value), bytes: texts.reduce((sum, text) => sum + text.length, 0) };
}

/** Null: the value ends here. */
function placeBehind(
  type: ValueType,
  place: Place,
  reply: Reply,
  { value, count }: Piece,
  members: number,
): Place | null {
  switch (type) {
    case 'string':
      return count < windowBytes ? null : Number(place) + count;
    case 'list':
      return count < members ? null : Number(place) + count;
    case 'stream': {
      const last = value.type === 'stream' ? value.entries.at(-1)?.id : undefined;
      return count < members || last === undefined || last === null ? null : nextId(last);
    }
    default: {
      const cursor = asBytes(replyText(listOf(reply)[0]));
      return cursor === '0' ? null : cursor;
    }
  }
}

/** The smallest id above: `(id` as a start is known from 6.2 on. */
function nextId(id: ByteString): ByteString {
  const [millis = '0', sequence = '0'] = id.split('-');
  const highest = 2n ** 64n - 1n;
  return asBytes(
    BigInt(sequence) === highest ? `${BigInt(millis) + 1n}-0` : `${millis}-${BigInt(sequence) + 1n}`,
  );
}
