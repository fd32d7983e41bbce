import type { ByteString } from '../support/bytes.ts';
import { delimitersOf, detached, longestVersion, nextDelimiter } from './infer.ts';
import { id } from './placeholders.ts';

/** Behind a prefix there are no more; with more words in their place it is not told which they are. */
export const mostVersions = 8;

/** True for a number that inference has left as it is, for it is a version. */
export function isVersion(segment: string): boolean {
  const first = segment.charCodeAt(0);
  return first >= 48 && first <= 57 && /^\d{1,3}\W$/.test(segment);
}

/** The second segment of a key, as it is; null where it is no number that may be a version. @param inferred what it was taken for */
export function numberOf(key: ByteString, inferred: string, delimiters: readonly string[]): string | null {
  if (isVersion(inferred)) return inferred;
  if (!inferred.startsWith(id) || inferred.length > id.length + 1) return null;
  const between = delimitersOf(key, delimiters);
  const start = nextDelimiter(key, between, 0) + 1;
  const end = nextDelimiter(key, between, start);
  return end < 0 || end - start > longestVersion ? null : detached(key.slice(start, end + 1));
}
