/** What this program unpacks, in files and in values. */
export type Packer = 'gzip' | 'zlib' | 'zstd';
/** What it knows by its first bytes, and does not unpack. Brotli has no such bytes. */
export type ForeignPacker = 'lz4' | 'snappy' | 'bzip2' | 'xz';

const marks: readonly (readonly [Packer | ForeignPacker, RegExp])[] = [
  ['gzip', /^\x1f\x8b\x08/],
  // A frame of zstd, or one that is to be skipped, with which parallel compressors begin (RFC 8878, section 3.1).
  ['zstd', /^(?:\x28\xb5\x2f\xfd|[\x50-\x5f]\x2a\x4d\x18)/],
  ['zlib', /^\x78[\x01\x5e\x9c\xda]/],
  ['lz4', /^(?:\x04\x22|\x02\x21)\x4d\x18/],
  ['snappy', /^\xff\x06\x00\x00sNaPpY/],
  ['bzip2', /^BZh[1-9]1AY&SY/],
  ['xz', /^\xfd7zXZ\x00/],
];

/** @param start the first bytes, one character each */
export function packerOf(start: string): Packer | ForeignPacker | null {
  return marks.find(([, mark]) => mark.test(start))?.[0] ?? null;
}

export function isReadable(packer: Packer | ForeignPacker): packer is Packer {
  return packer === 'gzip' || packer === 'zlib' || packer === 'zstd';
}
