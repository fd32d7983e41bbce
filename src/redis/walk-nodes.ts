import type { ByteString } from '../support/bytes.ts';
import { KeySet } from '../support/key-set.ts';
import { merge } from '../support/merge.ts';
import { emptyAccount, type WalkAccount } from './account.ts';
import { RedisError } from './errors.ts';
import { mayReturn, Patience } from './readiness.ts';
import type { RedisNode, RedisServer } from './server.ts';
import { slotCount, slotOf } from './slots.ts';
import { pickKeys } from './key-conditions.ts';
import { walkKeys, type WalkOptions, type WalkPage } from './walk.ts';

/** A page of a walk over several nodes. */
export interface NodePage extends WalkPage {
  readonly node: RedisNode;
  readonly account: WalkAccount;
}

/** The options of the walk of a node, by its account and its index. */
type OptionsFor = (account: WalkAccount, index: number) => WalkOptions;

/** Nodes of a cluster that are walked at the same time: enough to fill a long link, and to keep us busy. */
const mostNodesAtOnce = 16;

/**
 * Walks the keys of all nodes. The walk of each node has the limits of the options.
 *
 * Of a cluster each slot is read at its owner. A slot that has another owner by the end, because it was moved or a replica
 * took over, is read there too, and each key is given once. So is a primary that Sentinels have put in the place of another:
 * a cursor means nothing there.
 *
 * @param accounts by node, filled in as the walks go. One that is there already is continued, and one that is complete is left out.
 * @throws RedisError as `walkKeys` does; with the code ERESHARD where slots move faster than they are read
 */
export async function* walkNodes(
  server: RedisServer,
  optionsFor: OptionsFor,
  accounts: WalkAccount[],
  /** Fewer for a reader who soon has enough: what is read ahead of each node is read in vain. */
  nodesAtOnce = mostNodesAtOnce,
): AsyncGenerator<NodePage> {
  const { nodes, cluster, watched } = server;
  for (const index of nodes.keys()) accounts[index] ??= emptyAccount();
  if (cluster !== undefined || watched !== undefined) {
    yield* new FollowingWalk(server, optionsFor, accounts).pages(nodesAtOnce);
    return;
  }
  for (const [index, node] of nodes.entries()) {
    const account = accounts[index] as WalkAccount;
    if (account.complete) continue;
    const options = optionsFor(account, index);
    const pages = walkKeys(node, { ...options, from: account.cursor }, account);
    for await (const page of pages) yield { ...page, node, account };
    if (hasStopped(account, options.signal)) return;
  }
}

const hasStopped = ({ complete }: WalkAccount, signal: AbortSignal | undefined) =>
  !complete || signal?.aborted === true;

/** A walk that follows slots to the nodes that own them. Behind Sentinels, one node owns them all. */
class FollowingWalk {
  /** Where each slot was read whole. */
  private readonly readAt: (RedisNode | undefined)[];
  /** The index of the node that owned it at first. */
  private readonly firstOwner: readonly number[];
  private readonly seen = new KeySet();
  /** An earlier process has read a part, and which keys is not known. */
  private readonly isResumed: boolean;
  private readonly nodes: readonly RedisNode[];
  private readonly patience: Patience;
  private readonly signal: AbortSignal | undefined;

  constructor(
    private readonly server: RedisServer,
    private readonly optionsFor: OptionsFor,
    private readonly accounts: readonly WalkAccount[],
  ) {
    const { nodes } = server;
    this.nodes = nodes;
    this.signal = optionsFor(accounts[0] ?? emptyAccount(), 0).signal;
    this.patience = new Patience(nodes[0].retryMillis, this.signal);
    const { owners } = this;
    this.firstOwner = owners.map((owner) => Math.max(0, nodes.indexOf(owner)));
    this.readAt = owners.map((owner, slot) => (this.accountOf(slot).complete ? owner : undefined));
    this.isResumed = accounts.some(({ complete, cursor }) => complete || cursor !== '0');
  }

  private get owners(): readonly RedisNode[] {
    const { cluster, nodes } = this.server;
    return cluster?.owners ?? new Array<RedisNode>(slotCount).fill(nodes[0]);
  }

  async *pages(nodesAtOnce: number): AsyncGenerator<NodePage> {
    // What is read again goes to the account of the node that had it, and one account is for one walk at a time.
    let atOnce = nodesAtOnce;
    for (let due = this.slotsDue(); due.size > 0; due = this.slotsDue()) {
      const reads = [...due].map(([node, slots]) => this.read(node, slots));
      // What has come and is not taken yet is not behind a walk that is resumed.
      const taken = ({ account, cursor }: NodePage) => void (account.cursor = cursor);
      const ends = yield* merge(reads, atOnce, taken);
      if (ends.includes('stopped')) return;
      await this.follow();
      atOnce = 1;
    }
  }

  private isInterrupted(): boolean {
    return this.signal?.aborted === true;
  }

  private accountOf(slot: number): WalkAccount {
    return this.accounts[this.firstOwner[slot] ?? 0] as WalkAccount;
  }

  /** The slots that were not yet read at their owner, by owner. */
  private slotsDue(): Map<RedisNode, Set<number>> {
    const due = new Map<RedisNode, Set<number>>();
    for (const [slot, owner] of this.owners.entries()) {
      if (this.readAt[slot] === owner) continue;
      const slots = due.get(owner);
      if (slots) slots.add(slot);
      else due.set(owner, new Set([slot]));
    }
    return due;
  }

  /** Reads the slots of a node. One that is new to the cluster has the account of the node that owned its first slot before. */
  private async *read(
    node: RedisNode,
    slots: ReadonlySet<number>,
  ): AsyncGenerator<NodePage, 'read' | 'lost' | 'stopped'> {
    if (this.isInterrupted()) return 'stopped';
    const [slot = 0] = slots;
    const account = this.accounts[this.nodes.indexOf(node)] ?? this.accountOf(slot);
    account.complete = false;
    const options = this.optionsFor(account, this.accounts.indexOf(account));
    const { accepts = () => true } = options;
    const isAll = slots.size === slotCount;
    const isDue = (key: ByteString) =>
      (isAll || slots.has(slotOf(key))) && !this.seen.has(key) && accepts(key);
    const isReplaced = async () => {
      await this.server.refresh().catch(ignored);
      return this.owners[slot] !== node;
    };
    let from = account.cursor;
    try {
      for await (const page of walkKeys(node, { ...options, accepts: isDue, from, isReplaced }, account)) {
        const fresh = pickKeys(page, (_, key) => this.seen.add(key));
        this.patience.renew();
        if (fresh.keys.length === 0) continue;
        account.cursor = from;
        yield { ...fresh, node, account };
        from = account.cursor;
      }
    } catch (error) {
      if (this.isInterrupted() && error instanceof RedisError) return 'stopped';
      const mayFollow = mayReturn(error) && !this.isResumed && !this.seen.isOverfull;
      if (!mayFollow || this.patience.isOver) throw error;
      // What answers in its place, or after a restart, has other cursors.
      account.cursor = '0';
      return 'lost';
    }
    if (hasStopped(account, this.signal)) return 'stopped';
    for (const each of slots) this.readAt[each] = node;
    // With MATCH a walk may take longer than the patience without a page.
    this.patience.renew();
    return 'read';
  }

  /** Asks which nodes own the slots now, until none is on its way, or the walk is interrupted. @throws RedisError */
  private async follow(): Promise<void> {
    const { server, patience } = this;
    for (;;) {
      try {
        // What was read whole of a server without slots was read.
        if (server.cluster === undefined && this.slotsDue().size === 0) return;
        await server.refresh();
        if (!((await server.cluster?.isMovingSlots()) ?? false)) break;
      } catch (error) {
        if (this.isInterrupted()) return;
        if (!(error instanceof RedisError) || patience.isOver) throw error;
      }
      if (await patience.pause()) continue;
      if (this.isInterrupted()) return;
      throw this.unsettled();
    }
    if (this.slotsDue().size > 0 && (this.seen.isOverfull || this.isResumed)) throw this.unsettled();
  }

  private unsettled(): RedisError {
    for (const account of this.accounts) account.complete = false;
    return new RedisError(
      'lost',
      'ERESHARD',
      'slots of the cluster moved to other nodes while their keys were read: some keys may be missing',
      'run it again once the cluster is at rest; `redis-cli --cluster check` shows open slots',
    );
  }
}

const ignored = () => undefined;
