import { RedisError } from '../redis/errors.ts';
import type { RedisNode } from '../redis/server.ts';
import { notificationFolder } from '../traffic/notifications/note.ts';
import type { Context } from './context.ts';

/** What every observation needs of the world. */
export function observationTerms(context: Context) {
  return {
    map: context.map,
    mayChange: context.profile?.readOnly !== true,
    folder: notificationFolder(context.environment.variables),
    processes: context.environment.processes,
    now: context.now,
    random: context.random,
    signal: context.signal,
    reconnect: async (address: string): Promise<RedisNode> => {
      const server = await context.reconnect();
      const node = server.nodes.find((each) => each.address === address);
      if (node === undefined) throw new RedisError('lost', 'EGONE', `${address} is no primary any more`);
      return node;
    },
  };
}
