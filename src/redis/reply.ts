import { constants } from 'node:buffer';
import type { ByteString } from '../support/bytes.ts';
import { RedisError, ReplyFault } from './errors.ts';

/** An error reply (`-NOPERM …`). A value, not an exception: one command of a batch may fail while the others succeed. */
export class ReplyError {
  /** The first word when it is in capitals (`NOPERM`, `WRONGTYPE`), else `ERR`. */
  readonly code: string;

  constructor(readonly message: string) {
    this.code = /^[A-Z][A-Z0-9]*(?= )/.exec(message)?.[0] ?? 'ERR';
  }
}

/** A RESP2 reply. Simple and bulk strings are byte strings, a nil of either kind is null. */
export type Reply = number | ByteString | null | ReplyError | Reply[];

/** A reply that is one string or number, as text. @throws RedisError for a list, which has no such form. */
export function replyText(reply: Reply | undefined): string {
  if (typeof reply === 'string' || typeof reply === 'number') return String(reply);
  if (reply instanceof ReplyError) return reply.message;
  if (reply === null || reply === undefined) return '';
  throw new RedisError('lost', 'EPROTO', 'the server answered with a list where a text was expected');
}

/** The longest string that the server gives by default (proto-max-bulk-len), and that one string here can hold. */
const mostBulkBytes = Math.min(512 * 1024 * 1024, constants.MAX_STRING_LENGTH);

/** Simple strings, errors and lengths: the server cuts its own texts far below. */
const mostLineBytes = 1024 * 1024;

/** The deepest reply of a server, COMMAND DOCS, has about a dozen levels. */
const mostDepth = 64;

interface OpenArray {
  readonly items: Reply[];
  remaining: number;
}

const CARRIAGE_RETURN = 13;
const MINUS = 45;
const ZERO = 48;

/**
 * Reads RESP2 from chunks cut at any place, and hands each complete reply to `onReply`, in order. What is already read
 * of an array is kept, so a reply that arrives in many chunks is read once.
 *
 * @see https://redis.io/docs/latest/develop/reference/protocol-spec/
 */
export class ReplyParser {
  private rest: Buffer | undefined;
  /** Chunks that wait for a long bulk string to become complete, and how many bytes they and `rest` must reach. */
  private waiting: Buffer[] = [];
  private waitingBytes = 0;
  private neededBytes = 0;
  private readonly open: OpenArray[] = [];
  /** Strings, numbers and arrays that were read so far, those within arrays too. */
  elementsRead = 0;
  /** False: bulk strings are read past, and each is an empty one. */
  keepsTexts = true;

  /** @param mostElements that one array may announce */
  constructor(
    private readonly onReply: (reply: Reply) => void,
    private readonly mostElements = 2 ** 27,
  ) {}

  /** The chunk's memory may be used again afterwards: what is kept of it is copied. @throws ReplyFault */
  push(chunk: Buffer, length = chunk.length): void {
    if (this.rest !== undefined) {
      this.waiting.push(Buffer.from(chunk.subarray(0, length)));
      this.waitingBytes += length;
      if (this.waitingBytes < this.neededBytes) return;
      chunk = Buffer.concat(this.waiting, this.waitingBytes);
      length = chunk.length;
      this.rest = undefined;
      this.waiting = [];
    }
    let position = 0;
    while (position < length) {
      const next = this.readOne(chunk, position, length);
      if (next < 0) {
        this.rest = Buffer.from(chunk.subarray(position, length));
        this.waiting = [this.rest];
        this.waitingBytes = this.rest.length;
        this.neededBytes = -next - position;
        return;
      }
      position = next;
    }
  }

  /** The position after the element at `start`, or minus the position the buffer must at least reach to hold it. */
  private readOne(buffer: Buffer, start: number, filled: number): number {
    const lineEnd = endOfLine(buffer, start + 1);
    if (lineEnd < 0 || lineEnd + 1 >= filled) {
      const kind = buffer[start] ?? 0;
      if (!kinds.has(kind)) throw noReply(buffer.subarray(0, filled), start);
      if (filled - start > mostLineBytes) throw new ReplyFault('a line of more than 1 MB');
      return -(filled + 1);
    }
    const next = lineEnd + 2;
    switch (buffer[start]) {
      case 0x3a: // :
        this.deliver(readInteger(buffer, start + 1, lineEnd));
        return next;
      case 0x24: {
        // $
        const length = readInteger(buffer, start + 1, lineEnd);
        if (length < 0) {
          this.deliver(null);
          return next;
        }
        if (length > mostBulkBytes) throw new ReplyFault(`a string of ${length} bytes`);
        const end = next + length;
        if (end + 2 > filled) return -(end + 2);
        this.deliver((this.keepsTexts ? buffer.toString('latin1', next, end) : '') as ByteString);
        return end + 2;
      }
      case 0x2a: {
        // *
        const length = readInteger(buffer, start + 1, lineEnd);
        if (length > this.mostElements) throw new ReplyFault(`an array of ${length} elements`);
        if (length > 0) {
          if (this.open.length === mostDepth)
            throw new ReplyFault(`arrays nested more than ${mostDepth} levels deep`);
          this.open.push({ items: [], remaining: length });
          this.elementsRead++;
        } else this.deliver(length < 0 ? null : []);
        return next;
      }
      case 0x2b: // +
        this.deliver(buffer.toString('latin1', start + 1, lineEnd) as ByteString);
        return next;
      case 0x2d: // -
        this.deliver(new ReplyError(buffer.toString('utf8', start + 1, lineEnd)));
        return next;
      default:
        throw noReply(buffer.subarray(0, filled), start);
    }
  }

  private deliver(reply: Reply): void {
    this.elementsRead++;
    for (;;) {
      const array = this.open.at(-1);
      if (array === undefined) {
        this.onReply(reply);
        return;
      }
      array.items.push(reply);
      if (--array.remaining > 0) return;
      this.open.pop();
      reply = array.items;
    }
  }
}

/** Nearly all lines are short, and searching for the end of these from here takes less time than calling for it. */
const shortLineBytes = 8;

/** -1 where the line does not end. */
function endOfLine(buffer: Buffer, start: number): number {
  const end = Math.min(start + shortLineBytes, buffer.length);
  for (let at = start; at < end; at++) if (buffer[at] === CARRIAGE_RETURN) return at;
  return buffer.indexOf(CARRIAGE_RETURN, end);
}

const kinds: ReadonlySet<number> = new Set(Array.from('+-:$*', (kind) => kind.charCodeAt(0)));

/** RESP3 alone: null, boolean, double, big number, verbatim string, bulk error, map, set, attribute, push. */
const resp3Kinds = '_#,(=!%~|>';

function noReply(buffer: Buffer, start: number): ReplyFault {
  const character = buffer.toString('latin1', start, start + 1);
  return resp3Kinds.includes(character)
    ? new ReplyFault(`RESP3 (a reply that starts with \`${character}\`), although RESP2 was spoken to it`)
    : new ReplyFault('something that is not RESP2', buffer.toString('latin1', start, start + 400));
}

/** @throws ReplyFault */
function readInteger(buffer: Buffer, start: number, end: number): number {
  const negative = buffer[start] === MINUS;
  const first = negative ? start + 1 : start;
  let value = 0;
  for (let at = first; at < end; at++) {
    const digit = (buffer[at] ?? ZERO) - ZERO;
    if (digit < 0 || digit > 9) throw noInteger(buffer, start, end);
    value = value * 10 + digit;
  }
  if (first === end) throw noInteger(buffer, start, end);
  return negative ? -value : value;
}

function noInteger(buffer: Buffer, start: number, end: number): ReplyFault {
  return new ReplyFault(
    `\`${buffer.toString('latin1', start, Math.min(end, start + 40))}\` in place of a number`,
  );
}
