import { ArchiveDecoder } from './decoder.ts';
import { ArchiveError, type ArchiveFrame, type ArchiveHeader } from './format.ts';

/** An archive as it is read: its header first, then frame after frame. */
export interface ArchiveReader {
  readonly header: ArchiveHeader;
  readonly frames: AsyncGenerator<ArchiveFrame>;
  /** True where the file ends in the middle of a frame; known when all frames were read. */
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
  return {
    header: decoder.header,
    frames: framesOf(decoder, first, iterator),
    isCut: () => decoder.pendingBytes > 0,
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
