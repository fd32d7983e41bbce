import { InputError } from '../support/failure.ts';
import { meantText } from '../support/similar.ts';
import { entitiesText, type Entity, type Namespace, type NamespaceMap } from '../keyspace/map.ts';
import {
  bindPlaceholder,
  commonGlob,
  compilePattern,
  escapeGlob,
  exactKeyOf,
  globOf,
  type KeyPattern,
  givenPattern,
  matchesEverything,
  parsePattern,
  patternWithin,
  quotePattern,
  readPattern,
} from '../keyspace/pattern.ts';
import { asBytes, bytesOf, type ByteString } from '../support/bytes.ts';
import { digestsBeyond, hashedCopies, type Unreachable } from './unreachable.ts';
import { type InferredNames, inferredNamespace, namesByKeyAlone } from './inferred-names.ts';
import { idPlaceholder, idFinder } from './id-matcher.ts';

/** What is to be removed, as it was asked for. */
export type Target =
  | { readonly kind: 'entity'; readonly name: string; readonly ids: readonly string[] }
  /** `all` must be true for a pattern that selects without regard to names. */
  | { readonly kind: 'pattern'; readonly texts: readonly string[]; readonly all: boolean }
  | { readonly kind: 'namespace'; readonly names: readonly string[] }
  | ChosenTarget;

/** What a person chose on a screen: keys of which no option says exactly as many. */
export interface ChosenTarget {
  readonly kind: 'chosen';
  /** As it reads after "invalidate": `key user:1`. */
  readonly name: string;
  readonly selection: Selection;
}

/** How the keys of a target are found. */
export interface Selection {
  /** In the language of the map, with every id in its place. */
  readonly patterns: readonly string[];
  /** Keys that are known in full, and need no walk. */
  readonly exactKeys: readonly ByteString[];
  /** What only a walk over the keyspace finds; null where there is no such thing. */
  readonly walk: KeyWalk | null;
  /** Namespaces with data of the target that it cannot find. */
  readonly unreachable?: readonly Unreachable[];
  /** True where finding nothing means that nothing could be found this way, not that there is nothing. */
  readonly futile?: boolean;
  /** Of an entity: the ids that a selected key belongs to. */
  readonly idsOf?: (key: ByteString) => readonly string[];
}

export interface KeyWalk {
  /** Glob for the server's MATCH, which may let more keys through than `matches`; null: every key must be looked at. */
  readonly match: ByteString | null;
  readonly matches: (key: ByteString) => boolean;
}

/**
 * @param inferred what the namespaces are where there is no map
 * @throws InputError where the target cannot be used.
 */
export function selectKeys(target: Target, map: NamespaceMap, inferred = namesByKeyAlone(map)): Selection {
  switch (target.kind) {
    case 'entity':
      return selectEntity(target.name, target.ids, map);
    case 'pattern':
      return selectPatterns(target.texts.map(readPattern), target.all, map);
    case 'namespace':
      return map.isEmpty ? selectInferred(target.names, map, inferred) : selectNamespaces(target.names, map);
    case 'chosen':
      return target.selection;
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

/** @param testOf Given the patterns with a wildcard, gives the test whether a key is one of theirs. */
function selectAny(
  patterns: readonly KeyPattern[],
  testOf: (wild: readonly KeyPattern[]) => KeyWalk['matches'],
): Selection {
  const wild = patterns.filter((pattern) => exactKeyOf(pattern) === null);
  return {
    patterns: patterns.map(({ text }) => text),
    exactKeys: patterns.flatMap((pattern) => exactKeyOf(pattern) ?? []),
    walk: wild.length === 0 ? null : { match: commonGlob(wild), matches: testOf(wild) },
  };
}

function selectNamespaces(names: readonly string[], map: NamespaceMap): Selection {
  const namespaces = names.map((name) => requireCache(name, map));
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

function selectInferred(names: readonly string[], map: NamespaceMap, inferred: InferredNames): Selection {
  const tests = names.map((name) => inferredNamespace(name, map, inferred));
  return selectAny(names.map(givenPattern), () => (key) => tests.some((test) => test(key)));
}

/** @throws InputError where the map has no such namespace, or it is state */
export function requireCache(name: string, map: NamespaceMap): Namespace {
  const namespace = requireNamespace(name, map);
  if (namespace.kind === 'state') throw isState(namespace);
  return namespace;
}

/** @throws InputError where the map has no such namespace */
export function requireNamespace(name: string, map: NamespaceMap): Namespace {
  const namespace = map.namespaces.find((each) => each.name === name);
  if (namespace) return namespace;
  const cached = map.namespaces.filter(({ kind }) => kind === 'cache').map((each) => each.name);
  throw new InputError(
    `the map has no namespace \`${name}\``,
    cached.length > 0
      ? `${meantText(name, cached)}namespaces are: ${cached.join(', ')}`
      : 'all namespaces of the map are state',
  );
}

/** Where a map says that keys are state. */
export function takeStateOut(names: readonly string[]): string {
  const entries = names.map((name) => `\`namespaces.${name}\``).join(', ');
  return `take "kind": "state" out of ${entries} in the map (\`cachectl config show\` names its file)`;
}

function isState(namespace: Namespace): InputError {
  return new InputError(
    `namespace \`${namespace.name}\` is state, which no bulk removal touches`,
    `what is in it cannot be computed again; if that is wrong, ${takeStateOut([namespace.name])}`,
  );
}

/**
 * The keys of one or many things of a kind. With entities in the map the kind is one of them; without, it is any word,
 * and its keys hold the consecutive segments `word:<id>`, in a hash tag or not: `user:{<id>}`. @throws InputError
 */
function selectEntity(name: string, ids: readonly string[], map: NamespaceMap): Selection {
  if (name === '')
    throw new InputError('the entity has no name', 'write it like `cachectl invalidate user 123`');
  if (ids.length === 0) {
    const isKey = name.includes('*') || map.delimiters.some((delimiter) => name.includes(delimiter));
    throw new InputError(
      `\`${name}\` needs at least one id`,
      isKey
        ? `keys by their names go with --pattern '${name}'`
        : `write \`cachectl invalidate ${name} 123\`, or --namespace or --pattern for all of its keys`,
    );
  }
  if (ids.includes('')) {
    throw new InputError(`an id of \`${name}\` is empty`, 'an empty id would select none, or too much');
  }
  const distinct = [...new Set(ids)];
  if (map.entities.length === 0) return selectWord(name, distinct, map.delimiters);
  const entity = map.entities.find((each) => each.name === name);
  if (entity !== undefined) return selectMapped(entity, distinct, map);
  const namespace = map.namespaces.some((each) => each.name === name);
  const begins = map.delimiters.map((delimiter) => `${name}${delimiter}<`);
  const ofName = ({ text }: KeyPattern) => begins.some((begin) => text.startsWith(begin));
  const states = map.namespaces.filter(({ kind, patterns }) => kind === 'state' && patterns.some(ofName));
  const [pattern] = states.flatMap(({ patterns }) => patterns.filter(ofName));
  if (pattern !== undefined)
    throw new InputError(
      `the map has no entity \`${name}\`, and keys \`${pattern.text}\` are state, which no bulk removal touches`,
      `if they can be computed again, ${takeStateOut(states.map((each) => each.name))}, and give it the entity: ` +
        `"entities": { "${name}": { "patterns": ["${pattern.text}"] } }`,
    );
  throw new InputError(
    `the map has no entity \`${name}\``,
    `${entitiesText(name, map)}; ` +
      (namespace
        ? `\`${name}\` is a namespace, for --namespace`
        : `other keys go with --pattern '${name}:<id>:*', the id in its place`),
  );
}

function selectMapped(entity: Entity, ids: readonly string[], map: NamespaceMap): Selection {
  const { patterns } = entity;
  const forms = patterns.map((pattern) => ({
    pattern,
    bound: ids.map((id) => bindPlaceholder(pattern, idPlaceholder, id)),
  }));
  const wild = forms.filter(({ bound: [first] }) => first !== undefined && exactKeyOf(first) === null);
  const [only, ...more] = wild;
  const find = idsIn(
    wild.map(({ pattern }) => pattern),
    ids,
    map.delimiters,
  );
  const bound = forms.flatMap((form) => form.bound);
  // One walk for all patterns and ids together.
  const match =
    only !== undefined && more.length === 0 && ids.length > 1
      ? globOf(only.pattern)
      : commonGlob(wild.flatMap((form) => form.bound));
  return {
    patterns: bound.map(({ text }) => text),
    exactKeys: bound.flatMap((each) => exactKeyOf(each) ?? []),
    walk: only === undefined ? null : { match, matches: (key) => find(key).length > 0 },
    unreachable: hashedCopies(entity, map),
    futile: patterns.length === 0,
    idsOf: idsIn(patterns, ids, map.delimiters),
  };
}

function selectWord(word: string, ids: readonly string[], delimiters: readonly string[]): Selection {
  const inner = delimiters.map((delimiter) =>
    parsePattern(quotePattern(word + delimiter) + `<${idPlaceholder}>`),
  );
  // The one pattern has four forms in the language of the map: alone, first, last, and in the middle.
  const forms = inner.flatMap((pattern, index) => {
    const delimiter = delimiters[index] ?? '';
    return ids.flatMap((id) => {
      const { text } = bindPlaceholder(pattern, idPlaceholder, id);
      return [text, `${text}${delimiter}*`, `*${delimiter}${text}`, `*${delimiter}${text}${delimiter}*`];
    });
  });
  const find = idsIn(inner.map(patternWithin), ids, delimiters);
  const idsOf = (key: ByteString) => {
    const found = find(key);
    return found.length > 0 || !key.includes('{') ? found : find(asBytes(key.replaceAll(/[{}]/g, '')));
  };
  const [only = '', ...more] = ids;
  return {
    patterns: forms,
    exactKeys: [],
    walk: {
      match: asBytes(
        `*${escapeGlob(bytesOf(word))}*${more.length > 0 ? '' : `${escapeGlob(bytesOf(only))}*`}`,
      ),
      matches: (key) => idsOf(key).length > 0,
    },
    idsOf,
  };
}

function idsIn(
  patterns: readonly KeyPattern[],
  ids: readonly string[],
  delimiters: readonly string[],
): (key: ByteString) => readonly string[] {
  const finders = patterns.map((pattern) => idFinder(pattern, ids, delimiters));
  const [only, ...more] = finders;
  if (only !== undefined && more.length === 0) return only;
  return (key) => [...new Set(finders.flatMap((find) => find(key)))];
}

/**
 * The counters that are a part of the keys of a target: once they are incremented no reader finds the old keys, which
 * expire by themselves. @throws InputError where the map names none, and for state
 */
export function selectGenerations(target: Target, map: NamespaceMap): Selection {
  return { ...selectAny(generationsOf(target, map), () => () => false), walk: null };
}

function generationsOf(target: Target, map: NamespaceMap): KeyPattern[] {
  switch (target.kind) {
    case 'entity': {
      const generation = map.entities.find(({ name }) => name === target.name)?.generation ?? null;
      if (generation === null) throw noGeneration(`entity \`${target.name}\``, 'entities', target.name);
      return target.ids.map((id) => bindPlaceholder(generation, idPlaceholder, id));
    }
    case 'namespace':
      return target.names.map((name) => {
        const namespace = map.namespaces.find((each) => each.name === name);
        // Whoever raises the counter of sessions ends all of them.
        if (namespace?.kind === 'state') throw isState(namespace);
        const generation = namespace?.generation ?? null;
        if (generation === null) throw noGeneration(`namespace \`${name}\``, 'namespaces', name);
        return generation;
      });
    case 'pattern':
    case 'chosen':
      throw new InputError(
        '--mode generation needs an entity or a namespace: a pattern has no counter',
        'name the counter in the map, with "generation"',
      );
  }
}

function noGeneration(subject: string, list: string, name: string): InputError {
  return new InputError(
    `the map names no generation counter for ${subject}`,
    `write it there: "${list}": { "${name}": { "generation": "gen:${name}${list === 'entities' ? ':<id>' : ''}", … } }`,
  );
}
