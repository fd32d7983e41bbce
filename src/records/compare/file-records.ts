import { InputError } from '../../support/failure.ts';
import { FileFault, type FixtureRecord, type FixtureValue } from '../fixtures/record.ts';
import { isBad, parseRecord } from '../fixtures/parse-record.ts';
import { readRecordTexts } from '../fixtures/read.ts';
import type { FixtureSource } from '../fixtures/source.ts';
import type { NamespaceMap } from '../../keyspace/map.ts';
import type { ByteString } from '../../support/bytes.ts';
import { distinctLengthOf, type Expiry, hasIds } from './canonical.ts';
import { earliest, unknownDump, type Held, type Looked, type Measure, type Side } from './compare-keys.ts';
import type { KeyToRead } from '../values/commands.ts';
import { decodeDump, typeOfDump } from '../values/decode-dump.ts';
import { aliveAt, isValueType, lengthOf, sliceOf, type Value } from '../values/value.ts';

/** A key as a file has it. */
export interface FileRecord extends Held {
  readonly key: ByteString;
  /** As the server names it; `dump` where it is not known. */
  readonly type: string;
  /** Null: see `outline`. */
  readonly value: Value | null;
  /** What is known of a value that was not kept, or cannot be compared for a reason. */
  readonly outline?: { readonly length: number | null; readonly reason: string | null };
  readonly valueBytes: number;
}

/** The value as the server's replies give it; null where they do not: a JSON document, a dump whose form is not known. */
export function comparableValue(value: FixtureValue): Pick<FileRecord, 'type' | 'value' | 'outline'> {
  if (value.type === 'json') return notComparable('ReJSON-RL');
  if (value.type !== 'dump') return { type: value.type, value };
  const found = decodeDump(value.bytes);
  return found === null
    ? notComparable(typeOfDump(value.bytes) ?? 'dump')
    : { type: found.type, value: found };
}

const notComparable = (type: string) => ({
  type,
  value: null,
  outline: {
    length: null,
    reason:
      type === 'dump' || isValueType(type) ? unknownDump : `a value of type \`${type}\` cannot be compared`,
  },
});

/** A Map holds no more. */
const mostRecords = 2 ** 24;

/**
 * The records of a file with keys that are wanted. Of a key that comes more than once only the last counts, as for `warm`:
 * all keys are read first and kept, with about 100 bytes more for each.
 */
export class FileRecords {
  /** Records of `export`, with the moment of their expiry in addition to a TTL that `warm` starts anew. */
  exportedTtls = 0;
  private readonly last = new Map<ByteString, number>();

  private constructor(
    private readonly source: FixtureSource,
    private readonly map: NamespaceMap,
    private readonly now: () => number,
  ) {}

  /** @throws InputError where the file cannot be read, or holds a record that cannot be used */
  static async open(
    source: FixtureSource,
    map: NamespaceMap,
    accepts: (key: ByteString) => boolean,
    now: () => number,
  ): Promise<FileRecords> {
    const file = new FileRecords(source, map, now);
    let ordinal = 0;
    for await (const records of file.groups()) {
      for (const { key } of records) {
        if (accepts(key)) file.last.set(key, ordinal);
        ordinal++;
      }
      if (file.last.size > mostRecords - 10_000)
        throw new InputError(
          `\`${source.name}\` has more than 16 million keys`,
          'compare it in parts: --pattern, --namespace',
        );
    }
    return file;
  }

  get keys(): number {
    return this.last.size;
  }

  has(key: ByteString): boolean {
    return this.last.has(key);
  }

  /** Each wanted key once, in groups. @throws InputError */
  async *read(): AsyncGenerator<FileRecord[]> {
    let ordinal = 0;
    for await (const records of this.groups()) {
      const wanted: FileRecord[] = [];
      for (const record of records) {
        if (this.last.get(record.key) === ordinal++) wanted.push(this.fileRecord(record));
      }
      yield wanted;
    }
  }

  private fileRecord({ key, value, valueBytes, ...life }: FixtureRecord): FileRecord {
    const { ttlSeconds, expiresAtMillis, exportedExpiryMillis } = life;
    if (exportedExpiryMillis !== undefined) this.exportedTtls++;
    const expires =
      exportedExpiryMillis ??
      expiresAtMillis ??
      (typeof ttlSeconds === 'number' ? this.now() + ttlSeconds * 1000 : ttlSeconds);
    return { key, ...comparableValue(value), valueBytes, expiresAtMillis: expires };
  }

  private async *groups(): AsyncGenerator<FixtureRecord[]> {
    const { name } = this.source;
    try {
      for await (const pieces of readRecordTexts(this.source)) {
        yield pieces.map((piece) => {
          const record = parseRecord(piece, this.map, 'last');
          if (!isBad(record)) return record;
          throw new InputError(
            `\`${name}\` line ${piece.line}: ${record.reason}`,
            `\`cachectl warm ${name} --dry-run\` lists all records that cannot be used`,
          );
        });
      }
    } catch (error) {
      if (error instanceof FileFault)
        throw new InputError(`\`${name}\` line ${error.line}: ${error.message}`, error.hint);
      throw error;
    }
  }
}

/** Some records of a file, to be compared with a server. */
export class RecordSide implements Side {
  private readonly records: ReadonlyMap<ByteString, FileRecord>;

  constructor(
    records: readonly FileRecord[],
    private readonly now: () => number,
  ) {
    this.records = new Map(records.map((record) => [record.key, record]));
  }

  describe(keys: readonly ByteString[]): Promise<(KeyToRead | null)[]> {
    return Promise.resolve(
      keys.map((key) => {
        const record = this.recordOf(key);
        return record && { key, type: record.type, memoryBytes: record.valueBytes };
      }),
    );
  }

  read(keys: readonly KeyToRead[]): Promise<Looked[]> {
    return Promise.resolve(
      keys.map(({ key }): Looked => {
        const record = this.recordOf(key);
        if (record === null) return { kind: 'gone' };
        const { value, outline } = record;
        return value === null
          ? { kind: 'outline', reason: outline?.reason ?? null }
          : { ...record, kind: 'value', value };
      }),
    );
  }

  deadlinesOf(keys: readonly ByteString[]): Promise<Expiry[]> {
    return Promise.resolve(keys.map((key) => earliest(this.records.get(key)?.expiresAtMillis)));
  }

  async *pieces(key: ByteString): AsyncGenerator<Value> {
    await Promise.resolve();
    const value = this.recordOf(key)?.value;
    if (value) yield* piecesOf(value);
  }

  measure(key: ByteString): Promise<Measure | null> {
    const record = this.recordOf(key);
    if (record === null) return Promise.resolve(null);
    const { value, outline } = record;
    const length = value === null ? (outline?.length ?? null) : distinctLengthOf(value);
    return Promise.resolve({ ...record, kind: 'measure', length });
  }

  /** With what is alive by now: a hash all of whose fields have expired is no key any more. */
  private recordOf(key: ByteString): FileRecord | null {
    const record = this.records.get(key);
    if (!record?.value) return record ?? null;
    const value = aliveAt(record.value, this.now());
    return value.type === 'hash' && value.elements.length === 0 ? null : { ...record, value };
  }
}

const membersInPiece = 500;
const bytesInPiece = 1024 * 1024;

/** A long value with its members in pieces. */
function* piecesOf(value: Value): Generator<Value> {
  // Entries without ids can be asked for by their places alone, from the first to the last.
  if (!hasIds(value)) {
    yield value;
    return;
  }
  const step = value.type === 'string' ? bytesInPiece : membersInPiece;
  for (let at = 0; at < lengthOf(value); at += step) yield sliceOf(value, at, at + step);
}
