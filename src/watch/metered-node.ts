import type { Connection } from '../redis/connection.ts';
import type { Reply } from '../redis/reply.ts';
import type { Argument, RedisCommand, RedisNode, RedisServer } from '../redis/server.ts';
import { probeLatency } from '../redis/pace.ts';

/** What a connection sends of its own accord when it is opened, besides its SELECT: its name, and that it touches nothing. */
const loginCommands = 2;

/** A node that counts what is asked of it, on its own connection and on all connections that are opened through it. */
export class MeteredNode implements RedisNode {
  private sent = 0;
  private readonly connections = new Set<Connection>();
  private closed = false;

  constructor(private readonly node: RedisNode) {}

  get address(): string {
    return this.node.address;
  }

  get database(): number {
    return this.node.database;
  }

  get lookups(): RedisNode['lookups'] {
    return this.node.lookups;
  }

  get commandsSent(): number {
    let sum = this.sent;
    for (const connection of this.connections) sum += connection.commandsSent;
    return sum;
  }

  call(...command: Argument[]): Promise<Reply> {
    this.sent++;
    return this.node.call(...command);
  }

  batch(commands: readonly RedisCommand[]): Promise<Reply[]> {
    this.sent += commands.length;
    return this.node.batch(commands);
  }

  async openConnection(): Promise<Connection> {
    const connection = await this.node.openConnection();
    this.connections.add(connection);
    const close = connection.close.bind(connection);
    connection.close = () => {
      if (this.connections.delete(connection)) this.sent += connection.commandsSent;
      close();
    };
    this.sent += loginCommands + (this.database === 0 ? 0 : 1);
    if (this.closed) connection.close();
    return connection;
  }

  /** What is still waited for on a connection fails, so that a server that hangs does not delay the end. */
  closeConnections(): void {
    this.closed = true;
    for (const connection of [...this.connections]) connection.close();
  }
}

/** A server whose nodes count what is asked of them. */
export interface MeteredServer extends RedisServer {
  readonly nodes: readonly [MeteredNode, ...MeteredNode[]];
}

export function meteredServer(server: RedisServer): MeteredServer {
  const [first, ...others] = server.nodes;
  const nodes = [new MeteredNode(first), ...others.map((node) => new MeteredNode(node))] as const;
  return {
    address: server.address,
    nodes,
    nodeFor: (key) => nodes[server.nodes.indexOf(server.nodeFor(key))] ?? nodes[0],
    close: () => {
      for (const node of nodes) node.closeConnections();
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
    try {
      for (const node of nodes)
        meter.ends.push(
          await probeLatency(node, (millis) => meter.micros.push(Math.round(millis * 10000) / 10)),
        );
    } catch (error) {
      meter.end();
      throw error;
    }
    return meter;
  }

  /** The figures since the last call; null where no answer came. */
  take(): LatencyFigures | null {
    const micros = this.micros;
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
