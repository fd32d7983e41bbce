import {
  ArchiveError,
  type ArchiveFrame,
  type ArchiveHeader,
  frameIn,
  type Head,
  headAt,
  headBytesOf,
  isSound,
  keyOf,
  nextFrame,
  parseHeader,
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

const mostHeaderBytes = 1048576;

/** A longer key is not named where its frame is damaged. */
const mostKeyBytes = 65536;

/**
 * @param chunks the bytes of the file; one is used no longer when the next is asked for
 * @throws ArchiveError for a file that is no archive, or is damaged
 */
export async function readArchive(chunks: AsyncIterable<Buffer>): Promise<ArchiveReader> {
  const file = new Bytes(chunks[Symbol.asyncIterator]());
  while (!file.buffer.includes(0x0a)) {
    if (file.left > mostHeaderBytes) throw new ArchiveError('its first line is no header');
    if (!(await file.fill(file.left + 1))) throw new ArchiveError('it is no archive of cachectl');
  }
  const end = file.buffer.indexOf(0x0a);
  const header = parseHeader(file.buffer.toString('utf8', 0, end));
  file.at = end + 1;
  let last: ArchiveFrame['kind'] | null = null;
  const found = framesOf(file, header.sync);
  // A file that is damaged from its start is refused at once.
  const first = await found.next();
  const frames = async function* () {
    for (let next = first; next.done !== true; next = await found.next()) {
      last = next.value.kind;
      yield next.value;
    }
  };
  return {
    header,
    frames: frames(),
    isCut: () => file.left > 0 || (last !== 'end' && last !== 'damaged'),
  };
}

/** The bytes of a file that were not used yet, as far as they were asked for. */
class Bytes {
  buffer: Buffer = Buffer.alloc(0);
  at = 0;

  constructor(private readonly chunks: AsyncIterator<Buffer>) {}

  get left(): number {
    return this.buffer.length - this.at;
  }

  /** False where the file has no more so many bytes. A long value is joined once. */
  async fill(count: number): Promise<boolean> {
    const parts = [this.buffer.subarray(this.at)];
    let bytes = this.left;
    while (bytes < count) {
      const next = await this.chunks.next();
      if (next.done === true) break;
      parts.push(Buffer.from(next.value));
      bytes += next.value.length;
    }
    this.buffer = Buffer.concat(parts, bytes);
    this.at = 0;
    return bytes >= count;
  }
}

async function* framesOf(file: Bytes, sync: string | undefined): AsyncGenerator<ArchiveFrame> {
  const mark = sync === undefined ? null : Buffer.from(sync, 'hex');
  const headBytes = headBytesOf(mark);
  for (;;) {
    if (file.left < headBytes && !(await file.fill(headBytes))) return;
    const head = headAt(file.buffer, file.at, mark);
    if (head !== null && isSound(file.buffer, file.at, mark)) {
      const bytes = headBytes + head.keyLength + head.payloadLength;
      if (file.left < bytes && !(await file.fill(bytes))) return;
      yield frameIn(file.buffer, file.at, head, mark);
      file.at += bytes;
    } else if (mark === null) throw new ArchiveError('it is damaged: what should begin a record does not');
    else yield await passDamage(file, head, mark);
  }
}

/** Goes on to the next frame, or to the end. @param head what the broken head seems to say */
async function passDamage(file: Bytes, head: Head | null, mark: Buffer): Promise<ArchiveFrame> {
  const headBytes = headBytesOf(mark);
  const named =
    head !== null && head.keyLength <= mostKeyBytes && (await file.fill(headBytes + head.keyLength));
  const key = named ? keyOf(file.buffer, head, file.at + headBytes) : null;
  const wholeBytes = headBytes + (head?.keyLength ?? 0) + (head?.payloadLength ?? 0);
  let bytes = 0;
  const pass = (to: number) => {
    bytes += to - file.at;
    file.at = to;
  };
  pass(file.at + 1);
  for (let next = -1; next < 0;) {
    next = nextFrame(file.buffer, file.at, mark);
    if (next >= 0) pass(next);
    else {
      // The buffer may end with a part of a head.
      pass(Math.max(file.at, file.buffer.length - headBytes + 1));
      if (await file.fill(headBytes)) continue;
      pass(file.buffer.length);
      break;
    }
  }
  return { kind: 'damaged', key: bytes === wholeBytes ? key : null, bytes };
}
