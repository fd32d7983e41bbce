import { connect } from '../../src/redis/connect.ts';
import { productOf, readInfo } from '../../src/redis/info.ts';
import type { RedisNode } from '../../src/redis/server.ts';
import { startSandboxServer } from '../../src/sandbox/server.ts';

/** A throw-away server without keys. */
export interface EmptyServer {
  readonly url: string;
  readonly port: number;
  /** `redis 7.0.15` */
  readonly product: string;
  readonly node: RedisNode;
}

/** Does some work with a server that is gone afterwards. */
export async function onEmptyServer<Result>(work: (server: EmptyServer) => Promise<Result>): Promise<Result> {
  const server = await startSandboxServer({ variables: process.env });
  try {
    const redis = await connect(server.target);
    try {
      const [node] = redis.nodes;
      const { product, version } = productOf(await readInfo(node));
      const { url, target } = server;
      return await work({ url, port: target.port, product: `${product} ${version}`, node });
    } finally {
      redis.close();
    }
  } finally {
    await server.stop();
  }
}

/** @throws Error unless the server holds so many keys */
export async function expectKeys(node: RedisNode, keys: number, after: string): Promise<void> {
  const held = Number(await node.call('DBSIZE'));
  if (held !== keys) throw new Error(`there are ${held} keys instead of ${keys} after ${after}`);
}
