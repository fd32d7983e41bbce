import type { WalkAccount } from '../../redis/account.ts';
import { isRedirection, mayPass, RedisError } from '../../redis/errors.ts';
import { mayReturn, Patience } from '../../redis/readiness.ts';
import type { RedisNode, RedisServer } from '../../redis/server.ts';
import type { ByteString } from '../../support/bytes.ts';
import { groupBy } from '../../support/collections.ts';
import { type FailedReading, PieceFault, readPieces } from './read-values.ts';
import { openValueConnection, type ValueConnection } from './value-connection.ts';
import { lengthOf, sliceOf, type Value, type ValueType } from './value.ts';

/**
 * Reads keys of a server, each at the node that has it by then, on connections that are opened when they are first needed. What
 * is lost with a connection, is on its way to another node, or meets a server that is not ready is asked for again for as long
 * as --retry-for says.
 */
export class ValueReader {
  /** Of the connections; complete once they are closed. */
  readonly accounts: WalkAccount[] = [];
  /** False where a server takes our reading for a use of the key. */
  leavesIdleTimes = true;
  /** Complete once the connections are closed. */
  fieldTtlsRefused: string | null = null;
  private readonly opened = new Map<RedisNode, Promise<ValueConnection>>();

  /** @param signal ends the waiting */
  constructor(
    private readonly server: RedisServer,
    private readonly signal?: AbortSignal,
  ) {}

  /**
   * Asks each node about its own items, and gives the answers in the order of the items. `ask` may be called again for an item.
   * @throws RedisError
   */
  async each<Item, Answer>(
    items: readonly Item[],
    keyOf: (item: Item) => ByteString,
    ask: (values: ValueConnection, own: readonly Item[]) => Promise<Answer[]>,
  ): Promise<Answer[]> {
    const answers = new Array<Answer>(items.length);
    const trail = this.startTrail();
    for (let due = [...items.keys()]; ;) {
      const left: number[] = [];
      let failure: unknown = stillMoving();
      const groups = groupBy(due, (index) => this.server.nodeFor(keyOf(items[index] as Item)));
      const askAt = async ([node, indexes]: readonly [RedisNode, number[]]) => {
        const own = indexes.map((index) => items[index] as Item);
        try {
          const found = await this.use(node, (values) => ask(values, own));
          for (const [at, index] of indexes.entries()) {
            const answer = found[at] as Answer;
            if (this.server.cluster !== undefined && hasMoved(answer)) left.push(index);
            else answers[index] = answer;
          }
        } catch (error) {
          if (!this.mayFollow(error)) throw error;
          failure = error;
          left.push(...indexes);
        }
      };
      await Promise.all([...groups].map(askAt));
      if (left.length === 0) return answers;
      if (left.length < due.length) trail.patience.renew();
      await this.follow(failure, trail);
      due = left;
    }
  }

  /** The same for one key. @throws PieceFault, RedisError */
  async one<Answer>(key: ByteString, ask: (values: ValueConnection) => Promise<Answer>): Promise<Answer> {
    const itself = (each: ByteString) => each;
    const [answer] = await this.each([key], itself, async (values) => [await ask(values)]);
    return answer as Answer;
  }

  /**
   * A long value in pieces, as `readPieces` gives them. What is read of another server begins at its start, for a cursor means
   * nothing there: members without an order may come again. @throws PieceFault, RedisError
   */
  async *pieces(key: ByteString, type: ValueType): AsyncGenerator<Value> {
    const inOrder = type === 'string' || type === 'list' || type === 'stream';
    const trail = this.startTrail();
    for (let given = 0; ;) {
      const node = this.server.nodeFor(key);
      const opening = this.connectionTo(node);
      let read = 0;
      try {
        for await (const piece of readPieces(await opening, key, type)) {
          const length = lengthOf(piece);
          const fresh = inOrder ? sliceOf(piece, Math.max(0, given - read), length) : piece;
          read += length;
          if (inOrder && read <= given) continue;
          given = read;
          trail.patience.renew();
          yield fresh;
        }
        return;
      } catch (error) {
        if (mayReturn(error)) this.drop(node, opening);
        if (!this.mayFollow(error)) throw error;
        await this.follow(error, trail);
      }
    }
  }

  /** Closes the connections. */
  async close(): Promise<void> {
    for (const [node, opening] of this.opened) this.drop(node, opening);
    await Promise.allSettled(this.dropped);
  }

  private readonly dropped: Promise<void>[] = [];

  private async use<T>(node: RedisNode, use: (values: ValueConnection) => Promise<T>): Promise<T> {
    const opening = this.connectionTo(node);
    try {
      return await use(await opening);
    } catch (error) {
      if (mayReturn(error)) this.drop(node, opening);
      throw error;
    }
  }

  private connectionTo(node: RedisNode): Promise<ValueConnection> {
    let opening = this.opened.get(node);
    if (opening === undefined) {
      opening = openValueConnection(node).then((values) => {
        this.accounts.push(values.account);
        this.leavesIdleTimes &&= values.leavesIdleTimes;
        return values;
      });
      opening.catch(() => undefined);
      this.opened.set(node, opening);
    }
    return opening;
  }

  private drop(node: RedisNode, opening: Promise<ValueConnection>): void {
    if (this.opened.get(node) !== opening) return;
    this.opened.delete(node);
    const close = (values: ValueConnection) => {
      this.fieldTtlsRefused ??= values.fieldTtlsRefused;
      values.close();
    };
    // What failed to open has nothing to close.
    this.dropped.push(opening.then(close, () => undefined));
  }

  private startTrail(): Trail {
    return { patience: new Patience(this.server.nodes[0].retryMillis, this.signal), isFirst: true };
  }

  private mayFollow(error: unknown): boolean {
    if (mayReturn(error)) return true;
    return isMove(error) ? this.server.cluster !== undefined : error instanceof RedisError && mayPass(error);
  }

  /** Waits, and asks who has the keys now. @throws where that is of no use any more */
  private async follow(error: unknown, trail: Trail): Promise<void> {
    // What has moved may be there already.
    const isThere = isMove(error) && trail.isFirst && this.signal?.aborted !== true;
    trail.isFirst = false;
    if (!isThere && !(await trail.patience.pause())) throw isMove(error) ? stillMoving() : error;
    await this.server.refresh().catch(() => undefined);
  }
}

/** How what is read is followed to other nodes. */
interface Trail {
  readonly patience: Patience;
  isFirst: boolean;
}

const hasMoved = (answer: unknown): boolean => {
  const { refused } = (answer ?? {}) as Partial<FailedReading>;
  return refused !== undefined && isRedirection(refused.reply);
};

const isMove = (error: unknown): boolean =>
  error instanceof PieceFault
    ? hasMoved(error.failed)
    : error instanceof RedisError && (isRedirection(error) || error.code === movingCode);

const movingCode = 'ERESHARD';
const stillMoving = () =>
  new RedisError(
    'lost',
    movingCode,
    'keys that are on their way to another node of the cluster could not be read',
    'run it again once the cluster is at rest; `redis-cli --cluster check` shows open slots',
  );
