/**
 * Unpacks LZF, in which the server stores long strings. @throws RangeError where the bytes are no LZF of that length
 * @see https://github.com/redis/redis/blob/7.0/src/lzf_d.c
 */
export function unpackLzf(packed: Buffer, length: number): Buffer {
  const out = Buffer.alloc(length);
  let [from, to] = [0, 0];
  while (from < packed.length) {
    const control = packed[from++] ?? 0;
    if (control < 32) {
      // A run of bytes as they are.
      to += packed.copy(out, to, from, from + control + 1);
      from += control + 1;
      continue;
    }
    let run = control >> 5;
    if (run === 7) run += packed[from++] ?? 0;
    let back = to - ((control & 31) << 8) - (packed[from++] ?? 0) - 1;
    if (back < 0) throw new RangeError('a reference points before the start');
    // Byte by byte: a run may overlap what it repeats.
    for (let left = run + 2; left > 0; left--) out[to++] = out[back++] ?? 0;
  }
  if (to !== length) throw new RangeError('the length is another');
  return out;
}
