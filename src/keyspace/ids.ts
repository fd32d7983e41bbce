const urlSafe = /^[A-Za-z0-9_-]+$/;
const shortestToken = 20;
/** `user`, `User`, `getHTTPResponse`, `LIMIT`: as people write words. */
const written = /^(?:[A-Z]+|[A-Z]{0,5}[a-z]*(?:[A-Z]{1,5}[a-z]{2,})*)$/;
/** Words that look like ids are taken for values of one variable from this many on. */
const fewestIds = 3;
const hex = /^[0-9a-f]+$/i;

/** Random URL-safe text of any alphabet: base64url, base62, ULID, cuid. */
export function isToken(segment: string): boolean {
  if (segment.length < shortestToken || !urlSafe.test(segment)) return false;
  if (!/[a-z]/.test(segment) || !/[A-Z]/.test(segment))
    return runsOf(segment).some((run) => run.length >= 16 && isMixed(run));
  return !isWritten(segment);
}

/** True for text that fits `<token>` and is not made of words in one case: among tokens it is one more. */
function fitsToken(segment: string): boolean {
  if (segment.length < shortestToken || !urlSafe.test(segment)) return false;
  const hasBothCases = /[a-z]/.test(segment) && /[A-Z]/.test(segment);
  return hasBothCases || runsOf(segment).some((run) => run.length >= 16);
}

/** True for text such as `V1StGXR8`, `9f86d081` or `dQw4w9WgXcQ`, which no one writes as a word. */
export function looksLikeId(segment: string): boolean {
  return (
    segment.length >= 8 &&
    urlSafe.test(segment) &&
    runsOf(segment).some((run) => run.length >= 8 && isMixed(run))
  );
}

function runsOf(segment: string): string[] {
  return segment.split(/[_-]/);
}

/** True where letters stand between digits. */
function isMixed(run: string): boolean {
  return /\d[A-Za-z]+\d/.test(run);
}

function isWritten(segment: string): boolean {
  return runsOf(segment).every((run) => written.test(run.replace(/\d{1,9}$/, '')));
}

/**
 * Which of the words that stand at one place of the keys are ids: a text without a digit among tokens, `deadbeef` among short
 * digests, and whatever looks like an id by itself.
 *
 * @param besideTokens `<token>` was inferred at the same place
 */
export function idsAmong(
  words: readonly string[],
  besideTokens: boolean,
): { readonly tokens: readonly string[]; readonly ids: readonly string[] } {
  const tokens = besideTokens ? words.filter(fitsToken) : [];
  const rest = words.filter((word) => !tokens.includes(word));
  const ids = rest.filter(looksLikeId);
  if (ids.length < fewestIds) return { tokens, ids: [] };
  const lengths = new Set(ids.map(({ length }) => length));
  const areHex = ids.every((id) => hex.test(id));
  const alike = rest.filter((word) => lengths.has(word.length) && (areHex ? hex : urlSafe).test(word));
  // Letters alone may be a word that happens to be as long as the ids.
  const areIds = areHex || (lengths.size === 1 && (alike.length - ids.length) * 5 <= ids.length);
  return { tokens, ids: areIds ? alike : ids };
}
