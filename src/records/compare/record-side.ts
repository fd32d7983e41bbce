import type { ByteString } from '../../support/bytes.ts';
import type { KeyToRead } from '../values/commands.ts';
import type { Value, ValueType } from '../values/value.ts';
import { distinctLengthOf, type Expiry } from './canonical.ts';
import type { FileRecord } from './file-records.ts';
import { piecesOf } from './pieces.ts';

/** Some records of a file, to be compared with a server. */
export class RecordSide implements Side {
  private readonly records: ReadonlyMap<ByteString, FileRecord>;

  constructor(records: readonly FileRecord[]) {
    this.records = new Map(records.map((record) => [record.key, record]));
  }

  describe(keys: readonly ByteString[]): Promise<(KeyToRead | null)[]> {
    return Promise.resolve(
      keys.map((key) => {
        const record = this.records.get(key);
        return record === undefined ? null : { key, type: record.type, memoryBytes: record.valueBytes };
      }),
    );
  }

  read(keys: readonly KeyToRead[]): Promise<Looked[]> {
    return Promise.resolve(
      keys.map(({ key }): Looked => {
        const record = this.records.get(key);
        if (record === undefined) return { kind: 'gone' };
        const { value, type, expiresAtMillis } = record;
        if (value === null)
          return { kind: 'failed', reason: `a value of type \`${type}\` cannot be compared` };
        return { kind: 'value', value, expiresAtMillis };
      }),
    );
  }

  deadlinesOf(keys: readonly ByteString[]): Promise<Expiry[]> {
    return Promise.resolve(keys.map((key) => this.records.get(key)?.expiresAtMillis));
  }

  async *pieces(key: ByteString): AsyncGenerator<Value> {
    await Promise.resolve();
    const value = this.records.get(key)?.value;
    if (value !== null && value !== undefined) yield* piecesOf(value);
  }

  measure(key: ByteString): Promise<Measure | null> {
    const record = this.records.get(key);
    if (record?.value === null || record === undefined) return Promise.resolve(null);
    const { value, expiresAtMillis } = record;
    return Promise.resolve({ length: distinctLengthOf(value), expiresAtMillis });
  }
}

/** What one side holds under a key. */
export type Looked =
  | {
      readonly kind: 'value';
      readonly value: Value;
      /** Milliseconds since the epoch; null without TTL; undefined where nobody knows. */
      readonly expiresAtMillis: number | null | undefined;
    }
  /** Too long to be read at once. */
  | { readonly kind: 'long'; readonly type: ValueType }
  | { readonly kind: 'gone' }
  | { readonly kind: 'failed'; readonly reason: string };

/** Keys to be asked for by name: those of a server, or the records of a part of a file. */
export interface Side {
  /** Null in place of a key: there is none. @throws RedisError */
  describe(keys: readonly ByteString[]): Promise<(KeyToRead | null)[]>;
  /** @throws RedisError */
  read(keys: readonly KeyToRead[]): Promise<Looked[]>;
  /** A long value with its members in pieces; its TTL as `read` would give it. @throws PieceFault, RedisError */
  pieces(key: ByteString, type: ValueType): AsyncIterable<Value>;
  /** Members (of a string: bytes) and TTL of a long value; null where it is gone. @throws RedisError */
  measure(key: ByteString, type: ValueType): Promise<Measure | null>;
  /** When the keys expire, without their values. Null or undefined: never, gone, or not known. @throws RedisError */
  deadlinesOf(keys: readonly ByteString[]): Promise<Expiry[]>;
}

export interface Measure {
  readonly length: number;
  readonly expiresAtMillis: number | null | undefined;
}

/** A side that can tell whether it holds members that another side has. */
export interface ProbedSide extends Side {
  /** @param offset members before this piece. @throws RedisError */
  holds(key: ByteString, piece: Value, offset: number): Promise<boolean>;
  /** A piece of a hash with the moments at which its fields expire on this side. @throws RedisError */
  withFieldExpiries(key: ByteString, piece: Value): Promise<Value>;
}
