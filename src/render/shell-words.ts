/** Words as a shell reads them back, on one line: a file name may hold blanks, quotes, and worse. */
export function shellLine(words: readonly string[]): string {
  return words.map(quoted).join(' ');
}

function quoted(word: string): string {
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
