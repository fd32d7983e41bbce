import type { WalkAccount } from '../../redis/account.ts';
import { asBytes, type ByteString } from '../../support/bytes.ts';
import type { Lane } from '../../redis/lane.ts';
import { ReplyError, replyText } from '../../redis/reply.ts';
import { CursorTrail } from '../../redis/scan-bounds.ts';
import { listOf, type Place, readCommands, valueIn } from './commands.ts';
import { type FailedReading, failedBy } from './read-values.ts';
import { lengthOf, textsOf, type Value, type ValueType } from './value.ts';

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
  const { page, start } = readCommands[type];
  let members = type === 'string' ? windowBytes : firstMembers;
  let place = start;
  const trail = new CursorTrail(String(page(key, place, members)[0]), lane.address);
  for (;;) {
    const command = page(key, place, members);
    const [reply = null] = await lane.exchange([command]);
    if (reply instanceof ReplyError) throw new PieceFault(failedBy(reply, String(command[0]), lane, account));
    const piece = valueIn(type, reply);
    const count = piece === null ? 0 : lengthOf(piece);
    if (piece !== null && count > 0) yield piece;
    let next: Place | null;
    if (type === 'hash' || type === 'set' || type === 'zset') {
      next = asBytes(replyText(listOf(reply)[0]));
      if (next === '0') return;
      trail.follow(next);
    } else {
      next = count < members || piece === null ? null : placeBehind(piece, place, count);
      if (next === null) return;
    }
    place = next;
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
