import { RedisError } from '../redis/errors.ts';
import type { RedisNode, RedisServer } from '../redis/server.ts';
import { notificationFolder } from '../traffic/notifications/note.ts';
import type { Context } from './context.ts';
import { isReadOnlyServer } from './protection.ts';

/** What every observation of the server needs of the world. @throws RedisError where the connection is lost */
export async function observationTerms(context: Context, server: RedisServer) {
  return {
    map: context.map,
    mayChange: !(await isReadOnlyServer(context, server)),
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
