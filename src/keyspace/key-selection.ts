import type { KeyConditions } from '../redis/key-conditions.ts';
import type { WalkOptions } from '../redis/walk.ts';
import type { ByteString } from '../support/bytes.ts';
import { given } from '../support/collections.ts';
import { type NamespaceMap, unmappedName } from './map.ts';
import { commonGlob, compilePattern, type KeyPattern } from './pattern.ts';

/** Names of keys: of patterns, and of namespaces of the map or `(unmapped)`. */
export interface KeyNames {
  readonly patterns: readonly KeyPattern[];
  readonly namespaces: readonly string[];
}

/**
 * Keys as a command line names them: those that match one of the patterns, lie in one of the namespaces, and pass everything else;
 * what is empty or left out says nothing.
 */
export interface KeySelection extends KeyNames {
  /** Keys that match one of these patterns, or lie in one of these namespaces, are left out. */
  readonly excluded?: KeyNames;
  /** A glob of the server's own. */
  readonly glob?: ByteString;
  /** Each has to let the name through. */
  readonly nameTests?: readonly ((key: ByteString) => boolean)[];
  /** One Redis type, which newer servers test without a lookup. */
  readonly type?: string;
  readonly conditions?: KeyConditions;
}

/** A selection as a walk takes it: what the server tests, what the name decides, and what has to be read of a key. */
export type KeyFilter = Pick<WalkOptions, 'match' | 'accepts' | 'type' | 'conditions'>;

/** What is left out of it does not matter; nothing in it: every key. */
export function keyFilter(map: NamespaceMap, selection: KeySelection): KeyFilter {
  const { patterns, namespaces, excluded = nothing, nameTests = [], glob, type, conditions } = selection;
  const wanted = namesTest(map, { patterns, namespaces: [] });
  const within = namesTest(map, { patterns: [], namespaces });
  const without = namesTest(map, excluded);
  const tests = [wanted, within, without && ((key: ByteString) => !without(key)), ...nameTests];
  const asked = tests.filter((test) => test !== null);
  return given({
    match: glob ?? commonGlob(patterns) ?? undefined,
    accepts: asked.length === 0 ? undefined : (key: ByteString) => asked.every((test) => test(key)),
    type,
    conditions,
  });
}

const nothing: KeyNames = { patterns: [], namespaces: [] };

/** Whether a key is one of those; null where there are no names. */
export function namesTest(
  map: NamespaceMap,
  { patterns, namespaces }: KeyNames,
): ((key: ByteString) => boolean) | null {
  if (patterns.length + namespaces.length === 0) return null;
  const tests = patterns.map((pattern) => compilePattern(pattern, map.delimiters));
  const names = new Set(namespaces);
  return (key) =>
    tests.some((test) => test(key)) || (names.size > 0 && names.has(map.classify(key)?.name ?? unmappedName));
}
