import { onTestFinished } from 'vitest';
import { connect } from '../../src/redis/connect.ts';
import { asBytes, type ByteString } from '../../src/support/bytes.ts';
import { replyText } from '../../src/redis/reply.ts';
import type { RedisServer } from '../../src/redis/server.ts';
import { slotCount, slotOf } from '../../src/redis/slots.ts';
import { freePort, type RedisProcess, type RedisProcessOptions } from './redis-process.ts';
import { send, sendAll, startPrivateServer, targetOf } from './redis.ts';
import { until } from './until.ts';

/** A Redis Cluster of primaries alone, the slots in equal parts in the order of the nodes. */
export interface TestCluster {
  readonly nodes: readonly [RedisProcess, RedisProcess, ...RedisProcess[]];
  /** The nodes one by one, as servers of their own. */
  readonly admins: readonly [RedisServer, RedisServer, ...RedisServer[]];
  stop(): Promise<void>;
}

interface ClusterOptions extends RedisProcessOptions {
  readonly password?: string;
  /** Further arguments of each node. */
  readonly argsOf?: (index: number) => readonly string[];
}

/** Starts a cluster of `size` primaries, and waits until each of them knows all slots. The caller stops it. */
export async function startCluster(size: number, options: ClusterOptions = {}): Promise<TestCluster> {
  const busPorts = await freePorts(size);
  const nodes = await startNodes(busPorts, options);
  const admins: RedisServer[] = [];
  const stop = async () => {
    for (const admin of admins) admin.close();
    await Promise.all(nodes.map((node) => node.stop()));
  };
  try {
    for (const node of nodes) admins.push(await connect(targetAs(node, options)));
    await Promise.all(admins.map((admin, index) => assignSlots(admin, index, size)));
    for (const [index, node] of nodes.entries()) {
      // One that all others have met introduces them to each other.
      if (index > 0 && admins[0])
        await send(admins[0], 'CLUSTER', 'MEET', '127.0.0.1', node.port, busPorts[index] ?? 0);
    }
    for (const admin of admins) await untilComplete(admin, size);
  } catch (error) {
    await stop();
    throw error;
  }
  return {
    nodes: nodes as unknown as TestCluster['nodes'],
    admins: admins as unknown as TestCluster['admins'],
    stop,
  };
}

const targetAs = ({ url }: RedisProcess, { password }: ClusterOptions) =>
  targetOf(url, password === undefined ? {} : { password });

/** Starts all nodes, or leaves none behind. */
async function startNodes(busPorts: readonly number[], options: ClusterOptions): Promise<RedisProcess[]> {
  const { password } = options;
  const outcomes = await Promise.allSettled(
    busPorts.map((port, index) =>
      startPrivateServer({
        ...options,
        args: [
          ...['--cluster-enabled', 'yes', '--cluster-port', String(port), '--cluster-node-timeout', '1000'],
          ...(options.args ?? []),
          ...(password ? ['--requirepass', password, '--masterauth', password] : []),
          ...(options.argsOf?.(index) ?? []),
        ],
      }),
    ),
  );
  const started = outcomes.flatMap((outcome) => (outcome.status === 'fulfilled' ? [outcome.value] : []));
  const failed = outcomes.find((outcome) => outcome.status === 'rejected');
  if (failed === undefined) return started;
  await Promise.all(started.map((node) => node.stop()));
  throw failed.reason;
}

/** Starts a replica of one of the primaries, and waits until it has all keys. It ends with the test. */
export async function addReplica(cluster: TestCluster, of: number): Promise<RedisServer> {
  const { replica, stop } = await startReplica(cluster, of);
  onTestFinished(stop);
  return replica;
}

/** The same, which the caller stops; the options are those of the cluster. */
export async function startReplica({ nodes, admins }: TestCluster, of: number, options: ClusterOptions = {}) {
  const [busPort = 0] = await freePorts(1);
  const [process] = await startNodes([busPort], options);
  if (process === undefined) throw new Error('no replica was started');
  const replica = await connect(targetAs(process, options));
  const stop = async () => {
    replica.close();
    await process.stop();
  };
  const id = replyText(await send(admins[of] as RedisServer, 'CLUSTER', 'MYID'));
  await send(admins[0], 'CLUSTER', 'MEET', '127.0.0.1', process.port, busPort);
  await until('the replica knows its primary', async () =>
    replyText(await send(replica, 'CLUSTER', 'NODES')).includes(id),
  );
  await send(replica, 'CLUSTER', 'REPLICATE', id);
  await until('the replica has all keys', async () => {
    const [primary, own] = await Promise.all(
      [admins[of] as RedisServer, replica].map((each) => send(each, 'DBSIZE')),
    );
    return own === primary;
  });
  await Promise.all(
    nodes.map((_, index) =>
      until('every node knows the replica', async () =>
        new RegExp(`\\bslave ${id}`).test(
          replyText(await send(admins[index] as RedisServer, 'CLUSTER', 'NODES')),
        ),
      ),
    ),
  );
  return { replica, stop };
}

/** The index of the node that owns the slot in a cluster of `size`, as long as none has moved. */
export function ownerIndex(slot: number, size: number): number {
  return Math.floor((slot * size) / slotCount);
}

/** Gives a slot to another node, keys and all: the nodes learn of it as in a real move. */
export async function moveSlot(cluster: TestCluster, slot: number, from: number, to: number): Promise<void> {
  const { source, target, ids } = await beginMove(cluster, slot, from, to);
  const keys = (await source.nodes[0].call('CLUSTER', 'GETKEYSINSLOT', slot, 10_000)) as string[];
  const port = cluster.nodes[to]?.port ?? 0;
  for (const key of keys) await send(source, 'MIGRATE', '127.0.0.1', port, key, 0, 5000);
  for (const admin of [target, source, ...cluster.admins])
    await send(admin, 'CLUSTER', 'SETSLOT', slot, 'NODE', ids.target);
}

/** Begins such a move: from now on the source answers ASK for keys that it does not hold. */
export async function beginMove(cluster: TestCluster, slot: number, from: number, to: number) {
  const [source, target] = [cluster.admins[from], cluster.admins[to]];
  if (!source || !target) throw new Error('there are no such nodes');
  const ids = {
    source: replyText(await send(source, 'CLUSTER', 'MYID')),
    target: replyText(await send(target, 'CLUSTER', 'MYID')),
  };
  await send(target, 'CLUSTER', 'SETSLOT', slot, 'IMPORTING', ids.source);
  await send(source, 'CLUSTER', 'SETSLOT', slot, 'MIGRATING', ids.target);
  return { source, target, ids };
}

async function assignSlots(admin: RedisServer, index: number, size: number): Promise<void> {
  const slots = Array.from({ length: slotCount }, (_, slot) => slot).filter(
    (slot) => ownerIndex(slot, size) === index,
  );
  await admin.nodes[0].call('CLUSTER', 'ADDSLOTS', ...slots);
  // Else all nodes are of epoch 0, and quarrel over it for seconds.
  await admin.nodes[0].call('CLUSTER', asBytes('SET-CONFIG-EPOCH'), index + 1);
}

async function untilComplete(admin: RedisServer, size: number): Promise<void> {
  const complete = new RegExp(`cluster_state:ok[^]*cluster_slots_ok:${slotCount}[^]*cluster_size:${size}`);
  await until('the cluster comes together', async () =>
    complete.test(replyText(await send(admin, 'CLUSTER', 'INFO'))),
  );
}

async function freePorts(count: number): Promise<number[]> {
  const ports = new Set<number>();
  while (ports.size < count) ports.add(await freePort());
  return [...ports];
}

/** Removes every key of every node, one by one. */
export async function emptyCluster({ admins }: TestCluster): Promise<void> {
  for (const { nodes } of admins) {
    let cursor = '0';
    do {
      const [next, keys] = (await nodes[0].call('SCAN', asBytes(cursor), 'COUNT', 1000)) as [
        string,
        ByteString[],
      ];
      await nodes[0].batch(keys.map((key) => ['UNLINK', key]));
      cursor = next;
    } while (cursor !== '0');
  }
}

/** Stores each key with its own name for a value, on the node that owns it. */
export async function storeInCluster(cluster: TestCluster, keys: readonly string[]): Promise<void> {
  const size = cluster.nodes.length;
  for (const [index, admin] of cluster.admins.entries()) {
    const own = keys.filter((key) => ownerIndex(slotOf(asBytes(key)), size) === index);
    await sendAll(
      admin,
      own.map((key) => ['SET', key, key]),
    );
  }
}

/** How many keys each node holds. */
export async function keyCounts({ admins }: TestCluster): Promise<number[]> {
  return Promise.all(admins.map(async (admin) => Number(await send(admin, 'DBSIZE'))));
}
