import { constants, gunzipSync, inflateSync } from 'node:zlib';
import { Decompress } from 'fzstd';
import { type Packer, mostWindowBytes, zstdFrames } from './stream.ts';

/** Why packed bytes stay packed. */
export type PackedStill = 'too long' | 'damaged';

/**
 * Unpacks a value at one go, and no more than `mostBytes` of it: a small value can unpack into a huge one.
 * @param isStart the rest of the value was not read, so it may end anywhere
 */
export function unpackBytes(
  packed: Buffer,
  packer: Packer,
  mostBytes: number,
  isStart: boolean,
): Buffer | PackedStill {
  try {
    if (packer === 'zstd') return unpackZstd(packed, mostBytes, isStart);
    const unpack = packer === 'gzip' ? gunzipSync : inflateSync;
    return unpack(packed, {
      maxOutputLength: mostBytes,
      ...(isStart && { finishFlush: constants.Z_SYNC_FLUSH }),
    });
  } catch (error) {
    return error instanceof RangeError || error instanceof TooLong ? 'too long' : 'damaged';
  }
}

class TooLong extends Error {}

function unpackZstd(packed: Buffer, mostBytes: number, isStart: boolean): Buffer {
  const unpacked: Buffer[] = [];
  let bytes = 0;
  for (const frame of zstdFrames(packed)) {
    // The library makes room for what a header claims.
    if (frame.windowBytes > mostWindowBytes || bytes + frame.contentBytes > mostBytes) throw new TooLong();
    const decompress = new Decompress((block) => {
      bytes += block.length;
      if (bytes > mostBytes) throw new TooLong();
      unpacked.push(Buffer.from(block));
    });
    // It keeps what it is given, and wants arrays of its own.
    decompress.push(new Uint8Array(packed.subarray(frame.start, frame.end)), frame.whole || !isStart);
  }
  return Buffer.concat(unpacked);
}
