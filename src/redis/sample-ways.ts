import type { WalkAccount } from './account.ts';
import { askColumns, joinColumns, type KeyColumns, receiveColumns, type WalkColumns } from './columns.ts';
import type { Connection } from './connection.ts';
import { RedisError } from './errors.ts';
import type { PageSource } from './page-source.ts';
import { mayReturn, Patience } from './readiness.ts';
import type { RedisNode, RedisServer } from './server.ts';
import type { ByteString } from '../support/bytes.ts';
import { groupBy } from '../support/collections.ts';

/** One node with where its pages are drawn from. */
export interface SampledNode {
  readonly node: RedisNode;
  readonly source: PageSource;
  /** Of the server process when the pages were laid out. */
  readonly runId: string | null;
  /** True where SCAN's own test of the type is counted as a lookup: then ours is made, and entered in the account. */
  readonly typeByLookup: boolean;
}

/** The connections of a sample: one to each node, or to the one that has its keys by then. */
export class SampleWays {
  private readonly opened = new Map<RedisNode, Connection>();
  private readonly all: Connection[] = [];
  private readonly patience: Patience;
  /** What began the waiting that is going on; null: there was progress since. */
  private lost: RedisError | null = null;
  /** Connections that were lost and not opened again yet. */
  private broken = 0;

  /** @param account filled in by `note` */
  constructor(
    private readonly server: RedisServer,
    private readonly nodes: readonly SampledNode[],
    private readonly account: WalkAccount,
    private readonly signal: AbortSignal | undefined,
  ) {
    this.patience = new Patience(server.nodes[0].retryMillis, signal);
  }

  /** The longest of their round trips so far, each the shortest of its connection. */
  get roundTripMillis(): number {
    return Math.max(0, ...[...this.opened.values()].map(({ roundTripMillis }) => roundTripMillis));
  }

  /** @throws RedisError where none can be had for too long */
  async to(from: SampledNode): Promise<Connection> {
    for (;;) {
      const node = this.holderOf(from);
      const opened = this.opened.get(node);
      if (opened !== undefined) return opened;
      try {
        const connection = await this.open(node);
        // Another process has its keys in another order, and pages of both may have the same keys.
        if ((connection.serverInfo['run_id'] ?? null) !== from.runId) from.source.layOutAgain();
        return connection;
      } catch (error) {
        await this.follow(error, this.opened.get(node));
      }
    }
  }

  /** After progress. */
  renew(): void {
    this.lost = null;
    this.patience.renew();
  }

  /** Waits, and asks who has the keys now; at once where the connection was given up before. @throws what is not to be waited for */
  async follow(error: unknown, connection?: Connection): Promise<void> {
    if (!mayReturn(error)) throw error;
    // The loss may have taken long to show.
    if (this.lost === null) this.patience.renew();
    this.lost ??= error;
    if (connection !== undefined) {
      const [node] = [...this.opened].find(([, each]) => each === connection) ?? [];
      if (node === undefined) return;
      this.opened.delete(node);
      connection.close();
      this.broken++;
    }
    if (!(await this.patience.pause())) throw this.lost;
    await this.server.refresh().catch(() => undefined);
  }

  /**
   * The columns with those of the keys at `indexes`, which have moved, as the nodes have them that own them now.
   * @throws RedisError where that is of no use, or they are on their way for too long
   */
  async readMoved(
    keys: readonly ByteString[],
    read: KeyColumns,
    indexes: readonly number[],
    wanted: WalkColumns,
  ): Promise<KeyColumns> {
    const { server, account, signal } = this;
    let columns = read;
    for (let due = indexes; due.length > 0 && server.cluster !== undefined;) {
      await server.refresh();
      const left: number[] = [];
      for (const [node, own] of groupBy(due, (index) => server.nodeFor(keys[index] as ByteString))) {
        // Of its other keys none is drawn.
        if (!this.nodes.some((from) => this.holderOf(from) === node)) throw movedAway(node);
        const connection = this.opened.get(node) ?? (await this.open(node));
        const request = askColumns(
          connection,
          own.map((index) => keys[index] as ByteString),
          wanted,
          account,
        );
        const onMoved = (at: number) => {
          const index = own[at] as number;
          if (left.at(-1) !== index) left.push(index);
        };
        columns = joinColumns(
          columns,
          await receiveColumns(request, account, { signal, onMoved }),
          own,
          keys.length,
        );
      }
      if (left.length > 0 && !(await this.patience.pause())) throw movedAway();
      due = left;
    }
    return columns;
  }

  /** Enters into the account what was sent so far. */
  note(): void {
    this.account.commands = this.account.receivedBytes = 0;
    for (const { commandsSent, bytesReceived } of this.all) {
      this.account.commands += commandsSent;
      this.account.receivedBytes += bytesReceived;
    }
  }

  close(): void {
    for (const connection of this.all) connection.close();
  }

  private holderOf({ node }: SampledNode): RedisNode {
    return this.server.cluster?.successorOf(node) ?? node;
  }

  private async open(node: RedisNode): Promise<Connection> {
    const connection = await node.openConnection();
    this.account.reconnects += this.broken;
    this.broken = 0;
    this.opened.set(node, connection);
    this.all.push(connection);
    return connection;
  }
}

const movedAway = (node?: RedisNode) =>
  new RedisError(
    'lost',
    'ERESHARD',
    node === undefined
      ? 'keys of the sample were on their way to another node of the cluster for too long'
      : `keys of the sample moved to ${node.address}, which had none when it began`,
    'run it again once the cluster is at rest; `redis-cli --cluster check` shows open slots',
  );
