import type { Progress } from '../progress.ts';
import type { ByteString } from '../redis/bytes.ts';
import { RedisError, refusal } from '../redis/errors.ts';
import type { Lane } from '../redis/lane.ts';
import { type Reply, ReplyError } from '../redis/reply.ts';
import type { RedisCluster, RedisNode, RedisServer } from '../redis/server.ts';
import { isAboutOneKey } from '../redis/columns.ts';

/** What became of the keys of a plan: `removed + gone + failed + notAttempted` is always their number. */
export interface Removal {
  readonly removed: number;
  /** Vanished between the plan and the removal. */
  readonly gone: number;
  /** Refused by the server, or without an answer. */
  readonly failed: number;
  readonly notAttempted: number;
  readonly problems: readonly RemovalProblem[];
  /** Why the work ended before its end; null where it did not, or where it was interrupted. */
  readonly stoppedBy: RedisError | null;
  readonly durationSeconds: number;
}

/** Keys that failed for one and the same reason. */
export interface RemovalProblem {
  readonly reason: string;
  readonly keys: number;
  readonly example: ByteString;
}

interface RemovalOptions {
  /** Once aborted, the batches on their way are finished, and no more are sent. */
  readonly signal: AbortSignal;
  readonly progress: Progress;
  readonly now: () => number;
}

/** Limits of one UNLINK: the server works on it without looking at anything else. */
const mostKeysInBatch = 500;
const mostBytesInBatch = 1_048_576;
const batchesInFlight = 2;

/**
 * Removes the keys with UNLINK, which frees their memory in the background. Failures are told in the result. On a cluster
 * the keys that have moved to another node since the topology was read are sent there, once.
 */
export async function removeKeys(
  server: RedisServer,
  keys: readonly ByteString[],
  options: RemovalOptions,
): Promise<Removal> {
  const startedAt = options.now();
  const count = new Count(options.progress);
  options.progress.start('removing', 'keys', keys.length);
  const moved: MovedKey[] = [];
  for (const [node, own] of keysByNode(server, keys)) {
    const inCluster = server.cluster !== undefined;
    const redirect = (key: ByteString, reply: ReplyError) => void moved.push({ key, reply, node });
    await removeFrom(node, own, { count, signal: options.signal, inCluster, ...(inCluster && { redirect }) });
  }
  if (server.cluster !== undefined && moved.length > 0)
    await followMoved(server.cluster, moved, count, options.signal);
  options.progress.stop();
  return {
    removed: count.removed,
    gone: count.gone,
    failed: count.failed,
    notAttempted: keys.length - count.done,
    problems: count.problems(),
    stoppedBy: count.stoppedBy,
    durationSeconds: (options.now() - startedAt) / 1000,
  };
}

function keysByNode(server: RedisServer, keys: readonly ByteString[]): Map<RedisNode, readonly ByteString[]> {
  if (server.cluster === undefined) return new Map([[server.nodes[0], keys]]);
  const byNode = new Map<RedisNode, ByteString[]>();
  for (const key of keys) addTo(byNode, server.nodeFor(key), key);
  return byNode;
}

/** What the work on one node has in common with that on the others. */
interface NodeWork {
  readonly count: Count;
  readonly signal: AbortSignal;
  /** One key per command: in a cluster the keys of one UNLINK must share a slot. */
  readonly inCluster: boolean;
  /** The node is taking over the slots of the keys, and serves them only to those who say that they were sent. */
  readonly asking?: boolean;
  /** Takes a key that another node holds; absent: such a key has failed. */
  readonly redirect?: (key: ByteString, reply: ReplyError) => void;
}

async function removeFrom(node: RedisNode, keys: readonly ByteString[], work: NodeWork): Promise<void> {
  const { count, signal } = work;
  if (count.stoppedBy !== null || signal.aborted) return;
  try {
    const lane = await node.openLane();
    await new NodeRemoval(lane, keys, work).run().finally(() => lane.close());
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
async function followMoved(
  cluster: RedisCluster,
  moved: readonly MovedKey[],
  count: Count,
  signal: AbortSignal,
): Promise<void> {
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
  const work = { count, signal, inCluster: true };
  for (const [node, keys] of settled) await removeFrom(node, keys, work);
  for (const [node, keys] of importing) await removeFrom(node, keys, { ...work, asking: true });
}

function addTo(byNode: Map<RedisNode, ByteString[]>, node: RedisNode, key: ByteString): void {
  const keys = byNode.get(node);
  if (keys) keys.push(key);
  else byNode.set(node, [key]);
}

/** What was counted so far, over all nodes. */
class Count {
  removed = 0;
  gone = 0;
  failed = 0;
  stoppedBy: RedisError | null = null;
  private readonly reasons = new Map<string, { reason: string; keys: number; example: ByteString }>();

  constructor(private readonly progress: Progress) {}

  get done(): number {
    return this.removed + this.gone + this.failed;
  }

  add(keys: number, removed: number): void {
    this.removed += removed;
    this.gone += keys - removed;
    this.progress.update(this.done);
  }

  /** @param code Failures with the same code are one problem, told in the words of the first. */
  fail(keys: readonly ByteString[], code: string, reason: string): void {
    const [example] = keys;
    if (example === undefined) return;
    this.failed += keys.length;
    const known = this.reasons.get(code);
    if (known) known.keys += keys.length;
    else this.reasons.set(code, { reason, keys: keys.length, example });
    this.progress.update(this.done);
  }

  problems(): RemovalProblem[] {
    return [...this.reasons.values()].sort((left, right) => right.keys - left.keys);
  }
}

/** The part of a removal that goes to one node. */
class NodeRemoval {
  private next = 0;
  private singly: boolean;
  private readonly count: Count;
  private readonly signal: AbortSignal;

  constructor(
    private readonly lane: Lane,
    private readonly keys: readonly ByteString[],
    private readonly work: NodeWork,
  ) {
    this.singly = work.inCluster;
    this.count = work.count;
    this.signal = work.signal;
  }

  async run(): Promise<void> {
    await Promise.all(Array.from({ length: batchesInFlight }, () => this.removeBatches()));
  }

  private async removeBatches(): Promise<void> {
    while (this.count.stoppedBy === null && !this.signal.aborted) {
      const batch = this.takeBatch();
      if (batch.length === 0) return;
      try {
        await this.remove(batch);
      } catch (error) {
        if (!(error instanceof RedisError)) throw error;
        this.count.stoppedBy ??= error;
        this.count.fail(batch, error.code, `no answer (${error.message}): removed or not, nobody knows`);
      }
    }
  }

  private takeBatch(): readonly ByteString[] {
    const start = this.next;
    let bytes = 0;
    while (this.next < this.keys.length && this.next - start < mostKeysInBatch) {
      bytes += this.keys[this.next]?.length ?? 0;
      if (bytes > mostBytesInBatch && this.next > start) break;
      this.next++;
    }
    return this.keys.slice(start, this.next);
  }

  private async remove(batch: readonly ByteString[]): Promise<void> {
    if (!this.singly) {
      const [reply] = await this.lane.exchange([['UNLINK', ...batch]]);
      if (typeof reply === 'number') {
        this.count.add(batch.length, reply);
        return;
      }
      if (!(reply instanceof ReplyError) || !concernsSomeKeys(reply)) {
        this.stop(batch, reply);
        return;
      }
      // A user who lacks one key of a batch lacks it in that batch only; slots differ in every batch.
      if (reply.code !== 'NOPERM') this.singly = true;
    }
    const { asking = false, redirect } = this.work;
    const replies = await this.lane.exchange(
      batch.flatMap((key) => (asking ? [['ASKING'], ['UNLINK', key]] : [['UNLINK', key]])),
    );
    batch.forEach((key, index) => {
      const reply = replies[asking ? 2 * index + 1 : index];
      if (typeof reply === 'number') this.count.add(1, reply);
      else if (redirect && reply instanceof ReplyError && redirections.has(reply.code)) redirect(key, reply);
      else if (reply instanceof ReplyError && concernsSomeKeys(reply))
        this.count.fail([key], reply.code, reply.message);
      else this.stop([key], reply);
    });
  }

  /** The next batch would be refused for the same reason. */
  private stop(keys: readonly ByteString[], reply: Reply | undefined): void {
    const error = reply instanceof ReplyError ? reply : new ReplyError('ERR an answer that is no number');
    this.count.stoppedBy ??= refusal(error, '`UNLINK`', this.lane.address);
    this.count.fail(keys, error.code, error.message);
  }
}

const redirections = new Set(['MOVED', 'ASK']);
const aboutSlots = new Set(['CROSSSLOT', 'MOVED', 'ASK', 'TRYAGAIN']);

/** True where other keys may be removed all the same. */
function concernsSomeKeys(reply: ReplyError): boolean {
  return aboutSlots.has(reply.code) || isAboutOneKey(reply);
}
