import { InputError } from '../failure.ts';
import type { NamespaceMap } from '../keyspace/map.ts';
import { unmappedName } from '../keyspace/namespace-tree.ts';

/** Checks the value of `--namespace`. @throws InputError with the names there are */
export function requireNamespace(map: NamespaceMap, name: string | undefined): void {
  if (name === undefined || map.namespaces.some((namespace) => namespace.name === name)) return;
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
