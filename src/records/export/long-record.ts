import type { ByteString } from '../../support/bytes.ts';
import { ReplyError } from '../../redis/reply.ts';
import { withFieldExpiries } from '../values/field-expiries.ts';
import { PieceFault, readPieces } from '../values/read-pieces.ts';
import { failedBy, type KeyReading } from '../values/read-values.ts';
import type { ValueLane } from '../values/value-lane.ts';
import { lengthOf, memberForms, type Value } from '../values/value.ts';
import {
  mostRecordBytes,
  noEntries,
  noForm,
  tooLong,
  brackets,
  membersText,
  recordStart,
  textFormOf,
} from './record-text.ts';
import type { ExportTally } from './tally.ts';
import type { FileHandle } from 'fs/promises';
import { openNameless } from '../../support/files.ts';

type LongReading = Extract<KeyReading, { kind: 'long' }>;

/** A record whose value was read in pieces; the caller closes its body. */
interface LongRecord {
  readonly start: string;
  readonly body: Draft;
}

/**
 * The record of a long value, read whole before any of it is handed over. Null, and entered into the tally, where it
 * cannot be had. @throws RedisError when the connection is lost
 */
export async function draftRecord(
  item: LongReading,
  values: ValueLane,
  tally: ExportTally,
  now: () => number,
): Promise<LongRecord | null> {
  const { key, type, groups } = item;
  const { lane, account } = values;
  if (type === 'string') {
    tally.fail(key, { reason: tooLong });
    return null;
  }
  // Whether all of its texts can be plain shows only while it is read; most of the time they can.
  for (const form of ['plain', 'base64'] as const) {
    const body = new Draft();
    const fieldExpiries = new Map<ByteString, number>();
    let kept = false;
    try {
      const end = await fill(body, item, values, form, fieldExpiries);
      if (end === 'another form') continue;
      if (end === 'too long') {
        tally.fail(key, { reason: tooLong });
        return null;
      }
      const [ttl] = await lane.exchange([['PTTL', key]]);
      if (ttl instanceof ReplyError) {
        tally.fail(key, failedBy(ttl, 'PTTL', lane, account));
        return null;
      }
      if (ttl === -2 || end === 'empty') {
        if (ttl !== -2 && type === 'stream') tally.fail(key, { reason: noEntries });
        else tally.skipped++;
        return null;
      }
      tally.add(type);
      if (groups > 0) tally.streamsWithGroups++;
      kept = true;
      const ttlMillis = typeof ttl === 'number' && ttl >= 0 ? ttl : null;
      return { start: recordStart(key, type, ttlMillis, form, now(), fieldExpiries), body };
    } catch (error) {
      if (!(error instanceof PieceFault)) throw error;
      tally.fail(key, error.failed);
      return null;
    } finally {
      if (!kept) await body.close();
    }
  }
  tally.fail(key, { reason: noForm });
  return null;
}

/** @throws PieceFault where the server refuses a piece; RedisError when the connection is lost */
async function fill(
  body: Draft,
  { key, type }: LongReading,
  values: ValueLane,
  form: 'plain' | 'base64',
  fieldExpiries: Map<ByteString, number>,
): Promise<'whole' | 'empty' | 'too long' | 'another form'> {
  const [open, close] = brackets[type];
  const seen = new SeenMembers();
  for await (const whole of readPieces(values.lane, key, type, values.account)) {
    const unseen = seen.newOf(whole);
    if (unseen === null) continue;
    const [piece = unseen] = await withFieldExpiries(values, [{ key, value: unseen }]);
    if (lengthOf(piece) === 0) continue;
    if (piece.type === 'hash')
      for (const [name, at] of piece.fieldExpiries ?? []) fieldExpiries.set(name, at);
    const needed = textFormOf(piece);
    if (needed === 'none' || (needed === 'base64' && form === 'plain')) return 'another form';
    await body.append(Buffer.from((body.bytes === 0 ? open : ',') + membersText(piece, form), 'latin1'));
    if (body.bytes > mostRecordBytes) return 'too long';
  }
  if (body.bytes === 0) return 'empty';
  await body.append(Buffer.from(`${close}}`));
  return 'whole';
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
