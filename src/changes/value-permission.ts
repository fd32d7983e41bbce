import type { ByteString } from '../support/bytes.ts';
import { ReplyError } from '../redis/reply.ts';
import type { RedisServer } from '../redis/server.ts';

/**
 * Whether this user may read the value of a key, asked without a lookup: in a transaction the server tests the permission
 * when a command is queued, and DISCARD runs none of it. False where transactions themselves are refused.
 * @throws RedisError where the connection is lost
 */
export async function mayReadValues(server: RedisServer, key: ByteString): Promise<boolean> {
  const lane = await server.nodeFor(key).openLane();
  try {
    // Empty at first: were MULTI refused, what follows it would run.
    const [begun] = await lane.exchange([['MULTI'], ['DISCARD']]);
    if (begun instanceof ReplyError) return false;
    const [, dump, ttl] = await lane.exchange([['MULTI'], ['DUMP', key], ['PTTL', key], ['DISCARD']]);
    return ![dump, ttl].some((reply) => reply instanceof ReplyError && reply.code === 'NOPERM');
  } finally {
    lane.close();
  }
}
