import type { FileHandle } from 'node:fs/promises';
import { openNameless } from '../../support/files.ts';
import type { ByteString } from '../../support/bytes.ts';
import { ReplyError } from '../../redis/reply.ts';
import type { RedisServer } from '../../redis/server.ts';
import {
  failedBy,
  type KeyReading,
  PieceFault,
  readPieces,
  readValues,
  type WholeLimits,
} from '../values/read-values.ts';
import { type ValueConnection, withFieldExpiries } from '../values/value-connection.ts';
import { lengthOf, memberForms, type Value } from '../values/value.ts';
import {
  brackets,
  membersText,
  mostRecordBytes,
  noEntries,
  noForm,
  recordStart,
  recordText,
  textFormOf,
  tooLong,
} from './record-text.ts';
import { type ExportScope, type ExportTally, readBatches } from './read-batches.ts';

const limits: WholeLimits = { stringBytes: 96 * 1024 * 1024, collectionBytes: 256 * 1024 };

/**
 * The records of all keys in the scope, in chunks of about half a megabyte: one per line, or as one JSON array. It ends
 * properly also where the reading fails, which the tally then shows.
 * @param now milliseconds since the epoch
 */
export async function* fixtureChunks(
  server: RedisServer,
  scope: ExportScope,
  form: 'ndjson' | 'json',
  tally: ExportTally,
  now: () => number,
): AsyncGenerator<Buffer> {
  const [start, between, end] = form === 'json' ? ['[\n', ',\n', '\n]\n'] : ['', '\n', '\n'];
  let written = 0;
  const separator = () => (written++ === 0 ? start : between);
  try {
    const batches = readBatches(server, scope, tally, (values, keys) =>
      readValues(values, keys, limits, now),
    );
    for await (const { reader, items } of batches) {
      let text = '';
      for (const item of items) {
        try {
          if (item.kind === 'value') {
            const record = shortRecord(item);
            text += separator() + record;
            tally.add(item.value.type, item.groups);
            continue;
          }
          const record = await reader.one(item.key, (values) => draftRecord(item, values, now));
          if (record === null) {
            tally.skipped++;
            continue;
          }
          tally.add(item.type, item.groups);
          try {
            yield Buffer.from(text + separator() + record.start, 'latin1');
            text = '';
            yield* record.body.chunks();
          } finally {
            await record.body.close();
          }
        } catch (error) {
          if (!(error instanceof PieceFault)) throw error;
          tally.fail(item.key, error.failed);
        }
      }
      if (text !== '') yield Buffer.from(text, 'latin1');
    }
  } catch (error) {
    tally.stopped = error as Error;
  }
  if (written > 0) yield Buffer.from(end);
  else if (form === 'json') yield Buffer.from('[]\n');
}

const noRecord = (reason: string) => new PieceFault({ kind: 'failed', reason });

/** @throws PieceFault where no record holds it */
function shortRecord({
  key,
  value,
  ttlMillis,
  readAtMillis,
}: Extract<KeyReading, { kind: 'value' }>): string {
  if (value.type === 'stream' && value.entries.length === 0) throw noRecord(noEntries);
  const form = textFormOf(value);
  if (form === 'none') throw noRecord(noForm);
  const record = recordText(key, value, ttlMillis, form, readAtMillis);
  if (record.length <= mostRecordBytes) return record;
  // Controls take six bytes each in JSON.
  const inBase64 = recordText(key, value, ttlMillis, 'base64', readAtMillis);
  if (inBase64.length > mostRecordBytes) throw noRecord(tooLong);
  return inBase64;
}

type LongReading = Extract<KeyReading, { kind: 'long' }>;

/**
 * The record of a long value, read whole before any of it is handed over; the caller closes its body. Null: the key is gone.
 * @throws PieceFault where it cannot be had; RedisError when the connection is lost
 */
async function draftRecord(
  item: LongReading,
  values: ValueConnection,
  now: () => number,
): Promise<{ readonly start: string; readonly body: Draft } | null> {
  const { key, type } = item;
  const { connection, account } = values;
  if (type === 'string') throw noRecord(tooLong);
  // Whether all of its texts can be plain shows only while it is read; most of the time they can.
  for (const form of ['plain', 'base64'] as const) {
    const body = new Draft();
    const fieldExpiries = new Map<ByteString, number>();
    let kept = false;
    try {
      if (!(await fill(body, item, values, form, fieldExpiries))) continue;
      const [ttl] = await connection.exchange([['PTTL', key]]);
      if (ttl instanceof ReplyError) throw new PieceFault(failedBy(ttl, 'PTTL', connection, account));
      if (body.bytes === 0 && ttl !== -2 && type === 'stream') throw noRecord(noEntries);
      if (body.bytes === 0 || ttl === -2) return null;
      kept = true;
      const ttlMillis = typeof ttl === 'number' && ttl >= 0 ? ttl : null;
      return { start: recordStart(key, type, ttlMillis, form, now(), fieldExpiries), body };
    } finally {
      if (!kept) await body.close();
    }
  }
  throw noRecord(noForm);
}

/** False where it takes another form. @throws PieceFault, RedisError */
async function fill(
  body: Draft,
  { key, type }: LongReading,
  values: ValueConnection,
  form: 'plain' | 'base64',
  fieldExpiries: Map<ByteString, number>,
): Promise<boolean> {
  const [open, close] = brackets[type];
  const seen = new SeenMembers();
  for await (const whole of readPieces(values, key, type)) {
    const unseen = seen.newOf(whole);
    if (unseen === null) continue;
    const [piece = unseen] = await withFieldExpiries(values, [{ key, value: unseen }]);
    if (lengthOf(piece) === 0) continue;
    if (piece.type === 'hash')
      for (const [name, at] of piece.fieldExpiries ?? []) fieldExpiries.set(name, at);
    const needed = textFormOf(piece);
    if (needed === 'none' || (needed === 'base64' && form === 'plain')) return false;
    await body.append(Buffer.from((body.bytes === 0 ? open : ',') + membersText(piece, form), 'latin1'));
    if (body.bytes > mostRecordBytes) throw noRecord(tooLong);
  }
  if (body.bytes > 0) await body.append(Buffer.from(`${close}}`));
  return true;
}

const mostInMemory = 4 * 1024 * 1024;
const chunkBytes = 256 * 1024;

/** Text of unknown length that may still be dropped. What does not fit in 4 MB goes to a file without a name. */
export class Draft {
  bytes = 0;
  private readonly held: Buffer[] = [];
  private heldBytes = 0;
  private file: FileHandle | undefined;

  /** @throws Error as the system gives it */
  async append(chunk: Buffer): Promise<void> {
    this.held.push(chunk);
    this.heldBytes += chunk.length;
    this.bytes += chunk.length;
    if (this.heldBytes < mostInMemory) return;
    this.file ??= await openNameless();
    await this.file.writeFile(Buffer.concat(this.held.splice(0)));
    this.heldBytes = 0;
  }

  async *chunks(): AsyncGenerator<Buffer> {
    const written = this.bytes - this.heldBytes;
    for (let at = 0; this.file !== undefined && at < written;) {
      const { bytesRead, buffer } = await this.file.read(Buffer.allocUnsafe(chunkBytes), 0, chunkBytes, at);
      at += bytesRead;
      yield buffer.subarray(0, bytesRead);
    }
    yield* this.held;
  }

  async close(): Promise<void> {
    await this.file?.close();
    this.file = undefined;
  }
}

/** As long as names of a value fit in here, each is written once. */
const mostBytes = 64 * 1024 * 1024;

/** HSCAN, SSCAN and ZSCAN may give a member twice while a table shrinks; a record names each once. */
export class SeenMembers {
  private readonly names = new Set<ByteString>();
  private bytes = 0;

  /** What of a piece has not come before; null where nothing is left. */
  newOf(piece: Value): Value | null {
    if (piece.type === 'string' || piece.type === 'list' || piece.type === 'stream') return piece;
    const { width, nameAt } = memberForms[piece.type];
    const elements: ByteString[] = [];
    for (let at = 0; at < piece.elements.length; at += width) {
      const name = piece.elements[at + nameAt] as ByteString;
      if (this.names.has(name)) continue;
      elements.push(...piece.elements.slice(at, at + width));
      if (this.bytes > mostBytes) continue;
      this.names.add(name);
      this.bytes += name.length;
    }
    return elements.length === 0 ? null : { ...piece, elements };
  }
}
