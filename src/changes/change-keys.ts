import { setTimeout as sleep } from 'node:timers/promises';
import { keyFields } from '../keyspace/key-text.ts';
import { concernsSomeKeys, isRedirection, RedisError, refusal } from '../redis/errors.ts';
import type { Connection } from '../redis/connection.ts';
import { batchesOver, type PaceLimits, type Pacing, startPacing } from '../redis/pace.ts';
import { type Reply, ReplyError } from '../redis/reply.ts';
import type { RedisCommand, RedisNode, RedisServer } from '../redis/server.ts';
import type { ByteString } from '../support/bytes.ts';
import { groupBy } from '../support/collections.ts';
import type { Progress } from '../support/progress.ts';

/** One way of changing keys. */
export interface KeyChange {
  /** As it reads in `whether it was removed is unknown`. */
  readonly done: string;
  readonly mostKeysInBatch: number;
  /** Changes the keys of one batch. @throws RedisError when the connection is lost */
  change(line: BatchLine, keys: readonly ByteString[]): Promise<BatchOutcome>;
}

/** The way to the node that holds the keys of a batch. */
export interface BatchLine {
  /** The keys of one command must share a slot. */
  readonly inCluster: boolean;
  /** Sends the commands, each about keys of the batch; an error reply is a value in its place. */
  readonly exchange: (commands: readonly RedisCommand[]) => Promise<Reply[]>;
}

/** What became of a batch. A key that is neither changed nor refused was gone, or did not need the change any more. */
export interface BatchOutcome {
  readonly changed: number;
  readonly refused: readonly Refusal[];
  /** Why no further batch may follow, although this one was changed. */
  readonly stop?: Error | null;
}

export interface Refusal {
  readonly keys: readonly ByteString[];
  /** In backticks, for messages. */
  readonly command: string;
  readonly reply: ReplyError;
  /** The reply is about these keys, and others may be answered all the same. */
  readonly concernsThese?: true;
}

/** Keys that failed for one reason, with one of them. */
export interface Problem {
  readonly reason: string;
  readonly keys: number;
  readonly example: { readonly key: string; readonly keyBase64?: string };
}

export interface ChangeOptions {
  /** Keys of a node are changed no faster. */
  readonly limits?: PaceLimits;
  /** Once aborted, the batches on their way are finished, and no more are sent. */
  readonly signal: AbortSignal;
  /** Called with the number of keys that are done, also those that failed. */
  readonly progress: Progress;
}

const mostBytesInBatch = 1_048_576;

/** How often keys are sent on to the node that is said to have them, with a pause where they have moved again. */
const mostForwards = 5;
const forwardPauseMillis = 200;

/** A key that a node does not hold any more, with its answer: MOVED or ASK, and where to. */
interface MovedKey {
  readonly key: ByteString;
  readonly reply: ReplyError;
  readonly node: RedisNode;
}

/** What a batch goes through. */
interface Way extends Pacing {
  readonly connection: Connection;
}

/**
 * Changes keys in small batches, node by node, and counts what became of them:
 * `changed + unchanged + failed + notAttempted` is always their number. The caller closes it.
 */
export class KeyChanger {
  changed = 0;
  /** Gone, or no longer in need of the change. */
  unchanged = 0;
  /** Refused by the server, or without an answer. */
  failed = 0;
  /** Why the work ended before its end; null where it did not, or where it was interrupted. */
  stoppedBy: Error | null = null;
  private taken = 0;
  private readonly reasons = new Map<string, { reason: string; keys: number; example: ByteString }>();
  private readonly ways = new Map<RedisNode, Way>();

  constructor(
    private readonly server: RedisServer,
    private readonly options: ChangeOptions,
  ) {}

  get notAttempted(): number {
    return this.taken - this.done;
  }

  /** True: what is taken from now on is not attempted. */
  get ended(): boolean {
    return this.stoppedBy !== null || this.options.signal.aborted;
  }

  /** Most keys first. */
  get problems(): Problem[] {
    return [...this.reasons.values()]
      .sort((left, right) => right.keys - left.keys)
      .map((problem) => ({ ...problem, example: keyFields(problem.example) }));
  }

  private get done(): number {
    return this.changed + this.unchanged + this.failed;
  }

  /**
   * Failures are counted, not thrown. On a cluster the keys that have moved to another node since the topology was read are
   * sent there, and on again where they move meanwhile.
   */
  async take(keys: readonly ByteString[], change: KeyChange): Promise<void> {
    this.taken += keys.length;
    const { nodes, cluster } = this.server;
    if (cluster === undefined) return this.changeOn(nodes[0], keys, change);
    const moved: MovedKey[] = [];
    const redirectFrom = (node: RedisNode) => (key: ByteString, reply: ReplyError) =>
      void moved.push({ key, reply, node });
    for (const [node, own] of groupBy(keys, (key) => this.server.nodeFor(key)))
      await this.changeOn(node, own, change, { redirect: redirectFrom(node) });
    for (let left = mostForwards; moved.length > 0 && !this.ended; left--) {
      if (left < mostForwards) await sleep(forwardPauseMillis);
      await cluster.refresh().catch((error: unknown) => {
        // The answers name the nodes as well.
        if (!(error instanceof RedisError)) throw error;
      });
      const due = groupBy(moved.splice(0), ({ reply, node }) => cluster.nodeNamed(reply, node));
      for (const [node, all] of due) {
        if (node === null) for (const { key, reply } of all) this.fail([key], reply.code, reply.message);
        else
          for (const [code, own] of groupBy(all, ({ reply }) => reply.code))
            await this.changeOn(
              node,
              own.map(({ key }) => key),
              change,
              { asking: code === 'ASK', ...(left > 1 && { redirect: redirectFrom(node) }) },
            );
      }
    }
  }

  /** @param code Failures with the same code are one problem, in the words of the first. */
  private fail(keys: readonly ByteString[], code: string, reason: string): void {
    const [example] = keys;
    if (example === undefined) return;
    this.failed += keys.length;
    const known = this.reasons.get(code);
    if (known) known.keys += keys.length;
    else this.reasons.set(code, { reason, keys: keys.length, example });
    this.options.progress.update(this.done);
  }

  /** A key that was not sent, and cannot be. */
  failUntried(key: ByteString, reason: string): void {
    this.taken++;
    this.fail([key], reason, reason);
  }

  close(): void {
    for (const { connection, end } of this.ways.values()) {
      end();
      connection.close();
    }
  }

  private async wayTo(node: RedisNode): Promise<Way> {
    const known = this.ways.get(node);
    if (known) return known;
    const connection = await node.openConnection();
    const { limits = {}, signal } = this.options;
    const pacing = await startPacing(node, limits, signal).catch((error: unknown) => {
      connection.close();
      throw error;
    });
    const way = { connection, ...pacing };
    this.ways.set(node, way);
    return way;
  }

  private async changeOn(
    node: RedisNode,
    keys: readonly ByteString[],
    change: KeyChange,
    moving: {
      /** The node is taking over the slots of the keys, and serves them only to those who say that they were sent. */
      readonly asking?: boolean;
      /** Takes a key that another node holds; absent: such a key has failed. */
      readonly redirect?: (key: ByteString, reply: ReplyError) => void;
    } = {},
  ): Promise<void> {
    if (this.ended || keys.length === 0) return;
    try {
      const { connection, pace } = await this.wayTo(node);
      const exchange: BatchLine['exchange'] = async (commands) => {
        if (moving.asking !== true) return connection.exchange(commands);
        const replies = await connection.exchange(commands.flatMap((command) => [['ASKING'], command]));
        return replies.filter((_, index) => index % 2 === 1);
      };
      let next = 0;
      const takeBatch = () => {
        const most = Math.min(change.mostKeysInBatch, pace?.pageSize ?? Number.POSITIVE_INFINITY);
        const start = next;
        for (let bytes = 0; next < keys.length && next - start < most; next++) {
          bytes += keys[next]?.length ?? 0;
          if (bytes > mostBytesInBatch && next > start) break;
        }
        return keys.slice(start, next);
      };
      const changeBatches = async () => {
        const ended = () => this.ended;
        while (!ended()) {
          const batch = takeBatch();
          if (batch.length === 0) return;
          await pace?.turn(batch.length);
          if (ended()) return;
          const line = { inCluster: this.server.cluster !== undefined, exchange };
          await this.changeBatch(line, batch, change, connection.address, moving.redirect);
        }
      };
      const batchesOnTheWay = pace === undefined ? batchesOver(connection.roundTripMillis) : 2;
      await Promise.all(Array.from({ length: batchesOnTheWay }, changeBatches));
    } catch (error) {
      if (!(error instanceof RedisError)) throw error;
      this.stoppedBy = error;
    }
  }

  private async changeBatch(
    line: BatchLine,
    batch: readonly ByteString[],
    change: KeyChange,
    address: string,
    redirect?: (key: ByteString, reply: ReplyError) => void,
  ): Promise<void> {
    try {
      const { changed, refused, stop } = await change.change(line, batch);
      if (stop) this.stoppedBy ??= stop;
      this.changed += changed;
      this.unchanged += batch.length - changed - refused.reduce((sum, { keys }) => sum + keys.length, 0);
      this.options.progress.update(this.done);
      for (const { keys, command, reply, concernsThese } of refused) {
        if (redirect && isRedirection(reply)) {
          for (const key of keys) redirect(key, reply);
          continue;
        }
        // The next batch would be refused for the same reason.
        if (concernsThese !== true && !concernsSomeKeys(reply))
          this.stoppedBy ??= refusal(reply, command, address);
        this.fail(keys, reply.code === 'ERR' ? reply.message : reply.code, reply.message);
      }
    } catch (error) {
      if (!(error instanceof RedisError)) throw error;
      this.stoppedBy ??= error;
      const { code, message } = error;
      this.fail(batch, code, `no answer (${message}): whether it was ${change.done} is unknown`);
    }
  }
}

/** An answer that is not of the kind that was asked for, as an error reply. @param command in backticks, for messages */
export const refusedKeys = (keys: readonly ByteString[], command: string, reply: unknown): Refusal => ({
  keys,
  command,
  reply: reply instanceof ReplyError ? reply : new ReplyError('ERR an answer that is no number'),
});

/** What the replies to one command for each key come to: 0 where there was nothing to change, else another number. */
export function outcomeOf(
  keys: readonly ByteString[],
  replies: readonly Reply[],
  command: string,
  isChanged: (reply: number) => boolean = (reply) => reply !== 0,
): BatchOutcome {
  let changed = 0;
  const refused: Refusal[] = [];
  keys.forEach((key, index) => {
    const reply = replies[index];
    if (typeof reply !== 'number') refused.push(refusedKeys([key], command, reply));
    else if (isChanged(reply)) changed++;
  });
  return { changed, refused };
}
