import type { ByteString } from '../support/bytes.ts';
import type { Exchange } from '../redis/idle-times.ts';
import { ReplyError } from '../redis/reply.ts';

/**
 * Whether each of the keys is there; null where this user may not ask. MEMORY USAGE leaves no trace; EXISTS, where that
 * is not permitted, counts as a lookup. @throws RedisError where the connection is lost
 */
export async function readExistence(
  exchange: Exchange,
  keys: readonly ByteString[],
): Promise<(boolean | null)[]> {
  if (keys.length === 0) return [];
  const sizes = await exchange(keys.map((key) => ['MEMORY', 'USAGE', key] as const));
  const unsized = keys.filter((_, index) => sizes[index] instanceof ReplyError);
  if (unsized.length === 0) return sizes.map((size) => size !== null);
  const replies = await exchange(unsized.map((key) => ['EXISTS', key] as const));
  const counts = replies.values();
  return sizes.map((size) => {
    if (!(size instanceof ReplyError)) return size !== null;
    const { value: count } = counts.next();
    return typeof count === 'number' ? count === 1 : null;
  });
}
