/** Numbers from 0 to 1, 1 excluded, that are the same for the same seed. @see mulberry32 of Tommy Ettinger, public domain */
export function seededRandom(seed: number): () => number {
  let state = seed | 0;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let bits = Math.imul(state ^ (state >>> 15), 1 | state);
    bits = (bits + Math.imul(bits ^ (bits >>> 7), 61 | bits)) ^ bits;
    return ((bits ^ (bits >>> 14)) >>> 0) / 2 ** 32;
  };
}

/** 40 hexadecimal digits that look like a digest and depend on the number alone. */
export function digestOf(number: number): string {
  const random = seededRandom(number);
  let text = '';
  for (let part = 0; part < 5; part++)
    text += Math.floor(random() * 2 ** 32)
      .toString(16)
      .padStart(8, '0');
  return text;
}
