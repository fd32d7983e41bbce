import { InputError } from '../support/failure.ts';
import type { Entity, NamespaceMap } from '../keyspace/map.ts';
import {
  bindPlaceholder,
  commonGlob,
  escapeGlob,
  exactKeyOf,
  globOf,
  type KeyPattern,
  parsePattern,
  patternWithin,
  quotePattern,
} from '../keyspace/pattern.ts';
import { asBytes, type ByteString, bytesOf } from '../support/bytes.ts';
import { idFinder, idPlaceholder, matchAnyId } from './id-matcher.ts';
import type { KeyWalk, Selection } from './selection.ts';
import { hashedCopies } from './unreachable.ts';

/**
 * The keys of one or many things of a kind. With entities in the map the kind is one of them; without, it is any word,
 * and its keys hold the consecutive segments `word:<id>`, in a hash tag or not: `user:{<id>}`. @throws InputError
 */
export function selectEntity(name: string, ids: readonly string[], map: NamespaceMap): Selection {
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
  throw new InputError(
    `the map has no entity \`${name}\``,
    `entities are: ${map.entities.map((each) => each.name).join(', ')}; ` +
      (namespace
        ? `\`${name}\` is a namespace, for --namespace`
        : `other keys go with --pattern '${name}:<id>:*', the id in its place`),
  );
}

function selectMapped(entity: Entity, ids: readonly string[], map: NamespaceMap): Selection {
  const bound = entity.patterns.flatMap((pattern) =>
    ids.map((id) => bindPlaceholder(pattern, idPlaceholder, id)),
  );
  const [first] = ids as readonly [string, ...string[]];
  const wild = entity.patterns.filter(
    (pattern) => exactKeyOf(bindPlaceholder(pattern, idPlaceholder, first)) === null,
  );
  const unreachable = hashedCopies(entity, map);
  return {
    patterns: bound.map(({ text }) => text),
    exactKeys: bound.flatMap((pattern) => exactKeyOf(pattern) ?? []),
    walk: walkFor(wild, ids, map.delimiters),
    unreachable,
    futile: entity.patterns.length === 0,
    idsOf: idsIn(entity.patterns, ids, map.delimiters),
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
    unreachable: [],
    futile: false,
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

/** One walk for all patterns and ids together. */
function walkFor(
  patterns: readonly KeyPattern[],
  ids: readonly string[],
  delimiters: readonly string[],
): KeyWalk | null {
  const [pattern, ...more] = patterns;
  if (pattern === undefined) return null;
  const [id, ...otherIds] = ids as readonly [string, ...string[]];
  const tests = patterns.map((each) => matchAnyId(each, ids, delimiters));
  const bound = () => patterns.flatMap((each) => ids.map((one) => bindPlaceholder(each, idPlaceholder, one)));
  return {
    match:
      more.length > 0
        ? commonGlob(bound())
        : globOf(otherIds.length === 0 ? bindPlaceholder(pattern, idPlaceholder, id) : pattern),
    matches: (key) => tests.some((test) => test(key)),
  };
}
