import { connectCluster } from './cluster.ts';
import { type OpenNode, openNode } from './node.ts';
import { openPrimary } from './sentinel.ts';
import type { RedisServer } from './server.ts';
import { type ConnectTarget, publicUrlOf } from './target.ts';

/**
 * Connects, logs in and selects the database; gives up once `signal` is aborted. Of a cluster the topology is read, and
 * each primary connected to when it is first used.
 * @throws RedisError
 */
export async function connect(target: ConnectTarget, signal?: AbortSignal): Promise<RedisServer> {
  const { topology } = target;
  switch (topology?.kind) {
    case 'cluster':
      return connectCluster(target, topology.seeds, signal);
    case 'sentinel': {
      const { node, place } = await openPrimary(target, topology, signal);
      return serverOf(node, `${publicUrlOf(place)} (primary of \`${topology.name}\`)`);
    }
    case undefined:
      return serverOf(await openNode(target, signal), publicUrlOf(target));
  }
}

function serverOf(node: OpenNode, address: string): RedisServer {
  return { address, nodes: [node], nodeFor: () => node, close: () => node.close() };
}
