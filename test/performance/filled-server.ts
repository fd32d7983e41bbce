import { connect } from '../../src/redis/connect.ts';
import { infoNumber, parseInfo, productOf, readInfo } from '../../src/redis/info.ts';
import { replyText } from '../../src/redis/reply.ts';
import type { RedisNode } from '../../src/redis/server.ts';
import { startSandboxServer } from '../../src/sandbox/server.ts';
import { fillKeyspace, type WrittenNamespace } from './keyspace.ts';
import { say } from './measure.ts';
import { grouped } from './table.ts';

/** A throw-away server with the benchmark's keyspace. */
export interface FilledServer {
  readonly url: string;
  readonly port: number;
  /** `redis 7.0.15` */
  readonly product: string;
  /** What was written to it. */
  readonly written: readonly WrittenNamespace[];
  /** What the server has spent since it started. */
  spent(): Promise<Spent>;
  stop(): Promise<void>;
}

export interface Spent {
  readonly cpuSeconds: number;
  readonly scanCalls: number;
}

export async function startFilledServer(keys: number): Promise<FilledServer> {
  const server = await startSandboxServer({ variables: process.env });
  try {
    const redis = await connect(server.target);
    const [node] = redis.nodes;
    const { product, version } = productOf(await readInfo(node));
    say(`filling a server (${product} ${version}) with ${grouped(keys)} keys …`);
    const written = await fillKeyspace(node, keys);
    return {
      url: server.url,
      port: server.target.port,
      product: `${product} ${version}`,
      written,
      spent: () => spentBy(node),
      stop: () => {
        redis.close();
        return server.stop();
      },
    };
  } catch (error) {
    await server.stop();
    throw error;
  }
}

async function spentBy(node: RedisNode): Promise<Spent> {
  const cpu = parseInfo(replyText(await node.call('INFO', 'CPU')));
  const commands = parseInfo(replyText(await node.call('INFO', 'COMMANDSTATS')));
  return {
    cpuSeconds: (infoNumber(cpu, 'used_cpu_user') ?? 0) + (infoNumber(cpu, 'used_cpu_sys') ?? 0),
    scanCalls: Number(/^calls=(\d+)/.exec(commands['cmdstat_scan'] ?? '')?.[1] ?? 0),
  };
}
