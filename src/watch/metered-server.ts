import type { Connection } from '../redis/connection.ts';
import { probeLatency } from '../redis/pace.ts';
import type { RedisNode, RedisServer } from '../redis/server.ts';

/** A node that counts what is asked of it, on its own connection and on all connections that are opened through it. */
export interface MeteredNode extends RedisNode {
  readonly commandsSent: number;
}

/** A server whose nodes count what is asked of them. What is still waited for at its end fails, also where the server hangs. */
export interface MeteredServer extends RedisServer {
  readonly nodes: readonly [MeteredNode, ...MeteredNode[]];
}

/** What a connection sends of its own accord when it is opened, besides its SELECT: its name, and that it touches nothing. */
const loginCommands = 2;

export function meteredServer(server: RedisServer): MeteredServer {
  const open = new Set<Connection>();
  let closed = false;
  const metered = (node: RedisNode): MeteredNode => {
    const connections = new Set<Connection>();
    let sent = 0;
    return {
      ...node,
      get commandsSent() {
        return [...connections].reduce((sum, connection) => sum + connection.commandsSent, sent);
      },
      call: (...command) => {
        sent++;
        return node.call(...command);
      },
      batch: (commands) => {
        sent += commands.length;
        return node.batch(commands);
      },
      openConnection: async () => {
        const connection = await node.openConnection();
        connections.add(connection);
        open.add(connection);
        const close = connection.close.bind(connection);
        connection.close = () => {
          open.delete(connection);
          if (connections.delete(connection)) sent += connection.commandsSent;
          close();
        };
        sent += loginCommands + (node.database === 0 ? 0 : 1);
        if (closed) connection.close();
        return connection;
      },
    };
  };
  const [first, ...others] = server.nodes;
  const nodes = [metered(first), ...others.map(metered)] as const;
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

/** Round trips of PING in one interval, in microseconds. */
export interface LatencyFigures {
  readonly p50Micros: number;
  readonly p99Micros: number;
  /** Round trips that were measured. */
  readonly samples: number;
}

/** Measures round trips to all nodes, each over a connection of its own, until it is ended. */
export class LatencyMeter {
  private micros: number[] = [];
  private readonly ends: (() => void)[] = [];

  /** @throws RedisError when no connection can be had */
  static async start(nodes: readonly RedisNode[]): Promise<LatencyMeter> {
    const meter = new LatencyMeter();
    const observe = (millis: number) => meter.micros.push(Math.round(millis * 10000) / 10);
    try {
      for (const node of nodes) meter.ends.push(await probeLatency(node, observe));
    } catch (error) {
      meter.end();
      throw error;
    }
    return meter;
  }

  /** The figures since the last call; null where no answer came. */
  take(): LatencyFigures | null {
    const { micros } = this;
    this.micros = [];
    return latencyOf(micros);
  }

  end(): void {
    for (const end of this.ends) end();
  }
}

/** Quantiles by nearest rank: each is a round trip that was measured. */
export function latencyOf(micros: readonly number[]): LatencyFigures | null {
  if (micros.length === 0) return null;
  const sorted = micros.toSorted((left, right) => left - right);
  const rank = (quantile: number) => sorted[Math.ceil(quantile * sorted.length) - 1] ?? Number.NaN;
  return { p50Micros: rank(0.5), p99Micros: rank(0.99), samples: sorted.length };
}
