/** A frame of zstd as its headers describe it, before anything is unpacked. */
export interface ZstdFrame {
  readonly start: number;
  readonly end: number;
  /** False where the bytes end within it. */
  readonly whole: boolean;
  /** Memory that unpacking needs. */
  readonly windowBytes: number;
  /** 0 where it is not known. */
  readonly contentBytes: number;
}

/** Frames that want more memory are not unpacked; `zstd --long` makes windows of 128 MiB. */
export const mostWindowBytes = 128 * 1024 * 1024;

const frameMark = 0xfd2fb528;

/**
 * The frames that follow each other in the bytes, without those that are to be skipped.
 * @throws RangeError where a header ends too early; Error where there is something else
 * @see RFC 8878, section 3.1
 */
export function* zstdFrames(bytes: Buffer): Generator<ZstdFrame> {
  for (let start = 0; start < bytes.length;) {
    const mark = bytes.readUInt32LE(start);
    if ((mark & 0xfffffff0) >>> 0 === 0x184d2a50) {
      start += 8 + bytes.readUInt32LE(start + 4);
      continue;
    }
    if (mark !== frameMark) throw new Error('this is no zstd frame');
    const { headerEnd, ...header } = readHeader(bytes, start);
    const { end, whole } = endOfBlocks(bytes, headerEnd, header.hasChecksum);
    yield { start, end, whole, windowBytes: header.windowBytes, contentBytes: header.contentBytes };
    start = end;
  }
}

/** The window that the frame which begins here wants, in bytes; 0 where its header is not all there. */
export function windowOf(bytes: Buffer): number {
  // The longest header.
  if (bytes.length < 18 || bytes.readUInt32LE(0) !== frameMark) return 0;
  return readHeader(bytes, 0).windowBytes;
}

function readHeader(bytes: Buffer, start: number) {
  const flags = bytes.readUInt8(start + 4);
  const isSingleSegment = (flags & 0x20) !== 0;
  const sizeBytes = [isSingleSegment ? 1 : 0, 2, 4, 8][flags >> 6] ?? 0;
  const sizeAt = start + 5 + (isSingleSegment ? 0 : 1) + ([0, 1, 2, 4][flags & 3] ?? 0);
  const contentBytes =
    sizeBytes === 0
      ? 0
      : sizeBytes === 8
        ? Number(bytes.readBigUInt64LE(sizeAt))
        : bytes.readUIntLE(sizeAt, sizeBytes) + (sizeBytes === 2 ? 256 : 0);
  const descriptor = isSingleSegment ? 0 : bytes.readUInt8(start + 5);
  const base = 2 ** (10 + (descriptor >> 3));
  return {
    headerEnd: sizeAt + sizeBytes,
    hasChecksum: (flags & 4) !== 0,
    contentBytes,
    windowBytes: isSingleSegment ? contentBytes : base + (base / 8) * (descriptor & 7),
  };
}

function endOfBlocks(bytes: Buffer, start: number, hasChecksum: boolean): { end: number; whole: boolean } {
  for (let at = start; at + 3 <= bytes.length;) {
    const header = bytes.readUIntLE(at, 3);
    const isRepeated = ((header >> 1) & 3) === 1;
    at += 3 + (isRepeated ? 1 : header >> 3);
    if ((header & 1) === 1) {
      const end = at + (hasChecksum ? 4 : 0);
      return { end: Math.min(end, bytes.length), whole: end <= bytes.length };
    }
  }
  return { end: bytes.length, whole: false };
}
