import { connectCluster } from './cluster.ts';
import { Connection } from './connection.ts';
import { LookupTally } from './lookups.ts';
import { nodeOnDemand, openNode } from './node.ts';
import { connectWatched } from './sentinel.ts';
import type { RedisServer } from './server.ts';
import { onceReady, type Waiting } from './readiness.ts';
import { type ConnectTarget, publicUrlOf } from './target.ts';

/**
 * Connects, logs in and selects the database; gives up once `signal` is aborted. Of a cluster the topology is read, and
 * each primary connected to when it is first used. A server that is there and not ready is waited for.
 * @throws RedisError
 */
export async function connect(
  target: ConnectTarget,
  signal?: AbortSignal,
  onWait?: Waiting['onWait'],
): Promise<RedisServer> {
  const { topology } = target;
  const waiting = { signal, onWait };
  switch (topology?.kind) {
    case 'cluster':
      return onceReady(target, () => connectCluster(target, topology.seeds, signal), waiting);
    case 'sentinel':
      return connectWatched(target, topology, waiting);
    case undefined: {
      const lookups = new LookupTally();
      const open = () => openNode(target, signal, lookups);
      const openConnection = () => Connection.open(target, lookups, signal);
      const opened = await onceReady(target, open, waiting);
      const node = nodeOnDemand({ place: () => target, lookups, open, openConnection, signal }, opened);
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
