import { connectCluster } from './cluster.ts';
import { Connection } from './connection.ts';
import { LookupTally } from './lookups.ts';
import { nodeOnDemand, openNode } from './node.ts';
import { connectWatched } from './sentinel.ts';
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
    case 'sentinel':
      return connectWatched(target, topology, signal);
    case undefined: {
      const lookups = new LookupTally();
      const open = () => openNode(target, signal, lookups);
      const openConnection = () => Connection.open(target, lookups);
      const node = nodeOnDemand({ place: () => target, lookups, open, openConnection }, await open());
      return {
        address: publicUrlOf(target),
        nodes: [node],
        nodeFor: () => node,
        refresh: () => Promise.resolve(),
        close: () => node.close(),
      };
    }
  }
}
