import type { Context } from './context.ts';

/** Warns where what was given, and led to no key, was copied from a key as it is printed. */
export function warnOfEscapes({ warn }: Pick<Context, 'warn'>, given: readonly string[]): void {
  if (!given.some((text) => /\\x[0-9a-f]{2}/i.test(text))) return;
  warn(
    '`\\x` in a printed key stands for a byte that is not printable text, and is not read back\n' +
      'hint: write * for it in a pattern, or give `cachectl get --base64` the `keyBase64` of `cachectl keys PATTERN --output json`',
  );
}
