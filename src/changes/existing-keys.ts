import type { ByteString } from '../support/bytes.ts';
import { ReplyError } from '../redis/reply.ts';
import type { RedisNode } from '../redis/server.ts';

/**
 * Whether each of the keys of a node is there; null where this user may not ask. MEMORY USAGE leaves no trace; EXISTS, where that
 * is not permitted, counts as a lookup. @throws RedisError where the connection is lost
 */
export async function readExistence(
  node: RedisNode,
  keys: readonly ByteString[],
): Promise<(boolean | null)[]> {
  if (keys.length === 0) return [];
  const sizes = await node.batch(keys.map((key) => ['MEMORY', 'USAGE', key] as const));
  const unsized = keys.filter((_, index) => sizes[index] instanceof ReplyError);
  if (unsized.length === 0) return sizes.map((size) => size !== null);
  const replies = await node.batch(unsized.map((key) => ['EXISTS', key] as const));
  const counts = replies.values();
  return sizes.map((size) => {
    if (!(size instanceof ReplyError)) return size !== null;
    const { value: count } = counts.next();
    return typeof count === 'number' ? count === 1 : null;
  });
}
