import { firstOf, ReplyFault } from '../../redis/errors.ts';
import type { NodeTraffic } from '../node-traffic.ts';

/** What happened to a key, as far as hits and misses go. */
export const keyEvents = ['keymiss', 'expired', 'evicted', 'del', 'new', 'rename_from', 'move_from'] as const;
export type KeyEvent = (typeof keyEvents)[number];

/** The channels of a subscription that brings the events of these databases. Patterns would cost the server more. */
export function eventChannels(databases: number): string[] {
  return Array.from({ length: databases }, (_, database) =>
    keyEvents.map((kind) => `__keyevent@${database}__:${kind}`),
  ).flat();
}

const [star, dollar, colon, minus, carriageReturn] = [0x2a, 0x24, 0x3a, 0x2d, 0x0d];
const channelPrefix = '__keyevent@'.length;

/**
 * Reads what a subscription brings: `*3 $7 message $23 __keyevent@0__:keymiss $6 user:1`. Only whole messages are read;
 * what is cut is kept for the next chunk.
 */
export class EventReader {
  events = 0;
  bytes = 0;
  /** Channels that the server has confirmed. */
  confirmed = 0;
  /** What the server said in place of a confirmation. */
  refused: string | null = null;
  private rest: Buffer | undefined;
  /** Start and end of the three parts of the message that was read last. */
  private readonly parts = new Int32Array(6);

  constructor(private readonly sink: Pick<NodeTraffic, 'event'>) {}

  /** @throws ReplyFault when the bytes are no subscription's */
  push(chunk: Buffer): void {
    this.bytes += chunk.length;
    const buffer = this.rest === undefined ? chunk : Buffer.concat([this.rest, chunk]);
    this.rest = undefined;
    let at = 0;
    while (at < buffer.length) {
      const next = this.readMessage(buffer, at);
      if (next < 0) {
        this.rest = Buffer.from(buffer.subarray(at));
        return;
      }
      at = next;
    }
  }

  /** The position behind the message, or -1 where it is cut. */
  private readMessage(buffer: Buffer, start: number): number {
    if (buffer[start] === minus) {
      const end = buffer.indexOf(carriageReturn, start);
      if (end < 0 || end + 1 >= buffer.length) return -1;
      this.refused ??= buffer.toString('utf8', start + 1, end);
      return end + 2;
    }
    if (buffer[start] !== star) throw noMessage(buffer, start);
    let at = start + 4;
    for (let part = 0; part < 3; part++) {
      const kind = buffer[at];
      let number = 0;
      let digit = at + 1;
      for (; digit < buffer.length && buffer[digit] !== carriageReturn; digit++)
        number = number * 10 + (buffer[digit] ?? 48) - 48;
      if (digit + 1 >= buffer.length) return -1;
      at = digit + 2;
      if (kind === colon) {
        this.confirmed++;
        return at;
      }
      if (kind !== dollar) throw noMessage(buffer, start);
      if (at + number + 2 > buffer.length) return -1;
      this.parts[2 * part] = at;
      this.parts[2 * part + 1] = at + number;
      at += number + 2;
    }
    this.readEvent(buffer);
    return at;
  }

  private readEvent(buffer: Buffer): void {
    const [, , channel = 0, channelEnd = 0, from = 0, to = 0] = this.parts;
    let at = channel + channelPrefix;
    let database = 0;
    for (; at < channelEnd && (buffer[at] ?? 0) <= 0x39; at++)
      database = database * 10 + (buffer[at] ?? 48) - 48;
    // Behind `__:`.
    at += 3;
    const kind = kinds.get(placeOf(buffer[at] ?? 0, buffer[at + 1] ?? 0, channelEnd - at));
    if (kind === undefined) return;
    this.events++;
    this.sink.event(kind, database, buffer, from, to);
  }
}

function noMessage(buffer: Buffer, start: number): ReplyFault {
  return new ReplyFault(`\`${firstOf(buffer, start)}\`, which is no message of a subscription`);
}

/** The kinds by their first two letters and their length; events that are not subscribed to differ from these. */
const kinds = new Map(
  keyEvents.map((kind) => [placeOf(kind.charCodeAt(0), kind.charCodeAt(1), kind.length), kind]),
);

function placeOf(first: number, second: number, length: number): number {
  return (first << 16) | (second << 8) | (length & 0xff);
}
