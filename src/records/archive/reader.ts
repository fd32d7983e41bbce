import type { ByteString } from '../../support/bytes.ts';
import {
  ArchiveError,
  checkedFrameAt,
  frameAt,
  keyOf,
  longestHead,
  nextFrame,
  parseHeader,
  type ArchiveFrame,
  type ArchiveHeader,
  type Head,
} from './format.ts';

/** An archive as it is read: its header first, then frame after frame. */
export interface ArchiveReader {
  readonly header: ArchiveHeader;
  readonly frames: AsyncGenerator<ArchiveFrame>;
  /**
   * True where the file ends within a frame, or between two of them: the last one closes it, and may be damaged. Known when all
   * frames were read.
   */
  readonly isCut: () => boolean;
}

/** @param chunks the bytes of the file. @throws ArchiveError for a file that is no archive, or is damaged */
export async function readArchive(chunks: AsyncIterable<Buffer>): Promise<ArchiveReader> {
  const decoder = new ArchiveDecoder();
  const iterator = chunks[Symbol.asyncIterator]();
  let first: ArchiveFrame[] = [];
  while (decoder.header === undefined) {
    const next = await iterator.next();
    if (next.done === true) throw new ArchiveError('it is no archive of cachectl');
    first = decoder.push(next.value);
  }
  let last: ArchiveFrame['kind'] | null = null;
  const noted = async function* (frames: AsyncGenerator<ArchiveFrame>) {
    for await (const frame of frames) {
      last = frame.kind;
      yield frame;
    }
  };
  return {
    header: decoder.header,
    frames: noted(framesOf(decoder, first, iterator)),
    isCut: () => decoder.pendingBytes > 0 || (last !== 'end' && last !== 'damaged'),
  };
}

async function* framesOf(
  decoder: ArchiveDecoder,
  first: readonly ArchiveFrame[],
  iterator: AsyncIterator<Buffer>,
): AsyncGenerator<ArchiveFrame> {
  yield* first;
  for (;;) {
    const next = await iterator.next();
    if (next.done === true) {
      yield* decoder.end();
      return;
    }
    yield* decoder.push(next.value);
  }
}
const mostHeaderBytes = 1048576;

/** A longer key is not named where its frame is damaged. */
const mostKeyBytes = 65536;

/** A stretch of the file that cannot be read, while its end is looked for. */
interface Damage {
  /** The key that the broken head seems to have, and the length that its frame would have then. */
  readonly perhaps: { readonly key: ByteString; readonly frameBytes: number } | null;
  bytes: number;
}

/** Reads an archive from chunks cut at any place. */
export class ArchiveDecoder {
  header: ArchiveHeader | undefined;
  private sync: Buffer | null = null;
  private damage: Damage | null = null;
  /** No chunk follows. */
  private isLast = false;
  /** What is left of the chunks so far, and how many bytes it takes to go on: a long value is joined once. */
  private waiting: Buffer[] = [];
  private waitingBytes = 0;
  private neededBytes = 1;

  /** The frames that are complete with this chunk. @throws ArchiveError */
  push(chunk: Buffer): ArchiveFrame[] {
    this.waiting.push(chunk);
    this.waitingBytes += chunk.length;
    if (this.waitingBytes < this.neededBytes) return [];
    const buffer = this.waiting.length === 1 ? chunk : Buffer.concat(this.waiting, this.waitingBytes);
    const start = this.header === undefined ? this.readHeader(buffer) : 0;
    const frames: ArchiveFrame[] = [];
    const at = this.header === undefined ? start : this.readFrames(buffer, start, frames);
    const rest = Buffer.from(buffer.subarray(at));
    this.waiting = [rest];
    this.waitingBytes = rest.length;
    if (this.header === undefined) this.neededBytes = rest.length + 1;
    return frames;
  }

  /** What is left at the end of the file, where a stretch of it is damaged. */
  end(): ArchiveFrame[] {
    if (this.sync === null) return [];
    this.isLast = true;
    const frames: ArchiveFrame[] = [];
    const buffer = Buffer.concat(this.waiting);
    this.waitingBytes = buffer.length - this.readFrames(buffer, 0, frames);
    if (this.damage === null) return frames;
    frames.push(this.ended(this.damage, this.waitingBytes));
    this.waitingBytes = 0;
    return frames;
  }

  /** Bytes of a frame that was begun and not ended: what a crash has cut off. */
  get pendingBytes(): number {
    return this.waitingBytes;
  }

  /** Reads on as far as the buffer goes, and gives the place that it came to. */
  private readFrames(buffer: Buffer, start: number, frames: ArchiveFrame[]): number {
    for (let at = start; ;) {
      if (this.damage !== null) {
        const next = nextFrame(buffer, at, this.sync as Buffer);
        if (next < 0) {
          // The buffer may end with a part of a head.
          const kept = Math.max(at, buffer.length - longestHead + 1);
          this.damage.bytes += kept - at;
          this.neededBytes = longestHead;
          return kept;
        }
        frames.push(this.ended(this.damage, next - at));
        this.damage = null;
        at = next;
      }
      const read = this.sync === null ? frameAt(buffer, at) : checkedFrameAt(buffer, at, this.sync);
      if (typeof read === 'number') {
        this.neededBytes = read;
        return at;
      }
      if ('frame' in read) {
        frames.push(read.frame);
        at = read.end;
        continue;
      }
      const { damaged } = read;
      let named = damaged !== null && damaged.keyLength <= mostKeyBytes ? damaged : null;
      const wanted = longestHead + (named?.keyLength ?? 0);
      if (buffer.length - at < wanted) {
        if (!this.isLast) {
          this.neededBytes = wanted;
          return at;
        }
        named = null;
      }
      this.damage = { perhaps: named && perhapsOf(buffer, at, named), bytes: 1 };
      at++;
    }
  }

  private ended({ perhaps, bytes }: Damage, more: number): ArchiveFrame {
    const length = bytes + more;
    return { kind: 'damaged', key: perhaps?.frameBytes === length ? perhaps.key : null, bytes: length };
  }

  /** Where the frames begin; 0 while the header is not complete. */
  private readHeader(buffer: Buffer): number {
    const end = buffer.indexOf(0x0a);
    if (end < 0) {
      if (buffer.length > mostHeaderBytes) throw new ArchiveError('its first line is no header');
      return 0;
    }
    this.header = parseHeader(buffer.toString('utf8', 0, end));
    if (this.header.sync !== undefined) this.sync = Buffer.from(this.header.sync, 'hex');
    return end + 1;
  }
}

function perhapsOf(buffer: Buffer, at: number, head: Head): Damage['perhaps'] {
  const frameBytes = longestHead + head.keyLength + head.payloadLength;
  return { key: keyOf(buffer, head, at + longestHead), frameBytes };
}
