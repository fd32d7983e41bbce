import { connect } from '../../src/redis/connect.ts';
import type { RedisServer } from '../../src/redis/server.ts';
import { startRedis } from './own.ts';
import type { RedisProcess } from './redis-process.ts';
import { send, targetOf } from './redis.ts';
import { until } from './until.ts';

/** A primary with a replica, and a Sentinel that watches it under the name `main`. */
export interface WatchedPair {
  readonly primary: RedisProcess;
  readonly replica: RedisProcess;
  readonly sentinel: RedisProcess;
  /** The Sentinel as a server, to be asked and told. */
  readonly admin: RedisServer;
}

/** Starts a Sentinel that watches `primary` under the name `main`. It ends with the test. */
export const startSentinel = (primary: RedisProcess, config: readonly string[] = []): Promise<RedisProcess> =>
  startRedis({
    config: [
      `sentinel monitor main 127.0.0.1 ${primary.port} 1`,
      'sentinel down-after-milliseconds main 500',
      'sentinel failover-timeout main 5000',
      ...config,
    ],
    args: ['--sentinel'],
  });

/** Starts such a pair with what `fill` stores, and waits until the Sentinel would let the replica take over. */
export async function startWatchedPair(
  fill: (server: RedisServer) => Promise<unknown>,
): Promise<WatchedPair> {
  const primary = await startRedis();
  const filling = await connect(targetOf(primary.url));
  await fill(filling);
  const replica = await startRedis({ args: ['--replicaof', '127.0.0.1', String(primary.port)] });
  const sentinel = await startSentinel(primary);
  const admin = await connect(targetOf(sentinel.url));
  await until('the Sentinel knows the replica', async () => {
    const replicas = (await send(admin, 'SENTINEL', 'REPLICAS', 'main')) as string[][];
    const [fields = []] = replicas;
    return fields[fields.indexOf('master-link-status') + 1] === 'ok';
  });
  await until('the replica has all keys', async () => (await send(filling, 'WAIT', 1, 1000)) === 1);
  filling.close();
  return { primary, replica, sentinel, admin };
}

/** Lets the replica take over, without asking the primary. It goes on to take writes, which are lost, until it is demoted. */
export async function beginFailover({ admin }: WatchedPair): Promise<void> {
  // Refused as long as the replica has not been looked at closely enough.
  const begin = () => send(admin, 'SENTINEL', 'FAILOVER', 'main').catch(() => 'refused');
  await until('a failover begins', async () => (await begin()) === 'OK');
}
