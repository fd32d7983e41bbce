import type { Connection } from '../redis/connection.ts';
import type { RedisNode, RedisServer } from '../redis/server.ts';

/** The same server; what is still waited for at its end fails, also on connections that were opened, and where the server hangs. */
export function closableServer(server: RedisServer): RedisServer {
  const open = new Set<Connection>();
  let closed = false;
  const closable = (node: RedisNode): RedisNode => ({
    ...node,
    openConnection: async () => {
      const connection = await node.openConnection();
      open.add(connection);
      const close = connection.close.bind(connection);
      connection.close = () => {
        open.delete(connection);
        close();
      };
      if (closed) connection.close();
      return connection;
    },
  });
  const [first, ...others] = server.nodes;
  const nodes = [closable(first), ...others.map(closable)] as const;
  return {
    address: server.address,
    nodes,
    nodeFor: (key) => nodes[server.nodes.indexOf(server.nodeFor(key))] ?? nodes[0],
    refresh: () => server.refresh(),
    close: () => {
      closed = true;
      for (const connection of [...open]) connection.close();
      server.close();
    },
  };
}
