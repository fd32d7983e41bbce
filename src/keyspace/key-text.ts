import { type ByteString, bufferOf, textOf } from '../support/bytes.ts';

/**
 * A key as people read it: its UTF-8 text, or, where its bytes are no UTF-8, with each byte above 0x7f as `\xNN`.
 * Control characters are left to the renderer, which escapes them on every way out but JSON.
 */
export function keyText(key: ByteString): string {
  return textOf(key) ?? key.replace(/[\x80-\xff]/g, (byte) => `\\x${byte.charCodeAt(0).toString(16)}`);
}

/** A key in JSON: its text, and also its bytes where the text does not represent them exactly. */
export function keyFields(key: ByteString): { key: string; keyBase64?: string } {
  const text = textOf(key);
  return text === undefined
    ? { key: keyText(key), keyBase64: bufferOf(key).toString('base64') }
    : { key: text };
}

/** The first of each list, then the second of each, and so on, up to `most`: a small sample that shows every list. */
export function dealFrom<T>(lists: readonly (readonly T[])[], most: number): T[] {
  const dealt: T[] = [];
  const rounds = Math.max(0, ...lists.map(({ length }) => length));
  for (let round = 0; round < rounds; round++) {
    for (const list of lists) {
      if (dealt.length >= most) return dealt;
      if (round < list.length) dealt.push(list[round] as T);
    }
  }
  return dealt;
}
