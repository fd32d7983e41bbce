/** A word as a shell is to read it: in quotes where it needs them. */
export function shellWord(word: string): string {
  if (/^[\p{L}\p{N}_./:@%+,=-]+$/u.test(word)) return word;
  if (!/[\p{Cc}\p{Cf}\p{Zl}\p{Zp}]/u.test(word)) return `'${word.replaceAll("'", "'\\''")}'`;
  // What a terminal would act on has a form of its own in bash, zsh and ksh.
  const bytes = [...Buffer.from(word, 'utf8')].map((byte) =>
    byte < 0x20 || byte > 0x7e || byte === 0x27 || byte === 0x5c
      ? `\\x${byte.toString(16).padStart(2, '0')}`
      : String.fromCharCode(byte),
  );
  return `$'${bytes.join('')}'`;
}
