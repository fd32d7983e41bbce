import { groupBy } from '../../support/collections.ts';
import type { WalkAccount } from '../../redis/account.ts';
import { asBytes, type ByteString } from '../../support/bytes.ts';
import { type Reply, ReplyError, replyText } from '../../redis/reply.ts';
import type { RedisCommand, RedisNode, RedisServer } from '../../redis/server.ts';
import { collectionOf, type KeyToRead, lengthCommand, listOf } from '../values/commands.ts';
import { fieldNames, isValueType, type Value, type ValueType } from '../values/value.ts';
import {
  type FailedReading,
  failedBy,
  PieceFault,
  readPieces,
  readValues,
  type WholeLimits,
} from '../values/read-values.ts';
import {
  describeKeys,
  openValueConnection,
  type ValueConnection,
  withFieldExpiries,
} from '../values/value-connection.ts';
import { areEqual, type Expiry, scoreText } from './canonical.ts';
import type { Looked, Measure, Side } from './compare-keys.ts';

const limits: WholeLimits = { stringBytes: 1024 * 1024, collectionBytes: 256 * 1024 };

/** The keys of a server, on a connection to each of its nodes that is opened when it is first needed. */
export class ServerSide implements Side {
  /** Of the connections; complete once they are closed. */
  readonly accounts: WalkAccount[] = [];
  private readonly connections = new Map<RedisNode, Promise<ValueConnection>>();

  /** @param now milliseconds since the epoch */
  constructor(
    private readonly server: RedisServer,
    private readonly now: () => number,
  ) {}

  async describe(keys: readonly ByteString[]): Promise<(KeyToRead | null)[]> {
    return this.byNode(keys, (key) => key, describeKeys);
  }

  async read(keys: readonly KeyToRead[]): Promise<Looked[]> {
    return this.byNode(
      keys,
      ({ key }) => key,
      async (values, own) => {
        const readings = await readValues(values, own, limits, this.now);
        return readings.map((reading): Looked => {
          if (reading.kind !== 'value') return reading;
          const { ttlMillis, readAtMillis } = reading;
          return { ...reading, expiresAtMillis: ttlMillis === null ? null : readAtMillis + ttlMillis };
        });
      },
    );
  }

  async deadlinesOf(keys: readonly ByteString[]): Promise<Expiry[]> {
    return this.byNode(
      keys,
      (key) => key,
      async ({ connection }, own) => {
        const replies = await connection.exchange(own.map((key) => ['PTTL', key] as const));
        const now = this.now();
        return replies.map((ttl) => (typeof ttl === 'number' && ttl >= 0 ? now + ttl : null));
      },
    );
  }

  async *pieces(key: ByteString, type: ValueType): AsyncGenerator<Value> {
    for await (const piece of readPieces(await this.connectionFor(key), key, type))
      yield await this.withFieldExpiries(key, piece);
  }

  /** A piece of a hash with the moments at which its fields expire here. @throws RedisError */
  async withFieldExpiries(key: ByteString, piece: Value): Promise<Value> {
    const [value = piece] = await withFieldExpiries(await this.connectionFor(key), [{ key, value: piece }]);
    return value;
  }

  async measure(key: ByteString, type: string): Promise<Measure | FailedReading | null> {
    const { connection, account } = await this.connectionFor(key);
    const commands = [['PTTL', key], ...(isValueType(type) ? [lengthCommand(type, key)] : [])] as const;
    const replies = await connection.exchange(commands);
    const refused = replies.findIndex((reply) => reply instanceof ReplyError);
    if (refused >= 0)
      return failedBy(replies[refused] as ReplyError, String(commands[refused]?.[0]), connection, account);
    const [ttl, length = null] = replies;
    if (typeof ttl !== 'number' || ttl === -2) return null;
    return {
      kind: 'measure',
      length: typeof length === 'number' ? length : null,
      expiresAtMillis: ttl < 0 ? null : this.now() + ttl,
    };
  }

  /** True where it has these members. @param offset members before this piece. @throws PieceFault, RedisError */
  async holds(key: ByteString, piece: Value, offset: number): Promise<boolean> {
    const { connection, account } = await this.connectionFor(key);
    const { commands, agrees } = probeFor(key, piece, offset);
    const replies = await connection.exchange(commands);
    const refused = replies.find((reply) => reply instanceof ReplyError);
    if (refused !== undefined)
      throw new PieceFault(failedBy(refused, String(commands[0]?.[0]), connection, account));
    return agrees(replies);
  }

  /** Closes the connections. */
  async close(): Promise<void> {
    const connections = await Promise.allSettled(this.connections.values());
    for (const connection of connections) if (connection.status === 'fulfilled') connection.value.close();
  }

  private connectionFor(key: ByteString): Promise<ValueConnection> {
    return this.connectionTo(this.server.nodeFor(key));
  }

  private connectionTo(node: RedisNode): Promise<ValueConnection> {
    let connection = this.connections.get(node);
    if (connection === undefined) {
      connection = openValueConnection(node).then((opened) => {
        this.accounts.push(opened.account);
        return opened;
      });
      connection.catch(() => undefined);
      this.connections.set(node, connection);
    }
    return connection;
  }

  /** Asks each node about its own items, and gives the answers in the order of the items. */
  private async byNode<Item, Answer>(
    items: readonly Item[],
    keyOf: (item: Item) => ByteString,
    ask: (connection: ValueConnection, own: readonly Item[]) => Promise<Answer[]>,
  ): Promise<Answer[]> {
    const groups = groupBy(items.keys(), (index) => this.server.nodeFor(keyOf(items[index] as Item)));
    const answers = new Array<Answer>(items.length);
    await Promise.all(
      [...groups].map(async ([node, indexes]) => {
        const own = await ask(
          await this.connectionTo(node),
          indexes.map((index) => items[index] as Item),
        );
        indexes.forEach((index, at) => (answers[index] = own[at] as Answer));
      }),
    );
    return answers;
  }
}

/** How a server is asked whether it holds the piece. @param offset members before it */
function probeFor(
  key: ByteString,
  piece: Value,
  offset: number,
): { readonly commands: readonly RedisCommand[]; readonly agrees: (replies: readonly Reply[]) => boolean } {
  switch (piece.type) {
    case 'string':
      return {
        commands: [['GETRANGE', key, offset, offset + piece.bytes.length - 1]],
        agrees: ([reply]) => reply === piece.bytes,
      };
    case 'list':
      return {
        commands: [['LRANGE', key, offset, offset + piece.elements.length - 1]],
        agrees: ([reply]) => areEqual(piece, collectionOf('list', listOf(reply))),
      };
    case 'stream': {
      const first = piece.entries[0]?.id ?? asBytes('-');
      return {
        commands: [['XRANGE', key, first, piece.entries.at(-1)?.id ?? asBytes('+')]],
        agrees: ([reply]) => areEqual(piece, collectionOf('stream', listOf(reply))),
      };
    }
    case 'hash': {
      const values = piece.elements.filter((_, index) => index % 2 === 1);
      return {
        commands: [['HMGET', key, ...fieldNames(piece.elements)]],
        agrees: ([reply]) => listOf(reply).every((each, index) => each === values[index]),
      };
    }
    case 'set':
      return {
        commands: piece.elements.map((member) => ['SISMEMBER', key, member]),
        agrees: (replies) => replies.every((each) => each === 1),
      };
    case 'zset': {
      const scores = fieldNames(piece.elements);
      const members = piece.elements.filter((_, index) => index % 2 === 1);
      return {
        commands: members.map((member) => ['ZSCORE', key, member]),
        agrees: (replies) =>
          replies.every(
            (each, index) => each !== null && scoreText(replyText(each)) === scoreText(scores[index] ?? ''),
          ),
      };
    }
  }
}
