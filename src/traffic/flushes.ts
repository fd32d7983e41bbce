import { parseInfo } from '../redis/info.ts';
import { replyText } from '../redis/reply.ts';
import type { RedisServer } from '../redis/server.ts';

/** What empties a database without an event for its keys. */
const flushes = ['cmdstat_flushall', 'cmdstat_flushdb', 'cmdstat_swapdb'];

/** How often a database has been emptied or exchanged, over all nodes; null where INFO does not tell. @throws RedisError */
export async function countFlushes(server: RedisServer): Promise<number | null> {
  let sum = 0;
  for (const node of server.nodes) {
    const [reply] = await node.batch([['INFO', 'COMMANDSTATS']]);
    if (typeof reply !== 'string') return null;
    const stats = parseInfo(replyText(reply));
    if (!Object.keys(stats).some((name) => name.startsWith('cmdstat_'))) return null;
    for (const name of flushes) sum += Number(/^calls=(\d+)/.exec(stats[name] ?? '')?.[1] ?? 0);
  }
  return sum;
}

export const flushRemark =
  'a database was emptied or exchanged in the window (FLUSHALL, FLUSHDB or SWAPDB): misses of what it held may count as ' +
  'never cached';
