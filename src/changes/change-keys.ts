import type { Connection } from '../redis/connection.ts';
import type { RedisError } from '../redis/errors.ts';
import { concernsSomeKeys, isRedirection, mayPass, onlyRedisError, refusal } from '../redis/errors.ts';
import { batchesOver, type PaceLimits, type Pacing, startPacing } from '../redis/pace.ts';
import { mayReturn, Patience, replicasHaving, tenureOf } from '../redis/readiness.ts';
import type { ReplyError } from '../redis/reply.ts';
import type { RedisNode, RedisServer } from '../redis/server.ts';
import type { ByteString } from '../support/bytes.ts';
import { groupBy } from '../support/collections.ts';
import type { Progress } from '../support/progress.ts';
import type { BatchLine, BatchOutcome, ChangedBatch, KeyChange, Refusal } from './key-change.ts';
import { ProblemTally } from './problem-tally.ts';

export interface ChangeOptions {
  /** Keys of a node are changed no faster. */
  readonly limits?: PaceLimits;
  /** By so many replicas of each server the changes are to be acknowledged; none: they are not asked. */
  readonly waitReplicas?: number;
  /** Once aborted, the batches on their way are finished, and no more are sent. */
  readonly signal: AbortSignal;
  /** Called with the number of keys that are done, also those that failed. */
  readonly progress: Progress;
}

const mostBytesInBatch = 1_048_576;

/** A server's way to change keys, from when it was connected to until its connection was lost. */
interface Way extends Pacing {
  readonly node: RedisNode;
  readonly connection: Connection;
  readonly tenure: string;
  readonly batches: ChangedBatch[];
  isUsed: boolean;
  isLost: boolean;
}

/** Keys to be sent. */
interface Due {
  readonly keys: readonly ByteString[];
  readonly change: KeyChange;
  readonly again: boolean;
  /** The batch in which they were changed and counted before. */
  readonly before?: ChangedBatch;
  /** The node that sent them elsewhere, with its answer: MOVED or ASK. */
  readonly sentOn?: { readonly by: RedisNode; readonly reply: ReplyError };
  /** What becomes of those that are not sent, or not again. */
  readonly leave: (keys: readonly ByteString[]) => void;
}

/**
 * Changes keys in small batches, node by node, and counts what became of them:
 * `changed + unchanged + failed + notAttempted` is always their number. The caller closes it.
 *
 * Keys of a cluster follow their slots. A server that is lost, or not ready, is waited for, and so is the one that takes its
 * place. What a server has changed may be gone with it, and with a primary that is demoted: so keys count as changed only
 * once `confirm` has found that the servers that changed them hold them still, or has changed them again where they are now.
 */
export class KeyChanger {
  /** Gone, or no longer in need of the change. */
  unchanged = 0;
  /** Why the work ended before its end; null where it did not, or where it was interrupted. */
  stoppedBy: Error | null = null;
  /** At least so many replicas of each server that changed keys have acknowledged it; null: they were not asked. */
  replicasAcknowledged: number | null = null;
  private taken = 0;
  private readonly changedBy = new Map<KeyChange, number>();
  readonly problems = new ProblemTally();
  private readonly ways = new Map<RedisNode, Way>();
  /** Those whose connection was lost too. */
  private readonly allWays: Way[] = [];
  private readonly patience: Patience;
  /** The first since there was an answer. */
  private loss: RedisError | null = null;
  /** Of which some keys were not refused. */
  private batches = 0;

  constructor(
    private readonly server: RedisServer,
    private readonly options: ChangeOptions,
  ) {
    this.patience = new Patience(server.nodes[0].retryMillis, options.signal);
  }

  get changed(): number {
    return [...this.changedBy.values()].reduce((sum, keys) => sum + keys, 0);
  }

  changedWith(change: KeyChange): number {
    return this.changedBy.get(change) ?? 0;
  }

  get notAttempted(): number {
    return this.taken - this.done;
  }

  /** True: what is taken from now on is not attempted. */
  get ended(): boolean {
    return this.stoppedBy !== null || this.options.signal.aborted;
  }

  /** Refused by the server, or without an answer. */
  get failed(): number {
    return this.problems.total;
  }

  private get done(): number {
    return this.changed + this.unchanged + this.failed;
  }

  /** Failures are counted, not thrown. */
  async take(keys: readonly ByteString[], change: KeyChange): Promise<void> {
    this.taken += keys.length;
    await this.send([{ keys, change, again: false, leave: notAttempted }]);
  }

  /**
   * Sees to it that what was changed is changed on the servers that hold the keys now. What cannot be changed again there, or
   * be confirmed, has failed. To be called when all keys were taken.
   */
  async confirm(): Promise<void> {
    for (let doubted = await this.doubted(); doubted.length > 0; doubted = await this.doubted()) {
      const due = doubted.flatMap((way) => this.dueAgainOf(way));
      if (this.ended || !(await this.patience.pause())) {
        for (const { keys, leave } of due) leave(keys);
        return;
      }
      await this.send(due);
    }
  }

  /** True where the servers that changed keys hold them still. */
  async isConfirmed(): Promise<boolean> {
    return (await this.doubted()).length === 0;
  }

  /** The ways to servers that may not hold any more what they changed. */
  private async doubted(): Promise<Way[]> {
    const { server, patience } = this;
    const used = this.allWays.filter(({ isUsed }) => isUsed);
    await this.awaitReplicas(new Set(used.map(({ node }) => node)));
    const isAlone = server.cluster === undefined && server.watched === undefined;
    // A server alone is the same as long as its connection was not lost.
    if (used.length === 0 || (isAlone && used.every(({ isLost }) => !isLost))) return [];
    patience.renew();
    for (;;) {
      const doubted: Way[] = [];
      let failure = await server.refresh().then(() => null, onlyRedisError);
      for (const [node, ways] of groupBy(used, (way) => way.node)) {
        const isOwner = server.nodes.includes(node);
        try {
          const tenure = await tenureOf((await this.wayTo(node)).connection, !isAlone);
          doubted.push(...ways.filter((way) => way.tenure !== tenure || !isOwner));
        } catch (error) {
          // One that is gone for good, and owns no slots any more, need not answer.
          if (isOwner) failure ??= onlyRedisError(error);
          const lost = this.ways.get(node);
          if (lost) this.drop(lost);
          doubted.push(...ways);
        }
      }
      if (failure === null) return doubted;
      if (this.ended || !(await patience.pause())) return isAlone ? [] : doubted;
    }
  }

  private async awaitReplicas(nodes: ReadonlySet<RedisNode>): Promise<void> {
    const { waitReplicas = 0, signal } = this.options;
    if (waitReplicas === 0 || nodes.size === 0) return;
    const acknowledged = async (node: RedisNode) => {
      const way = this.ways.get(node);
      // What was written on a connection that is lost is asked for on one that was written to later, or not at all.
      if (way?.isUsed !== true) return 0;
      return replicasHaving(way.connection, waitReplicas, signal).catch((error: unknown) => {
        const failure = onlyRedisError(error);
        if (mayReturn(failure)) this.drop(way);
        else this.stoppedBy ??= failure;
        return 0;
      });
    };
    this.replicasAcknowledged = Math.min(...(await Promise.all([...nodes].map(acknowledged))));
  }

  /** What a doubted way has changed: it answers for that no longer. */
  private dueAgainOf(way: Way): Due[] {
    way.isUsed = false;
    return way.batches.splice(0).map((before) => {
      const reason = `${before.change.done} on ${way.connection.address}, which was lost or replaced since: whether the change is on the server that holds the key now is unknown`;
      const leave = (keys: readonly ByteString[]) => this.fail(keys, 'EUNCONFIRMED', reason, before);
      return { ...before, again: true, before, leave };
    });
  }

  /** Sends the keys, and once more what may succeed a little later, or elsewhere. */
  private async send(due: readonly Due[]): Promise<void> {
    const { patience, server } = this;
    patience.renew();
    for (;;) {
      const deferred: Due[] = [];
      const { batches } = this;
      for (const each of due)
        for (const [node, keys] of groupBy(each.keys, (key) => this.nodeFor(key, each)))
          await this.changeOn(node, { ...each, keys }, deferred);
      if (deferred.length === 0) return;
      if (this.batches > batches) patience.renew();
      if (this.ended || !(await patience.pause())) {
        for (const { keys, leave } of deferred) leave(keys);
        return;
      }
      // Where it fails, the answers name the nodes as well.
      await server.refresh().catch(onlyRedisError);
      due = deferred;
    }
  }

  private nodeFor(key: ByteString, { sentOn }: Due): RedisNode {
    const named = sentOn && this.server.cluster?.nodeNamed(sentOn.reply, sentOn.by);
    return named ?? this.server.nodeFor(key);
  }

  /** @param before Where they were counted as something else until now. */
  private fail(keys: readonly ByteString[], code: string, reason: string, before?: ChangedBatch): void {
    if (before !== undefined) {
      const unchanged = Math.max(0, keys.length - before.changed);
      this.count(before.change, unchanged - keys.length, -unchanged);
      before.changed -= keys.length - unchanged;
    }
    this.problems.add(keys, code, reason);
    this.options.progress.update(this.done);
  }

  private count(change: KeyChange, changed: number, unchanged: number): void {
    this.changedBy.set(change, this.changedWith(change) + changed);
    this.unchanged += unchanged;
  }

  /** A key that was not sent, and cannot be. */
  failUntried(key: ByteString, reason: string): void {
    this.taken++;
    this.fail([key], reason, reason);
  }

  close(): void {
    for (const way of this.ways.values()) this.drop(way);
  }

  private drop(way: Way): void {
    way.isLost = true;
    way.end();
    way.connection.close();
    if (this.ways.get(way.node) === way) this.ways.delete(way.node);
  }

  private async wayTo(node: RedisNode): Promise<Way> {
    const known = this.ways.get(node);
    if (known?.connection.address === node.address) return known;
    if (known) this.drop(known);
    const connection = await node.openConnection();
    const { limits = {}, signal } = this.options;
    try {
      const tenure = await tenureOf(connection);
      const pacing = await startPacing(node, limits, signal);
      const way: Way = {
        ...{ node, connection, tenure, ...pacing },
        ...{ batches: [], isUsed: false, isLost: false },
      };
      this.ways.set(node, way);
      this.allWays.push(way);
      return way;
    } catch (error) {
      connection.close();
      throw error;
    }
  }

  /** Sends the keys to a node, batch by batch. Where it is lost on the way, the rest is deferred. */
  private async changeOn(node: RedisNode, due: Due, deferred: Due[]): Promise<void> {
    const { keys, change, leave } = due;
    let next = 0;
    const unsent: (readonly ByteString[])[] = [];
    try {
      if (this.ended) {
        leave(keys);
        return;
      }
      const way = await this.wayTo(node);
      const takeBatch = () => {
        const most = Math.min(change.mostKeysInBatch, way.pace?.pageSize ?? Number.POSITIVE_INFINITY);
        const start = next;
        for (let bytes = 0; next < keys.length && next - start < most; next++) {
          bytes += keys[next]?.length ?? 0;
          if (bytes > mostBytesInBatch && next > start) break;
        }
        return keys.slice(start, next);
      };
      const hasEnded = () => this.ended || way.isLost;
      const changeBatches = async () => {
        while (!hasEnded() && next < keys.length) {
          const batch = takeBatch();
          await way.pace?.turn(batch.length);
          if (hasEnded()) unsent.push(batch);
          else await this.changeBatch(way, { ...due, keys: batch }, deferred);
        }
      };
      const batchesOnTheWay = way.pace === undefined ? batchesOver(way.connection.roundTripMillis) : 2;
      await Promise.all(Array.from({ length: batchesOnTheWay }, changeBatches));
      unsent.push(keys.slice(next));
    } catch (error) {
      const failure = onlyRedisError(error);
      unsent.push(keys.slice(next));
      if (mayReturn(failure)) this.loss ??= failure;
      else this.stoppedBy ??= failure;
    }
    for (const rest of unsent) {
      if (rest.length === 0) continue;
      if (this.ended) leave(rest);
      else deferred.push({ ...due, keys: rest, leave: this.leaving(leave) });
    }
  }

  /** Those that are not sent in the end are left because of what was lost. */
  private leaving(leave: Due['leave']): Due['leave'] {
    const { loss } = this;
    return (keys) => {
      this.stoppedBy ??= loss;
      leave(keys);
    };
  }

  private async changeBatch(way: Way, due: Due, deferred: Due[]): Promise<void> {
    const { keys, change, again, before } = due;
    const { node, connection } = way;
    const inCluster = this.server.cluster !== undefined;
    const isAsking = due.sentOn?.reply.code === 'ASK';
    const exchange: BatchLine['exchange'] = async (commands) => {
      if (!isAsking) return connection.exchange(commands);
      const replies = await connection.exchange(commands.flatMap((command) => [['ASKING'], command]));
      return replies.filter((_, index) => index % 2 === 1);
    };
    let outcome: BatchOutcome;
    try {
      outcome = await change.change({ inCluster, again, exchange }, keys);
    } catch (error) {
      const failure = onlyRedisError(error);
      const { code, message } = failure;
      const reason = `no answer (${message}): whether it was ${change.done} is unknown`;
      const leave = (left: readonly ByteString[]) => {
        this.stoppedBy ??= failure;
        this.fail(left, code, reason, before);
      };
      this.loss ??= failure;
      this.drop(way);
      if (mayReturn(failure)) deferred.push({ ...due, again: true, leave });
      else leave(keys);
      return;
    }
    const { changed, refused, stop } = outcome;
    if (stop) this.stoppedBy ??= stop;
    const left = new Set(refused.flatMap((each) => each.keys));
    if (left.size < keys.length) {
      this.batches++;
      this.loss = null;
    }
    if (before === undefined) this.count(change, changed, keys.length - changed - left.size);
    way.isUsed = true;
    if (change.isOnce !== true)
      way.batches.push({
        ...{ keys: left.size === 0 ? keys : keys.filter((key) => !left.has(key)), change },
        changed: before === undefined ? changed : Math.min(before.changed, keys.length - left.size),
      });
    this.options.progress.update(this.done);
    const isOfSlot = /^(MOVED|ASK) \d+/;
    for (const alike of groupBy(refused, ({ reply }) => reply.message.replace(isOfSlot, '$1')).values()) {
      const [{ command, reply, concernsThese }] = alike as [Refusal];
      const concernsSome = concernsThese === true || concernsSomeKeys(reply);
      const own = alike.flatMap((each) => each.keys);
      const leave = (left: readonly ByteString[]) => {
        // The next batch would be refused for the same reason.
        if (!concernsSome) this.stoppedBy ??= refusal(reply, command, connection.address);
        this.fail(left, reply.code === 'ERR' ? reply.message : reply.code, reply.message, before);
      };
      if (isRedirection(reply) && inCluster)
        deferred.push({ ...due, keys: own, sentOn: { by: node, reply }, leave });
      else if (
        mayPass(reply) ||
        (reply.code === 'READONLY' && (inCluster || this.server.watched !== undefined))
      ) {
        if (!concernsSome) this.drop(way);
        deferred.push({ ...due, keys: own, leave });
      } else leave(own);
    }
  }
}

const notAttempted = () => undefined;
