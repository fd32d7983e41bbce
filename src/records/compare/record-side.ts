import type { ByteString } from '../../support/bytes.ts';
import type { KeyToRead } from '../values/read-values.ts';
import type { Value } from '../values/value.ts';
import { distinctLengthOf } from './canonical.ts';
import type { Expiry } from './expiry.ts';
import type { FileRecord } from './file-records.ts';
import { piecesOf } from './pieces.ts';
import type { Looked, Measure, Side } from './side.ts';

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
