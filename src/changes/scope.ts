import { inferPattern } from '../keyspace/infer.ts';
import type { NamespaceMap } from '../keyspace/map.ts';
import { unmappedName } from '../keyspace/namespace-tree.ts';
import type { ByteString } from '../support/bytes.ts';
import { isState, unknownNamespace } from './selection.ts';

/** Where a key belongs, and why it stays although it was selected: it is state, or `--only` or `--exclude` says so. */
export interface Verdict {
  readonly namespace: string;
  readonly stays: 'state' | 'option' | null;
}

/** Which of the selected keys may go. */
export type Scope = (key: ByteString) => Verdict;

/**
 * @param only Namespaces to which the removal is limited; empty: all.
 * @param exclude Namespaces that are left alone.
 * @throws InputError where the map has no such namespace, or where a state namespace is asked for.
 */
export function scopeOf(map: NamespaceMap, only: readonly string[], exclude: readonly string[]): Scope {
  if (!map.isEmpty) {
    for (const name of [...only, ...exclude]) {
      if (name !== unmappedName && !map.namespaces.some((each) => each.name === name))
        throw unknownNamespace(name, map);
    }
    for (const name of only) {
      const namespace = map.namespaces.find((each) => each.name === name);
      if (namespace?.kind === 'state') throw isState(namespace);
    }
  }
  const admitted = (name: string) => (only.length === 0 || only.includes(name)) && !exclude.includes(name);
  return (key) => {
    if (map.isEmpty) {
      const name = inferPattern(key, map.delimiters);
      return { namespace: name, stays: admitted(name) ? null : 'option' };
    }
    const namespace = map.classify(key);
    const name = namespace?.name ?? unmappedName;
    return {
      namespace: name,
      stays: namespace?.kind === 'state' ? 'state' : admitted(name) ? null : 'option',
    };
  };
}
