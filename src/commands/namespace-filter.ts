import { type KeySelection, type NamespaceMap, unmappedName } from '../keyspace/map.ts';
import { InputError } from '../support/failure.ts';
import { readPattern } from '../keyspace/pattern.ts';

/** The keys that patterns and `--namespace` select. @throws InputError with the names there are */
export function selectionOf(
  map: NamespaceMap,
  patterns: readonly string[],
  namespaces: readonly string[] = [],
): KeySelection {
  for (const name of namespaces) requireNamespace(map, name);
  return { patterns: patterns.map(readPattern), namespaces };
}

function requireNamespace(map: NamespaceMap, name: string): void {
  if (map.namespaces.some((namespace) => namespace.name === name)) return;
  if (map.isEmpty) {
    throw new InputError(
      `there is no namespace \`${name}\`, for there is no map`,
      'give a pattern instead, or write a map with `cachectl config init`',
    );
  }
  if (name === unmappedName) return;
  const names = map.namespaces.map((namespace) => namespace.name);
  throw new InputError(`the map has no namespace \`${name}\``, `namespaces are: ${names.join(', ')}`);
}

/** As files of before have it: one namespace is a text, and none is left out. */
export function oneOrMore(namespaces: readonly string[] = []): string | readonly string[] | undefined {
  return namespaces.length > 1 ? namespaces : namespaces[0];
}
