import { concernsSomeKeys, isRedirection, RedisError, refusal } from '../redis/errors.ts';
import type { ByteString } from '../support/bytes.ts';
import type { Connection } from '../redis/connection.ts';
import { type Pace, type PaceLimits, startPacing } from '../redis/pace.ts';
import type { Progress } from '../support/progress.ts';
import { type Reply, ReplyError } from '../redis/reply.ts';
import type { RedisCluster, RedisCommand, RedisNode, RedisServer } from '../redis/server.ts';

/** What became of some keys: `changed + unchanged + failed + notAttempted` is always their number. */
export interface ChangeTally {
  readonly changed: number;
  /** Gone, or no longer in need of the change. */
  readonly unchanged: number;
  /** Refused by the server, or without an answer. */
  readonly failed: number;
  readonly notAttempted: number;
  /** Most keys first. */
  readonly problems: readonly ChangeProblem[];
  /** Why the work ended before its end; null where it did not, or where it was interrupted. */
  readonly stoppedBy: Error | null;
}

/** Keys that failed for one and the same reason. */
export interface ChangeProblem {
  readonly reason: string;
  readonly keys: number;
  readonly example: ByteString;
}

/** One way of changing keys. */
export interface KeyChange {
  /** As it reads in `removed or not, nobody knows`. */
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
  exchange(commands: readonly RedisCommand[]): Promise<Reply[]>;
}

/** What became of a batch: every key is changed, unchanged or refused. */
export interface BatchOutcome {
  readonly changed: number;
  readonly unchanged: number;
  readonly refused: readonly Refusal[];
  /** Why no further batch may follow, although this one was changed. */
  readonly stop?: Error;
}

export interface Refusal {
  readonly keys: readonly ByteString[];
  /** In backticks, for messages. */
  readonly command: string;
  readonly reply: ReplyError;
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
const batchesInFlight = 2;

/**
 * Changes keys in small batches, node by node. Failures are told in the tally. On a cluster the keys that have moved to
 * another node since the topology was read are sent there, once.
 */
export async function changeKeys(
  server: RedisServer,
  keys: readonly ByteString[],
  change: KeyChange,
  options: ChangeOptions,
  doneBefore = 0,
): Promise<ChangeTally> {
  const count = new Count(change, (done) => options.progress.update(doneBefore + done));
  const moved: MovedKey[] = [];
  const inCluster = server.cluster !== undefined;
  for (const [node, own] of keysByNode(server, keys)) {
    const redirect = (key: ByteString, reply: ReplyError) => void moved.push({ key, reply, node });
    await changeOn(node, own, { ...options, change, count, inCluster, ...(inCluster && { redirect }) });
  }
  if (server.cluster !== undefined && moved.length > 0)
    await followMoved(server.cluster, moved, { ...options, change, count, inCluster });
  return {
    changed: count.changed,
    unchanged: count.unchanged,
    failed: count.failed,
    notAttempted: keys.length - count.done,
    problems: count.problems.list(),
    stoppedBy: count.stoppedBy,
  };
}

function keysByNode(server: RedisServer, keys: readonly ByteString[]): Map<RedisNode, readonly ByteString[]> {
  if (keys.length === 0) return new Map();
  if (server.cluster === undefined) return new Map([[server.nodes[0], keys]]);
  const byNode = new Map<RedisNode, ByteString[]>();
  for (const key of keys) addTo(byNode, server.nodeFor(key), key);
  return byNode;
}

/** What the work on one node has in common with that on the others. */
interface NodeWork extends ChangeOptions {
  readonly change: KeyChange;
  readonly count: Count;
  readonly inCluster: boolean;
  /** The node is taking over the slots of the keys, and serves them only to those who say that they were sent. */
  readonly asking?: boolean;
  /** Takes a key that another node holds; absent: such a key has failed. */
  readonly redirect?: (key: ByteString, reply: ReplyError) => void;
}

async function changeOn(node: RedisNode, keys: readonly ByteString[], work: NodeWork): Promise<void> {
  const { count, signal, limits = {} } = work;
  if (count.stoppedBy !== null || signal.aborted) return;
  try {
    const connection = await node.openConnection();
    try {
      const { pace, end } = await startPacing(node, limits, signal);
      await new NodeBatches(connection, keys, work, pace).run().finally(end);
    } finally {
      connection.close();
    }
  } catch (error) {
    if (!(error instanceof RedisError)) throw error;
    count.stoppedBy = error;
  }
}

/** A key that a node does not hold any more, with its answer: MOVED or ASK, and where to. */
interface MovedKey {
  readonly key: ByteString;
  readonly reply: ReplyError;
  readonly node: RedisNode;
}

/** Sends the keys to the nodes that were named, after the topology was read again. */
async function followMoved(cluster: RedisCluster, moved: readonly MovedKey[], work: NodeWork): Promise<void> {
  const { count, signal } = work;
  if (count.stoppedBy !== null || signal.aborted) return;
  try {
    await cluster.refresh();
  } catch (error) {
    if (!(error instanceof RedisError)) throw error;
    // The answers name the nodes as well.
  }
  const settled = new Map<RedisNode, ByteString[]>();
  const importing = new Map<RedisNode, ByteString[]>();
  for (const { key, reply, node } of moved) {
    const named = cluster.nodeNamed(reply, node);
    if (named === null) count.fail([key], reply.code, reply.message);
    else addTo(reply.code === 'ASK' ? importing : settled, named, key);
  }
  for (const [node, keys] of settled) await changeOn(node, keys, work);
  for (const [node, keys] of importing) await changeOn(node, keys, { ...work, asking: true });
}

function addTo(byNode: Map<RedisNode, ByteString[]>, node: RedisNode, key: ByteString): void {
  const keys = byNode.get(node);
  if (keys) keys.push(key);
  else byNode.set(node, [key]);
}

/** Keys that failed, by the reason. */
export class Problems {
  private readonly reasons = new Map<string, { reason: string; keys: number; example: ByteString }>();

  /** @param code Problems with the same code are one: its reason is that of the first. */
  add(keys: readonly ByteString[], reason: string, code = reason): void {
    const [example] = keys;
    if (example === undefined) return;
    const known = this.reasons.get(code);
    if (known) known.keys += keys.length;
    else this.reasons.set(code, { reason, keys: keys.length, example });
  }

  /** Most keys first. */
  list(): ChangeProblem[] {
    return [...this.reasons.values()].sort((left, right) => right.keys - left.keys);
  }
}

/** What was counted so far, over all nodes. */
class Count {
  changed = 0;
  unchanged = 0;
  failed = 0;
  stoppedBy: Error | null = null;
  readonly problems = new Problems();

  constructor(
    private readonly change: KeyChange,
    private readonly onDone: (keys: number) => void,
  ) {}

  get done(): number {
    return this.changed + this.unchanged + this.failed;
  }

  add(changed: number, unchanged: number): void {
    this.changed += changed;
    this.unchanged += unchanged;
    this.onDone(this.done);
  }

  /** @param code Failures with the same code are one problem, told in the words of the first. */
  fail(keys: readonly ByteString[], code: string, reason: string): void {
    this.failed += keys.length;
    this.problems.add(keys, reason, code);
    this.onDone(this.done);
  }

  failWithoutAnswer(keys: readonly ByteString[], { code, message }: RedisError): void {
    this.fail(keys, code, `no answer (${message}): whether it was ${this.change.done} is unknown`);
  }
}

/** The part of the work that goes to one node. */
class NodeBatches {
  private next = 0;
  private readonly line: BatchLine;

  constructor(
    private readonly connection: Connection,
    private readonly keys: readonly ByteString[],
    private readonly work: NodeWork,
    private readonly pace: Pace | undefined,
  ) {
    const asking = work.asking === true;
    this.line = {
      inCluster: work.inCluster,
      exchange: async (commands) => {
        if (!asking) return connection.exchange(commands);
        const replies = await connection.exchange(commands.flatMap((command) => [['ASKING'], command]));
        return replies.filter((_, index) => index % 2 === 1);
      },
    };
  }

  async run(): Promise<void> {
    await Promise.all(Array.from({ length: batchesInFlight }, () => this.changeBatches()));
  }

  private async changeBatches(): Promise<void> {
    const { count, signal, change } = this.work;
    const ended = () => count.stoppedBy !== null || signal.aborted;
    while (!ended()) {
      const batch = this.takeBatch();
      if (batch.length === 0) return;
      await this.pace?.turn(batch.length);
      if (ended()) return;
      try {
        const { changed, unchanged, refused, stop } = await change.change(this.line, batch);
        if (stop) count.stoppedBy ??= stop;
        count.add(changed, unchanged);
        for (const each of refused) this.refuse(each);
      } catch (error) {
        if (!(error instanceof RedisError)) throw error;
        count.stoppedBy ??= error;
        count.failWithoutAnswer(batch, error);
      }
    }
  }

  private takeBatch(): readonly ByteString[] {
    const most = Math.min(this.work.change.mostKeysInBatch, this.pace?.pageSize ?? Number.POSITIVE_INFINITY);
    const start = this.next;
    let bytes = 0;
    while (this.next < this.keys.length && this.next - start < most) {
      bytes += this.keys[this.next]?.length ?? 0;
      if (bytes > mostBytesInBatch && this.next > start) break;
      this.next++;
    }
    return this.keys.slice(start, this.next);
  }

  private refuse({ keys, command, reply }: Refusal): void {
    const { count, redirect } = this.work;
    if (redirect && isRedirection(reply)) {
      for (const key of keys) redirect(key, reply);
      return;
    }
    // The next batch would be refused for the same reason.
    if (!concernsSomeKeys(reply)) count.stoppedBy ??= refusal(reply, command, this.connection.address);
    count.fail(keys, reply.code, reply.message);
  }
}

/** An answer that is not of the kind that was asked for, as an error reply. */
const asRefusal = (reply: unknown): ReplyError =>
  reply instanceof ReplyError ? reply : new ReplyError('ERR an answer that is no number');

/** @param command in backticks, for messages */
export const refusedKey = (key: ByteString, command: string, reply: unknown): Refusal => ({
  keys: [key],
  command,
  reply: asRefusal(reply),
});

/** What the replies to one command for each key come to: 0 where there was nothing to change, else another number. */
export function outcomeOf(
  keys: readonly ByteString[],
  replies: readonly Reply[],
  command: string,
  isChanged: (reply: number) => boolean = (reply) => reply !== 0,
): BatchOutcome {
  let [changed, unchanged] = [0, 0];
  const refused: Refusal[] = [];
  keys.forEach((key, index) => {
    const reply = replies[index];
    if (typeof reply !== 'number') refused.push(refusedKey(key, command, reply));
    else if (isChanged(reply)) changed++;
    else unchanged++;
  });
  return { changed, unchanged, refused };
}

/** The server works on one UNLINK without looking at anything else. */
const mostKeysInUnlink = 500;

/** UNLINK, with many keys in one command where the server takes them. */
export function unlinking(): KeyChange {
  let singly = false;
  return {
    done: 'removed',
    mostKeysInBatch: mostKeysInUnlink,
    async change(line, keys) {
      if (singly || line.inCluster) return unlinkSingly(line, keys);
      const [reply] = await line.exchange([['UNLINK', ...keys]]);
      if (typeof reply === 'number') return { changed: reply, unchanged: keys.length - reply, refused: [] };
      if (!(reply instanceof ReplyError) || !concernsSomeKeys(reply))
        return {
          changed: 0,
          unchanged: 0,
          refused: [{ keys, command: '`UNLINK`', reply: asRefusal(reply) }],
        };
      // A user who lacks one key of a batch lacks it in that batch only; slots differ in every batch.
      if (reply.code !== 'NOPERM') singly = true;
      return unlinkSingly(line, keys);
    },
  };
}

async function unlinkSingly(line: BatchLine, keys: readonly ByteString[]): Promise<BatchOutcome> {
  return outcomeOf(keys, await line.exchange(keys.map((key) => ['UNLINK', key] as const)), '`UNLINK`');
}
