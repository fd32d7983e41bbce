import { InputError } from '../support/failure.ts';
import { inferPattern } from '../keyspace/infer.ts';
import type { Namespace, NamespaceMap } from '../keyspace/map.ts';
import {
  commonGlob,
  compilePattern,
  exactKeyOf,
  type KeyPattern,
  matchesEverything,
  parsePattern,
} from '../keyspace/pattern.ts';
import type { ByteString } from '../support/bytes.ts';
import { selectEntity } from './entity.ts';
import { digestsBeyond } from './unreachable.ts';
import type { Unreachable } from './unreachable.ts';

/** What is to be removed, as it was asked for. */
export type Target =
  | { readonly kind: 'entity'; readonly name: string; readonly ids: readonly string[] }
  /** `all` must be true for a pattern that selects without regard to names. */
  | { readonly kind: 'pattern'; readonly texts: readonly string[]; readonly all: boolean }
  | { readonly kind: 'namespace'; readonly names: readonly string[] };

/** How the keys of a target are found. */
export interface Selection {
  /** In the language of the map, with every id in its place. */
  readonly patterns: readonly string[];
  /** Keys that are known in full, and need no walk. */
  readonly exactKeys: readonly ByteString[];
  /** What only a walk over the keyspace finds; null where there is no such thing. */
  readonly walk: KeyWalk | null;
  /** Namespaces with data of the target that it cannot find. */
  readonly unreachable: readonly Unreachable[];
  /** True where finding nothing means that nothing could be found this way, not that there is nothing. */
  readonly futile: boolean;
  /** Of an entity: the ids that a selected key belongs to. */
  readonly idsOf?: (key: ByteString) => readonly string[];
}

export interface KeyWalk {
  /** Glob for the server's MATCH, which may let more keys through than `matches`; null: every key must be looked at. */
  readonly match: ByteString | null;
  readonly matches: (key: ByteString) => boolean;
}

/** @throws InputError where the target cannot be used. */
export function selectKeys(target: Target, map: NamespaceMap): Selection {
  switch (target.kind) {
    case 'entity':
      return selectEntity(target.name, target.ids, map);
    case 'pattern':
      return selectPatterns(target.texts.map(readPattern), target.all, map);
    case 'namespace':
      return map.isEmpty ? selectInferred(target.names, map) : selectNamespaces(target.names, map);
  }
}

/**
 * A pattern as a person types it. `?` and `[` are wildcards to redis-cli and text to the map, so neither is taken for
 * the other. @throws InputError
 */
export function readPattern(text: string): KeyPattern {
  const [, ambiguous] = /^(?:\\[\s\S]|[^\\?[])*([?[])/.exec(text) ?? [];
  if (ambiguous !== undefined) {
    throw new InputError(
      `pattern \`${text}\`: \`${ambiguous}\` is no wildcard here`,
      `write * for anything and <id> for one whole segment, or \\${ambiguous} for the character itself`,
    );
  }
  return parsed(text);
}

function parsed(text: string): KeyPattern {
  try {
    return parsePattern(text);
  } catch (error) {
    throw new InputError((error as Error).message);
  }
}

function selectPatterns(patterns: readonly KeyPattern[], all: boolean, map: NamespaceMap): Selection {
  for (const pattern of patterns) {
    if (all || !matchesEverything(pattern, map.delimiters)) continue;
    throw new InputError(
      `pattern \`${pattern.text}\` selects without regard to names: it would remove every key that is not state`,
      'narrow it, or add --all to mean exactly that',
    );
  }
  const beyond = patterns.map((pattern) => digestsBeyond(pattern, map));
  const unreachable = beyond.flatMap((each) => each.unreachable);
  const tests = new Map(patterns.map((pattern) => [pattern, compilePattern(pattern, map.delimiters)]));
  return {
    ...selectAny(patterns, (wild) => {
      const wanted = wild.flatMap((pattern) => tests.get(pattern) ?? []);
      return (key) => wanted.some((test) => test(key));
    }),
    unreachable: [...new Map(unreachable.map((each) => [each.namespace, each])).values()],
    futile: beyond.every(({ futile }) => futile),
  };
}

/** @param testOf Given the patterns with a wildcard, tells whether a key is one of theirs. */
function selectAny(
  patterns: readonly KeyPattern[],
  testOf: (wild: readonly KeyPattern[]) => KeyWalk['matches'],
): Selection {
  const wild = patterns.filter((pattern) => exactKeyOf(pattern) === null);
  return {
    patterns: patterns.map(({ text }) => text),
    exactKeys: patterns.flatMap((pattern) => exactKeyOf(pattern) ?? []),
    walk: wild.length === 0 ? null : { match: commonGlob(wild), matches: testOf(wild) },
    unreachable: [],
    futile: false,
  };
}

function selectNamespaces(names: readonly string[], map: NamespaceMap): Selection {
  const namespaces = names.map((name) => {
    const namespace = map.namespaces.find((each) => each.name === name);
    if (namespace === undefined) throw unknownNamespace(name, map);
    if (namespace.kind === 'state') throw isState(namespace);
    return namespace;
  });
  // A key belongs to the namespace with the most specific pattern, which may be another one.
  const matches = (key: ByteString) => {
    const namespace = map.classify(key);
    return namespace !== null && namespaces.includes(namespace);
  };
  return selectAny(
    namespaces.flatMap(({ patterns }) => patterns),
    () => matches,
  );
}

/** Without a map a namespace is the pattern that keys were inferred to follow. */
function selectInferred(names: readonly string[], map: NamespaceMap): Selection {
  const tests = names.map((name) => {
    const pattern = parsed(name);
    if (matchesEverything(pattern, map.delimiters)) {
      throw new InputError(
        `namespace \`${name}\` has no name of its own`,
        "`cachectl inspect` lists the namespaces; for every key use --pattern '*' --all",
      );
    }
    const matches = compilePattern(pattern, map.delimiters);
    // `<id>` stands for a number where it was inferred, and for any segment in a pattern.
    const isInferred = name.includes('*')
      ? () => true
      : (key: ByteString) => inferPattern(key, map.delimiters) === name;
    return (key: ByteString) => matches(key) && isInferred(key);
  });
  return selectAny(names.map(parsed), () => (key) => tests.some((test) => test(key)));
}

export function unknownNamespace(name: string, map: NamespaceMap): InputError {
  const cached = map.namespaces.filter(({ kind }) => kind === 'cache').map((each) => each.name);
  return new InputError(
    `the map has no namespace \`${name}\``,
    cached.length > 0 ? `namespaces are: ${cached.join(', ')}` : 'all namespaces of the map are state',
  );
}

export function isState(namespace: Namespace): InputError {
  return new InputError(
    `namespace \`${namespace.name}\` is state, which no bulk removal touches`,
    'what is in it cannot be computed again; if that is wrong, take "kind": "state" out of the map',
  );
}
