import type { ByteString } from './bytes.ts';

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

/** A reply that is one string or number, as text. @throws TypeError for a list, which has no such form. */
export function replyText(reply: Reply | undefined): string {
  if (typeof reply === 'string' || typeof reply === 'number') return String(reply);
  if (reply instanceof ReplyError) return reply.message;
  if (reply === null || reply === undefined) return '';
  throw new TypeError('a list was answered where a text was expected');
}

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

  constructor(private readonly onReply: (reply: Reply) => void) {}

  /** The chunk's memory may be used again afterwards: what is kept of it is copied. @throws Error when the bytes are not RESP2. */
  push(chunk: Buffer): void {
    if (this.rest !== undefined) {
      this.waiting.push(Buffer.from(chunk));
      this.waitingBytes += chunk.length;
      if (this.waitingBytes < this.neededBytes) return;
      chunk = Buffer.concat(this.waiting, this.waitingBytes);
      this.rest = undefined;
      this.waiting = [];
    }
    let position = 0;
    while (position < chunk.length) {
      const next = this.readOne(chunk, position);
      if (next < 0) {
        this.rest = Buffer.from(chunk.subarray(position));
        this.waiting = [this.rest];
        this.waitingBytes = this.rest.length;
        this.neededBytes = -next - position;
        return;
      }
      position = next;
    }
  }

  /** The position after the element at `start`, or minus the position the buffer must at least reach to hold it. */
  private readOne(buffer: Buffer, start: number): number {
    const lineEnd = buffer.indexOf(CARRIAGE_RETURN, start + 1);
    if (lineEnd < 0 || lineEnd + 1 >= buffer.length) return -(buffer.length + 1);
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
        const end = next + length;
        if (end + 2 > buffer.length) return -(end + 2);
        this.deliver(buffer.toString('latin1', next, end) as ByteString);
        return end + 2;
      }
      case 0x2a: {
        // *
        const length = readInteger(buffer, start + 1, lineEnd);
        if (length > 0) this.open.push({ items: [], remaining: length });
        else this.deliver(length < 0 ? null : []);
        return next;
      }
      case 0x2b: // +
        this.deliver(buffer.toString('latin1', start + 1, lineEnd) as ByteString);
        return next;
      case 0x2d: // -
        this.deliver(new ReplyError(buffer.toString('utf8', start + 1, lineEnd)));
        return next;
      default:
        throw new Error(
          `the answer is not RESP2 (it starts with byte 0x${(buffer[start] ?? 0).toString(16)})`,
        );
    }
  }

  private deliver(reply: Reply): void {
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

function readInteger(buffer: Buffer, start: number, end: number): number {
  const negative = buffer[start] === MINUS;
  let value = 0;
  for (let at = negative ? start + 1 : start; at < end; at++)
    value = value * 10 + ((buffer[at] ?? ZERO) - ZERO);
  return negative ? -value : value;
}
