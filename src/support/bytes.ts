declare const brand: unique symbol;

/**
 * A byte string: one character per byte (latin1), so that every key and value survives unchanged and string operations
 * stay fast. Text typed by a person or read from a file must pass through `bytesOf` first.
 */
export type ByteString = string & { readonly [brand]: 'bytes' };

/** The UTF-8 bytes of a text. */
export function bytesOf(text: string): ByteString {
  // Most keys and patterns are ASCII, whose UTF-8 form is itself.
  return (/^[\x00-\x7f]*$/.test(text) ? text : Buffer.from(text, 'utf8').toString('latin1')) as ByteString;
}

/** Marks a string that already has one byte per character. */
export function asBytes(latin1: string): ByteString {
  return latin1 as ByteString;
}

/** The buffer behind a byte string. */
export function bufferOf(bytes: ByteString): Buffer {
  return Buffer.from(bytes, 'latin1');
}

const decoder = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true });

/** The text of a byte string, or undefined where its bytes are not valid UTF-8. */
export function textOf(bytes: ByteString): string | undefined {
  if (/^[\x00-\x7f]*$/.test(bytes)) return bytes;
  try {
    return decoder.decode(bufferOf(bytes));
  } catch {
    return undefined;
  }
}
