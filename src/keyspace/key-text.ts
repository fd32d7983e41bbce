import { type ByteString, bufferOf, textOf } from '../support/bytes.ts';

/**
 * A key as people read it: its UTF-8 text, or, where its bytes are no UTF-8, with each byte above 0x7f as `\xNN`.
 * Control characters are left to the renderer, which escapes them on every way out but JSON.
 */
export function keyText(key: ByteString): string {
  return textOf(key) ?? key.replace(/[\x80-\xff]/g, (byte) => `\\x${byte.charCodeAt(0).toString(16)}`);
}

/** A key in JSON: its text, and its bytes beside it where the text is not the whole truth. */
export function keyFields(key: ByteString): { key: string; keyBase64?: string } {
  const text = textOf(key);
  return text === undefined
    ? { key: keyText(key), keyBase64: bufferOf(key).toString('base64') }
    : { key: text };
}
