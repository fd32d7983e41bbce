import type { ByteString } from '../support/bytes.ts';
import type { NamespaceMap } from './map.ts';
import { unmappedName } from './namespace-tree.ts';
import { commonGlob, compilePattern, type KeyPattern } from './pattern.ts';

/** Keys as a command line names them: those that match one of the patterns and lie in one of the namespaces; none of either: all. */
export interface KeySelection {
  readonly patterns: readonly KeyPattern[];
  /** Of the map, or `(unmapped)`. */
  readonly namespaces: readonly string[];
}

/** What is wanted of keys: `match` for the server, which may let more through, and `accepts` for us; left out: every key. */
export function keyFilter(
  map: NamespaceMap,
  { patterns, namespaces }: KeySelection,
): { match?: ByteString; accepts?: (key: ByteString) => boolean } {
  const tests = patterns.map((pattern) => compilePattern(pattern, map.delimiters));
  const wanted = new Set(namespaces);
  const match = commonGlob(patterns);
  const accepts = (key: ByteString) =>
    (tests.length === 0 || tests.some((test) => test(key))) &&
    (wanted.size === 0 || wanted.has(map.classify(key)?.name ?? unmappedName));
  return {
    ...(match !== null && { match }),
    ...(tests.length + wanted.size > 0 && { accepts }),
  };
}
