/**
 * The text without what could be a password in a URL in it: user and password, wherever a person has put the URL, and what a
 * query calls a password. Every message passes through here.
 *
 * A password may not have been escaped, so that all before the last `@` of a URL belongs to it, and where there is no `@`, all
 * that is no host and port. Web addresses, which have an `@` in their paths, end their user and password at the first `/`.
 */
export function maskedText(text: string): string {
  const scheme = new RegExp(schemes.source, 'gi');
  let masked = '';
  let from = 0;
  for (let match = scheme.exec(text); match !== null; match = scheme.exec(text)) {
    const start = match.index + match[0].length;
    const end = start + lengthOfUrl(text.slice(start, start + longestUrl), text[match.index - 1]);
    masked += text.slice(from, match.index) + maskedList(text.slice(match.index, end));
    // What looks like a scheme within a URL is a part of its password.
    from = scheme.lastIndex = end;
  }
  return masked + text.slice(from);
}

const longestUrl = 65_536;

/** One URL, or several with commas between them, as nodes are listed. */
function maskedList(urls: string): string {
  return urls
    .split(/,(?=(?:rediss?|valkeys?|unix|https?):\/)/i)
    .map(maskedUrl)
    .join(',');
}

/** The same for a text that as a whole is meant to be a URL, whatever is in it, and also where it names no scheme. */
export function maskedUrl(text: string): string {
  const [scheme = ''] = new RegExp(`^[\\s"'\`\\ufeff]*${schemes.source}`, 'i').exec(text) ?? [];
  return scheme + maskedRest(text.slice(scheme.length), scheme === '' ? 'redis://' : scheme);
}

/** `redis:/` and `redis:` are meant to be `redis://`. */
const schemes = /(?<![a-z0-9+.-])(?:[a-z][a-z0-9+.-]{0,30}:\/\/|(?:rediss?|valkeys?|unix):\/?)/;

/** How far the URL reaches: to the quote that closes it, for a password may have blanks, else to the next blank. */
function lengthOfUrl(rest: string, before: string | undefined): number {
  const closing =
    before !== undefined && '`\'"'.includes(before) ? new RegExp(`${before}(?![^\\s,;:.)])`) : null;
  const quoted = closing === null ? -1 : rest.search(closing);
  const end = quoted >= 0 ? quoted : rest.search(/\s|$/);
  // The punctuation of the sentence.
  return quoted >= 0 ? end : rest.slice(0, end).replace(/[`'"),;:.]+$/, '').length;
}

function maskedRest(rest: string, scheme: string): string {
  const queryMasked = rest.replace(/([?&](?:pass|pwd|auth|token|secret|credential)\w*=)[^&#]*/gi, '$1…');
  const isWeb = /^(?:https?|ftp|file|s3|git|wss?):/i.test(scheme);
  const authorityEnd = isWeb ? rest.search(/[/?#]|$/) : queryMasked.length;
  const at = queryMasked.slice(0, authorityEnd).lastIndexOf('@');
  if (at >= 0) return `…${queryMasked.slice(at)}`;
  // Without an @, `user:secret` may be in the place of `host:port`.
  if (isWeb || !scheme.endsWith('//')) return queryMasked;
  return /^(?:\[[^\]]*\]|[^:/?#]*)(?::\d{0,5})?(?:[/?#].*)?$/s.test(rest) ? queryMasked : '…';
}
