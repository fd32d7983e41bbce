import type { Lane } from '../redis/lane.ts';
import type { OwnLookups } from '../redis/lookups.ts';
import type { Reply } from '../redis/reply.ts';
import type { Argument, RedisCommand, RedisNode, RedisServer } from '../redis/server.ts';

/** What a lane sends of its own accord when it is opened, besides its SELECT: its name, and that it touches nothing. */
const loginCommands = 2;

/** A node that counts what is asked of it, on its own connection and on all lanes that are opened through it. */
export class MeteredNode implements RedisNode {
  private sent = 0;
  private readonly lanes = new Set<Lane>();
  private closed = false;

  constructor(private readonly node: RedisNode) {}

  get address(): string {
    return this.node.address;
  }

  get database(): number {
    return this.node.database;
  }

  get lookups(): OwnLookups {
    return this.node.lookups;
  }

  get commandsSent(): number {
    let sum = this.sent;
    for (const lane of this.lanes) sum += lane.commandsSent;
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

  async openLane(): Promise<Lane> {
    const lane = await this.node.openLane();
    this.lanes.add(lane);
    const close = lane.close.bind(lane);
    lane.close = () => {
      if (this.lanes.delete(lane)) this.sent += lane.commandsSent;
      close();
    };
    this.sent += loginCommands + (this.database === 0 ? 0 : 1);
    if (this.closed) lane.close();
    return lane;
  }

  /** What is still waited for on a lane fails: a server that hangs holds nobody up. */
  closeLanes(): void {
    this.closed = true;
    for (const lane of [...this.lanes]) lane.close();
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
      for (const node of nodes) node.closeLanes();
      server.close();
    },
  };
}
