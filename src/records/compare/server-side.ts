import type { WalkAccount } from '../../redis/account.ts';
import { asBytes, type ByteString } from '../../support/bytes.ts';
import { type Reply, ReplyError, replyText } from '../../redis/reply.ts';
import type { RedisCommand, RedisServer } from '../../redis/server.ts';
import { collectionOf, type KeyToRead, lengthCommand, listOf } from '../values/commands.ts';
import { fieldNames, isValueType, type Value, type ValueType } from '../values/value.ts';
import {
  type FailedReading,
  failedBy,
  PieceFault,
  readValues,
  type WholeLimits,
} from '../values/read-values.ts';
import { describeKeys, withFieldExpiries } from '../values/value-connection.ts';
import { ValueReader } from '../values/value-reader.ts';
import { areEqual, type Expiry, scoreText } from './canonical.ts';
import type { Looked, Measure, Side } from './compare-keys.ts';

const limits: WholeLimits = { stringBytes: 1024 * 1024, collectionBytes: 256 * 1024 };

/** The keys of a server. */
export class ServerSide implements Side {
  private readonly reader: ValueReader;

  /** @param now milliseconds since the epoch */
  constructor(
    server: RedisServer,
    private readonly now: () => number,
    signal?: AbortSignal,
  ) {
    this.reader = new ValueReader(server, signal);
  }

  /** Of the connections; complete once they are closed. */
  get accounts(): readonly WalkAccount[] {
    return this.reader.accounts;
  }

  describe(keys: readonly ByteString[]): Promise<(KeyToRead | null)[]> {
    return this.reader.each(keys, itself, describeKeys);
  }

  read(keys: readonly KeyToRead[]): Promise<Looked[]> {
    return this.reader.each(
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
    const answers = await this.reader.each(keys, itself, async ({ connection, account }, own) => {
      const replies = await connection.exchange(own.map((key) => ['PTTL', key] as const));
      const now = this.now();
      return replies.map((ttl) => {
        if (ttl instanceof ReplyError) return failedBy(ttl, 'PTTL', connection, account);
        return typeof ttl === 'number' && ttl >= 0 ? now + ttl : null;
      });
    });
    return answers.map((answer) => (typeof answer === 'number' ? answer : null));
  }

  async *pieces(key: ByteString, type: ValueType): AsyncGenerator<Value> {
    for await (const piece of this.reader.pieces(key, type)) yield await this.withFieldExpiries(key, piece);
  }

  /** A piece of a hash with the moments at which its fields expire here. @throws RedisError */
  async withFieldExpiries(key: ByteString, piece: Value): Promise<Value> {
    const [value = piece] = await this.reader.one(key, (values) =>
      withFieldExpiries(values, [{ key, value: piece }]),
    );
    return value;
  }

  measure(key: ByteString, type: string): Promise<Measure | FailedReading | null> {
    return this.reader.one(key, async ({ connection, account }) => {
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
    });
  }

  /** True where it has these members. @param offset members before this piece. @throws PieceFault, RedisError */
  holds(key: ByteString, piece: Value, offset: number): Promise<boolean> {
    return this.reader.one(key, async ({ connection, account }) => {
      const { commands, agrees } = probeFor(key, piece, offset);
      const replies = await connection.exchange(commands);
      const refused = replies.find((reply) => reply instanceof ReplyError);
      if (refused !== undefined)
        throw new PieceFault(failedBy(refused, String(commands[0]?.[0]), connection, account));
      return agrees(replies);
    });
  }

  /** Closes the connections. */
  close(): Promise<void> {
    return this.reader.close();
  }
}

const itself = (key: ByteString) => key;

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
