import type { ByteString } from '../support/bytes.ts';
import { delimitersOf, inferSegments, nextDelimiter } from './infer.ts';

/** What may let someone in: a session goes by any of them. */
const secret = /<(?:token|hash|uuid)>/;

/** Enough to find the key by, with `*` behind it. */
const shownCharacters = 4;

/**
 * A key for a page that is passed on: of what seems to be a token, a digest or a UUID only the beginning, `session:2ekr…`.
 * @param namespace by which it is one too, where it was inferred from many keys: `session:<token>`
 */
export function shortenedKey(key: string, namespace: string, delimiters: readonly string[]): string {
  // Inference goes by ASCII, and takes all else for text: here the characters are those of the text.
  const between = delimitersOf(key, delimiters);
  const names = segmentsOf(namespace, between);
  const segments = segmentsOf(key, between);
  const inferred = inferSegments(key as ByteString, delimiters);
  return segments
    .map((segment, index) => {
      const ofNamespace = names.length === segments.length ? names[index] : undefined;
      const shape = [inferred[index], ofNamespace].find((each) => secret.test(each ?? ''));
      if (shape === undefined) return segment;
      const lead = shape.slice(0, shape.indexOf('<'));
      const shown = (segment.startsWith(lead) ? lead.length : 0) + shownCharacters;
      const end = between.includes(segment.at(-1) ?? '') ? segment.slice(-1) : '';
      return segment.length - end.length <= shown ? segment : `${segment.slice(0, shown)}…${end}`;
    })
    .join('');
}

function segmentsOf(text: string, between: readonly string[]): string[] {
  const segments: string[] = [];
  for (let start = 0, end = 0; end >= 0; start = end + 1) {
    end = nextDelimiter(text, between, start);
    segments.push(end < 0 ? text.slice(start) : text.slice(start, end + 1));
  }
  return segments;
}
