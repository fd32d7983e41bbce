import { asBytes, type ByteString, bytesOf } from '../../src/support/bytes.ts';

/** Names that would break a table, act on a terminal, or that no text can hold. */
export const hostileKeys: readonly ByteString[] = [
  bytesOf('esc:\x1b[2J\x1b[31mred'),
  bytesOf('title:\x1b]0;pwned\x07'),
  bytesOf('c1:\u009b31m'),
  bytesOf('lines:a\nb\r\nc\u2028d'),
  bytesOf('tab:a\tb'),
  bytesOf('rtl:\u202egpj.exe'),
  bytesOf('quotes:{"a": \'b\', c}'),
  bytesOf('null:\0:end'),
  bytesOf('words:dobrý den 日本語 🙂'),
  asBytes('binary:\xff\xfe\x80'),
  asBytes('half:\xe2\x82'),
  bytesOf(''),
  bytesOf(':'),
  bytesOf(`long:${'x'.repeat(65_536)}`),
];

/** The bytes of a key as JSON gives it. */
export function bytesOfJson(entry: { readonly key: string; readonly keyBase64?: string }): string {
  return entry.keyBase64 === undefined
    ? bytesOf(entry.key)
    : Buffer.from(entry.keyBase64, 'base64').toString('latin1');
}
